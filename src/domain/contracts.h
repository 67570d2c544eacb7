/* Rules that make futures and options relative to a day, so that a built-in set of instruments
 * never expires (format in the head of data/market/contracts.csv). */
#pragma once

#include "domain/calendar.h"
#include "domain/csv.h"
#include "domain/instrument.h"
#include "domain/ticks.h"

#define CONTRACTS_RULES_MAX    256 /* lines of the file */
#define CONTRACTS_EXPIRIES_MAX 12  /* of one line */
#define CONTRACTS_STRIKES_MAX  10  /* on each side of the level */

/* Calls add() for each contract; it may write a fault for the line at hand. 0, -ENOMEM, or -EBADMSG
 * with "file:line: …" in `fault`. */
int contracts_make(const struct csv_source *source, int day, const struct calendar *calendar,
                   const struct ticks *ticks, char *fault, size_t fault_size,
                   int (*add)(void *userdata, struct csv *at, const struct instrument *i),
                   void *userdata);
