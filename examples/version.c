/* version: says which library answers, and from which file it was loaded.
 *
 * usage: version */
#define _GNU_SOURCE
#include <dlfcn.h>

#include "support.h"

int main (void)
{
    int major, minor, patch;
    zmq_version (&major, &minor, &patch);

    Dl_info origin;
    bool known = dladdr ((void *) (uintptr_t) zmq_version, &origin) != 0;
    printf ("version %d.%d.%d (compiled against %d.%d.%d) from %s\n", major,
            minor, patch, ZMQ_VERSION_MAJOR, ZMQ_VERSION_MINOR,
            ZMQ_VERSION_PATCH, known ? origin.dli_fname : "an unknown file");
    return EXIT_SUCCESS;
}
