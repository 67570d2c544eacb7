/* What an account has lost today, realised or not, as its positions were last read (orders.md
 * §1.3). The worst moment of the day counts: a limit that was reached stays reached until the day
 * ends or the limit is raised. After a restart it is counted anew from what the broker shows. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct account_state;

#define LOSS_WATCH_US INT64_C(15000000)  /* open positions of a real account are read so often */
#define LOSS_BLIND_US INT64_C(300000000) /* without positions for so long no risk is added */

struct loss {
        int day;
        bool known;         /* positions were read today */
        int64_t now, worst; /* 1e-4 rupee; positive: lost */
        bool told;          /* that the limit was reached */
};

/* The book was read: open positions are looked at again, so that a loss is seen while nobody sends
 * orders. */
void loss_watch(struct account_state *a);
/* Positions were read. */
void loss_note(struct account_state *a);
bool loss_reached(struct account_state *a);
/* Another daemon has seen it reached, and told so. */
void loss_heard(struct account_state *a);
/* What may still be lost; -1: no limit. */
int64_t loss_left(struct account_state *a);
