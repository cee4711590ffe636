/* tables.c - options, values, endpoints: what sequences are made of. */
#include "diff.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <zmq.h>

#define COUNT(ARRAY) ((int) (sizeof (ARRAY) / sizeof *(ARRAY)))

int type_missing (int type)
{
    return type > ZMQ_STREAM && type <= 20;
}

/* PLAIN, CURVE, GSSAPI, ZAP */
int option_secures (int option)
{
    return (option >= ZMQ_PLAIN_SERVER && option <= ZMQ_CURVE_SERVERKEY)
           || (option >= ZMQ_GSSAPI_SERVER && option <= ZMQ_GSSAPI_PLAINTEXT)
           || option == ZMQ_GSSAPI_PRINCIPAL_NAMETYPE
           || option == ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE
           || option == ZMQ_ZAP_DOMAIN || option == 93;
}

#define OPTION(NAME, KIND) {#NAME, ZMQ_##NAME, KIND}
const struct option socket_options[] = {
  OPTION (AFFINITY, INT64), OPTION (ROUTING_ID, BYTES),
  OPTION (SUBSCRIBE, BYTES), OPTION (UNSUBSCRIBE, BYTES),
  OPTION (RATE, INT), OPTION (RECOVERY_IVL, INT), OPTION (SNDBUF, INT),
  OPTION (RCVBUF, INT), OPTION (RCVMORE, INT), OPTION (FD, INT),
  OPTION (EVENTS, INT), OPTION (TYPE, INT), OPTION (LINGER, INT),
  OPTION (RECONNECT_IVL, INT), OPTION (BACKLOG, INT),
  OPTION (RECONNECT_IVL_MAX, INT), OPTION (MAXMSGSIZE, INT64),
  OPTION (SNDHWM, INT), OPTION (RCVHWM, INT), OPTION (MULTICAST_HOPS, INT),
  OPTION (RCVTIMEO, INT), OPTION (SNDTIMEO, INT), OPTION (IPV4ONLY, INT),
  OPTION (LAST_ENDPOINT, TEXT), OPTION (ROUTER_MANDATORY, INT),
  OPTION (TCP_KEEPALIVE, INT), OPTION (TCP_KEEPALIVE_CNT, INT),
  OPTION (TCP_KEEPALIVE_IDLE, INT), OPTION (TCP_KEEPALIVE_INTVL, INT),
  OPTION (TCP_ACCEPT_FILTER, TEXT), OPTION (IMMEDIATE, INT),
  OPTION (XPUB_VERBOSE, INT), OPTION (ROUTER_RAW, INT), OPTION (IPV6, INT),
  OPTION (MECHANISM, INT), OPTION (PLAIN_SERVER, INT),
  OPTION (PLAIN_USERNAME, TEXT), OPTION (PLAIN_PASSWORD, TEXT),
  OPTION (CURVE_SERVER, INT), OPTION (CURVE_PUBLICKEY, BYTES),
  OPTION (CURVE_SECRETKEY, BYTES), OPTION (CURVE_SERVERKEY, BYTES),
  OPTION (PROBE_ROUTER, INT), OPTION (REQ_CORRELATE, INT),
  OPTION (REQ_RELAXED, INT), OPTION (CONFLATE, INT), OPTION (ZAP_DOMAIN, TEXT),
  OPTION (ROUTER_HANDOVER, INT), OPTION (TOS, INT),
  OPTION (IPC_FILTER_PID, INT), OPTION (IPC_FILTER_UID, INT),
  OPTION (IPC_FILTER_GID, INT), OPTION (CONNECT_ROUTING_ID, BYTES),
  OPTION (GSSAPI_SERVER, INT), OPTION (GSSAPI_PRINCIPAL, TEXT),
  OPTION (GSSAPI_SERVICE_PRINCIPAL, TEXT), OPTION (GSSAPI_PLAINTEXT, INT),
  OPTION (HANDSHAKE_IVL, INT), OPTION (SOCKS_PROXY, TEXT),
  OPTION (XPUB_NODROP, INT), OPTION (BLOCKY, INT), OPTION (XPUB_MANUAL, INT),
  OPTION (XPUB_WELCOME_MSG, BYTES), OPTION (STREAM_NOTIFY, INT),
  OPTION (INVERT_MATCHING, INT), OPTION (HEARTBEAT_IVL, INT),
  OPTION (HEARTBEAT_TTL, INT), OPTION (HEARTBEAT_TIMEOUT, INT),
  OPTION (XPUB_VERBOSER, INT), OPTION (CONNECT_TIMEOUT, INT),
  OPTION (TCP_MAXRT, INT), OPTION (THREAD_SAFE, INT),
  OPTION (MULTICAST_MAXTPDU, INT), OPTION (VMCI_BUFFER_SIZE, INT64),
  OPTION (VMCI_BUFFER_MIN_SIZE, INT64), OPTION (VMCI_BUFFER_MAX_SIZE, INT64),
  OPTION (VMCI_CONNECT_TIMEOUT, INT), OPTION (USE_FD, INT),
  OPTION (GSSAPI_PRINCIPAL_NAMETYPE, INT),
  OPTION (GSSAPI_SERVICE_PRINCIPAL_NAMETYPE, INT), OPTION (BINDTODEVICE, TEXT),
  /* numbers that no stable option has */
  {"0", 0, INT}, {"-1", -1, INT}, {"1", 1, INT}, {"10", 10, INT},
  {"20", 20, INT}, {"26", 26, INT}, {"30", 30, INT}, {"67", 67, INT},
  {"82", 82, INT}, {"83", 83, INT}, {"1000", 1000, INT},
  {"METADATA", 95, TEXT}, {"LOOPBACK_FASTPATH", 94, INT},
  {"MULTICAST_LOOP", 96, INT}, {"ROUTER_NOTIFY", 97, INT},
  {"ZAP_ENFORCE_DOMAIN", 93, INT}, {"XPUB_MANUAL_LAST_VALUE", 98, INT},
  {"SOCKS_USERNAME", 99, TEXT}, {"SOCKS_PASSWORD", 100, TEXT},
  {"IN_BATCH_SIZE", 101, INT}, {"OUT_BATCH_SIZE", 102, INT},
  {"WSS_KEY_PEM", 103, TEXT}, {"ONLY_FIRST_SUBSCRIBE", 108, INT},
  {"RECONNECT_STOP", 109, INT}, {"HELLO_MSG", 110, BYTES},
  {"DISCONNECT_MSG", 111, BYTES}, {"PRIORITY", 112, INT},
};
const int socket_option_count = COUNT (socket_options);

