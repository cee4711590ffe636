/* topics.c - many topics: short and long, some the beginning of others. */
#include "topics.h"
#include <stdio.h>
#include <string.h>

/* No size about 255, and none that begins with a byte 0 or 1: COMPAT.md. */
size_t spell_topic (int number, unsigned char *topic)
{
    static const char *const short_topics[FIRST_STRANGE_TOPIC] = {"", "A", "B", "C", "AB", "a", "ab", "abc"};
    static const int lengths[] = {2, 3, 7, 8, 9, 15, 16, 17, 40, 100, 200, 300};
    if (number < FIRST_STRANGE_TOPIC) {
        strcpy ((char *) topic, short_topics[number]);
        return strlen (short_topics[number]);
    }
    int length = lengths[number % 12];
    /* The number first, last, or in the middle of what they have in common. */
    int at = number % 3 == 0 ? 1 : number % 3 == 1 ? length / 2 : length - 2;
    memset (topic, 'a' + number % 2, (size_t) length);
    topic[at > 0 ? at : 1] = (unsigned char) (number / 2);
    if (number % 5 == 0)
        topic[length - 1] = (unsigned char) (number >> 3);
    return (size_t) length;
}
