/* Sessions and holidays of the segments, from data files (market.md §2, §3): a date is a trading day by
 * table, the weekday is only the default. Pure: parses buffers, answers questions about moments. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "domain/instrument.h"

struct calendar;

/* `sessions` and `holidays`: CSV text (data/market/sessions.csv, holidays.csv; formats in their heads).
 * On a fault returns -EBADMSG and writes "sessions.csv:12: …" into `fault`. */
int calendar_new(const char *sessions, size_t n_sessions, const char *holidays, size_t n_holidays,
                 char *fault, size_t fault_size, struct calendar **ret);
struct calendar *calendar_free(struct calendar *c);
DEFINE_CLEANUP(struct calendar *, calendar_free)

bool calendar_trading_day(const struct calendar *c, enum exchange e, int day);
/* Continuous trading of this instrument is on at that moment. */
bool calendar_open(const struct calendar *c, const struct instrument *i, int64_t wall_us);
/* The first trading day of NSE after `day`. */
int calendar_next_trading_day(const struct calendar *c, int day);
/* When continuous trading of that day ends for the instrument (wall clock); 0 on a closed day. */
int64_t calendar_close_of(const struct calendar *c, const struct instrument *i, int day);
