/* Faults that a test asks for. They are compiled in by -Dfaults=true only, which no package and no
 * ordinary build has.
 *
 * Two kinds: what hangs when a signal says so, for the watchdog; and crash points, the places on
 * the way of an order at which a kill -9 tells whether anything is doubled or lost. */
#pragma once

enum fault {
        FAULT_STORE, /* the store thread hangs before its next group */
        FAULT_LOOP,  /* the loop hangs */
        _FAULT_MAX
};

/* Every step between two durable facts. The torture test goes through all of them by itself, so
 * that a new row is all that a new step needs. */
#define CRASH_TABLE(X)                                                                          \
        X(PLACE_BEGIN, "place-begin", "an order passed its gates, its intent is not written")   \
        X(PLACE_INTENT, "place-intent", "an order's intent is durable, nothing was sent")       \
        X(WAIT_BEGIN, "wait-begin", "an order's intent is durable without the mark, it waits")  \
        X(MARK_BEGIN, "mark-begin", "an order's turn came, its mark is not written")            \
        X(MARK_DONE, "mark-done", "the mark of an order that waited is durable, not sent")      \
        X(QUEUE_BEGIN, "queue-begin", "a marked write waits until fewer are at its broker")     \
        X(RETRY_BEGIN, "retry-begin", "no byte of a write had left, it is about to go again")   \
        X(PLACE_RESULT, "place-result", "an order's reply was read, its outcome not written")   \
        X(PLACE_RECORDED, "place-recorded", "an order's outcome is durable, not yet answered")  \
        X(COMMIT_BEGIN, "commit-begin", "a group of writes is complete, its commit is not")     \
        X(COMMIT_WRITTEN, "commit-written", "a commit was written, not yet synced or answered") \
        X(COMMIT_DONE, "commit-done", "a commit is durable, the loop does not know")            \
        X(CALL_BEGIN, "call-begin", "the last moment before the bytes of a write leave")        \
        X(CALL_SENT, "call-sent", "a write was sent, its reply has not come")                   \
        X(CALL_ANSWERED, "call-answered", "the reply to a write has come and was not read")     \
        X(ACT_BEGIN, "act-begin", "a change or cancel is accepted, its intent is not written")  \
        X(ACT_INTENT, "act-intent", "the intent of a change or cancel is durable")              \
        X(ACT_RESULT, "act-result", "the reply to a change or cancel was read, not written")    \
        X(ACT_RECORDED, "act-recorded", "what came of it is durable, not yet answered")         \
        X(ADOPT_BEGIN, "adopt-begin", "a lost order was found in the book, it is not written")  \
        X(ADOPT_RECORDED, "adopt-recorded", "a lost order was found in the book, and written")  \
        X(KILL_SET, "kill-set", "the kill switch is engaged in memory alone")                   \
        X(KILL_MARKED, "kill-marked", "the kill switch has its marker, the ledger has nothing") \
        X(KILL_RECORDED, "kill-recorded", "the kill switch is in the ledger, not answered")

enum crash {
#define X(id, name, what) CRASH_##id,
        CRASH_TABLE(X)
#undef X
                _CRASH_MAX
};

#ifdef ORDO_FAULTS
void fault_set(enum fault f); /* any thread */
/* Never returns once the fault is set. */
void fault_point(enum fault f);
/* Ends the process by SIGKILL at the n-th passing of the point that $TEST_CRASH names, as
 * "name:n" or "name" for the first. Any thread. */
void crash_point(enum crash c);
#else
#define fault_point(f) ((void)0)
#define crash_point(c) ((void)0)
#endif
