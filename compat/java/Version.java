import org.zeromq.ZMQ;

/** The guide's version report. */
public final class Version {
    public static void main(String[] args) {
        System.out.println(ZMQ.getVersionString() + " " + ZMQ.getFullVersion());
        Looked.at();
    }
}