/* ZMQ_THREAD_PRIORITY and its kin are not drawn: they act on the machine. */
const struct option context_options[] = {
  OPTION (IO_THREADS, INT), OPTION (MAX_SOCKETS, INT),
  OPTION (SOCKET_LIMIT, INT), OPTION (MAX_MSGSZ, INT),
  OPTION (MSG_T_SIZE, INT), OPTION (THREAD_AFFINITY_CPU_ADD, INT),
  OPTION (THREAD_AFFINITY_CPU_REMOVE, INT), OPTION (THREAD_NAME_PREFIX, INT),
  OPTION (IPV6, INT), OPTION (BLOCKY, INT), OPTION (THREAD_SCHED_POLICY, INT),
  {"ZERO_COPY_RECV", 10, INT}, {"0", 0, INT}, {"-1", -1, INT},
  {"11", 11, INT}, {"43", 43, INT}, {"69", 69, INT}, {"71", 71, INT},
};
const int context_option_count = COUNT (context_options);

#define T(NAME) (1u << ZMQ_##NAME)
#define ALL 0xFFFu
/* At its mark the oracle drops subscriptions: COMPAT.md. */
#define SENDS (ALL & ~T (SUB) & ~T (XSUB))
#define BALANCES (T (PUSH) | T (DEALER) | T (REQ) | T (STREAM))
const struct setting settings[] = {
  /* smaller marks are met, and ours are exact: COMPAT.md */
  {ZMQ_SNDHWM, 0, SENDS}, {ZMQ_SNDHWM, 20, SENDS}, {ZMQ_RCVHWM, 0, ALL},
  {ZMQ_RCVHWM, 20, ALL}, {ZMQ_LINGER, 0, ALL},
  {ZMQ_LINGER, 50, ALL}, {ZMQ_IMMEDIATE, 1, ALL}, {ZMQ_IPV6, 1, ALL},
  {ZMQ_IPV4ONLY, 0, ALL}, {ZMQ_RCVTIMEO, 0, ALL}, {ZMQ_RCVTIMEO, 10, ALL},
  {ZMQ_SNDTIMEO, 0, ALL}, {ZMQ_SNDTIMEO, 10, ALL},
  /* not SUB and PUB: the oracle conflates subscriptions, too (COMPAT.md); not DEALER: and
   * probes with routing ids */
  {ZMQ_CONFLATE, 1, T (PUSH) | T (PULL)},
  {ZMQ_XPUB_VERBOSE, 1, T (XPUB)}, {ZMQ_XPUB_VERBOSER, 1, T (XPUB)},
  {ZMQ_XPUB_NODROP, 1, T (XPUB) | T (PUB)},
  {ZMQ_INVERT_MATCHING, 1, T (XPUB) | T (PUB) | T (SUB) | T (XSUB)},
  /* not HANDOVER: in ours the peer that lost its id may get it back (COMPAT.md) */
  {ZMQ_ROUTER_MANDATORY, 1, T (ROUTER)},
  {ZMQ_PROBE_ROUTER, 1, T (DEALER) | T (REQ)},
  {ZMQ_REQ_CORRELATE, 1, T (REQ)}, {ZMQ_REQ_RELAXED, 1, T (REQ)},
  {ZMQ_XPUB_MANUAL, 1, T (XPUB)}, {ZMQ_XPUB_MANUAL_LAST_VALUE, 1, T (XPUB)},
  {ZMQ_ONLY_FIRST_SUBSCRIBE, 1, T (XPUB) | T (XSUB)},
  /* others would go on with other peers, or hear of the end: COMPAT.md */
  {ZMQ_RECONNECT_STOP, 1, ALL & ~BALANCES}, {ZMQ_RECONNECT_STOP, 3, ALL & ~BALANCES},
  /* STREAM would tell of each attempt to connect */
  {ZMQ_IPC_FILTER_UID, 0, ALL & ~T (STREAM)},
  {ZMQ_IPC_FILTER_UID, 54321, ALL & ~T (STREAM)},
  {ZMQ_IPC_FILTER_GID, 54321, ALL & ~T (STREAM)},
  {ZMQ_STREAM_NOTIFY, 0, T (STREAM)}, {ZMQ_BACKLOG, 1, ALL},
  {ZMQ_RECONNECT_IVL_MAX, 20, ALL}, {ZMQ_HEARTBEAT_IVL, 1000, ALL},
  /* room for the largest message: else TCP waits */
  {ZMQ_HANDSHAKE_IVL, 5000, ALL}, {ZMQ_TCP_KEEPALIVE, 1, ALL},
  {ZMQ_SNDBUF, 200000, ALL}, {ZMQ_RCVBUF, 200000, ALL}, {ZMQ_TOS, 8, ALL},
  {ZMQ_CONNECT_TIMEOUT, 1000, ALL}, {ZMQ_TCP_MAXRT, 1000, ALL},
};
const int setting_count = COUNT (settings);

