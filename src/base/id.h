/* Identifiers. An order id is a ULID: 48 bits of milliseconds, 80 bits of randomness, 26 characters
 * of Crockford's base 32; ids made by one process sort by age even inside one millisecond. A tag is
 * the short form that travels to a broker: 16 characters, letters and digits, time-ordered too, so
 * that index inserts stay at one end. Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define ID_SIZE   27 /* 26 + NUL */
#define TAG_SIZE  21 /* at most 20 characters: what the shortest broker field holds (sheets) */
#define UUID_SIZE 37

void id_make(char buf[static ID_SIZE]);
bool id_valid(const char *s, size_t n);
void tag_make(char buf[static TAG_SIZE]);
/* The same in decimal digits, for brokers whose field takes no letters. */
void tag_make_number(char buf[static TAG_SIZE]);
void uuid_make(char buf[static UUID_SIZE]);
