/* What can happen next, and making it happen. The first of the list is what happens on a good day;
 * every other one costs something of what a run may spend. */
#pragma once

#include "scene.h"

#define STEPS_MAX 64

enum step_kind {
        STEP_END, /* nothing more goes wrong */
        STEP_ACT,
        STEP_LEDGER,  /* the next job is run, and told */
        STEP_RUN,     /* the next job is run; the loop hears of it later */
        STEP_DELIVER, /* of a job that was run */
        STEP_FLIGHT,
        STEP_TIME,
        STEP_CRASH,
};

/* How much may go wrong in one run. */
struct purse {
        unsigned faults; /* of ledger and wire */
        unsigned crashes;
        unsigned delays;  /* time passes, or somebody is slow, while something waits */
        unsigned moments; /* time passes to the next timer */
};

struct step {
        enum step_kind kind;
        unsigned what; /* enum act, or the flight's place */
        unsigned fate;
        struct purse price;
};

unsigned steps_list(const struct purse *left, struct step ret[static STEPS_MAX]);
void step_words(const struct step *s, char *buf, size_t size); /* before it is taken */
uint64_t step_hash(const struct step *s);                      /* the same */
void step_take(const struct step *s);