const int int_values[] = {0, 1, -1, 2, 3, 5, 10, 100, 255, 256, 1000, -2, -99,
                          -100, 4, 8, 6553599, 6553600, 65535, 65536,
                          INT_MAX, INT_MIN};
const int int_value_count = COUNT (int_values);

/* HOST stands for a loopback address of the process's own, PID for its number;
 * ipc paths are within a directory of its own. */
const char *const endpoints[] = {
  "inproc://e0", "inproc://e1", "inproc://e2",
  "ipc://e3", "ipc://e4", "ipc://e5",
  "tcp://HOST:7006", "tcp://HOST:7007", "tcp://HOST:7008",
  "tcp://HOST:*", "ipc://*",
  "", "x", "tcp", "tcp:", "tcp:/", "tcp://", "://", "://x", "tcp://:", "tcp://*",
  "tcp://HOST", "tcp://HOST:", "tcp://HOST:x", "tcp://HOST:-1", "tcp://HOST:0",
  "tcp://HOST:7009x", "tcp://HOST: 7009", "tcp://HOST:07009", "tcp://HOST:72545",
  "tcp://HOST:4294974305", "tcp://HOST:!", "tcp://!:7009", "tcp://x!:7009",
  "tcp://nosuchif0:7009", "tcp://[HOST]:7009", "tcp://[]:7009", "tcp://[:7009",
  "tcp://[::1]:*", "tcp://::1:*", "tcp://[::1]", "tcp://[::1",
  "tcp://lo:*", "tcp://HOST:7009;HOST:7999",
  "tcp://HOST:0;HOST:7999", "tcp://HOST:*;HOST:7999", "tcp://;HOST:7999",
  "tcp://HOST:7009;", "tcp://x;HOST:7999", "tcp://HOST :7009", "TCP://HOST:7009",
  "tcp://HOST:7009/", "tcp://HOST:7009/path", "inproc://", "inproc:// ",
  "inproc://*", "inproc:e0", "inproc:///e0", "ipc://", "ipc://nosuchdir/x",
  "ipc://./e3", "ipc://.", "ipc:// ", "ipc://@", "ipc://@diff-PID-a",
  "ipc://@diff-PID-b", "ipc://@@diff-PID", "ipc:///", "ipc://e3/",
  "ipc://e3/x", "ipc://**", "ipc://*x",
  "ipc://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
  "ipc://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
  "ipc://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
  "udp://HOST:7009", "foo://HOST:7009", "http://HOST:7009", " tcp://HOST:7009",
  "vmci://1:1",
};
const int endpoint_count = COUNT (endpoints);

