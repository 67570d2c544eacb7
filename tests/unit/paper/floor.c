#include "floor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"

static struct instrument instruments[] = {
        {.symbol = "NSE:SBIN",
         .exchange = EXCHANGE_NSE,
         .segment = SEGMENT_EQUITY,
         .lot = 1,
         .tick = 500,
         .previous_close = RUPEES(800),
         .band_percent = 10,
         .intraday_allowed = true},
        {.symbol = "NSE:IDEA",
         .exchange = EXCHANGE_NSE,
         .segment = SEGMENT_EQUITY,
         .lot = 1,
         .tick = 100,
         .previous_close = 139000,
         .band_percent = 10,
         .intraday_allowed = true},
        {.symbol = "NSE:M&M",
         .exchange = EXCHANGE_NSE,
         .segment = SEGMENT_EQUITY,
         .lot = 1,
         .tick = 1000,
         .previous_close = RUPEES(3410),
         .band_percent = 10,
         .intraday_allowed = false},
        {.symbol = "NSE:NEW",
         .exchange = EXCHANGE_NSE,
         .segment = SEGMENT_EQUITY,
         .lot = 1,
         .tick = 100,
         .intraday_allowed = true},
        {.symbol = "NSE:NIFTY 50",
         .exchange = EXCHANGE_NSE,
         .segment = SEGMENT_INDEX,
         .tick = 500,
         .previous_close = RUPEES(24400)},
        {.symbol = "NFO:NIFTY29DEC26FUT",
         .underlying = "NIFTY",
         .exchange = EXCHANGE_NFO,
         .segment = SEGMENT_FUTURE,
         .expiry = 20261229,
         .lot = 65,
         .tick = 1000,
         .freeze = 1800,
         .previous_close = RUPEES(24400),
         .band_percent = 10,
         .on_index = true},
        {.symbol = "NFO:NIFTY23NOV26FUT",
         .underlying = "NIFTY",
         .exchange = EXCHANGE_NFO,
         .segment = SEGMENT_FUTURE,
         .expiry = 20261123,
         .lot = 65,
         .tick = 1000,
         .freeze = 1800,
         .previous_close = RUPEES(24400),
         .band_percent = 10,
         .on_index = true},
        {.symbol = "NFO:NIFTY29DEC2626000CE",
         .underlying = "NIFTY",
         .exchange = EXCHANGE_NFO,
         .segment = SEGMENT_OPTION,
         .expiry = 20261229,
         .strike = RUPEES(26000),
         .call = true,
         .lot = 65,
         .tick = 500,
         .freeze = 1800,
         .previous_close = RUPEES(150),
         .on_index = true},
        {.symbol = "MCX:CRUDEOIL18DEC26FUT",
         .underlying = "CRUDEOIL",
         .exchange = EXCHANGE_MCX,
         .segment = SEGMENT_FUTURE,
         .expiry = 20261218,
         .lot = 100,
         .tick = 10000,
         .previous_close = RUPEES(6000),
         .band_percent = 6},
};

struct instrument *floor_instrument(const char *symbol)
{
        for (unsigned i = 0; i < ELEMENTS(instruments); i++)
                if (!strcmp(instruments[i].symbol, symbol))
                        return &instruments[i];
        return NULL;
}

const struct instrument *floor_find(void *userdata, const char *symbol)
{
        return floor_instrument(symbol);
}

int64_t floor_time(int day, int hour, int minute, int second)
{
        return clock_from_ist(day, hour * 3600 + minute * 60 + second);
}

static void build(struct floor *f)
{
        struct paper_options o = {
                .seed = f->options.seed, .find = floor_find, .calendar = f->calendar};
        struct account a = {
                .broker = "paper",
                .paper = true,
                .enforce_session_hours = f->options.enforce_hours,
                .paper_funds = f->options.funds,
                .paper_static_market = !f->options.live,
        };
        ck_assert_int_eq(paper_new(&o, &f->paper), 0);
        text_copy(a.id, sizeof(a.id), "paper:one");
        ck_assert_int_eq(paper_add_account(f->paper, &a), 0);
        text_copy(a.id, sizeof(a.id), "paper:two");
        ck_assert_int_eq(paper_add_account(f->paper, &a), 0);
}

