#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "base/decimal.h"
#include "broker/broker.h"
#include "broker/fields.h"
#include "broker/master.h"

/* HDFC's replies against a small list of its scrips, and rows of its master. An input is a line "op
 * status step", and the body behind it; "master 200 0" has the file behind it. */

static struct account account = {.id = "hdfc:name", .broker = "hdfc", .name = "name"};
static struct leg leg = {.number = 1,
                         .account = "hdfc:name",
                         .quantity = 10,
                         .status = ORDER_STATUS_OPEN,
                         .tag = "1795405831001",
                         .broker_order_id = "42"};
static struct order order = {
        .id = "id", .symbol = "NSE:EXAMPLE", .quantity = 10, .n_legs = 1, .legs = &leg};
static const struct scrip scrips[] = {
        {.instrument = {.symbol = "NSE:EXAMPLE", .isin = "INE000A00000", .lot = 1, .tick = 500},
         .key = "NSE:EXMPLEEQNR",
         .token = "NSE:3045"},
        {.instrument = {.symbol = "NSE:NIFTY", .segment = SEGMENT_INDEX},
         .key = "NSE:NIFTYEQEQNR",
         .token = "NSE_INDEX:26000"},
        {.instrument = {.symbol = "NFO:NIFTY29DEC2626000CE",
                        .exchange = EXCHANGE_NFO,
                        .segment = SEGMENT_OPTION,
                        .underlying = "NIFTY",
                        .expiry = 20261229,
                        .strike = 26000 * DECIMAL_ONE,
                        .call = true,
                        .previous_close = 95 * DECIMAL_ONE,
                        .lot = 65,
                        .tick = 500},
         .key = "NFO:45012",
         .token = "NFO:45012",
         .detail = "OPTIDX NIFTYEQEQNR"},
};

static bool find_scrip(void *userdata, enum scrip_by by, const char *text, struct scrip *ret)
{
        (void)userdata;
        for (size_t i = 0; i < ELEMENTS(scrips); i++) {
                const char *name = by == SCRIP_BY_SYMBOL  ? scrips[i].instrument.symbol
                                   : by == SCRIP_BY_KEY   ? scrips[i].key
                                   : by == SCRIP_BY_TOKEN ? scrips[i].token
                                                          : scrips[i].instrument.isin;
                if (*name && strcmp(name, text) == 0) {
                        *ret = scrips[i];
                        return true;
                }
        }
        return false;
}

static int parse_line(char *line, enum broker_op *ret_op, int *ret_status, unsigned *ret_step)
{
        char *save, *name = strtok_r(line, " ", &save), *status = strtok_r(NULL, " ", &save),
                    *step = strtok_r(NULL, " ", &save);
        int64_t number;

        if (!name || !status || text_parse_int(status, strlen(status), 100, 999, &number) < 0)
                return -EINVAL;
        *ret_status = (int)number;
        *ret_step = step ? (unsigned)(*step - '0') % 8 : 0;
        for (int op = 0; op < _BROKER_OP_MAX; op++)
                if (strcmp(name, broker_op_name((enum broker_op)op)) == 0) {
                        *ret_op = (enum broker_op)op;
                        return 0;
                }
        return -EINVAL;
}

static bool writes_orders(enum broker_op op)
{
        return op == BROKER_PLACE || op == BROKER_MODIFY || op == BROKER_CANCEL;
}

