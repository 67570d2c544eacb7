#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "broker/broker.h"

/* Every adapter reads every reply. An input is a line "op status", and the body behind it. */

static struct account account = {.id = "broker:name", .broker = "broker", .name = "name"};
static struct leg leg = {.number = 1,
                         .account = "broker:name",
                         .quantity = 10,
                         .tag = "tag",
                         .broker_order_id = "1"};
static struct order order = {
        .id = "id", .symbol = "NSE:SBIN", .quantity = 10, .n_legs = 1, .legs = &leg};
static const struct scrip scrip = {.instrument = {.symbol = "NSE:SBIN", .lot = 1, .tick = 500},
                                   .key = "KEY",
                                   .token = "TOKEN"};

/* Half of what is asked for is listed. */
static bool find_scrip(void *userdata, enum scrip_by by, const char *text, struct scrip *ret)
{
        *ret = scrip;
        return strlen(text) % 2;
}

static int parse_line(const char *s, size_t n, enum broker_op *ret_op, int *ret_status)
{
        const char *space = memchr(s, ' ', n);
        int64_t status;

        if (!space || text_parse_int(space + 1, (size_t)(s + n - space - 1), 100, 999, &status) < 0)
                return -EINVAL;
        *ret_status = (int)status;
        for (int op = 0; op < _BROKER_OP_MAX; op++) {
                const char *name = broker_op_name((enum broker_op)op);
                if (strlen(name) == (size_t)(space - s) && memcmp(name, s, strlen(name)) == 0) {
                        *ret_op = (enum broker_op)op;
                        return 0;
                }
        }
        return -EINVAL;
}

/* What the rest of the program relies on, whatever a broker answers. */
static void check(enum broker_op op, const struct broker_result *r)
{
        assert(r->outcome == OUTCOME_ACCEPTED || r->outcome == OUTCOME_REJECTED ||
               r->outcome == OUTCOME_UNKNOWN);
        assert((r->outcome == OUTCOME_ACCEPTED) == (r->problem == PROBLEM_NONE));
        assert(op != BROKER_PLACE || r->outcome != OUTCOME_ACCEPTED || r->broker_order_id[0]);
        assert(memchr(r->broker_code, '\0', sizeof(r->broker_code)));
        assert(memchr(r->message, '\0', sizeof(r->message)));
        assert(memchr(r->broker_order_id, '\0', sizeof(r->broker_order_id)));
        assert(r->filled_quantity >= 0 && r->average_price >= 0);
        assert((r->n_orders == 0 || r->orders) && (r->n_trades == 0 || r->trades) &&
               (r->n_holdings == 0 || r->holdings) && (r->n_positions == 0 || r->positions) &&
               (r->n_quotes == 0 || r->quotes));
        /* Half of a book must not look like a book. */
        if (r->outcome != OUTCOME_ACCEPTED)
                assert(r->n_orders + r->n_trades + r->n_holdings + r->n_positions + r->n_quotes ==
                       0);
        for (unsigned i = 0; i < r->n_orders; i++) {
                assert(memchr(r->orders[i].tag, '\0', sizeof(r->orders[i].tag)));
                assert(r->orders[i].status >= 0 && r->orders[i].status < _ORDER_STATUS_MAX);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const char *s = (const char *)data, *line_end = memchr(data, '\n', size);
        const struct scrip *const scrips[] = {&scrip};
        struct http_reply reply = {};
        enum broker_op op;
        const struct broker *b;

        if (!line_end || parse_line(s, (size_t)(line_end - s), &op, &reply.status) < 0)
                return 0;
        const struct broker_call call = {.op = op,
                                         .account = &account,
                                         .order = &order,
                                         .leg = &leg,
                                         .scrip = &scrip,
                                         .scrips = scrips,
                                         .n_scrips = 1,
                                         .source = {find_scrip, NULL}};
        text_add_bytes(&reply.body, line_end + 1, size - (size_t)(line_end + 1 - s));
        for (unsigned i = 0; (b = broker_at(i)); i++) {
                struct broker_result result = {};
                assert(b->reply(&call, &reply, &result) == 0);
                check(op, &result);
                broker_result_done(&result);
        }
        http_reply_done(&reply);
        return 0;
}
