/* The single checks behind gate_check(), by what they look at. Each takes the order, its leg and
 * the gate, and answers for this leg alone; none but the last two take anything. For gate*.c only.
 */
#pragma once

#include "broker/broker.h"
#include "orchestrator/gate.h"

/* gate.c */
/* The sentence goes into leg->message; `pointer` names the member of the request, "" none. */
enum gate_answer gate_refuse(struct gate *g, struct leg *leg, enum problem problem,
                             const char *pointer, const char *format, ...)
        __attribute__((format(printf, 5, 6)));
/* What of the leg is still to be traded. */
int64_t gate_rest(const struct leg *leg, const struct gate *g);
/* A modification, no larger than it is, and the same in everything else. */
bool gate_lesser(const struct order *order, const struct leg *leg, const struct gate *g);
enum broker_op gate_op(const struct gate *g);

/* gate_account.c: may this account send now? */
enum gate_answer gate_account(const struct order *order, struct leg *leg, struct gate *g);
/* Can its broker be reached? */
enum gate_answer gate_breaker(const struct order *order, struct leg *leg, struct gate *g);
/* Its place in the account's lane. It takes: what is refused afterwards gives it back. */
enum gate_answer gate_turn(const struct order *order, struct leg *leg, struct gate *g);

/* gate_instrument.c: does the market, and this broker, take such an order? */
enum gate_answer gate_instrument(const struct order *order, struct leg *leg, struct gate *g);
enum gate_answer gate_support(const struct order *order, struct leg *leg, struct gate *g);

/* gate_reduce.c: while only what reduces a position may pass. */
enum gate_answer gate_reducing(const struct order *order, struct leg *leg, struct gate *g);

/* Where the book does not show our tags, a lost order is found by its terms alone: one that would
 * look the same waits until the earlier one's number is known. It looks at leg->effective. */
enum gate_answer gate_twin(const struct order *order, struct leg *leg, struct gate *g);

/* gate_price.c: market orders, and prices beside the market's. */
/* Fills leg->effective. */
enum gate_answer gate_market_policy(const struct order *order, struct leg *leg, struct gate *g);
enum gate_answer gate_collar(const struct order *order, struct leg *leg, struct gate *g);
/* What the exchange would refuse, where a quote or the instrument tells the band. */
enum gate_answer gate_band(const struct order *order, struct leg *leg, struct gate *g);

/* gate_count.c: how often, and for how little. */
enum gate_answer gate_modifications(const struct order *order, struct leg *leg, struct gate *g);
enum gate_answer gate_ratio(const struct order *order, struct leg *leg, struct gate *g);

/* gate_cross.c: against orders of the same person. */
enum gate_answer gate_cross(const struct order *order, struct leg *leg, struct gate *g);

/* gate_money.c: what it costs, and what the account may do of it. */
enum gate_answer gate_funds(const struct order *order, struct leg *leg, struct gate *g);
/* The last one, because it takes, too. */
enum gate_answer gate_limits(const struct order *order, struct leg *leg, struct gate *g);
void gate_limits_give_back(const struct order *order, const struct leg *leg, struct gate *g);
