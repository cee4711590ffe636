/* zmq_z85_encode and zmq_z85_decode (RFC 32). What the oracle dies of is asked
 * of ours only. */
#include "check.h"

static const uint8_t hello[8] = {0x86, 0x4f, 0xd2, 0x6f,
                                 0xb5, 0x59, 0xf7, 0x5b};

/* Untouched bytes of a buffer read as this. */
enum { FILL = 0xee };

TEST (the_example_of_the_rfc)
{
    char text[32];
    uint8_t bytes[32];
    memset (text, FILL, sizeof text);
    memset (bytes, FILL, sizeof bytes);
    CHECK (zmq_z85_encode (text, hello, 8) == text);
    CHECK_STR (text, "HelloWorld");
    CHECK_INT ((uint8_t) text[11], FILL);
    CHECK (zmq_z85_decode (bytes, "HelloWorld") == bytes);
    CHECK (memcmp (bytes, hello, 8) == 0);
    CHECK_INT (bytes[8], FILL);
}

TEST (sizes_to_encode_are_multiples_of_four)
{
    for (size_t size = 0; size < 17; size++) {
        char text[32];
        uint8_t bytes[17] = {0};
        memset (text, FILL, sizeof text);
        errno = 0;
        char *result = zmq_z85_encode (text, bytes, size);
        if (size % 4 == 0) {
            CHECK (result == text);
            CHECK_INT (strlen (text), size / 4 * 5);
            CHECK_INT (errno, 0);
        } else {
            CHECK (result == NULL);
            CHECK_INT (errno, EINVAL);
            CHECK_INT ((uint8_t) text[0], FILL);
        }
    }
    errno = 0;
    CHECK (zmq_z85_encode (NULL, NULL, 7) == NULL);
    CHECK_INT (errno, EINVAL);
    CHECK (zmq_z85_encode (NULL, hello, SIZE_MAX) == NULL);
    CHECK_INT (errno, EINVAL);
}

TEST (nothing_is_encoded_as_an_empty_text)
{
    char text[2] = "x";
    CHECK (zmq_z85_encode (text, NULL, 0) == text);
    CHECK_STR (text, "");
}

TEST (lengths_to_decode_are_multiples_of_five)
{
    for (int length = 0; length < 21; length++) {
        char text[32] = {0};
        uint8_t bytes[32];
        memset (text, '0', (size_t) length);
        memset (bytes, FILL, sizeof bytes);
        errno = 0;
        uint8_t *result = zmq_z85_decode (bytes, text);
        if (length > 0 && length % 5 == 0) {
            CHECK (result == bytes);
            CHECK_INT (bytes[length / 5 * 4 - 1], 0);
            CHECK_INT (bytes[length / 5 * 4], FILL);
            CHECK_INT (errno, 0);
        } else {
            CHECK (result == NULL);
            CHECK_INT (errno, EINVAL);
            CHECK_INT (bytes[0], FILL);
        }
    }
    errno = 0;
    CHECK (zmq_z85_decode (NULL, "") == NULL);
    CHECK_INT (errno, EINVAL);
    CHECK (zmq_z85_decode (NULL, "abc") == NULL);
}

TEST (each_of_the_85_letters_and_no_other)
{
    static const char letters[] =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
      ".-:+=^!/*?&<>()[]{}@%$#";
    for (int position = 0; position < 5; position++) {
        int wrong = 0;
        for (int c = 1; c < 256; c++) {
            char text[6] = "00000";
            uint8_t bytes[4];
            text[position] = (char) c;
            int known = strchr (letters, c) != NULL;
            /* The last two are too much at the first place. */
            if (position == 0 && (c == '#' || c == '$'))
                known = 0;
            errno = 0;
            uint8_t *result = zmq_z85_decode (bytes, text);
            wrong += known ? result != bytes : result || errno != EINVAL;
        }
        CHECK_INT (wrong, 0);
    }
    for (int value = 0; value < 85; value++) {
        uint8_t bytes[4] = {0, 0, 0, (uint8_t) value};
        char text[6];
        zmq_z85_encode (text, bytes, 4);
        CHECK_INT (text[4], letters[value]);
    }
}

