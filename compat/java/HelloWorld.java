import org.zeromq.ZMQ;

/** The guide's hello world: `server ENDPOINT REQUESTS`, `client ENDPOINT REQUESTS`. */
public final class HelloWorld {
    public static void main(String[] args) {
        int requests = Integer.parseInt(args[2]);
        ZMQ.Context context = ZMQ.context(1);
        if (args[0].equals("server")) {
            ZMQ.Socket server = context.socket(ZMQ.REP);
            server.bind(args[1]);
            System.out.println("serving");
            for (int n = 0; n < requests; n++) {
                String request = server.recvStr();
                server.send(request.equals("Hello " + n) ? "World " + n : "what?");
            }
            Looked.at();
            server.close();
        } else {
            ZMQ.Socket client = context.socket(ZMQ.REQ);
            client.connect(args[1]);
            int right = 0;
            for (int n = 0; n < requests; n++) {
                client.send("Hello " + n);
                right += client.recvStr().equals("World " + n) ? 1 : 0;
            }
            System.out.println("right " + right);
            Looked.at();
            client.close();
        }
        context.term();
        System.out.println("ended");
    }
}
