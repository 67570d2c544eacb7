/* What the first account's book shows: rows of the tests' own in place of the exchange's. */
#pragma once

#include <stdint.h>

struct row {
        const char *id, *tag;
        const char *symbol, *side, *type, *product, *status, *price, *trigger;
        int quantity, filled;
        int64_t placed_us;
};

/* What is not given is as in "BUY 10 NSE:SBIN CNC LIMIT 1000", placed now. The first account's book
 * is this from now on. */
void show_book(const struct row *rows, unsigned n);
#define SHOW(...)                                                 \
        do {                                                      \
                const struct row rows_[] = {__VA_ARGS__};         \
                show_book(rows_, sizeof(rows_) / sizeof(*rows_)); \
        } while (0)
