/* Sessions and holidays of the segments, from data files: a date is a trading day by table, the
 * weekday is only the default. Pure: parses buffers, answers questions about moments. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "domain/instrument.h"

struct calendar;

/* `sessions` and `holidays`: CSV text (data/market/sessions.csv, holidays.csv; formats in their
 * heads). On a fault returns -EBADMSG and writes "sessions.csv:12: …" into `fault`. */
int calendar_new(const char *sessions, size_t n_sessions, const char *holidays, size_t n_holidays,
                 char *fault, size_t fault_size, struct calendar **ret);
struct calendar *calendar_free(struct calendar *c);
DEFINE_CLEANUP(struct calendar *, calendar_free)

#define CALENDAR_SESSIONS_MAX 256
#define CALENDAR_HOLIDAYS_MAX 4096
#define CALENDAR_SEARCH_DAYS  60 /* how far a next or previous trading day is looked for */

/* Some of the day's sessions take place. */
bool calendar_trading_day(const struct calendar *c, enum exchange e, int day);
/* Continuous trading of this instrument is on at that moment. */
bool calendar_open(const struct calendar *c, const struct instrument *i, int64_t wall_us);
/* How many full holidays of `e` are listed for that year. A list has far more than the few that are
 * sure by law before it is published. */
#define CALENDAR_HOLIDAYS_MIN 8
unsigned calendar_holidays_of(const struct calendar *c, enum exchange e, int year);
/* The first trading day of NSE after `day`; the next date when none comes soon. */
int calendar_next_trading_day(const struct calendar *c, int day);
/* `day` or the last trading day of `e` before it: where an expiry on a holiday goes. `day` itself
 * when there is none near. */
int calendar_on_or_before(const struct calendar *c, enum exchange e, int day);
/* When continuous trading of that day ends for the instrument (wall clock); 0 on a closed day. */
int64_t calendar_close_of(const struct calendar *c, const struct instrument *i, int day);
