/* Modifying or cancelling one open leg at its broker:
 *
 *   begun ─► writing the intent ─► calling ─► writing the answer ─► done
 *
 * A cancel goes on when the ledger cannot take the intent (it removes risk); a modification does
 * not. A leg whose outcome is not known yet is only marked: the cancel is executed when reconcile
 * adopts it. */
#pragma once

#include "orchestrator/call.h"
#include "orchestrator/gate.h"
#include "orchestrator/leg_write.h"
#include "orchestrator/open_leg.h"
#include "orchestrator/operation.h"

struct leg_act {
        struct list link;           /* the owner's */
        enum amend_kind kind;       /* MODIFY or CANCEL */
        struct open_leg *leg;       /* pinned until done */
        struct order_change asked;  /* MODIFY: of the whole order, as the client said it */
        struct order_change change; /* MODIFY: of this leg, as the gates let it pass */
        struct scrip scrip;         /* of leg_act_scrip() */
        struct gate gate;           /* MODIFY: what was taken for it; given back or settled here */
        const char *actor, *correlation_id;
        void (*done)(struct leg_act *act);
        void *userdata;
        /* out: what came of it, as a leg of its own order */
        struct order *shown;
        /* private */
        struct call call;
        bool intended; /* MODIFY: the intent is written, its turn has to come */
        struct leg_note note;
};

int leg_act_new(struct leg_act **ret, enum amend_kind kind, struct open_leg *leg);
/* Brings `shown` up to what the leg is now. */
void leg_act_follow(struct leg_act *act);
/* The instrument as the account's broker lists it; NULL: not listed (any more). */
const struct scrip *leg_act_scrip(struct leg_act *act);
/* `done` later, never from inside. */
void leg_act_start(struct leg_act *act);
struct leg_act *leg_act_free(struct leg_act *act);

/* Cancels one leg, once; what comes of it is recorded and nobody is told. */
void leg_act_cancel(struct open_leg *l, const char *actor);
/* An order in doubt was found: what was owed, and what the kill switch asks for, is done now. */
void leg_act_cancel_due(struct open_leg *l, const char *actor);