static void check(const struct broker_call *c, int status, const struct broker_result *r)
{
        unsigned rows = r->n_orders + r->n_trades + r->n_holdings + r->n_positions + r->n_quotes;

        assert(r->outcome == OUTCOME_ACCEPTED || r->outcome == OUTCOME_REJECTED ||
               r->outcome == OUTCOME_UNKNOWN);
        assert((r->outcome == OUTCOME_ACCEPTED) == (r->problem == PROBLEM_NONE));
        if (r->outcome != OUTCOME_ACCEPTED)
                assert(rows == 0 && !r->token && !r->carry && !r->has_state &&
                       !*r->broker_order_id);
        if (r->outcome == OUTCOME_ACCEPTED)
                assert(status == 200);
        if (writes_orders(c->op)) {
                assert(r->outcome != OUTCOME_ACCEPTED || *r->broker_order_id);
                /* nothing that may have been executed is refused */
                assert(r->outcome != OUTCOME_REJECTED || status == 200 || status == 400 ||
                       status == 401 || status == 403 || status == 404 || status == 422);
                assert(c->op != BROKER_PLACE || (r->problem != PROBLEM_ORDER_NOT_FOUND &&
                                                 r->problem != PROBLEM_ORDER_NOT_OPEN));
        }
        assert(c->op != BROKER_LOGIN || !r->session_ended);
        assert(r->n_quotes <= c->n_scrips && r->expires_us >= 0);
        for (unsigned i = 0; i < r->n_orders; i++) {
                const struct book_order *o = &r->orders[i];
                assert(*o->broker_order_id && *o->symbol && o->quantity >= 0 &&
                       o->filled_quantity >= 0 && o->price >= 0 && o->trigger_price >= 0);
                assert(text_only(o->tag, strlen(o->tag), "0123456789"));
                assert(o->status != ORDER_STATUS_FILLED || o->filled_quantity >= o->quantity);
        }
        for (unsigned i = 0; i < r->n_trades; i++)
                assert(r->trades[i].quantity > 0 && r->trades[i].price >= 0 &&
                       *r->trades[i].symbol);
        for (unsigned i = 0; i < r->n_quotes; i++)
                assert(r->quotes[i].last > 0 && *r->quotes[i].symbol);
}

static void read_master(const struct broker *b, const char *s, size_t n)
{
        struct master_reader m;
        char line[MASTER_LINE_MAX + 2], symbol[SYMBOL_SIZE];

        master_reader_init(&m, b->master, 0);
        while (n > 0) {
                const char *end = memchr(s, '\n', n);
                size_t length = end ? (size_t)(end - s) : n;
                struct scrip row = {};
                unsigned rank;
                enum exchange e;
                if (length < sizeof(line)) {
                        text_copy_bytes(line, sizeof(line), s, length);
                        if (master_read_line(&m, line, length, &row, &rank) > 0) {
                                const struct instrument *i = &row.instrument;
                                assert(symbol_parse(i->symbol, strlen(i->symbol), symbol, &e) == 0);
                                assert(e == i->exchange && *row.key && i->tick > 0);
                                assert((i->segment == SEGMENT_INDEX) == (i->lot == 0));
                                assert(!instrument_derivative(i) || (i->expiry && *row.detail));
                                assert((i->segment == SEGMENT_OPTION) == (i->strike > 0));
                                assert(i->previous_close >= 0);
                        }
                }
                s += end ? length + 1 : length;
                n -= end ? length + 1 : length;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const char *s = (const char *)data, *end = memchr(data, '\n', size);
        const struct broker *b = broker_find("hdfc");
        const struct scrip *const asked[] = {&scrips[0], &scrips[1], &scrips[2]};
        struct http_reply reply = {};
        struct broker_result result = {};
        struct broker_call call = {.account = &account,
                                   .order = &order,
                                   .leg = &leg,
                                   .scrip = &scrips[0],
                                   .scrips = asked,
                                   .n_scrips = ELEMENTS(asked),
                                   .source = {find_scrip, NULL}};
        char line[64];

        if (!end || !text_copy_bytes(line, sizeof(line), s, (size_t)(end - s)) ||
            parse_line(line, &call.op, &reply.status, &call.step) < 0)
                return 0;
        size_t n = size - (size_t)(end + 1 - s);
        if (call.op == BROKER_MASTER) {
                read_master(b, end + 1, n);
                return 0;
        }
        _cleanup_(secret_freep) struct secret *carry = secret_new("tok req", 7);
        call.carry = carry;
        text_add_bytes(&reply.body, end + 1, n);
        assert(b->reply(&call, &reply, &result) == 0);
        check(&call, reply.status, &result);
        broker_result_done(&result);
        http_reply_done(&reply);
        return 0;
}
