/* What the library says of itself, and that errno stays untouched by success. */
#include "check.h"

TEST (version_is_4_3)
{
    int major = -1, minor = -1, patch = -1;
    zmq_version (&major, &minor, &patch);
    CHECK_INT (major, 4);
    CHECK_INT (minor, 3);
    CHECK_INT (patch, on_oracle () ? 4 : 5);
}

MAIN