const char *const type_names[] = {"PAIR", "PUB", "SUB", "REQ", "REP", "DEALER",
                                  "ROUTER", "PULL", "PUSH", "XPUB", "XSUB",
                                  "STREAM"};
const char *const topics[] = {"", "a", "ab", "b", "\1"};

const char *const capabilities[] = {"ipc", "inproc", "tcp", "draft", "vmci",
                                    "", "IPC", "udp"};
const int capability_count = COUNT (capabilities);

const char *errno_name (int number)
{
    static char other[32];
    switch (number) {
#define NAME(E)                                                                \
    case E:                                                                    \
        return #E
        NAME (EAGAIN);
        NAME (EINVAL);
        NAME (ENOTSUP);
        NAME (EFSM);
        NAME (ETERM);
        NAME (EMTHREAD);
        NAME (ENOCOMPATPROTO);
        NAME (ENOTSOCK);
        NAME (EFAULT);
        NAME (EMFILE);
        NAME (ENOENT);
        NAME (ENODEV);
        NAME (EADDRINUSE);
        NAME (EADDRNOTAVAIL);
        NAME (ECONNREFUSED);
        NAME (EHOSTUNREACH);
        NAME (EPROTONOSUPPORT);
        NAME (EINTR);
        NAME (ENOMEM);
        NAME (ENAMETOOLONG);
        NAME (EACCES);
        NAME (EPERM);
        NAME (EXDEV);
        NAME (ENOTDIR);
        NAME (EISDIR);
#undef NAME
    }
    snprintf (other, sizeof other, "errno %d", number);
    return other;
}