/* Tuesday the 24th is a holiday. */
static void open_calendar(struct floor *f)
{
        static const char sessions[] = "exchange,class,days,from,to,open,close,evening\n"
                                       "NSE,all,weekdays,2026-01-01,-,09:15,15:30,-\n"
                                       "NFO,all,weekdays,2026-01-01,-,09:15,15:40,-\n"
                                       "MCX,all,weekdays,2026-01-01,-,09:00,23:55,17:00\n";
        static const char holidays[] = "date,exchange,closed,name\n"
                                       "2026-11-24,NSE,full,Holiday\n"
                                       "2026-11-24,NFO,full,Holiday\n";
        char fault[160];
        int r = calendar_new(sessions, sizeof(sessions) - 1, holidays, sizeof(holidays) - 1, fault,
                             sizeof(fault), &f->calendar);
        ck_assert_msg(r == 0, "%s", fault);
}

void floor_open(struct floor *f, const struct floor_options *o)
{
        *f = (struct floor){.options = *o};
        f->rows = calloc(FLOOR_ROWS_MAX, sizeof(*f->rows));
        if (clock_ist_day(clock_wall_us()) != FLOOR_DAY)
                clock_fake(floor_time(FLOOR_DAY, 10, 0, 0), 1000);
        if (o->enforce_hours)
                open_calendar(f);
        build(f);
}

void floor_close(struct floor *f)
{
        f->paper = paper_free(f->paper);
        for (unsigned i = 0; i < f->n_rows; i++)
                free(f->rows[i].value);
        free(f->rows);
        text_done(&f->body);
        f->reply = json_free(f->reply);
        f->calendar = calendar_free(f->calendar);
}

void floor_restart(struct floor *f)
{
        f->paper = paper_free(f->paper);
        build(f);
        /* newest first: no order is promised */
        for (unsigned i = f->n_rows; i-- > 0;) {
                const struct floor_row *row = &f->rows[i];
                ck_assert_int_eq(paper_restore(f->paper, row->account, row->kind, row->key,
                                               row->value, row->size),
                                 0);
        }
}

static struct floor_row *find_row(struct floor *f, const struct rider_row *row)
{
        for (unsigned i = 0; i < f->n_rows; i++) {
                struct floor_row *r = &f->rows[i];
                if (!strcmp(r->key, row->key) && !strcmp(r->kind, row->kind) &&
                    !strcmp(r->account, row->account))
                        return r;
        }
        return NULL;
}

static void store_row(struct floor *f, struct rider_row *row)
{
        struct floor_row *r = find_row(f, row);
        if (!row->value) {
                if (r) {
                        free(r->value);
                        *r = f->rows[--f->n_rows];
                }
                return;
        }
        if (!r) {
                ck_assert_uint_lt(f->n_rows, FLOOR_ROWS_MAX);
                r = &f->rows[f->n_rows++];
                *r = (struct floor_row){};
                text_copy(r->account, sizeof(r->account), row->account);
                text_copy(r->kind, sizeof(r->kind), row->kind);
                text_copy(r->key, sizeof(r->key), row->key);
        }
        free(r->value);
        r->value = TAKE(row->value);
        r->size = row->size;
}

void floor_take(struct floor *f, struct rider *rider)
{
        f->last_rider = rider ? rider->n_rows : 0;
        if (!rider)
                return;
        for (unsigned i = 0; !f->losing && i < rider->n_rows; i++)
                store_row(f, &rider->rows[i]);
        rider_settle(rider, !f->losing);
}

void floor_call_as(struct floor *f, const char *account, const char *method, const char *what,
                   const char *body)
{
        struct http_request q = {.method = method};
        struct http_reply a = {};
        struct rider *rider = NULL;
        static const struct json_limits limits = {8, 1000000};
        struct json_fault fault;
        text_add_char(&q.url, '/');
        text_add_urlencoded(&q.url, account);
        text_add_char(&q.url, '/');
        text_add(&q.url, what);
        if (body)
                text_add(&q.body, body);
        ck_assert_int_eq(paper_serve(f->paper, &q, &a, &rider), 0);
        floor_take(f, rider);
        f->status = a.status;
        text_clear(&f->body);
        text_add(&f->body, text_str(&a.body));
        f->reply = json_free(f->reply);
        ck_assert_int_eq(json_parse(text_str(&f->body), f->body.len, &limits, &f->reply, &fault),
                         0);
        http_request_done(&q);
        http_reply_done(&a);
}

void floor_call(struct floor *f, const char *method, const char *what, const char *body)
{
        floor_call_as(f, "paper:one", method, what, body);
}

