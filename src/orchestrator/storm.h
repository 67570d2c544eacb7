/* A storm of rejections: a program that a broker refuses again and again is stopped before the
 * broker blocks the account. Orders that reduce a position and cancels pass. In memory only: after
 * a restart it is counted anew. */
#pragma once

#include <stdint.h>

#include "domain/problem.h"
#include "orchestrator/rate_window.h"

struct account_limits;
struct account_state;

struct storm {
        struct rate_window rejections;
        int64_t until_us; /* monotonic; 0: none */
};

int storm_init(struct account_state *a);
void storm_done(struct account_state *a);
/* A reload: a person has looked at it. It is over, and counted anew. */
int storm_take_up(struct account_state *a);
/* Another daemon has seen one: the pause holds here, too. */
void storm_heard(struct account_state *a);
/* The broker refused something for this. */
void storm_note(struct account_state *a, enum problem why);
/* Microseconds until orders pass again; 0: they do. */
int64_t storm_wait(const struct account_state *a);
