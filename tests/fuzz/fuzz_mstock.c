#include "fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/master.h"
#include "domain/portfolio.h"

/* An input is a line "op status step", and the body of the reply behind it; for "master" the lines
 * of the file. */

static struct account account = {.id = "mstock:main", .broker = "mstock", .name = "main"};
static struct leg leg = {.number = 1,
                         .account = "mstock:main",
                         .quantity = 10,
                         .effective = {ORDER_TYPE_LIMIT, 1015000, 0},
                         .tag = "tag",
                         .broker_order_id = "1"};
static struct order order = {
        .id = "id", .symbol = "NSE:INFY", .quantity = 10, .n_legs = 1, .legs = &leg};
static const struct scrip scrips[] = {
        {.instrument = {.symbol = "NSE:INFY", .name = "INFOSYS", .lot = 1, .tick = 1000},
         .key = "NSE:INFY-EQ",
         .token = "NSE:1594"},
        {.instrument = {.symbol = "NFO:NIFTY29DEC26FUT",
                        .exchange = EXCHANGE_NFO,
                        .segment = SEGMENT_FUTURE,
                        .expiry = 20261229,
                        .lot = 65,
                        .tick = 1000},
         .key = "NFO:NIFTY26DECFUT",
         .token = "NFO:53001"},
        {.instrument = {.symbol = "BSE:OTHER", .exchange = EXCHANGE_BSE, .lot = 1, .tick = 500},
         .key = "BSE:OTHER-A",
         .token = "BSE:1594"},
};

static bool find_scrip(void *userdata, enum scrip_by by, const char *text, struct scrip *ret)
{
        for (size_t i = 0; i < ELEMENTS(scrips); i++)
                if (strcmp(by == SCRIP_BY_KEY     ? scrips[i].key
                           : by == SCRIP_BY_TOKEN ? scrips[i].token
                                                  : scrips[i].instrument.symbol,
                           text) == 0) {
                        *ret = scrips[i];
                        return true;
                }
        return false;
}

static int parse_op(const char *s, size_t n, enum broker_op *ret)
{
        for (int op = 0; op < _BROKER_OP_MAX; op++) {
                const char *name = broker_op_name((enum broker_op)op);
                if (strlen(name) == n && memcmp(name, s, n) == 0) {
                        *ret = (enum broker_op)op;
                        return 0;
                }
        }
        return -EINVAL;
}

static int parse_line(const char *s, const char *end, struct broker_call *ret, int *ret_status)
{
        const char *first = memchr(s, ' ', (size_t)(end - s));
        const char *second = first ? memchr(first + 1, ' ', (size_t)(end - first - 1)) : NULL;
        int64_t status, step;

        if (!second || parse_op(s, (size_t)(first - s), &ret->op) < 0 ||
            text_parse_int(first + 1, (size_t)(second - first - 1), 100, 999, &status) < 0 ||
            text_parse_int(second + 1, (size_t)(end - second - 1), 0, 9, &step) < 0)
                return -EINVAL;
        *ret_status = (int)status;
        ret->step = (unsigned)step;
        return 0;
}

static bool one_of_ours(const char *symbol)
{
        enum exchange e;
        char copy[SYMBOL_SIZE];

        return memchr(symbol, '\0', SYMBOL_SIZE) &&
               (symbol_parse(symbol, strlen(symbol), copy, &e) == 0 || symbol[3] == ':');
}

static void check_rows(const struct broker_call *c, const struct broker_result *r)
{
        for (unsigned i = 0; i < r->n_orders; i++) {
                const struct book_order *b = &r->orders[i];
                assert(*b->broker_order_id && one_of_ours(b->symbol) && b->quantity >= 0 &&
                       b->filled_quantity >= 0 && b->price >= 0 && b->trigger_price >= 0 &&
                       b->average_price >= 0 && b->status < _ORDER_STATUS_MAX &&
                       b->product < _PRODUCT_MAX && b->type < _ORDER_TYPE_MAX &&
                       b->validity < _VALIDITY_MAX && b->side < _SIDE_MAX);
                assert(b->status != ORDER_STATUS_FILLED || b->filled_quantity >= b->quantity);
                assert(memchr(b->tag, '\0', sizeof(b->tag)) &&
                       memchr(b->message, '\0', sizeof(b->message)));
        }
        for (unsigned i = 0; i < r->n_trades; i++)
                assert(*r->trades[i].trade_id && *r->trades[i].broker_order_id &&
                       one_of_ours(r->trades[i].symbol) && r->trades[i].quantity >= 0);
        for (unsigned i = 0; i < r->n_holdings; i++)
                assert(one_of_ours(r->holdings[i].symbol));
        for (unsigned i = 0; i < r->n_positions; i++)
                assert(one_of_ours(r->positions[i].symbol) &&
                       r->positions[i].product < _PRODUCT_MAX);
        assert(r->n_quotes <= c->n_scrips);
}

