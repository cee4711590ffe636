/* Every option number on every socket type: all sizes that could matter, and
 * all values at the edge of its range, set and read back. Prints a line for
 * each case. Each case has a fresh socket. */
#include "sweep.h"

enum kind { INT, INT64, BYTES, UNKNOWN };
enum access { READ_WRITE, READ_ONLY, WRITE_ONLY };

static const struct row
{
    int number;
    const char *name;
    enum kind kind;
    enum access access;
    long long min, max;
} rows[] = {
#include "option_rows.h"
};

#define COUNT(ARRAY) (sizeof (ARRAY) / sizeof *(ARRAY))
enum { HUGE_SET = 1 << 20, HUGE_GET = 70000 };

static const char *const types[] = {"PAIR", "PUB",  "SUB",  "REQ",  "REP",
                                    "DEALER", "ROUTER", "PULL", "PUSH",
                                    "XPUB", "XSUB", "STREAM"};

struct subject
{
    int type;
    struct row row;
};

static unsigned char value[HUGE_SET], buffer[HUGE_GET + 16];
static void *context;

static void *fresh (const struct subject *of)
{
    void *s = zmq_socket (context, of->type);
    if (!s)
        _exit (4);
    return s;
}

static void label (const struct subject *of, char *to, size_t size)
{
    snprintf (to, size, "%s %s", types[of->type], of->row.name);
}

/* The answer, and what is in the buffer; descriptors differ, of course. */
static void tell_got (void *s, const struct subject *of, size_t size,
                      const char *before)
{
    size_t given = size, used = size + 16;
    memset (buffer, 0xaa, used);
    errno = 0;
    int rc = zmq_getsockopt (s, of->row.number, buffer, &size);
    int err = rc ? errno : 0;
    if (rc == 0 && of->row.number == ZMQ_FD)
        memset (buffer, 0, sizeof (int));
    uint64_t hash = 1469598103934665603u;
    for (size_t i = 0; i < used; i++)
        hash = (hash ^ buffer[i]) * 1099511628211u;
    uint64_t head = 0;
    memcpy (&head, buffer, given < 8 ? given : 8);
    tell ("%sget %d errno %d size %zu value %llx hash %llx", before, rc, err, size,
          (unsigned long long) head, (unsigned long long) hash);
}

static void get (const struct subject *of, size_t size)
{
    char name[80];
    label (of, name, sizeof name);
    if (begin_case ("%s get %zu bytes", name, size))
        tell_got (fresh (of), of, size, "");
}

/* The size at which the option is read. */
static size_t right_size (const struct row *row)
{
    return row->kind == INT ? 4 : row->kind == INT64 ? 8 : 300;
}

static void set (const struct subject *of, const char *what, const void *bytes,
                 size_t size)
{
    char name[80], answer[40];
    label (of, name, sizeof name);
    if (!begin_case ("%s set %zu bytes %s", name, size, what))
        return;
    void *s = fresh (of);
    int rc = zmq_setsockopt (s, of->row.number, bytes, size);
    snprintf (answer, sizeof answer, "set %d errno %d, ", rc, rc ? errno : 0);
    tell_got (s, of, right_size (&of->row), answer);
}

static void set_number (const struct subject *of, long long number)
{
    char what[40];
    snprintf (what, sizeof what, "of %lld", number);
    if (of->row.kind == INT64)
        set (of, what, &number, 8);
    else if (number >= INT_MIN && number <= INT_MAX) {
        int as_int = (int) number;
        set (of, what, &as_int, 4);
    }
}

static void sizes (const struct subject *of)
{
    static const size_t some[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 31, 32, 33, 39,
                                  40, 41, 42, 254, 255, 256, 257};
    for (size_t i = 0; i < COUNT (some); i++) {
        get (of, some[i]);
        memset (value, 0, some[i]);
        set (of, "of 0", value, some[i]);
        memset (value, 0xff, some[i]);
        set (of, "of ff", value, some[i]);
        memset (value, 'x', some[i]);
        set (of, "of x", value, some[i]);
    }
    get (of, HUGE_GET);
    memset (value, 'x', sizeof value);
    set (of, "of x", value, HUGE_SET);
    set (of, "beyond memory", value, SIZE_MAX);
}

static void values (const struct subject *of)
{
    static const long long some[] = {
      -1000, -100, -99, -2, -1, 0, 1, 2, 3, 7, 99, 100, 101, 255, 256, 65535,
      65536, 6553599, 6553600, INT_MAX - 1, INT_MAX, INT_MIN, INT_MIN + 1,
      INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < COUNT (some); i++)
        set_number (of, some[i]);
    const struct row *row = &of->row;
    if (row->kind == INT || row->kind == INT64)
        for (int by = -1; by <= 1; by++) {
            set_number (of, row->min + by);
            if (row->max < INT64_MAX)
                set_number (of, row->max + by);
        }
}

