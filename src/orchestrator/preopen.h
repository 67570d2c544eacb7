/* Before the market opens: every account that has no session for the day gets one where that needs
 * nobody (an authenticator's secret), or it is said that somebody has to log in: an event and a
 * journal record, once a day. An account that a person has logged out is left alone for that day. A
 * daemon that starts later in the day does it then. */
#pragma once

#include <stdint.h>

struct orchestrator;

#define PREOPEN_SECOND   (8 * 3600 + 30 * 60)  /* of the IST day: as ordo-preopen.timer */
#define PREOPEN_UNTIL    (15 * 3600 + 30 * 60) /* the share market closes */
#define PREOPEN_RETRY_US INT64_C(300000000)    /* after a login that the broker did not answer */
#define PREOPEN_TRIES    4

int preopen_new(struct orchestrator *o);
void preopen_start(struct orchestrator *o);
void preopen_free(struct orchestrator *o);
/* Looks now; also called every half minute. */
void preopen_look(struct orchestrator *o);
