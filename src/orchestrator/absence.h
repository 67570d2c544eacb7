/* A leg that a complete book does not show. It proves something where the book commits with our
 * ledger, and where the book has proven today that it echoes our tags (echo.h): then reads that
 * span ABSENCE_US settle the leg as not placed. What nothing proves a person has to settle
 * (orders.md §3). */
#pragma once

#include "orchestrator/book_rows.h"

struct orchestrator;

/* From the first read without it, begun after the attempt had ended, to the last. */
#define ABSENCE_US INT64_C(300000000)
/* After an explicit error without an order id (leg_denied()). */
#define ABSENCE_DENIED_US INT64_C(15000000)

void absence_take(const struct book_read *r, struct open_leg *l);
/* Books live one day: unresolved legs of an ended one are the operator's, at start and whenever a
 * day in India is over. Asks only when the day is another one than the last time. */
void absence_sweep(struct orchestrator *o);
/* Monotonic: when the next read would settle it; INT64_MAX: none would. */
int64_t absence_due_us(const struct open_leg *l, int64_t now_wall_us);
