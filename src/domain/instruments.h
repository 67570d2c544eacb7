/* A set of instruments: built once from the market data files (data/market: formats in their
 * heads), immutable afterwards, so every thread may read it. Derivatives come from rules relative
 * to the day of building, so that the built-in set never expires; build a new set for a new day. */
#pragma once

#include <stddef.h>

#include "base/cleanup.h"
#include "domain/calendar.h"
#include "domain/csv.h"
#include "domain/instrument.h"

#define INSTRUMENTS_MAX        500000
#define INSTRUMENTS_SEARCH_MAX 500 /* results of one search */

struct instruments_sources {
        struct csv_source instruments; /* shares and indices */
        struct csv_source ticks;       /* tick by price, where a row names none */
        struct csv_source contracts;   /* rules for futures and options */
};

struct instruments;

/* Contracts that have expired before `day` (IST) are left out. The sources are not kept. -ENOMEM,
 * or -EBADMSG with "file:line: …" in `fault`. */
int instruments_new(const struct instruments_sources *s, int day, const struct calendar *calendar,
                    char *fault, size_t fault_size, struct instruments **ret);
struct instruments *instruments_free(struct instruments *set);
DEFINE_CLEANUP(struct instruments *, instruments_free)

unsigned instruments_count(const struct instruments *set);
/* In the order of their symbols; NULL behind the last. */
const struct instrument *instruments_at(const struct instruments *set, unsigned i);
/* By canonical symbol; NULL. */
const struct instrument *instruments_find(const struct instruments *set, const char *symbol);
/* Where an instrument stands among the results of a search: the lower the earlier;
 * INSTRUMENTS_PLACES: it does not fit. */
#define INSTRUMENTS_PLACES 6
unsigned instruments_place(const struct instrument *i, const char *query, size_t n_query);
/* Fills `ret` with at most `limit` (and INSTRUMENTS_SEARCH_MAX) and returns how many: exact symbols
 * first (with or without the exchange), then symbols that begin so, then those that hold it in
 * symbol or name; shares and indices before derivatives each time. Case does not matter. `exchange`
 * -1: all. */
unsigned instruments_search(const struct instruments *set, const char *query, int exchange,
                            unsigned limit, const struct instrument **ret);
