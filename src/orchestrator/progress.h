/* What runs, since when, and what is left to do: for the watchdog, STATUS and leaving when idle. */
#pragma once

#include "orchestrator/orchestrator.h"

/* Embedded in every operation; inside the orchestrator only. */
struct running {
        struct list link; /* orchestrator.running, oldest first */
        int64_t since_us; /* monotonic */
};
void running_begin(struct orchestrator *o, struct running *r);
void running_end(struct orchestrator *o, struct running *r);

/* True when an operation runs for longer than its deadline and `grace_us`; `reason` says so. */
bool progress_overdue(const struct orchestrator *o, int64_t grace_us, char *reason, size_t size);
/* What must not be left alone, in words; NULL: nothing is to be done or watched. */
const char *progress_busy(const struct orchestrator *o);
/* Adds what an operator should know, each part beginning with "; ": nothing when all is quiet. */
void progress_print(struct orchestrator *o, struct text *ret);
