#include "orchestrator/closing.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "orchestrator/state.h"

/* --- the list --- */

/* Beyond the bound the oldest goes that is over. */
static void forget_one(struct closing *c)
{
        LIST_FOREACH (it, &c->tasks) {
                struct closing_task *t = LIST_ENTRY(it, struct closing_task, link);
                if (!closing_task_over(t))
                        continue;
                list_unlink(&t->link);
                free(t);
                c->n_tasks--;
                return;
        }
}

struct closing_task *closing_task_new(struct closing *c, enum kill_kind kind)
{
        struct closing_task *t = calloc(1, sizeof(*t));
        if (!t)
                return NULL;
        if (c->n_tasks >= CLOSING_TASKS_MAX)
                forget_one(c);
        t->closing = c;
        t->shown.kind = kind;
        text_copy(t->shown.account, sizeof(t->shown.account), c->account->account->id);
        closing_task_set(t, KILL_STATE_WAITING, KILL_BLOCK_NONE, "");
        list_append(&c->tasks, &t->link);
        c->n_tasks++;
        return t;
}

void closing_task_set(struct closing_task *t, enum kill_state state, enum kill_block blocked,
                      const char *message)
{
        t->shown.state = state;
        t->shown.blocked = blocked;
        t->shown.updated_us = clock_wall_us();
        text_copy(t->shown.message, sizeof(t->shown.message), message);
}

bool closing_task_over(const struct closing_task *t)
{
        switch (t->shown.state) {
        case KILL_STATE_CANCELLED:
        case KILL_STATE_FILLED:
        case KILL_STATE_ENDED:
        case KILL_STATE_FLAT:
                return !t->leg && !t->act && !t->external && !t->placing;
        default:
                return false;
        }
}

/* --- legs --- */

bool closing_leg_over(const struct open_leg *l)
{
        return l->state == LEG_STATE_SETTLED &&
               (order_status_terminal(l->status) || l->outcome != OUTCOME_ACCEPTED);
}

bool closing_leg_counts(const struct open_leg *l)
{
        bool ended_day = open_leg_unresolved(l) && l->day < clock_ist_day(clock_wall_us());
        return !closing_leg_over(l) && !ended_day;
}

unsigned closing_open_legs(const struct account_state *a)
{
        unsigned n = 0;
        LIST_FOREACH (it, &a->open_legs)
                n += closing_leg_counts(LIST_ENTRY(it, struct open_leg, of_account));
        return n;
}

void closing_hold(struct closing_task *t, struct open_leg *l)
{
        t->leg = l;
        l->closing = true;
        l->pins++;
}

void closing_let_go(struct closing_task *t)
{
        struct open_leg *l = TAKE(t->leg);
        if (!l)
                return;
        l->closing = false;
        l->pins--;
        open_leg_retire(l);
}

int64_t closing_again_us(unsigned tries)
{
        int64_t us = CLOSING_AGAIN_US;
        while (tries-- > 1 && us < CLOSING_AGAIN_MAX_US)
                us *= 2;
        return us < CLOSING_AGAIN_MAX_US ? us : CLOSING_AGAIN_MAX_US;
}

/* --- proof --- */

/* Delivery stays; what is borrowed for it (MTF) is delivery, too. */
bool closing_squares(const struct position *p)
{
        return p->quantity != 0 && p->product != PRODUCT_CNC && p->product != PRODUCT_MTF;
}

unsigned closing_positions(const struct account_state *a)
{
        unsigned n = 0;
        for (unsigned i = 0; i < a->funds.n_positions; i++)
                n += closing_squares(&a->funds.positions[i]);
        return n;
}

/* Positions as they were after everything that was sent, and everything that filled. */
static bool positions_prove(const struct closing *c)
{
        const struct funds_cache *f = &c->account->funds;
        int64_t last = c->acted_us > c->filled_us ? c->acted_us : c->filled_us;
        int64_t from = last ? last + CLOSING_LAG_US : 0;
        return f->valid && f->as_of_us >= c->since_us && f->as_of_us >= from &&
               closing_positions(c->account) == 0;
}

bool closing_proven(const struct closing *c)
{
        if (c->level < KILL_LEVEL_CANCEL)
                return true;
        if (closing_open_legs(c->account) > 0)
                return false;
        LIST_FOREACH (it, &c->tasks)
                if (!closing_task_over(LIST_ENTRY(it, struct closing_task, link)))
                        return false;
        return closing_book_proves(c) && (c->level < KILL_LEVEL_FLATTEN || positions_prove(c));
}

/* --- steps --- */

static void say_why(struct closing *c)
{
        struct account_state *a = c->account;
        enum kill_block why = KILL_BLOCK_NONE;
        const char *message = "";

        if (closing_proven(c)) {
                why = KILL_BLOCK_NONE;
        } else if (a->session != SESSION_STATE_ACTIVE) {
                why = KILL_BLOCK_NO_SESSION;
                message = "the account has no session: nothing can be read or cancelled there";
        } else if (c->book_failed) {
                why = KILL_BLOCK_UNREAD;
                message = "the order book could not be read";
        } else if (c->level == KILL_LEVEL_FLATTEN && !c->reading_funds && c->funds_asked_us &&
                   a->funds.as_of_us < c->funds_asked_us) {
                why = KILL_BLOCK_UNREAD;
                message = "the positions could not be read";
        }
        if (c->self.blocked == why)
                return;
        c->self.blocked = why;
        c->self.updated_us = clock_wall_us();
        text_copy(c->self.message, sizeof(c->self.message), message);
}

static bool idle(const struct closing_task *t)
{
        return !t->act && !t->external && !t->placing;
}

/* What runs is let to its end; its last callback comes here again. */
static void forget(struct closing *c)
{
        LIST_FOREACH (it, &c->tasks) {
                struct closing_task *t = LIST_ENTRY(it, struct closing_task, link);
                if (!idle(t))
                        continue;
                closing_let_go(t);
                list_unlink(&t->link);
                c->n_tasks--;
                free(t);
        }
        c->self.blocked = KILL_BLOCK_NONE;
}

bool closing_step(struct closing *c)
{
        enum kill_level level = killswitch_level(c->account->orchestrator, c->account->account->id);

        if (level != c->level) {
                c->level = level;
                c->since_us = clock_mono_us();
                c->acted_us = c->filled_us = c->funds_asked_us = c->book_asked_us = c->book_us = 0;
        }
        if (level < KILL_LEVEL_CANCEL || !c->account->owned) {
                forget(c); /* another daemon works it off */
                return false;
        }
        closing_cancel_legs(c);
        if (level == KILL_LEVEL_FLATTEN) {
                closing_cancel_external(c);
                closing_exits(c);
        }
        closing_read_book(c);
        say_why(c);
        return !closing_proven(c);
}

void closing_init(struct closing *c, struct account_state *a, const char *id)
{
        *c = (struct closing){.account = a,
                              .self = {.kind = KILL_KIND_ACCOUNT, .state = KILL_STATE_BLOCKED}};
        text_copy(c->self.account, sizeof(c->self.account), id);
        list_init(&c->tasks);
        closing_exits_init(c);
}

void closing_done(struct closing *c)
{
        LIST_FOREACH (it, &c->tasks) {
                struct closing_task *t = LIST_ENTRY(it, struct closing_task, link);
                list_unlink(&t->link);
                leg_act_free(t->act);
                free(t->external);
                free(t);
        }
}
