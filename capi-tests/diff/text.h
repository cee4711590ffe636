/* text.h - how results are printed, so that they do not differ by chance. */
#ifndef FERROZMQ_DIFF_TEXT_H
#define FERROZMQ_DIFF_TEXT_H

#include <stddef.h>

/* Size, first bytes and a hash of a frame. Random routing ids and request
 * numbers are replaced by the order in which they appear. */
void print_bytes (const void *bytes, size_t size);
/* Text in which this process's address, number, ports and paths are replaced. */
void print_text (const char *text);
unsigned hash_bytes (const void *bytes, size_t size);

/* Replaces HOST and PID by this process's. */
void spell_endpoint (const char *pattern, char *text);
/* What a wildcard became, for those that connect. */
void note_wildcard (int endpoint, const char *text);
void last_wildcard (int endpoint, char *text);

#endif
