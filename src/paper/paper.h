/* The simulated exchange behind the paper broker: per-account books over a deterministic seeded
 * market (or one that stands still), price-time matching, partial fills, stops, products, funds,
 * positions, holdings, P&L, and refusals as real brokers give them. Reached only through net's
 * local transport; the protocol is in docs/paper.md.
 *
 * Time moves only inside paper_serve(): the market of moment t is a function of seed, instrument
 * and t, so a request first brings the books up to now and then is served. Hence everything that
 * ever changes is in the rider of some reply, and is committed before anybody sees it. Loop thread
 * only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/http_message.h"
#include "domain/account.h"
#include "domain/calendar.h"
#include "domain/instrument.h"
#include "domain/rider.h"

struct paper;

struct paper_options {
        uint64_t seed;
        const struct instrument *(*find)(void *userdata, const char *symbol); /* NULL: unknown */
        void *userdata;
        const struct calendar *calendar;
};

int paper_new(const struct paper_options *o, struct paper **ret);
/* Another calendar holds from now on; the old one is not used any more. */
void paper_set_calendar(struct paper *p, const struct calendar *calendar);
struct paper *paper_free(struct paper *p);
DEFINE_CLEANUP(struct paper *, paper_free)
int paper_add_account(struct paper *p, const struct account *a);

/* One row of what riders stored, at start (any thread, before the first request). -EBADMSG when it
 * cannot be read. */
int paper_restore(void *paper, const char *account, const char *kind, const char *key,
                  const void *value, size_t size);
/* Fits struct local_service. */
int paper_serve(void *paper, const struct http_request *request, struct http_reply *ret,
                struct rider **ret_rider);
