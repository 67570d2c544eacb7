/* Placing an order. The same request with the same Idempotency-Key is repeated when the connection
 * breaks, so that it is one order however often it is sent. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/decimal.h"
#include "base/id.h"
#include "domain/order.h"
#include "ordoctl/ask.h"

#define PLACE_PATH    "/api/v1/orders"
#define VALIDATE_PATH PLACE_PATH "/validate"
#define TRIES_MAX     6   /* requests in all, when connections break */
#define WAITS_MAX     30  /* times one waits for the first request to end */
#define PAUSE_MS      250 /* before the second try; doubled each time */
#define PAUSE_MAX_MS  4000
#define IN_FLIGHT     "IDEMPOTENCY_IN_FLIGHT"
#define NO_ORDER_SENT "No order was sent."

static int put_decimal(struct ctl *c, struct json_writer *w, const char *option, const char *key)
{
        const char *s = ctl_option(c, option);
        int64_t value;

        if (!s)
                return CTL_OK;
        if (decimal_parse(s, strlen(s), &value) < 0 || value <= 0)
                return ctl_usage(c, "--%s is not a price: %.40s", option, s);
        json_put_string(w, key, s);
        return CTL_OK;
}

static int put_quantity(struct ctl *c, struct json_writer *w, const char *what, const char *s,
                        const char *key)
{
        int64_t value;

        if (!s)
                return CTL_OK;
        if (text_parse_int(s, strlen(s), 1, QUANTITY_MAX, &value) < 0)
                return ctl_usage(c, "%s is not a whole number above 0: %.40s", what, s);
        json_put_int(w, key, value);
        return CTL_OK;
}

/* "paper:demo" or "paper:demo:0.5": what is behind the second colon multiplies. */
static int put_target(struct ctl *c, struct json_writer *w, const char *s, size_t n)
{
        const char *first = memchr(s, ':', n);
        const char *second = first ? memchr(first + 1, ':', n - (size_t)(first + 1 - s)) : NULL;
        int64_t multiplier;

        if (!first)
                return ctl_usage(c, "--account is not like paper:demo or paper:demo:0.5: %.*s",
                                 (int)n, s);
        if (!second) {
                json_put_bytes(w, NULL, s, n);
                return CTL_OK;
        }
        size_t rest = n - (size_t)(second + 1 - s);
        if (decimal_parse(second + 1, rest, &multiplier) < 0 || multiplier <= 0)
                return ctl_usage(c, "the multiplier of --account is not a number above 0: %.*s",
                                 (int)n, s);
        json_object_begin(w, NULL);
        json_put_bytes(w, "account", s, (size_t)(second - s));
        json_put_bytes(w, "multiplier", second + 1, rest);
        json_object_finish(w);
        return CTL_OK;
}

static int put_targets(struct ctl *c, struct json_writer *w)
{
        const char *at = NULL, *item;
        unsigned i = 0;
        size_t n;
        int r = CTL_OK;

        if (!ctl_option(c, "account"))
                return CTL_OK;
        json_array_begin(w, "targets");
        while (r == CTL_OK && (item = ctl_next_item(c, "account", &i, &at, &n)))
                r = put_target(c, w, item, n);
        json_array_finish(w);
        return r;
}

static const char *order_type(const struct ctl *c)
{
        bool price = ctl_option(c, "price"), trigger = ctl_option(c, "trigger");

        if (ctl_option(c, "type"))
                return ctl_option(c, "type");
        return price && trigger ? "STOP_LIMIT" : trigger ? "STOP" : price ? "LIMIT" : "MARKET";
}

/* Delivery where there is any. */
static const char *order_product(const struct ctl *c)
{
        const char *symbol = c->operands[1];

        if (ctl_option(c, "product"))
                return ctl_option(c, "product");
        return text_starts(symbol, "NSE:") || text_starts(symbol, "BSE:") ? "CNC" : "MARGIN";
}

static void put_word(struct json_writer *w, const char *key, const char *value)
{
        if (value)
                json_put_string(w, key, value);
}

static int make_body(struct ctl *c, struct text *body)
{
        struct json_writer w = JSON_WRITER(body);
        bool buy = strcasecmp(c->operands[0], "buy") == 0;

        if (!buy && strcasecmp(c->operands[0], "sell") != 0)
                return ctl_usage(c, "the first argument is buy or sell, not \"%.40s\"",
                                 c->operands[0]);
        json_object_begin(&w, NULL);
        json_put_string(&w, "symbol", c->operands[1]);
        json_put_string(&w, "side", buy ? "BUY" : "SELL");
        json_put_string(&w, "type", order_type(c));
        json_put_string(&w, "product", order_product(c));
        put_word(&w, "validity", ctl_option(c, "validity"));
        put_word(&w, "client_order_id", ctl_option(c, "client-id"));
        put_word(&w, "market_policy", ctl_option(c, "market-policy"));
        if (ctl_flag(c, "reduce-only"))
                json_put_bool(&w, "reduce_only", true);
        int r = put_quantity(c, &w, "the quantity", c->operands[2], "quantity");
        if (r == CTL_OK)
                r = put_quantity(c, &w, "--disclosed", ctl_option(c, "disclosed"),
                                 "disclosed_quantity");
        if (r == CTL_OK)
                r = put_decimal(c, &w, "price", "price");
        if (r == CTL_OK)
                r = put_decimal(c, &w, "trigger", "trigger_price");
        if (r == CTL_OK)
                r = put_targets(c, &w);
        json_object_finish(&w);
        return r;
}

