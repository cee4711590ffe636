import org.zeromq.ZMQ;

/** The guide's weather: `server ENDPOINT`, `client ENDPOINT ZIP UPDATES`. */
public final class Weather {
    public static void main(String[] args) {
        ZMQ.Context context = ZMQ.context(1);
        if (args[0].equals("server")) {
            serve(context, args[1]);
        } else {
            listen(context, args[1], args[2], Integer.parseInt(args[3]));
        }
        context.term();
        System.out.println("ended");
    }

    /** Publishes weather until all of those who came have gone. */
    private static void serve(ZMQ.Context context, String endpoint) {
        ZMQ.Socket publisher = context.socket(ZMQ.XPUB);
        publisher.bind(endpoint);
        System.out.println("serving");
        int listeners = 0;
        int came = 0;
        while (came < 2 || listeners > 0) {
            for (int n = 0; n < 100; n++) {
                int zip = 10000 + (int) (Math.random() * 10);
                int temperature = (int) (Math.random() * 215) - 80;
                publisher.send(String.format("%05d %d", zip, temperature));
            }
            byte[] subscription = publisher.recv(ZMQ.DONTWAIT);
            if (subscription != null) {
                listeners += subscription[0] == 1 ? 1 : -1;
                came += subscription[0];
            }
        }
        Looked.at();
        publisher.close();
    }

    private static void listen(ZMQ.Context context, String endpoint, String zip, int updates) {
        ZMQ.Socket subscriber = context.socket(ZMQ.SUB);
        subscriber.subscribe(zip.getBytes());
        subscriber.connect(endpoint);
        int right = 0;
        for (int n = 0; n < updates; n++) {
            right += subscriber.recvStr().startsWith(zip + " ") ? 1 : 0;
        }
        System.out.println("right " + right);
        Looked.at();
        subscriber.close();
    }
}
