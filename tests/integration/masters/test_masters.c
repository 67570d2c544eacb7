/* Masters from the server of a broker to the answer of a gate: an orchestrator with two brokers of
 * the test's own, over real connections. The clock is frozen and moved by hand; the test holds the
 * file itself, so that it says when to look. */
#include "orchestrator/masters.c"

#include "suite.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <unistd.h>

#include <zlib.h>

#include "base/decimal.h"
#include "base/file.h"
#include "integration/net/script_server.h"
#include "orchestrator/market.h"
#include "orchestrator/gate.h"
#include "orchestrator/query.h"

#define SECONDS(n) ((n)*USEC_PER_SEC)
#define SBIN_ISIN  "INE062A01020"

static const struct broker *test_broker(const char *slug);
const struct broker *__wrap_broker_find(const char *slug);
const struct broker *__wrap_broker_find(const char *slug)
{
        return test_broker(slug);
}

/* --- the brokers: "symbol,key,token,lot,expiry" --- */

static int request(const struct broker_call *call, struct http_request *ret)
{
        if (call->op != BROKER_MASTER)
                return -ENOTSUP;
        ret->method = "GET";
        text_add(&ret->url, "/scrips.csv");
        return call->token ? http_request_header(ret, "X-Token", secret_bytes(call->token)) : 0;
}

static int row(unsigned file, const struct broker_cell *cells, struct scrip *ret,
               unsigned *ret_rank)
{
        struct instrument *i = &ret->instrument;
        char name[64];
        int64_t lot, expiry;

        if (text_parse_int(cells[3].s, cells[3].n, 0, INT64_MAX, &lot) < 0 ||
            text_parse_int(cells[4].s, cells[4].n, 0, 99991231, &expiry) < 0 ||
            !text_copy_bytes(name, sizeof(name), cells[0].s, cells[0].n) ||
            !text_copy_bytes(ret->key, sizeof(ret->key), cells[1].s, cells[1].n) ||
            !text_copy_bytes(ret->token, sizeof(ret->token), cells[2].s, cells[2].n))
                return -EINVAL;
        i->lot = lot;
        i->tick = 500;
        i->expiry = (int)expiry;
        i->segment = expiry ? SEGMENT_FUTURE : SEGMENT_EQUITY;
        i->exchange = expiry ? EXCHANGE_NFO : EXCHANGE_NSE;
        text_copy(i->underlying, sizeof(i->underlying), expiry ? name : "");
        text_copy(i->name, sizeof(i->name), text_equal(name, "SBIN") ? "State Bank" : name);
        return instrument_make_symbol(i, name) ? 1 : -EINVAL;
}

static const struct broker_capability can[] = {
        {EXCHANGE_NSE, 1U << ORDER_TYPE_LIMIT, 1U << PRODUCT_CNC, 1U << VALIDITY_DAY, false},
};
static const char *const files[] = {"/scrips.csv", NULL};
static const char *const columns[] = {"symbol", "key", "token", "lot", "expiry", NULL};
static const struct broker_master master = {
        .files = files, .has_header = true, .columns = columns, .rows_least = 2, .row = row};
static const struct broker_master closed_master = {.files = files,
                                                   .needs_session = true,
                                                   .has_header = true,
                                                   .columns = columns,
                                                   .rows_least = 2,
                                                   .row = row};
static const struct broker brokers[] = {
        {.slug = "open",
         .title = "Open",
         .master = &master,
         .request = request,
         .capabilities = can,
         .n_capabilities = 1},
        {.slug = "closed",
         .title = "Closed",
         .master = &closed_master,
         .request = request,
         .capabilities = can,
         .n_capabilities = 1},
};
static const struct broker *test_broker(const char *slug)
{
        for (unsigned i = 0; i < ELEMENTS(brokers); i++)
                if (text_equal(slug, brokers[i].slug))
                        return &brokers[i];
        return NULL;
}