TEST (four_bytes_are_the_limit_of_a_group)
{
    static const struct
    {
        const char *text;
        uint32_t value;
    } fit[] = {{"%nSc0", 0xffffffff}, {"%nSb#", 0xfffffffe},
               {"00000", 0},          {"00001", 1},
               {"00010", 85},         {"@####", 0xff2280b1}};
    static const char *const exceed[] = {"%nSc1", "%nSc#", "%nTc0", "%oSc0",
                                         "$0000", "#0000", "#####"};
    for (size_t i = 0; i < sizeof fit / sizeof *fit; i++) {
        uint8_t bytes[4];
        CHECK (zmq_z85_decode (bytes, fit[i].text) == bytes);
        uint32_t value = (uint32_t) bytes[0] << 24 | (uint32_t) bytes[1] << 16
                         | (uint32_t) bytes[2] << 8 | bytes[3];
        CHECK_INT (value, fit[i].value);
        char text[6];
        CHECK (zmq_z85_encode (text, bytes, 4) == text);
        CHECK_STR (text, fit[i].text);
    }
    for (size_t i = 0; i < sizeof exceed / sizeof *exceed; i++) {
        uint8_t bytes[4] = {FILL};
        errno = 0;
        CHECK (zmq_z85_decode (bytes, exceed[i]) == NULL);
        CHECK_INT (errno, EINVAL);
        CHECK_INT (bytes[0], FILL);
    }
}

TEST (what_came_before_a_fault_is_written)
{
    static const char *const faulty[] = {"Hello0000 ", "Hello\"orld",
                                         "Hello#####", "Hello%nSc1",
                                         "Hello0000\x80"};
    for (size_t i = 0; i < sizeof faulty / sizeof *faulty; i++) {
        uint8_t bytes[8];
        memset (bytes, FILL, sizeof bytes);
        errno = 0;
        CHECK (zmq_z85_decode (bytes, faulty[i]) == NULL);
        CHECK_INT (errno, EINVAL);
        CHECK (memcmp (bytes, hello, 4) == 0);
        CHECK_INT (bytes[4], FILL);
    }
}

TEST (any_bytes_come_back)
{
    uint8_t bytes[4096], back[4096];
    char text[4096 / 4 * 5 + 1];
    uint32_t state = 1;
    for (size_t i = 0; i < sizeof bytes; i++) {
        state = state * 1664525 + 1013904223;
        bytes[i] = (uint8_t) (state >> 24);
    }
    CHECK (zmq_z85_encode (text, bytes, sizeof bytes) == text);
    CHECK_INT (strlen (text), sizeof text - 1);
    CHECK (zmq_z85_decode (back, text) == back);
    CHECK (memcmp (bytes, back, sizeof bytes) == 0);
    /* Neither end needs to be aligned. */
    CHECK (zmq_z85_encode (text + 1, bytes + 3, 64) == text + 1);
    CHECK (zmq_z85_decode (back + 1, text + 1) == back + 1);
    CHECK (memcmp (bytes + 3, back + 1, 64) == 0);
}

TEST (null_is_efault)
{
    char text[16];
    uint8_t bytes[16];
    if (on_oracle ())
        return; /* it crashes */
    errno = 0;
    CHECK (zmq_z85_encode (NULL, hello, 8) == NULL);
    CHECK_INT (errno, EFAULT);
    errno = 0;
    CHECK (zmq_z85_encode (text, NULL, 8) == NULL);
    CHECK_INT (errno, EFAULT);
    errno = 0;
    CHECK (zmq_z85_encode (NULL, hello, 0) == NULL);
    CHECK_INT (errno, EFAULT);
    CHECK (zmq_z85_encode (text, hello, SIZE_MAX - 3) == NULL);
    CHECK_INT (errno, EINVAL);
    errno = 0;
    CHECK (zmq_z85_decode (NULL, "HelloWorld") == NULL);
    CHECK_INT (errno, EFAULT);
    errno = 0;
    CHECK (zmq_z85_decode (bytes, NULL) == NULL);
    CHECK_INT (errno, EFAULT);
    CHECK (zmq_z85_decode (NULL, NULL) == NULL);
}

MAIN
