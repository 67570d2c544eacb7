/* An orchestrator without a market: it answers what it was told to, from the loop's next turn on,
 * and counts what reached it. Everything is set from the test's thread through atomics; the rest is
 * the loop thread's. */
#pragma once

#include <stdatomic.h>

#include "orchestrator/orchestrator.h"

#define FAKE_BODY_MAX 4096

struct fake {
        atomic_int problem; /* enum problem of every following answer; NONE: as if all were well */
        atomic_int outcome; /* enum outcome of placed legs */
        atomic_int hold;    /* nothing is answered until it is 0 and fake_release() was called */
        atomic_int placed, validated, amended, cancelled_many, killed, reported, logins, completed;
        atomic_int running; /* taken and not answered */
        atomic_int pending_login;
        atomic_int subscriptions;
        atomic_int not_ready;
};
extern struct fake fake;

struct fake_options {
        struct loop *loop;
        const struct account *accounts;
        unsigned n_accounts;
};
struct orchestrator *fake_new(const struct fake_options *o);
void fake_free(struct orchestrator *o);
/* Both from any thread. */
void fake_release(struct orchestrator *o);
/* Delivers one event to all subscribers; strings are copied. */
void fake_event(struct orchestrator *o, int64_t id, const char *type, const char *account,
                const char *data);
/* Tells all subscribers that there was a gap. */
void fake_gap(struct orchestrator *o);
/* The last order that was placed: its fields in one line, and its key. */
extern char fake_last_order[512];
extern char fake_last_key[IDEMPOTENCY_KEY_SIZE];
extern char
        fake_last_text[FAKE_BODY_MAX]; /* what else came last: reason, payload, redirect_url … */