static void texts (const struct subject *of)
{
    static const struct
    {
        const char *text;
        size_t size;
    } some[] = {
#define TEXT(LITERAL) {LITERAL, sizeof LITERAL - 1}
      TEXT ("a"), TEXT ("abc"), TEXT ("abc\0"), TEXT ("abc\0\0"), TEXT ("a\0b"),
      TEXT ("\0abc"), TEXT ("lo"), TEXT ("127.0.0.1"), TEXT ("127.0.0.1\0"),
      TEXT ("127.0.0.1/8"), TEXT ("10.0.0.0/33"), TEXT ("127.0.0.1/0"),
      TEXT ("127.0.0.1/00"), TEXT ("127.0.0.1/"), TEXT ("10.0.0.0/8x"),
      TEXT ("::1"), TEXT ("[::1]/128"), TEXT ("localhost"), TEXT ("*"),
      TEXT ("X-a:b"), TEXT ("X-a:b\0"), TEXT ("X-:b"), TEXT ("X-:bc"),
      TEXT ("X-ab:"), TEXT ("x-a:b"), TEXT ("X-a:b:c"), TEXT ("X-ab"),
      TEXT (":"), TEXT ("abcdefghijklmno"), TEXT ("abcdefghijklmnop"),
      TEXT ("abcdefghijklmnopq"), TEXT ("\377\376\1\2")};
    for (size_t i = 0; i < COUNT (some); i++) {
        char what[40];
        snprintf (what, sizeof what, "text %zu", i);
        set (of, what, some[i].text, some[i].size);
    }
    memset (value, 'y', sizeof value);
    for (int by = -1; by <= 1; by++) {
        if (of->row.min + by >= 0)
            set (of, "the shortest", value, (size_t) (of->row.min + by));
        set (of, "the longest", value, (size_t) (of->row.max + by));
    }
}

static void nulls (const struct subject *of)
{
    static const size_t some[] = {0, 1, 4, 8, 300};
    char name[80];
    label (of, name, sizeof name);
    for (size_t i = 0; i < COUNT (some); i++) {
        size_t size = some[i];
        set (of, "of NULL", NULL, size);
        if (begin_case ("%s get %zu bytes of NULL", name, size)) {
            int rc = zmq_getsockopt (fresh (of), of->row.number, NULL, &size);
            tell ("get %d errno %d size %zu", rc, rc ? errno : 0, size);
        }
    }
    if (begin_case ("%s get without a size", name)) {
        int rc = zmq_getsockopt (fresh (of), of->row.number, buffer, NULL);
        tell ("get %d errno %d", rc, rc ? errno : 0);
    }
    if (begin_case ("%s get nothing", name)) {
        int rc = zmq_getsockopt (fresh (of), of->row.number, NULL, NULL);
        tell ("get %d errno %d", rc, rc ? errno : 0);
    }
}

static void cases (void *arg)
{
    const struct subject *of = arg;
    context = zmq_ctx_new ();
    zmq_ctx_set (context, ZMQ_MAX_SOCKETS, 10000);
    void *probe = zmq_socket (context, of->type);
    if (!probe) {
        if (begin_case ("%s", types[of->type]))
            tell ("no such type");
        return;
    }
    sizes (of);
    values (of);
    if (of->row.kind != UNKNOWN)
        nulls (of);
    if (of->row.kind == BYTES)
        texts (of);
}

static void context_cases (void *arg)
{
    static const int some[] = {0,   1,    2,     3,     5,       7,
                               64,  1023, 65535, 65536, INT_MAX, -1,
                               -2,  -100, INT_MIN};
    int with_socket = *(int *) arg;
    for (int option = -2; option < 140; option++)
        for (size_t i = 0; i < COUNT (some); i++) {
            if (!begin_case ("context%s option %d of %d",
                             with_socket ? " with a socket" : "", option,
                             some[i]))
                continue;
            void *one = zmq_ctx_new ();
            int before = zmq_ctx_get (one, option), rc;
            if (with_socket)
                zmq_socket (one, ZMQ_PAIR);
            errno = 0;
            rc = zmq_ctx_set (one, option, some[i]);
            int err = rc ? errno : 0;
            errno = 0;
            int after = zmq_ctx_get (one, option);
            tell ("before %d set %d errno %d after %d errno %d", before, rc, err,
                  after, errno);
            if (!with_socket)
                zmq_ctx_term (one);
        }
}

int main (void)
{
    struct rlimit files;
    getrlimit (RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit (RLIMIT_NOFILE, &files);
    for (int with_socket = 0; with_socket < 2; with_socket++)
        in_children (context_cases, &with_socket);
    for (int type = 0; type < (int) COUNT (types); type++) {
        struct subject of = {type, {0}};
        size_t next = 0;
        for (int number = -1; number <= 130; number++) {
            char name[20];
            if (next < COUNT (rows) && rows[next].number == number)
                of.row = rows[next++];
            else {
                snprintf (name, sizeof name, "unknown %d", number);
                of.row = (struct row){number, name, UNKNOWN, READ_WRITE, 0, 0};
                if (type % 4)
                    continue;
            }
            in_children (cases, &of);
        }
    }
    return 0;
}
