/* Whether an account's order book echoes our tags. A document's word is not enough: it is proven by
 * a row that carries the tag of an order of ours whose number is known, and only for that day in
 * India. One row of ours without its tag takes the proof away until the next day: only with it a
 * book in which a tag is missing says that there is no such order (orders.md §3). */
#pragma once

#include <stdbool.h>

#define ECHO_TABLE(X)                                                             \
        X(UNPROVEN, "unproven") /* no order of ours was seen in the book today */ \
        X(PROVEN, "proven")                                                       \
        X(BROKEN, "broken") /* an order of ours was there without its tag */
#define ECHO_MEMBER(w, text) ECHO_##w,
enum echo_state { ECHO_TABLE(ECHO_MEMBER) };
const char *echo_state_name(enum echo_state s);

struct echo {
        int day; /* IST, 20261123 */
        enum echo_state state;
};

/* A row of an order of ours, in the book of this day; its tag is there or is not. */
void echo_note(struct echo *e, int day, bool shown);
enum echo_state echo_state(const struct echo *e, int day);