#define HEAD "symbol,key,token,lot,expiry\n"
#define GOOD                                \
        HEAD "SBIN,SBIN-EQ,3045,7,0\n"      \
             "INFY,INFY-EQ,1594,1,0\n"      \
             "NIFTY,N-NOV,77,65,20261123\n" \
             "NIFTY,N-DEC,78,65,20261229\n"
#define OTHER HEAD "SBIN,SBIN-EQ,3045,3,0\nTCS,TCS-EQ,5,1,0\nWIPRO,W,6,1,0\n"
#define SHORT HEAD "SBIN,SBIN-EQ,3045,5,0\n"

/* --- the world --- */

static struct loop *loop;
static struct store *store;
static struct metrics *metrics;
static struct market *market;
static struct httpc *transports[2];
static struct account accounts[2];
static struct orchestrator *o;
static struct script_server server;
static struct script_step steps[8];
static char replies[8][1024];
static char dir[64];

/* The next answer of the server, to either broker. */
static void say(unsigned step, int status, const char *body)
{
        int n = snprintf(replies[step], sizeof(replies[step]),
                         "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n%s", status, strlen(body),
                         body);
        ck_assert_int_lt(n, (int)sizeof(replies[step]));
        steps[step] = (struct script_step){.action = SCRIPT_REPLY, .text = replies[step]};
}

static void boot(unsigned n_accounts)
{
        char error[STORE_ERROR_SIZE] = "", fault[MARKET_FAULT_SIZE], url[96];
        snprintf(url, sizeof(url), "sqlite:%s/ordo.db", dir);
        const struct store_options so = {.url = url, .migrations_dir = MIGRATIONS, .migrate = true};

        ck_assert_int_eq(loop_new(&loop), 0);
        ck_assert_int_eq(metrics_new(meter_table, _METER_MAX, &metrics), 0);
        ck_assert_int_eq(market_load(MARKET, 20261123, fault, &market), 0);
        ck_assert_msg(store_open(loop, &so, error, &store) == 0, "%s", error);
        for (unsigned i = 0; i < n_accounts; i++)
                ck_assert_int_eq(httpc_new_curl(loop, &(struct httpc_options){}, &transports[i]),
                                 0);
        const struct orchestrator_options options = {
                .loop = loop,
                .store = store,
                .metrics = metrics,
                .accounts = accounts,
                .n_accounts = n_accounts,
                .transports = transports,
                .instruments = market->instruments,
                .calendar = market->calendar,
                .state_dir = dir,
                .version = "0",
                .order_deadline_us = SECONDS(12),
                .idempotency_ttl_us = SECONDS(86400),
                .audit_segment_bytes = 1 << 20,
                .audit_retention_days = 30,
        };
        int r = orchestrator_new(&options, error, &o);
        ck_assert_msg(r == 0, "%s", error);
}

static void halt(void)
{
        for (unsigned i = 0; i < ELEMENTS(transports); i++)
                transports[i] = httpc_free(transports[i]);
        store = store_close(store);
        o = orchestrator_free(o);
        metrics = metrics_free(metrics);
        market = market_free(market);
        loop = loop_free(loop);
}

static void set_time(const char *s)
{
        int64_t now;
        ck_assert_int_eq(clock_parse(s, strlen(s), &now), 0);
        clock_fake(now, clock_mono_us() + SECONDS(3600));
}