const char *floor_place(struct floor *f, const char *words)
{
        static unsigned tags;
        char side[8], symbol[SYMBOL_SIZE], product[12], type[12], price[16] = "", trigger[16] = "",
                                                                  ioc[4] = "";
        long long quantity;
        struct text t = TEXT_NULL;
        int n = sscanf(words, "%7s %lld %43s %11s %11s %15s %15s %3s", side, &quantity, symbol,
                       product, type, price, trigger, ioc);
        ck_assert_int_ge(n, 5);
        bool stop = !strncmp(type, "STOP", 4);
        text_addf(&t, "{\"tag\":\"T%u\",\"symbol\":\"%s\",\"side\":\"%s\",\"type\":\"%s\",", ++tags,
                  symbol, side, type);
        text_addf(&t, "\"product\":\"%s\",\"quantity\":%lld,\"validity\":\"%s\"", product, quantity,
                  strstr(words, " IOC") ? "IOC" : "DAY");
        if (*price && strcmp(price, "-") != 0 && strcmp(price, "IOC") != 0)
                text_addf(&t, ",\"price\":\"%s\"", price);
        if (stop)
                text_addf(&t, ",\"trigger_price\":\"%s\"", trigger);
        text_add_char(&t, '}');
        floor_call(f, "POST", "orders", text_str(&t));
        text_done(&t);
        static char ids[256][ID_TEXT_SIZE];
        char *id = ids[tags % ELEMENTS(ids)];
        *id = '\0';
        if (f->status == 200)
                text_copy(id, ID_TEXT_SIZE, floor_text(f, "order_id"));
        return id;
}

static void call_order(struct floor *f, const char *method, const char *id)
{
        char what[64];
        snprintf(what, sizeof(what), "orders/%s", id);
        floor_call(f, method, what, NULL);
}

void floor_cancel(struct floor *f, const char *id)
{
        call_order(f, "DELETE", id);
}

void floor_order(struct floor *f, const char *id)
{
        call_order(f, "GET", id);
        ck_assert_int_eq(f->status, 200);
}

const char *floor_text(struct floor *f, const char *key)
{
        static char texts[8][64];
        static unsigned at;
        const char *s;
        ck_assert_msg(json_get_string(f->reply, key, &s) == 0, "no %s in %s", key,
                      text_str(&f->body));
        at = (at + 1) % ELEMENTS(texts);
        text_copy(texts[at], sizeof(texts[at]), s);
        return texts[at];
}

int64_t floor_int(struct floor *f, const char *key)
{
        int64_t v;
        ck_assert_msg(json_get_int(f->reply, key, INT64_MIN / 2, INT64_MAX / 2, &v) == 0,
                      "no %s in %s", key, text_str(&f->body));
        return v;
}

int64_t floor_money(struct floor *f, const char *key)
{
        int64_t v;
        ck_assert_msg(json_get_decimal(f->reply, key, &v) == 0, "no %s in %s", key,
                      text_str(&f->body));
        return v;
}

const char *floor_code(struct floor *f)
{
        struct json_object *e;
        const char *code;
        if (!json_object_object_get_ex(f->reply, "error", &e) ||
            json_get_string(e, "code", &code) != 0)
                return "";
        return code;
}

unsigned floor_count(struct floor *f, const char *list)
{
        struct json_object *l;
        ck_assert(json_object_object_get_ex(f->reply, list, &l));
        return (unsigned)json_object_array_length(l);
}

void floor_pick(struct floor *f, const char *list, unsigned i)
{
        struct json_object *l;
        ck_assert(json_object_object_get_ex(f->reply, list, &l));
        ck_assert_uint_lt(i, json_object_array_length(l));
        struct json_object *o = json_object_get(json_object_array_get_idx(l, i));
        json_object_put(f->reply);
        f->reply = o;
}

int64_t floor_funds(struct floor *f, const char *key)
{
        floor_call(f, "GET", "funds", NULL);
        return floor_money(f, key);
}

char *floor_picture(struct floor *f, const char *account)
{
        static const char *const reads[] = {"orders",   "trades",    "funds",
                                            "holdings", "positions", "orders?since=1"};
        struct text t = TEXT_NULL;
        for (unsigned i = 0; i < ELEMENTS(reads); i++) {
                floor_call_as(f, account, "GET", reads[i], NULL);
                text_add(&t, text_str(&f->body));
                text_add_char(&t, '\n');
        }
        return text_take(&t);
}
