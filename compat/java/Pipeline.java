import org.zeromq.ZMQ;

/** The guide's parallel pipeline: `vent TASKS SINK COUNT`, `work TASKS SINK CONTROL`,
 * `sink SINK CONTROL COUNT`; the sink tells the workers to end, as in the guide. */
public final class Pipeline {
    public static void main(String[] args) {
        ZMQ.Context context = ZMQ.context(1);
        switch (args[0]) {
            case "vent" -> vent(context, args[1], args[2], Integer.parseInt(args[3]));
            case "work" -> work(context, args[1], args[2], args[3]);
            default -> sink(context, args[1], args[2], Integer.parseInt(args[3]));
        }
        context.term();
        System.out.println("ended");
    }

    private static ZMQ.Socket connected(ZMQ.Context context, int type, String endpoint) {
        ZMQ.Socket socket = context.socket(type);
        socket.connect(endpoint);
        return socket;
    }

    private static void vent(ZMQ.Context context, String tasks, String sink, int count) {
        ZMQ.Socket out = context.socket(ZMQ.PUSH);
        out.bind(tasks);
        System.out.println("serving");
        Looked.at();
        ZMQ.Socket start = connected(context, ZMQ.PUSH, sink);
        start.send("0");
        long sum = 0;
        for (int n = 1; n <= count; n++) {
            out.send(Integer.toString(n));
            sum += n;
        }
        System.out.println("sum " + sum);
        start.close();
        out.close();
    }

    private static void work(ZMQ.Context context, String tasks, String sink, String control) {
        ZMQ.Socket in = connected(context, ZMQ.PULL, tasks);
        ZMQ.Socket out = connected(context, ZMQ.PUSH, sink);
        ZMQ.Socket end = context.socket(ZMQ.SUB);
        end.subscribe(new byte[0]);
        end.connect(control);
        Looked.at();
        ZMQ.Poller poller = new ZMQ.Poller(2);
        poller.register(in, ZMQ.Poller.POLLIN);
        poller.register(end, ZMQ.Poller.POLLIN);
        int done = 0;
        while (true) {
            poller.poll(-1);
            if (poller.pollin(0)) {
                out.send(in.recvStr());
                done++;
            } else if (poller.pollin(1)) {
                System.out.println("told " + end.recvStr() + " after " + done);
                break;
            }
        }
        in.close();
        out.close();
        end.close();
    }

    private static void sink(ZMQ.Context context, String sink, String control, int count) {
        ZMQ.Socket in = context.socket(ZMQ.PULL);
        in.bind(sink);
        ZMQ.Socket end = context.socket(ZMQ.PUB);
        end.bind(control);
        System.out.println("serving");
        // The start of the batch is a task that counts nothing: it may be overtaken.
        long sum = 0;
        for (int n = 0; n <= count; n++) {
            sum += Long.parseLong(in.recvStr());
        }
        System.out.println("sum " + sum);
        end.send("KILL");
        Looked.at();
        in.close();
        end.close();
    }
}