static bool in_flight(const struct answer *a)
{
        struct json_object *code = json_at(a->json, "code");

        return a->status == 409 && code && text_equal(json_object_get_string(code), IN_FLIGHT);
}

/* Whether, after such an end, the same request is to be sent again; waits before it says so. */
struct patience {
        unsigned tries, waits;
        bool may_have_left; /* an earlier request may have arrived: a refused connection is no end
                             */
        long pause_ms;
};

static bool try_again(struct patience *p, const struct client *client, enum client_result result,
                      const struct answer *a)
{
        if (result == CLIENT_ANSWERED) {
                if (!in_flight(a) || ++p->waits > WAITS_MAX)
                        return false;
                ctl_pause_ms(a->retry_after > 0 ? a->retry_after * 1000 : PAUSE_MS);
                return true;
        }
        p->may_have_left |= result == CLIENT_BROKEN;
        if (!p->may_have_left || ++p->tries >= TRIES_MAX)
                return false;
        ctl_note("ordoctl: %s; sending the same order again with the same key",
                 *client->error ? client->error : "the connection broke");
        ctl_pause_ms(p->pause_ms);
        p->pause_ms = 2 * p->pause_ms < PAUSE_MAX_MS ? 2 * p->pause_ms : PAUSE_MAX_MS;
        return true;
}

/* An exit code, with the answer judged and, on failure, explained. True in `*ret_good`: show it. */
static int send_order(struct ctl *c, const struct request *r, struct answer *a, bool *ret_good)
{
        struct patience p = {.pause_ms = PAUSE_MS};
        enum client_result result;
        int code;

        do
                result = client_call(c->client, r, a);
        while (try_again(&p, c->client, result, a));
        if (result == CLIENT_ANSWERED) {
                *ret_good = ask_judge(c, a, &code);
                if (p.waits > WAITS_MAX)
                        ctl_note("Ask again with: --key %s", r->idempotency_key);
                return code;
        }
        code = client_unreachable(c->client, result);
        if (!p.may_have_left)
                ctl_note(NO_ORDER_SENT);
        else
                ctl_note("Whether the order was placed is not known. To find out, and to place it "
                         "if "
                         "it was not,\nrun the same command again with: --key %s",
                         r->idempotency_key);
        return code;
}

static void show(const struct ctl *c, const struct answer *a, const char *key, struct text *out)
{
        struct json_object *id = json_at(a->json, "order_id");

        text_add(out, key ? "Order " : "Checked only: ");
        show_json(id ? id : json_at(a->json, "overall_status"), out);
        if (id) {
                text_add(out, ": ");
                show_json(json_at(a->json, "overall_status"), out);
        }
        if (key)
                text_addf(out, "\nKey   %s%s", key,
                          a->replayed ? " (this order was placed before; nothing was sent now)"
                                      : "");
        text_add_char(out, '\n');
        ask_add_results(c, a->json, out);
        if (a->status == 202)
                text_add(out, "The outcome is not known yet; ordoctl show and ordoctl events will "
                              "tell.\n");
}

int run_order(struct ctl *c)
{
        _cleanup_(text_done) struct text body = TEXT_NULL, out = TEXT_NULL;
        _cleanup_(answer_done) struct answer a = {};
        bool validate = ctl_flag(c, "validate"), good = false;
        const char *key = ctl_option(c, "key");
        char uuid[UUID_SIZE];

        if (key && (strlen(key) >= CLIENT_KEY_SIZE || strpbrk(key, " \"\\")))
                return ctl_usage(c, "--key is 1 to 255 visible characters without quotes");
        int r = make_body(c, &body);
        if (r == CTL_OK)
                r = client_open(c);
        if (r != CTL_OK)
                return r;
        if (!key) {
                uuid_make(uuid);
                key = uuid;
        }
        struct request request = {
                .method = "POST",
                .path = validate ? VALIDATE_PATH : PLACE_PATH,
                .body = &body,
                .idempotency_key = validate ? NULL : key,
        };
        if (validate) {
                good = ask(c, &request, &a, &r);
        } else {
                if (c->json)
                        ctl_note("Idempotency-Key: %s", key);
                r = send_order(c, &request, &a, &good);
        }
        if (!good || c->json)
                return r;
        show(c, &a, validate ? NULL : key, &out);
        int put = ctl_put(&out);
        return put != CTL_OK ? put : r;
}
