// OldPeer.java - peer.c once more, for JeroMQ 0.3 (Debian: libjeromq-java), which
// speaks ZMTP 2.0: same arguments, same messages, same lines on stdout.
//
//   java -cp jeromq.jar:. OldPeer ROLE TYPE bind|connect ENDPOINT COUNT BIG
//
// BIG is 0 here: no messages of 64 MiB.

import java.util.Arrays;
import org.zeromq.ZMQ;
import org.zeromq.ZMQException;

public class OldPeer {
    static final int WINDOW = 400, MAX_FRAMES = 8, PERIOD = 4093;
    static final int[] EDGE_SIZES = {0, 1, 33, 34, 255, 256, 65535, 65536};
    static final String[] TYPES = {"PAIR", "PUB", "SUB", "REQ", "REP", "DEALER",
                                   "ROUTER", "PULL", "PUSH", "XPUB", "XSUB"};
    static final byte[] PEER = "peer".getBytes();
    static byte[] pattern = new byte[65536 + PERIOD + 64];
    static ZMQ.Socket subject;
    static boolean wantsId, wantsDelimiter;

    static void say(String line) {
        System.out.println(line);
        System.out.flush();
    }

    static void must(boolean ok, String what, long number) {
        if (!ok) {
            say("failed: " + what + " at message " + number);
            Runtime.getRuntime().halt(1);
        }
    }

    /** The sizes of the frames of message n. */
    static int[] shape(long n) {
        if (n % 64 == 0) {
            int edge = (int) (n / 64 % 16);
            if (edge < 8)
                return new int[] {EDGE_SIZES[edge]};
            int size = EDGE_SIZES[edge % 6];
            return new int[] {size, 0, size};
        }
        if (n % 7 == 0) {
            int[] sizes = new int[2 + (int) (n % MAX_FRAMES) % (MAX_FRAMES - 1)];
            for (int i = 0; i < sizes.length; i++)
                sizes[i] = (int) ((n / 7 + i * 11) % 40);
            sizes[(int) (n / 7 % sizes.length)] = 0;
            return sizes;
        }
        return new int[] {(int) (n % 100)};
    }

    static byte[] content(long n, int frame, int size) {
        int at = (int) ((n * 31 + frame * 7) % PERIOD);
        return Arrays.copyOfRange(pattern, at, at + size);
    }

    static void sendPart(byte[] data, boolean more, long n) {
        must(subject.send(data, more ? ZMQ.SNDMORE : 0), "send", n);
    }

    static void sendMessage(long n) {
        int[] sizes = shape(n);
        while (wantsId)
            try {
                sendPart(PEER, true, n);
                break;
            } catch (ZMQException error) {
                // A router may not know its peer yet.
                must(n == 0, "route", n);
                Thread.yield();
            }
        if (wantsDelimiter)
            sendPart(new byte[0], true, n);
        for (int i = 0; i < sizes.length; i++)
            sendPart(content(n, i, sizes[i]), i + 1 < sizes.length, n);
    }

    static byte[] recvPart(long n) {
        byte[] part = subject.recv(0);
        must(part != null, "receive", n);
        return part;
    }

    static void recvMessage(long n) {
        if (wantsId)
            must(Arrays.equals(recvPart(n), PEER) && subject.hasReceiveMore(),
                 "wrong routing id", n);
        if (wantsDelimiter)
            must(recvPart(n).length == 0 && subject.hasReceiveMore(),
                 "missing delimiter", n);
        int[] sizes = shape(n);
        for (int i = 0; i < sizes.length; i++) {
            must(Arrays.equals(recvPart(n), content(n, i, sizes[i])),
                 "wrong size or bytes of frame " + i, n);
            must(subject.hasReceiveMore() == (i + 1 < sizes.length),
                 "wrong number of frames", n);
        }
    }

    static void greetSubscribers() throws Exception {
        do {
            sendPart("greeting".getBytes(), false, -1);
            Thread.sleep(2);
        } while (System.in.available() == 0);
        sendPart("start".getBytes(), false, -1);
    }

    static void awaitGreetings() {
        for (boolean greeted = false; recvPart(-1).length != 5; greeted = true)
            if (!greeted)
                say("greeted");
    }

    /** As in peer.c, so that both have the same bytes. */
    static void fillPattern() {
        int x = (int) 2463534242L;
        for (int i = 0; i < PERIOD; i++) {
            x ^= x << 13;
            x ^= x >>> 17;
            x ^= x << 5;
            pattern[i] = (byte) x;
        }
        for (int i = PERIOD; i < pattern.length; i++)
            pattern[i] = pattern[i - PERIOD];
    }

    public static void main(String[] argv) throws Exception {
        String role = argv[0], endpoint = argv[3];
        int type = Arrays.asList(TYPES).indexOf(argv[1]);
        long count = Long.parseLong(argv[4]);
        boolean publishes = type == ZMQ.PUB || type == ZMQ.XPUB;
        boolean subscribes = type == ZMQ.SUB || type == ZMQ.XSUB;
        say("library jeromq");
        fillPattern();
        ZMQ.Context context = ZMQ.context(1);
        subject = context.socket(type);
        subject.setReceiveTimeOut(60000);
        subject.setSendTimeOut(60000);
        if (publishes || subscribes)
            subject.setHWM(0);
        else if (type != ZMQ.PUSH && type != ZMQ.PULL)
            subject.setIdentity(PEER);
        if (type == ZMQ.ROUTER)
            subject.setRouterMandatory(true);
        if (type == ZMQ.SUB)
            subject.subscribe(new byte[0]);
        wantsId = type == ZMQ.ROUTER;
        wantsDelimiter = System.getenv("PEER_DELIMITER") != null
            && (type == ZMQ.DEALER || type == ZMQ.ROUTER);
        if (argv[2].equals("bind")) {
            int port = subject.bindToRandomPort("tcp://127.0.0.1");
            say("bound tcp://127.0.0.1:" + port);
        } else
            subject.connect(endpoint);
        if (type == ZMQ.XSUB)
            sendPart(new byte[] {1}, false, -1);

        long window = type == ZMQ.REQ ? 1 : WINDOW;
        if (publishes)
            greetSubscribers();
        else if (subscribes)
            awaitGreetings();
        if (role.equals("send"))
            for (long n = 0; n < count; n++)
                sendMessage(n);
        else if (role.equals("recv"))
            for (long n = 0; n < count; n++)
                recvMessage(n);
        else if (role.equals("ask"))
            for (long sent = 0, got = 0; got < count; recvMessage(got++))
                while (sent < count && sent < got + window)
                    sendMessage(sent++);
        else
            for (long n = 0; n < count; n++) {
                recvMessage(n);
                sendMessage(n);
            }
        if (role.equals("recv") || role.equals("ask") && type != ZMQ.REQ) {
            subject.setReceiveTimeOut(20);
            must(subject.recv(0) == null, "more than was sent", count);
        }
        say("done");
        while (System.in.read() >= 0)
            ;
        subject.close();
        context.term();
        say("ok");
    }
}