static void check_accepted(const struct broker_call *c, int status, const struct broker_result *r)
{
        assert(r->problem == PROBLEM_NONE && (status == 200 || status == 201));
        if (c->op == BROKER_PLACE)
                assert(*r->broker_order_id);
        if (c->op == BROKER_MODIFY || c->op == BROKER_CANCEL)
                assert(strcmp(r->broker_order_id, leg.broker_order_id) == 0);
        if (c->op == BROKER_ORDER)
                assert(r->n_orders == 1 &&
                       strcmp(r->orders[0].broker_order_id, leg.broker_order_id) == 0);
        assert(!r->token == (c->op != BROKER_LOGIN || r->login != BROKER_LOGIN_DONE));
        for (const char *s = r->token ? secret_bytes(r->token) : ""; *s; s++)
                assert(*s > ' ' && *s < 0x7f);
}

static void check(const struct broker_call *c, int status, const struct broker_result *r)
{
        assert(r->outcome == OUTCOME_ACCEPTED || r->outcome == OUTCOME_REJECTED ||
               r->outcome == OUTCOME_UNKNOWN);
        if (r->outcome == OUTCOME_ACCEPTED)
                check_accepted(c, status, r);
        else
                assert(r->problem != PROBLEM_NONE && !r->token && !r->has_state &&
                       !*r->broker_order_id && !r->n_orders && !r->n_trades && !r->n_holdings &&
                       !r->n_positions && !r->n_quotes);
        /* What the back end itself broke at, nobody knows. */
        assert(status < 500 || r->outcome == OUTCOME_UNKNOWN);
        assert(!r->rate_limited || status == 429);
        assert(!r->session_ended || r->problem == PROBLEM_SESSION_REQUIRED);
        check_rows(c, r);
}

static void read_body(const struct broker *b, const struct broker_call *c, int status,
                      const char *body, size_t n, struct broker_result *ret)
{
        struct http_reply reply = {.status = status};

        *ret = (struct broker_result){};
        text_add_bytes(&reply.body, body, n);
        assert(b->reply(c, &reply, ret) == 0);
        check(c, status, ret);
        http_reply_done(&reply);
}

static void run_reply(const struct broker *b, const struct broker_call *c, int status,
                      const char *body, size_t n)
{
        struct broker_result r, half;

        read_body(b, c, status, body, n, &r);
        bool accepted = r.outcome == OUTCOME_ACCEPTED;
        broker_result_done(&r);
        if (!accepted)
                return;
        read_body(b, c, status, body, n / 2, &half);
        assert(half.outcome != OUTCOME_ACCEPTED);
        broker_result_done(&half);
}

static void run_master(const struct broker *b, const char *s, size_t n)
{
        struct master_reader m;

        master_reader_init(&m, b->master, 0);
        while (n > 0) {
                const char *end = memchr(s, '\n', n);
                size_t length = end ? (size_t)(end - s) : n;
                char *line = malloc(length ? length : 1);
                struct scrip scrip;
                unsigned rank;
                assert(line);
                memcpy(line, s, length);
                if (master_read_line(&m, line, length, &scrip, &rank) == 1) {
                        assert(strncmp(scrip.key, scrip.instrument.symbol, 4) == 0 &&
                               strncmp(scrip.token, scrip.instrument.symbol, 4) == 0);
                        assert(scrip.instrument.lot > 0 && scrip.instrument.tick > 0);
                        assert(broker_capability(b, scrip.instrument.exchange));
                }
                free(line);
                s += end ? length + 1 : length;
                n -= end ? length + 1 : length;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const char *s = (const char *)data, *line_end = memchr(data, '\n', size);
        const struct scrip *const asked[] = {&scrips[0], &scrips[1]};
        const struct broker *b = broker_find("mstock");
        struct broker_call call = {.account = &account,
                                   .order = &order,
                                   .leg = &leg,
                                   .scrip = &scrips[0],
                                   .scrips = asked,
                                   .n_scrips = ELEMENTS(asked),
                                   .source = {find_scrip, NULL}};
        int status;

        if (!line_end || parse_line(s, line_end, &call, &status) < 0)
                return 0;
        const char *body = line_end + 1;
        size_t n = size - (size_t)(body - s);
        if (call.op == BROKER_MASTER)
                run_master(b, body, n);
        run_reply(b, &call, status, body, n);
        return 0;
}
