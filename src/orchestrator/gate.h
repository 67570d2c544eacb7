/* The checks a leg must pass before anything is sent (orders.md §1.2), in one fixed order, for all
 * legs before any is sent. A refusal has a code, one sentence with the numbers, and nothing taken.
 * A modification passes the same ones, as the order that it makes; only what it adds is taken. */
#pragma once

#include "domain/scrip.h"
#include "domain/order.h"
#include "orchestrator/lane.h"

struct account_state;
struct open_leg;
struct quota;

enum gate_answer {
        GATE_PASSED,
        GATE_REFUSED,
        GATE_NEEDS_QUOTE, /* ask again when the quote of the instrument was read */
        GATE_NEEDS_FUNDS, /* ask again when funds and positions were read */
        GATE_NEEDS_BOOK,  /* ask again when the order book of `book_asked` was read */
};

struct gate {
        /* in */
        struct account_state *account;
        const struct scrip *scrip; /* NULL: the account's broker does not list it */
        struct open_leg *modified; /* what the order is now; NULL: a new one */
        struct quota *quota;       /* of the key that asks; NULL: it has no limits */
        unsigned n_before; /* legs of the same order that have passed and are not open yet */
        int64_t until_us;  /* monotonic: its turn must come before */
        bool exit;         /* the kill switch squares off: limits do not count, the position does */
        bool quote_asked, funds_asked;    /* no need is answered twice */
        struct account_state *book_asked; /* whose; NULL: nobody's yet */
        /* out */
        enum problem problem;
        char pointer[48];
        int retry_after_s;
        int64_t value;    /* 1e-4 rupee: what limits counted in the day's value */
        int64_t reserved; /* 1e-4 rupee: what was taken from the funds */
        int64_t quota_us; /* monotonic: its stamp in the key's windows */
        struct turn turn; /* of a gate that was passed: granted, or it waits; `come` is the
                             owner's, from before */
        bool taken;       /* limits and reservation are to be given back or settled */
        bool passes_halt; /* verified to reduce, or to add nothing */
};

/* Sets the leg's quantity (lots × multiplier) and `effective` too. The sentence of a refusal goes
 * into leg->message. */
enum gate_answer gate_check(const struct order *order, struct leg *leg, struct gate *g);
/* Nothing was sent: limits and funds as before. */
void gate_give_back(const struct order *order, const struct leg *leg, struct gate *g);
/* The leg came to its outcome. */
void gate_settle(const struct order *order, const struct leg *leg, struct gate *g);
