#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "broker/broker.h"
#include "broker/master.h"

/* The FYERS adapter. An input is a line "op number" and what is behind it: the number is the status
 * of a reply and the rest its body; for "master" it is that of the file and the rest its lines. */

static struct account account = {.id = "fyers:name", .broker = "fyers", .name = "name"};
static struct leg leg = {.number = 1,
                         .account = "fyers:name",
                         .quantity = 10,
                         .tag = "tag",
                         .broker_order_id = "26112300000017"};
static struct order order = {
        .id = "id", .symbol = "NSE:SBIN", .quantity = 10, .n_legs = 1, .legs = &leg};
static const struct scrip share = {.instrument = {.symbol = "NSE:SBIN", .lot = 1, .tick = 5},
                                   .key = "NSE:SBIN-EQ",
                                   .token = "10100000003045"};
static const struct scrip lots = {.instrument = {.symbol = "MCX:CRUDEOIL18DEC26FUT",
                                                 .exchange = EXCHANGE_MCX,
                                                 .segment = SEGMENT_FUTURE,
                                                 .lot = 100,
                                                 .tick = 10000},
                                  .key = "MCX:CRUDEOIL26DECFUT"};

/* One counted in units, one in lots, the rest not listed. */
static bool find_scrip(void *userdata, enum scrip_by by, const char *text, struct scrip *ret)
{
        *ret = strchr(text, 'M') ? lots : share;
        return strlen(text) % 2;
}

static int parse_line(const char *s, size_t n, enum broker_op *ret_op, int64_t *ret_number)
{
        const char *space = memchr(s, ' ', n);

        if (!space ||
            text_parse_int(space + 1, (size_t)(s + n - space - 1), 0, 999, ret_number) < 0)
                return -EINVAL;
        for (int op = 0; op < _BROKER_OP_MAX; op++) {
                const char *name = broker_op_name((enum broker_op)op);
                if (strlen(name) == (size_t)(space - s) && memcmp(name, s, strlen(name)) == 0) {
                        *ret_op = (enum broker_op)op;
                        return 0;
                }
        }
        return -EINVAL;
}

static void check_rows(const struct broker_result *r)
{
        for (unsigned i = 0; i < r->n_orders; i++) {
                const struct book_order *o = &r->orders[i];
                assert(*o->broker_order_id && *o->symbol && strlen(o->tag) < TAG_SIZE);
                assert(o->status >= 0 && o->status < _ORDER_STATUS_MAX);
                assert(o->type >= 0 && o->type < _ORDER_TYPE_MAX);
                assert(o->filled_quantity >= 0 && o->filled_quantity <= o->quantity);
                assert(o->price >= 0 && o->trigger_price >= 0 && o->average_price >= 0);
                assert(memchr(o->message, '\0', sizeof(o->message)));
                assert(text_utf8_valid(o->message, strlen(o->message)));
        }
        for (unsigned i = 0; i < r->n_trades; i++) {
                const struct trade *t = &r->trades[i];
                assert(*t->trade_id && *t->broker_order_id && *t->symbol);
                assert(t->quantity > 0 && t->price >= 0);
        }
        for (unsigned i = 0; i < r->n_positions; i++)
                assert(*r->positions[i].symbol);
        for (unsigned i = 0; i < r->n_holdings; i++)
                assert(*r->holdings[i].symbol);
        for (unsigned i = 0; i < r->n_quotes; i++)
                assert(!strcmp(r->quotes[i].symbol, share.instrument.symbol));
        assert(r->funds.available <= DECIMAL_MAX && r->funds.available >= -DECIMAL_MAX);
        assert(r->funds.total <= DECIMAL_MAX && r->funds.total >= -DECIMAL_MAX);
}

static void check(enum broker_op op, int64_t status, const struct broker_result *r)
{
        bool accepted = r->outcome == OUTCOME_ACCEPTED;

        assert(accepted || r->outcome == OUTCOME_REJECTED || r->outcome == OUTCOME_UNKNOWN);
        assert(accepted == (r->problem == PROBLEM_NONE));
        assert(!accepted || status == 200);
        assert(r->outcome == OUTCOME_UNKNOWN || status < 500);
        assert(!accepted || op != BROKER_PLACE || *r->broker_order_id);
        assert(!accepted || (op != BROKER_MODIFY && op != BROKER_CANCEL) ||
               !strcmp(r->broker_order_id, leg.broker_order_id));
        assert(!r->session_ended || (r->problem == PROBLEM_SESSION_REQUIRED && op != BROKER_LOGIN));
        assert(r->problem != PROBLEM_ORDER_NOT_FOUND || op == BROKER_MODIFY ||
               op == BROKER_CANCEL || op == BROKER_ORDER);
        assert((accepted && op == BROKER_LOGIN) == (r->token != NULL));
        assert(text_utf8_valid(r->message, strlen(r->message)));
        if (accepted)
                check_rows(r);
        else
                assert(r->n_orders + r->n_trades + r->n_holdings + r->n_positions + r->n_quotes ==
                       0);
}

static void check_scrip(const struct scrip *s)
{
        const struct instrument *i = &s->instrument;
        char symbol[SYMBOL_SIZE];
        enum exchange e;

        assert(symbol_parse(i->symbol, strlen(i->symbol), symbol, &e) == 0 && e == i->exchange);
        assert(*s->key && *s->token && i->lot >= 0 && i->tick >= 0);
        assert((i->lot == 0) == (i->segment == SEGMENT_INDEX));
        if (instrument_derivative(i)) {
                assert(clock_day_valid(i->expiry) && *i->underlying);
                assert((i->segment == SEGMENT_OPTION) == (i->strike > 0));
        }
}

static void run_master(const struct broker *b, unsigned file, const char *s, size_t n)
{
        struct master_reader m;

        for (unsigned i = 0; i <= file; i++)
                if (!b->master->files[i])
                        return;
        master_reader_init(&m, b->master, file);
        while (n > 0) {
                const char *end = memchr(s, '\n', n);
                size_t length = end ? (size_t)(end - s) : n;
                struct scrip scrip;
                unsigned rank;
                char *line = malloc(length + 1);
                assert(line);
                memcpy(line, s, length);
                line[length] = '\0';
                if (master_read_line(&m, line, length, &scrip, &rank) > 0)
                        check_scrip(&scrip);
                free(line);
                n -= length + !!end;
                s += length + !!end;
        }
}

static void run_reply(const struct broker *b, enum broker_op op, int64_t status, const char *s,
                      size_t n)
{
        const struct scrip *const scrips[] = {&share};
        const struct broker_call call = {.op = op,
                                         .account = &account,
                                         .order = &order,
                                         .leg = &leg,
                                         .scrip = &share,
                                         .scrips = scrips,
                                         .n_scrips = 1,
                                         .source = {find_scrip, NULL}};
        struct http_reply reply = {.status = (int)status};
        struct broker_result result = {};

        text_add_bytes(&reply.body, s, n);
        assert(b->reply(&call, &reply, &result) == 0);
        check(op, status, &result);
        broker_result_done(&result);
        http_reply_done(&reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const char *s = (const char *)data, *end = memchr(data, '\n', size);
        const struct broker *b = broker_find("fyers");
        enum broker_op op;
        int64_t number;

        assert(b);
        if (!end || parse_line(s, (size_t)(end - s), &op, &number) < 0)
                return 0;
        size_t rest = size - (size_t)(end + 1 - s);
        if (op == BROKER_MASTER)
                run_master(b, (unsigned)number, end + 1, rest);
        else
                run_reply(b, op, number, end + 1, rest);
        return 0;
}
