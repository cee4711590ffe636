/* zmq_curve_keypair and zmq_curve_public. What the oracle dies of, or reads and
 * writes beyond its buffers for, is asked of ours only. */
#include "check.h"

static int is_key (const char *text)
{
    uint8_t bytes[32];
    return strlen (text) == 40 && zmq_z85_decode (bytes, text) == bytes;
}

TEST (public_keys_follow_from_secret_ones)
{
    static const struct
    {
        const char *secret, *public;
    } pairs[] = {
      {"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs",
       "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"},
      {"JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6",
       "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"},
      {"0000000000000000000000000000000000000000",
       "fxERSn6LHg6!4!qu+m-(f-Q<1UF!=7)u0-ysJ-^F"},
      {"%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0",
       "GNsjWh=qH7w-^x=qhp]/s}t=&^o@Iaye6T=UbUUH"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char public[64];
        memset (public, 'x', sizeof public);
        errno = 4711;
        CHECK_OK (zmq_curve_public (public, pairs[i].secret));
        CHECK_INT (errno, 4711);
        CHECK_STR (public, pairs[i].public);
        CHECK_INT (public[41], 'x');
    }
}

TEST (pairs_belong_together_and_are_new)
{
    char last_public[41] = "", last_secret[41] = "";
    for (int i = 0; i < 10; i++) {
        char public[64], secret[64], derived[64];
        memset (public, 'x', sizeof public);
        memset (secret, 'x', sizeof secret);
        CHECK_OK (zmq_curve_keypair (public, secret));
        CHECK (is_key (public));
        CHECK (is_key (secret));
        CHECK_INT (public[41], 'x');
        CHECK_INT (secret[41], 'x');
        CHECK_OK (zmq_curve_public (derived, secret));
        CHECK_STR (derived, public);
        CHECK (strcmp (public, secret) != 0);
        CHECK (strcmp (public, last_public) != 0);
        CHECK (strcmp (secret, last_secret) != 0);
        strcpy (last_public, public);
        strcpy (last_secret, secret);
    }
}

TEST (pairs_of_processes_differ)
{
    char mine[2][41], theirs[2][41];
    int ends[2];
    REQUIRE (pipe (ends) == 0);
    CHECK_OK (zmq_curve_keypair (mine[0], mine[1]));
    if (fork () == 0) {
        CHECK_OK (zmq_curve_keypair (theirs[0], theirs[1]));
        CHECK_INT (write (ends[1], theirs, sizeof theirs), sizeof theirs);
        _exit (0);
    }
    CHECK_OK (zmq_curve_keypair (mine[0], mine[1]));
    CHECK_INT (read (ends[0], theirs, sizeof theirs), sizeof theirs);
    CHECK (strcmp (mine[1], theirs[1]) != 0);
}

TEST (one_buffer_for_both)
{
    char key[41];
    strcpy (key, "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs");
    CHECK_OK (zmq_curve_public (key, key));
    CHECK_STR (key, "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID");
}

TEST (secret_keys_that_are_none)
{
    static const char *const none[] = {
      "",
      "a",
      "abc",
      "000000000000000000000000000000000000000",
      "00000000000000000000000000000000000000000",
      "000000000000000000000000000000000000000 ",
      " 000000000000000000000000000000000000000",
      "0000000000000000000\"00000000000000000000",
      "%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSc1",
      "%nSc1%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0",
      "########################################",
      "0000000000000000000000000000000000000000000",
    };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        char public[64] = "untouched";
        CHECK_ERR (zmq_curve_public (public, none[i]), EINVAL);
        CHECK_STR (public, "untouched");
    }
    CHECK_ERR (zmq_curve_public (NULL, "abc"), EINVAL);
    if (on_oracle ())
        return; /* derives a key from whatever lies behind, or overflows */
    char public[64] = "untouched";
    CHECK_ERR (zmq_curve_public (public, "00000000000000000000000000000000000"),
               EINVAL);
    CHECK_ERR (zmq_curve_public (
                 public, "000000000000000000000000000000000000000000000"),
               EINVAL);
    CHECK_STR (public, "untouched");
}

TEST (null_is_efault)
{
    char key[64];
    if (on_oracle ())
        return; /* it crashes */
    CHECK_ERR (zmq_curve_keypair (NULL, key), EFAULT);
    CHECK_ERR (zmq_curve_keypair (key, NULL), EFAULT);
    CHECK_ERR (zmq_curve_keypair (NULL, NULL), EFAULT);
    CHECK_ERR (zmq_curve_public (key, NULL), EFAULT);
    CHECK_ERR (zmq_curve_public (NULL, NULL), EFAULT);
    CHECK_ERR (
      zmq_curve_public (NULL, "0000000000000000000000000000000000000000"),
      EFAULT);
}

MAIN
