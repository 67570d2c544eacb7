/* One leg as it is in memory goes to the ledger: the order is read, the state put over it, and
 * written with one audit record; when no leg of the order is unresolved any more, the answer for
 * replays with it. Writes of one leg run one after another, so that a later one never stores what
 * an earlier one replaced. A leg that is over leaves memory with its last write.
 *
 *   queued ─► reading the order ─► writing ─► done
 *     ▲                │              │
 *     └──── owed ◄─────┴──────────────┘  it failed; what must not be lost is tried again later
 *
 * While the operation that placed the leg runs, writes wait: it has the first word. And of what
 * books tell, only so much is at the ledger at once: a book of thousands of fills would hold up
 * every order for as long as it takes to write them.
 */
#pragma once

#include "orchestrator/open_leg.h"
#include "orchestrator/operation.h"
#include "orchestrator/orchestrator.h"
#include "domain/audit_record.h"

#define LEG_OWED_MAX     8  /* notes kept for one leg while the ledger cannot be written */
#define LEG_NEWS_AT_ONCE 16 /* writes of what books tell that are at the ledger */

struct leg_note {
        enum audit_action action;
        bool must; /* what it tells is true already: when the ledger cannot take it now, it is kept
                      and written later */
        char actor[KEY_NAME_SIZE];
        char correlation_id[CORRELATION_ID_SIZE];
        /* what becomes of the leg's own columns; left alone when `settles` is false */
        bool settles;
        enum confidence confidence;
        enum problem problem;
        char message[MESSAGE_SIZE];
        bool says;         /* only `message` becomes the leg's, beside what it is */
        bool answers_anew; /* what replays are answered is not true any more */
        /* what the audit record says of a modify or cancel (not the leg's own outcome) */
        enum outcome outcome;
        char broker_code[BROKER_CODE_SIZE];
        char broker_message[MESSAGE_SIZE];
        struct evidence evidence;
        bool modified; /* counts as a modification: the order's terms become those of `change` */
        struct order_change change; /* in MODIFY_INTENT: what the leg is asked to become */
};

/* Of a leg that was certainly not sent when its daemon ended. */
extern const struct leg_note leg_unsent;

typedef void leg_write_fn(void *userdata, enum problem p);

/* The note is copied. `done` may be NULL; it is called on the loop thread, later. -ENOMEM: nothing
 * begun. */
int leg_write(struct open_leg *l, const struct leg_note *note, leg_write_fn *done, void *userdata);
/* Tries again what the ledger could not take; writes the leg as it is when memory knows more. */
void leg_writes_retry(struct open_leg *l);
/* The same for every leg, once a second: a book that is read no more must not keep it waiting. */
void leg_writes_sweep(struct orchestrator *o);
/* The leg's next write runs, or waits for its turn. Nothing happens while one runs, or an operation
 * holds the leg. */
void leg_writes_go_on(struct open_leg *l);
/* Puts what waits to be written about the leg over its own columns. */
void leg_writes_apply(const struct open_leg *l, struct leg *leg);
void leg_writes_free(struct open_leg *l);
