/* The market's data while the daemon runs: those of a new day, those that were read again, and what
 * they lack for the days to come. */
#include "daemon/daemon.h"

#include "base/clock.h"
#include "base/log.h"
#include "domain/event.h"

#define MARKET_KEEP_US  (60 * USEC_PER_SEC) /* quotes may borrow from older data so long */
#define NEXT_YEAR_KNOWN 1220 /* month and day: the exchanges' lists come in mid-December */

void daemon_set_market(struct daemon *d, struct market *m)
{
        m->older = d->market;
        if (m->older)
                m->older->retired_us = clock_mono_us();
        d->market = m;
        orchestrator_set_market(d->orchestrator, m->calendar, m->instruments);
        if (d->paper)
                paper_set_calendar(d->paper, m->calendar);
}

static void free_older(struct market *m, int64_t retired_before_us)
{
        struct market **at = &m->older;

        while (*at) {
                struct market *old = *at;
                if (old->retired_us >= retired_before_us) {
                        at = &old->older;
                        continue;
                }
                *at = old->older;
                market_free(old);
        }
}

void daemon_check_market(const struct daemon *d)
{
        int today = clock_ist_day(clock_wall_us()), year = today / 10000;

        if (today % 10000 >= NEXT_YEAR_KNOWN)
                year++;
        unsigned n = calendar_holidays_of(d->market->calendar, EXCHANGE_NSE, year);
        if (n >= CALENDAR_HOLIDAYS_MIN)
                return;
        log_event(LOG_WARNING, EVENT_MARKET_STALE, NULL, 0,
                  "holidays.csv has %u holidays of NSE for %d: the exchange's list is missing, and "
                  "orders may be passed on or refused on the wrong days",
                  n, year);
}

void daemon_look_at_market(struct daemon *d)
{
        char fault[MARKET_FAULT_SIZE];
        int today = clock_ist_day(clock_wall_us());
        struct market *m = NULL;

        free_older(d->market, clock_mono_us() - MARKET_KEEP_US);
        if (today == d->market->day)
                return;
        if (market_load(d->config->market_dir, today, fault, &m) < 0) {
                log_event(LOG_ERR, EVENT_MARKET_STALE, NULL, 0,
                          "yesterday's instruments stay in use: %s", fault);
                return;
        }
        daemon_set_market(d, m);
        daemon_check_market(d);
}

void daemon_free_market(struct daemon *d)
{
        if (d->market)
                free_older(d->market, INT64_MAX);
        d->market = market_free(d->market);
}
