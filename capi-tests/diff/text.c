/* text.c - results as text that is the same wherever they mean the same. */
#include "text.h"
#include "diff.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SHOWN_BYTES = 12, RANDOM_IDS = 64 };

unsigned hash_bytes (const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    unsigned hash = 2166136261u;
    while (size--)
        hash = (hash ^ *at++) * 16777619u;
    return hash;
}

/* The number of a random id, in order of appearance. */
static int order_of (const void *id)
{
    static unsigned char seen[RANDOM_IDS][5];
    static int count;
    for (int i = 0; i < count; i++)
        if (memcmp (seen[i], id, 5) == 0)
            return i;
    if (count < RANDOM_IDS)
        memcpy (seen[count++], id, 5);
    return count - 1;
}

void print_bytes (const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    if (size == 5 && at[0] == 0) {
        printf ("[id %d]", order_of (at));
        return;
    }
    if (size == 4) {
        printf ("[4]");
        return;
    }
    printf ("[%zu ", size);
    for (size_t i = 0; i < size && i < SHOWN_BYTES; i++)
        if (at[i] > 32 && at[i] < 127)
            putchar (at[i]);
        else
            printf ("%%%02X", at[i]);
    if (size > SHOWN_BYTES)
        printf (" #%x", hash_bytes (bytes, size));
    printf ("]");
}

/* Always of the same length, and no other process's. */
static const char *host (void)
{
    static char text[32];
    int pid = (int) getpid ();
    snprintf (text, sizeof text, "127.%d.%d.%d", 100 + pid / 22500 % 150,
              100 + pid / 150 % 150, 100 + pid % 150);
    return text;
}

static const char *number (void)
{
    static char text[16];
    snprintf (text, sizeof text, "%07d", (int) getpid ());
    return text;
}

static void replace (char *text, const char *what, const char *by)
{
    char *at = strstr (text, what);
    if (!at)
        return;
    size_t rest = strlen (at + strlen (what)) + 1;
    memmove (at + strlen (by), at + strlen (what), rest);
    memcpy (at, by, strlen (by));
}

void print_text (const char *given)
{
    char text[1024];
    snprintf (text, sizeof text - 64, "%s", given);
    for (int i = 0; i < 2; i++)
        replace (text, host (), "HOST");
    replace (text, number (), "PID");
    if (strncmp (text, "tcp://", 6) == 0) {
        char *port = strrchr (text, ':');
        /* Found by the system; those beyond 65535 are written so in tables.c. */
        if (port && atoi (port + 1) >= 8000 && atoi (port + 1) <= 65535)
            strcpy (port, ":WILD");
    }
    if (strncmp (text, "ipc://tmp", 9) == 0 || strncmp (text, "ipc:///tmp", 10) == 0)
        strcpy (text, "ipc://WILD");
    if (strncmp (text, "localhost:", 10) == 0)
        replace (text, text + 10, "CREDENTIALS");
    fputs (text, stdout);
}

void spell_endpoint (const char *pattern, char *text)
{
    strcpy (text, pattern);
    replace (text, "HOST", host ());
    replace (text, "HOST", host ());
    replace (text, "PID", number ());
}

static char wildcards[BAD_ENDPOINTS][512];

void note_wildcard (int endpoint, const char *text)
{
    strcpy (wildcards[endpoint], text);
}

void last_wildcard (int endpoint, char *text)
{
    if (endpoint < BAD_ENDPOINTS && wildcards[endpoint][0])
        strcpy (text, wildcards[endpoint]);
}