static void open_world(void)
{
        static const char *const slugs[] = {"open", "closed"};
        static char url[64];

        signal(SIGPIPE, SIG_IGN);
        log_set_level(-1);
        set_time("2026-11-23T10:00:00+05:30"); /* a Monday */
        text_copy(dir, sizeof(dir), "/tmp/ordo-masters-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(dir));
        script_start(&server, steps, ELEMENTS(steps), NULL);
        snprintf(url, sizeof(url), "http://127.0.0.1:%u", server.port);
        for (unsigned i = 0; i < 2; i++) {
                struct account *a = &accounts[i];
                *a = (struct account){.access.master_url = url};
                snprintf(a->id, sizeof(a->id), "%s:main", slugs[i]);
                text_copy(a->broker, sizeof(a->broker), slugs[i]);
                text_copy(a->name, sizeof(a->name), "main");
        }
}

static int remove_one(const char *path, const struct stat *s, int flag, struct FTW *f)
{
        return remove(path);
}

static void close_world(void)
{
        script_stop(&server);
        (void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        clock_real();
}

static void turn(void)
{
        loop_stop(loop);
        ck_assert_int_eq(loop_run(loop, NULL, NULL), 0);
        usleep(1000);
}

/* Looks what is due, and waits until nothing runs any more. */
static void pass(void)
{
        look(&o->masters->look);
        for (unsigned i = 0; i < 20000 && masters_busy(o); i++)
                turn();
        ck_assert(!masters_busy(o));
}

static struct master_view view(unsigned i)
{
        struct master_view v[2];
        ck_assert_uint_gt(masters_view(o, v, 2), i);
        return v[i];
}

static double counted(const char *slug, const char *result)
{
        return series_value(metrics_series(metrics, METER_MASTER_LOADS, slug, result, NULL));
}

/* The problem that an order for ten of it would have, on the account. */
static enum problem gate_of(unsigned account, const char *symbol)
{
        struct account_state *a = &o->accounts[account];
        struct gate g = {.account = a};
        struct scrip scrip;
        struct order *order;

        ck_assert_int_eq(order_new(1, &order), 0);
        text_copy(order->symbol, sizeof(order->symbol), symbol);
        order->side = SIDE_BUY;
        order->type = ORDER_TYPE_LIMIT;
        order->product = PRODUCT_CNC;
        order->quantity = 10;
        order->price = 100 * DECIMAL_ONE;
        order->day = clock_ist_day(clock_wall_us());
        order->legs[0].multiplier = DECIMAL_ONE;
        a->session = SESSION_STATE_ACTIVE;
        a->ready = true;
        if (account_scrip(a, SCRIP_BY_SYMBOL, symbol, &scrip))
                g.scrip = &scrip;
        ck_assert_int_eq(gate_check(order, &order->legs[0], &g), GATE_REFUSED);
        ck_assert(g.problem != PROBLEM_INSTRUMENTS_MISSING || g.retry_after_s > 0);
        order_free(order);
        return g.problem;
}

static bool lists(unsigned account, enum scrip_by by, const char *text, struct scrip *ret)
{
        return account_scrip(&o->accounts[account], by, text, ret);
}

/* The same from the thread of large replies. */
static struct {
        enum scrip_by by;
        const char *text;
        bool found, back;
        int error;
        struct scrip scrip;
} asked;

static int ask(const struct broker_call *c, const struct http_reply *reply, struct broker_result *r)
{
        asked.found = c->source.find &&
                      c->source.find(c->source.userdata, asked.by, asked.text, &asked.scrip);
        r->outcome = OUTCOME_ACCEPTED;
        return 0;
}

static void came_back(struct large_reply *r)
{
        asked.error = r->error;
        asked.back = true;
}

static bool lists_there(unsigned account, enum scrip_by by, const char *text, struct scrip *ret)
{
        struct account_state *a = &o->accounts[account];
        const struct broker *own = a->broker, asking = {.flags = own->flags, .reply = ask};
        const struct broker_call call = {.op = BROKER_BOOK};
        struct broker_result result = {};
        struct http_reply reply = {};
        struct large_reply large = {
                .call = &call, .reply = &reply, .result = &result, .done = came_back};

        text_addf(&reply.body, "%*s", (int)LARGE_REPLY_SIZE, "");
        asked.by = by;
        asked.text = text;
        asked.back = false;
        a->broker = &asking;
        ck_assert(large_reply_read(a, &large));
        for (unsigned i = 0; i < 20000 && !asked.back; i++)
                turn();
        a->broker = own;
        ck_assert(asked.back);
        http_reply_done(&reply);
        *ret = asked.scrip;
        return asked.found;
}

/* --- tests --- */

START_TEST(test_a_day)
{
        struct scrip s;
        say(0, 404, "nothing");
        say(1, 200, "<html>\n<body>soon</body>\n");
        say(2, 200, GOOD);
        say(3, 200, SHORT);
        say(4, 200, OTHER);
        open_world();
        boot(1);

        /* nothing is there yet: orders wait */
        ck_assert_str_eq(view(0).state, "missing");
        ck_assert_int_eq(gate_of(0, "NSE:SBIN"), PROBLEM_INSTRUMENTS_MISSING);
        ck_assert_int_eq(gate_of(0, "NSE:NOSUCH"), PROBLEM_INSTRUMENTS_MISSING);
        pass();
        ck_assert_str_eq(view(0).last_error, "file /scrips.csv: the server answered 404");
        ck_assert_int_eq(view(0).next_us, clock_wall_us() + MASTER_RETRY_US);
        pass(); /* too soon */
        ck_assert_uint_eq(script_requests(&server), 1);
        clock_fake_advance(MASTER_RETRY_US);
        pass();
        ck_assert_str_eq(view(0).last_error,
                         "file /scrips.csv has not the columns that are expected");
        ck_assert_int_eq(view(0).next_us, clock_wall_us() + 2 * MASTER_RETRY_US);
        ck_assert_int_eq(gate_of(0, "NSE:SBIN"), PROBLEM_INSTRUMENTS_MISSING);
        clock_fake_advance(2 * MASTER_RETRY_US);
        pass();
        ck_assert_str_eq(view(0).state, "loaded");
        ck_assert_str_eq(view(0).last_error, "");
        ck_assert_uint_eq(view(0).rows, 4);
        ck_assert_int_eq(view(0).as_of_us, clock_wall_us());
        ck_assert_double_eq(counted("open", "failed"), 2);
        ck_assert_double_eq(counted("open", "ok"), 1);

        /* its own lot counts, not that of the built-in set */
        ck_assert_int_eq(gate_of(0, "NSE:SBIN"), PROBLEM_LOT_SIZE);
        ck_assert_int_eq(gate_of(0, "NSE:TCS"), PROBLEM_INSTRUMENT_UNKNOWN);
        ck_assert(lists(0, SCRIP_BY_KEY, "SBIN-EQ", &s));
        ck_assert(lists(0, SCRIP_BY_TOKEN, "3045", &s));
        ck_assert_str_eq(s.instrument.symbol, "NSE:SBIN");
        ck_assert(lists(0, SCRIP_BY_TOKEN, "77", &s)); /* its last day */
        ck_assert(lists_there(0, SCRIP_BY_TOKEN, "77", &s));
        ck_assert(lists_there(0, SCRIP_BY_KEY, "SBIN-EQ", &s));
        ck_assert_str_eq(s.instrument.symbol, "NSE:SBIN");
        ck_assert_int_eq(s.instrument.lot, 7);
        ck_assert(!lists_there(0, SCRIP_BY_KEY, "NOSUCH", &s));
        ck_assert(!lists_there(0, SCRIP_BY_KEY, "", &s));
        /* no ISIN in this master: the built-in set knows whose it is */
        ck_assert(lists(0, SCRIP_BY_ISIN, SBIN_ISIN, &s));
        ck_assert_str_eq(s.key, "SBIN-EQ");
        ck_assert(!lists(0, SCRIP_BY_ISIN, "INE000000000", &s));

        /* the next morning: half of it is missing, so that the old one stays */
        pass();
        set_time("2026-11-25T06:59:59+05:30"); /* the 24th is a holiday of the NSE's shares */
        o->masters->list[0].not_before_us = 0;
        set_time("2026-11-25T07:00:00+05:30");
        ck_assert_str_eq(view(0).state, "stale");
        pass();
        ck_assert_str_eq(view(0).state, "stale");
        ck_assert_str_eq(view(0).last_error, "1 instruments, at least 2 are expected");
        ck_assert_uint_eq(view(0).rows, 4);
        ck_assert_int_eq(gate_of(0, "NSE:SBIN"), PROBLEM_LOT_SIZE);
        /* a token of a contract that has expired may be another one's by now */
        ck_assert(!lists(0, SCRIP_BY_TOKEN, "77", &s));
        ck_assert(!lists_there(0, SCRIP_BY_TOKEN, "77", &s));
        ck_assert(lists(0, SCRIP_BY_TOKEN, "78", &s));
        ck_assert(lists_there(0, SCRIP_BY_TOKEN, "78", &s));
        ck_assert(lists(0, SCRIP_BY_SYMBOL, "NFO:NIFTY23NOV26FUT", &s));
        clock_fake_advance(MASTER_RETRY_US);
        pass();
        ck_assert_str_eq(view(0).state, "loaded");
        ck_assert_uint_eq(view(0).rows, 3);
        ck_assert(lists(0, SCRIP_BY_SYMBOL, "NSE:SBIN", &s));
        ck_assert_int_eq(s.instrument.lot, 3); /* nothing is remembered of the old one */
        ck_assert(!lists(0, SCRIP_BY_TOKEN, "78", &s));
        ck_assert(lists_there(0, SCRIP_BY_SYMBOL, "NSE:SBIN", &s));
        ck_assert_int_eq(s.instrument.lot, 3);
        ck_assert(!lists_there(0, SCRIP_BY_TOKEN, "78", &s));
        ck_assert_uint_eq(script_requests(&server), 5);
        halt();
        close_world();
}
END_TEST

/* What a restart finds is what was there, and nothing is fetched for it. */
START_TEST(test_restart)
{
        struct scrip s;
        char path[96];
        say(0, 200, GOOD);
        say(1, 200, OTHER);
        open_world();
        boot(1);
        pass();
        int64_t as_of_us = view(0).as_of_us;
        halt();
        clock_fake_advance(SECONDS(600));
        boot(1);
        ck_assert_str_eq(view(0).state, "loaded");
        ck_assert_uint_eq(view(0).rows, 4);
        ck_assert_int_eq(view(0).as_of_us, as_of_us);
        ck_assert(lists(0, SCRIP_BY_SYMBOL, "NSE:INFY", &s));
        pass();
        ck_assert_uint_eq(script_requests(&server), 1);
        halt();

        /* cut off behind its first page while it is open: that is found out when it is asked */
        snprintf(path, sizeof(path), "%s/masters/open.db", dir);
        boot(1);
        ck_assert_str_eq(view(0).state, "loaded");
        ck_assert_int_eq(truncate(path, 4096), 0);
        (void)lists_there(0, SCRIP_BY_SYMBOL, "NSE:INFY", &s);
        ck_assert_int_lt(asked.error, 0); /* read again on the loop, which finds it out */
        ck_assert(!lists(0, SCRIP_BY_SYMBOL, "NSE:INFY", &s));
        ck_assert_str_eq(view(0).state, "missing");
        ck_assert_int_eq(gate_of(0, "NSE:INFY"), PROBLEM_INSTRUMENTS_MISSING);
        pass();
        ck_assert_str_eq(view(0).state, "loaded");
        ck_assert_uint_eq(view(0).rows, 3);
        halt();

        /* of a clock that ran ahead */
        clock_fake_advance(-SECONDS(86400));
        boot(1);
        ck_assert_str_eq(view(0).state, "stale");
        halt();
        close_world();
}
END_TEST

/* One broker gives its master to those who are logged in; both are fetched at once. */
START_TEST(test_session)
{
        say(0, 200, GOOD);
        say(1, 200, GOOD);
        open_world();
        boot(2);
        pass();
        ck_assert_str_eq(view(0).state, "loaded");
        ck_assert_str_eq(view(1).state, "missing");
        ck_assert_str_eq(view(1).last_error, "waits for a session of one of its accounts");
        ck_assert_ptr_null(strstr(server.last, "X-Token"));
        ck_assert_int_eq(gate_of(1, "NSE:SBIN"), PROBLEM_INSTRUMENTS_MISSING);
        o->accounts[1].token = secret_new("tok-1", 5);
        o->accounts[1].session = SESSION_STATE_ACTIVE;
        look(&o->masters->look);
        o->accounts[1].token = secret_free(o->accounts[1].token); /* it ends meanwhile */
        pass();
        ck_assert_str_eq(view(1).state, "loaded");
        ck_assert_ptr_nonnull(strstr(server.last, "X-Token: tok-1"));
        ck_assert_int_eq(gate_of(1, "NSE:SBIN"), PROBLEM_LOT_SIZE);
        halt();
        close_world();
}
END_TEST

/* The brokers' instruments and the built-in ones as one list. */
START_TEST(test_search)
{
        struct instrument found[50];
        unsigned n;
        say(0, 200, GOOD);
        say(1, 200, HEAD "SBIN,x,1,3,0\nSBINEW,y,2,1,0\nNIFTY,z,3,65,20261229\n");
        open_world();
        boot(2);
        o->accounts[1].token = secret_new("t", 1);
        o->accounts[1].session = SESSION_STATE_ACTIVE;
        n = query_instruments(o, "sbin", EXCHANGE_NSE, 50, found);
        ck_assert_uint_ge(n, 1); /* the built-in set has it */
        ck_assert_int_eq(found[0].lot, 1);
        look(&o->masters->look);
        while (o->masters->list[0].stage == FETCHING && o->masters->list[1].stage == FETCHING)
                turn();
        pass();
        bool first = view(0).rows == 4; /* who was answered first is not known */
        n = query_instruments(o, "sbin", EXCHANGE_NSE, 50, found);
        ck_assert_uint_eq(n, 2);
        ck_assert_str_eq(found[0].symbol, "NSE:SBIN");
        ck_assert_int_eq(found[0].lot, first ? 7 : 3); /* of the first broker, before the others */
        ck_assert_str_eq(found[1].symbol, "NSE:SBINEW");
        ck_assert_uint_eq(query_instruments(o, "NSE:SBIN", -1, 1, found), 1);
        ck_assert_str_eq(found[0].symbol, "NSE:SBIN");
        n = query_instruments(o, "state b", -1, 50, found);
        ck_assert_uint_ge(n, 1);
        ck_assert_str_eq(found[0].isin, ""); /* the master has none */
        for (unsigned i = 1; i < n; i++)
                ck_assert_str_ne(found[i].symbol, found[0].symbol);
        n = query_instruments(o, "NIFTY29DEC26F", EXCHANGE_NFO, 50, found);
        ck_assert_uint_ge(n, 1);
        ck_assert_str_eq(found[0].symbol, "NFO:NIFTY29DEC26FUT");
        ck_assert_uint_eq(query_instruments(o, "NOSUCHTHING", -1, 50, found), 0);
        ck_assert_uint_eq(query_instruments(o, "", -1, 50, found), 50);
        char much[300];
        memset(much, 'A', sizeof(much) - 1);
        much[sizeof(much) - 1] = '\0';
        ck_assert_uint_eq(query_instruments(o, much, -1, 50, found), 0);
        o->accounts[1].token = secret_free(o->accounts[1].token);
        halt();
        close_world();
}
END_TEST

static size_t pack(const char *s, size_t n, unsigned repeat, unsigned char *ret, size_t size)
{
        z_stream z = {.next_out = ret, .avail_out = (unsigned)size};
        ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
        for (unsigned i = 0; i < repeat; i++) {
                z.next_in = (unsigned char *)s;
                z.avail_in = (unsigned)n;
                ck_assert_int_eq(deflate(&z, Z_NO_FLUSH), Z_OK);
        }
        ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
        deflateEnd(&z);
        return z.total_out;
}

/* Bytes behind a head; kept for the life of the test. */
static void say_bytes(unsigned step, const void *bytes, size_t n)
{
        struct text t = TEXT_NULL;
        text_addf(&t, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", n);
        text_add_bytes(&t, bytes, n);
        steps[step] = (struct script_step){.action = SCRIPT_REPLY, .size = t.len};
        steps[step].text = text_take(&t);
}

START_TEST(test_gzip)
{
        static unsigned char packed[2 << 20];
        static char much[1 << 20];
        size_t n = pack(GOOD, strlen(GOOD), 1, packed, sizeof(packed));
        say_bytes(0, packed, n - 9); /* cut, before it was sent: its length is right */
        say_bytes(2, packed, n);
        memset(much, 'x', sizeof(much));
        n = pack(much, sizeof(much), 520, packed, sizeof(packed));
        ck_assert_uint_lt(n, 1 << 20);
        say_bytes(1, packed, n);
        open_world();
        boot(1);
        pass();
        ck_assert_str_eq(view(0).last_error, "file /scrips.csv is damaged or cut off");
        clock_fake_advance(MASTER_RETRY_MAX_US);
        pass();
        ck_assert_str_eq(view(0).last_error, "the files unpack to more than 512 MiB");
        clock_fake_advance(MASTER_RETRY_MAX_US);
        pass();
        ck_assert_uint_eq(view(0).rows, 4);
        halt();
        close_world();
        for (unsigned i = 0; i < 3; i++)
                free((char *)steps[i].text);
}
END_TEST

/* The daemon ends in every stage of it. */
START_TEST(test_stopped)
{
        for (unsigned i = 0; i < ELEMENTS(steps); i++)
                say(i, 200, GOOD);
        open_world();
        for (unsigned step = 0; step < 60; step++) {
                boot(2);
                look(&o->masters->look);
                for (unsigned i = 0; i < step && masters_busy(o); i++)
                        turn();
                halt();
        }
        close_world();
}
END_TEST

START_TEST(test_moments)
{
        static const struct {
                const char *now, *moment;
        } rows[] = {
                {"2026-11-23T06:59:59+05:30", "2026-11-20T08:45:00+05:30"}, /* Friday */
                {"2026-11-23T07:00:00+05:30", "2026-11-23T07:00:00+05:30"},
                {"2026-11-23T08:44:59+05:30", "2026-11-23T07:00:00+05:30"},
                {"2026-11-23T08:45:00+05:30", "2026-11-23T08:45:00+05:30"},
                {"2026-11-23T23:59:59+05:30", "2026-11-23T08:45:00+05:30"},
                {"2026-11-21T12:00:00+05:30", "2026-11-20T08:45:00+05:30"}, /* Saturday */
                {"2026-11-22T12:00:00+05:30", "2026-11-20T08:45:00+05:30"}, /* Sunday */
                {"2026-10-02T12:00:00+05:30", "2026-10-01T08:45:00+05:30"}, /* closed everywhere */
        };
        open_world();
        boot(1);
        for (unsigned i = 0; i < ELEMENTS(rows); i++) {
                int64_t now, moment;
                ck_assert_int_eq(clock_parse(rows[i].now, strlen(rows[i].now), &now), 0);
                ck_assert_int_eq(clock_parse(rows[i].moment, strlen(rows[i].moment), &moment), 0);
                ck_assert_msg(masters_moment(market->calendar, now) == moment, "%s", rows[i].now);
        }
        halt();
        close_world();
}
END_TEST

/* 30 s, 1, 2, 4, 8 min, and then every quarter of an hour. */
START_TEST(test_patience)
{
        static const int waits[] = {30, 60, 120, 240, 480, 900, 900};
        for (unsigned i = 0; i < ELEMENTS(steps); i++)
                say(i, 500, "");
        open_world();
        boot(1);
        for (unsigned i = 0; i < ELEMENTS(waits); i++) {
                pass();
                ck_assert_int_eq(view(0).next_us - clock_wall_us(), SECONDS(waits[i]));
                clock_fake_advance(SECONDS(waits[i]));
        }
        halt();
        close_world();
}
END_TEST

SUITE("masters", test_a_day, test_restart, test_session, test_search, test_gzip, test_stopped,
      test_moments, test_patience)
