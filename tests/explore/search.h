/* Every sequence of steps that a purse allows, depth first, each by doing it again from the start:
 * the orchestrator cannot be copied, but it does the same again. A world that was seen before (see
 * picture.h) is not gone on with. */
#pragma once

#include "seen.h"
#include "step.h"

#define SEARCH_DEPTH_MAX 400

struct path {
        unsigned choices[SEARCH_DEPTH_MAX];
        unsigned n;
};

struct tally {
        uint64_t runs, ends;       /* ends: runs that were judged at their end */
        uint64_t steps, new_steps; /* taken; of them for the first time */
        uint64_t states;           /* that were told apart */
        unsigned depth;
};

struct search {
        const struct scenario *scenario;
        struct purse purse;
        bool merge; /* false: seen worlds are gone on with too */
        bool loud;  /* tell the steps */
        struct tally tally;
        struct seen *ends;   /* the pictures of all ends; NULL: nobody asks */
        uint64_t ends_sum;   /* of them, each once */
        int64_t deadline_us; /* of the process; 0: none */
        bool cut;            /* it was not over by then */
};

/* Of this process, so far. */
int64_t search_cpu_us(void);
/* One run. False: a rule was broken (judge_words()); `path` is what was done. */
bool search_one(struct search *s, struct path *path);
/* All of them. False: as above. */
bool search_all(struct search *s, struct path *path);
/* A shorter or simpler path that breaks the same rule. */
void search_shrink(struct search *s, struct path *path);
