/* topics.h - many topics: short and long, some the beginning of others. */
#ifndef FERROZMQ_DIFF_TOPICS_H
#define FERROZMQ_DIFF_TOPICS_H

#include <stddef.h>

/* From FIRST_STRANGE_TOPIC on none begins with a capital letter, or matches one. */
enum { MANY_TOPICS = 400, FIRST_STRANGE_TOPIC = 8, LONGEST_TOPIC = 400 };

size_t spell_topic (int number, unsigned char *topic);

#endif
