/* HDFC Securities: what an answer that is no success means (§9).
 *
 * The shape of errors is not published. Seen in clients: {"status":"error","message":"…"} and
 * {"error":"…"}, also with status 200; the codes are those of the feed's schema, which may surface
 * in the message. They are looked for in members named like a code, and in the message where a code
 * would stand; then the words count. A write is refused only by an answer that says so in words of
 * its own and gives no reason for doubt. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "broker/hdfc.h"
#include "broker/reading.h"

#define FOLDED_SIZE 256

/* PROBLEM_NONE: the outcome is in doubt. */
static const struct {
        int from, to;
        enum problem problem;
} codes[] = {
        {1004, 1004, PROBLEM_INSTRUMENT_UNKNOWN},
        {1008, 1008, PROBLEM_INSTRUMENT_UNKNOWN},
        {1011, 1012, PROBLEM_BROKER_REJECTED}, /* risk limits */
        {1014, 1015, PROBLEM_MARKET_CLOSED},
        {5001, 5016, PROBLEM_BROKER_REJECTED},
        {5050, 5104, PROBLEM_BROKER_REJECTED},
        {6101, 6107, PROBLEM_BROKER_REJECTED},
        {7001, 7001, PROBLEM_PRICE_BAND},
        {7003, 7003, PROBLEM_INSTRUMENT_NOT_TRADABLE},
        {8001, 8001, PROBLEM_ORDER_NOT_FOUND},
        {11001, 11001, PROBLEM_INSUFFICIENT_FUNDS},
        {12001, 12002, PROBLEM_INSUFFICIENT_FUNDS},
        {12006, 12006, PROBLEM_INSUFFICIENT_FUNDS},
        {15001, 15006, PROBLEM_MARKET_CLOSED},
        {15007, 15007, PROBLEM_TYPE_UNSUPPORTED},
        {15009, 15010, PROBLEM_PRODUCT_UNSUPPORTED},
        {15011, 15011, PROBLEM_BROKER_REJECTED}, /* sale of pledged shares */
        {15012, 15013, PROBLEM_MARKET_CLOSED},
        {16000, 16000, PROBLEM_MARKET_CLOSED},
        {16012, 16012, PROBLEM_INSTRUMENT_UNKNOWN},
        {16019, 16019, PROBLEM_INSTRUMENT_NOT_TRADABLE},
        {16035, 16035, PROBLEM_INSTRUMENT_NOT_TRADABLE},
        {16049, 16049, PROBLEM_INSTRUMENT_NOT_TRADABLE},
        {16060, 16060, PROBLEM_ORDER_NOT_FOUND},
        {16104, 16104, PROBLEM_NONE}, /* system */
        {16115, 16115, PROBLEM_ORDER_NOT_OPEN},
        {16123, 16123, PROBLEM_NONE},
        {16197, 16197, PROBLEM_MARKET_CLOSED},
        {16198, 16198, PROBLEM_NONE},            /* duplicate request: the first may be live */
        {16247, 16247, PROBLEM_BROKER_REJECTED}, /* price not valid */
        {16278, 16278, PROBLEM_MARKET_CLOSED},
        {16283, 16283, PROBLEM_TICK_SIZE},
        {16284, 16284, PROBLEM_PRICE_BAND},
        {16307, 16307, PROBLEM_FREEZE_QUANTITY},
        {16308, 16308, PROBLEM_PRICE_BAND},
        {16315, 16316, PROBLEM_BROKER_REJECTED}, /* trigger price */
        {16328, 16328, PROBLEM_LOT_SIZE},
        {16330, 16330, PROBLEM_INSTRUMENT_NOT_TRADABLE},
        {16344, 16344, PROBLEM_ORDER_NOT_OPEN},
        {16346, 16346, PROBLEM_ORDER_NOT_OPEN},
        {16615, 16616, PROBLEM_ORDER_NOT_OPEN},
        {16617, 16617, PROBLEM_INSTRUMENT_NOT_TRADABLE},
        {17070, 17070, PROBLEM_PRICE_BAND},
        {17080, 17080, PROBLEM_BROKER_REJECTED}, /* self-trade */
        {17179, 17179, PROBLEM_BROKER_SETUP},    /* algo id */
        {18000, 18000, PROBLEM_INSTRUMENT_NOT_TRADABLE},
        {20100, 20100, PROBLEM_NONE}, /* throttle, services and adapters down */
        {20102, 20104, PROBLEM_NONE}, /* 20104: "result of transaction unknown" */
        {50001, 50003, PROBLEM_NONE}, /* 50002: already present */
        {2010000, 2010000, PROBLEM_ORDER_NOT_FOUND},
};

/* Looked for in the message without its blanks and signs, in capitals; the first that is found. */
static const struct {
        const char *text;
        enum problem problem;
} phrases[] = {
        {"TRANSACTIONUNKNOWN", PROBLEM_NONE},
        {"TIMEOUT", PROBLEM_NONE},
        {"TIMEDOUT", PROBLEM_NONE},
        {"DUPLICATE", PROBLEM_NONE},
        {"ALREADYPRESENT", PROBLEM_NONE},
        {"ALREADYEXIST", PROBLEM_NONE},
        {"SERVICEUNAVAILABLE", PROBLEM_NONE},
        {"TEMPORARILY", PROBLEM_NONE},
        {"TRYAGAIN", PROBLEM_NONE},
        {"INTERNAL", PROBLEM_NONE},
        {"SYSTEMERROR", PROBLEM_NONE},
        {"SOMETHINGWENTWRONG", PROBLEM_NONE},
        {"THROTTL", PROBLEM_NONE},
        {"TOOMANYREQUESTS", PROBLEM_NONE},
        {"QUEUED", PROBLEM_NONE},
        {"PROCESSING", PROBLEM_NONE},
        {"GATEWAY", PROBLEM_NONE},
        {"SESSIONEXPIRED", PROBLEM_SESSION_REQUIRED},
        {"SESSIONHASEXPIRED", PROBLEM_SESSION_REQUIRED},
        {"INVALIDSESSION", PROBLEM_SESSION_REQUIRED},
        {"INVALIDACCESSTOKEN", PROBLEM_SESSION_REQUIRED},
        {"ACCESSTOKENEXPIRED", PROBLEM_SESSION_REQUIRED},
        {"TOKENEXPIRED", PROBLEM_SESSION_REQUIRED},
        {"TOKENHASEXPIRED", PROBLEM_SESSION_REQUIRED},
        {"UNAUTHORIZEDACCESS", PROBLEM_SESSION_REQUIRED},
        {"UNAUTHORISEDACCESS", PROBLEM_SESSION_REQUIRED},
        {"STATICIP", PROBLEM_BROKER_SETUP},
        {"IPADDRESS", PROBLEM_BROKER_SETUP},
        {"WHITELIST", PROBLEM_BROKER_SETUP},
        {"INVALIDALGOID", PROBLEM_BROKER_SETUP},
        {"MARKETCLOSED", PROBLEM_MARKET_CLOSED},
        {"MARKETSCLOSED", PROBLEM_MARKET_CLOSED},
        {"MARKETISCLOSED", PROBLEM_MARKET_CLOSED},
        {"INSUFFICIENTHOLDING", PROBLEM_BROKER_REJECTED},
        {"INSUFFICIENTQUANTITY", PROBLEM_BROKER_REJECTED},
        {"INSUFFICIENTPERMISSION", PROBLEM_BROKER_SETUP},
        {"INSUFFICIENT", PROBLEM_INSUFFICIENT_FUNDS},
        {"MARGINUNAVAILABLE", PROBLEM_INSUFFICIENT_FUNDS},
        {"MARGINBLOCKFAILED", PROBLEM_INSUFFICIENT_FUNDS},
        {"BALANCENOTFOUND", PROBLEM_INSUFFICIENT_FUNDS},
        {"ORDERNOTFOUND", PROBLEM_ORDER_NOT_FOUND},
        {"INVALIDSYMBOL", PROBLEM_INSTRUMENT_UNKNOWN},
        {"CONTRACTEXPIRED", PROBLEM_INSTRUMENT_NOT_TRADABLE},
        {"SUSPENDED", PROBLEM_INSTRUMENT_NOT_TRADABLE},
        {"TICKSIZE", PROBLEM_TICK_SIZE},
        {"TICKMULTIPLE", PROBLEM_TICK_SIZE},
        {"LOTSIZE", PROBLEM_LOT_SIZE},
        {"LOTMULTIPLE", PROBLEM_LOT_SIZE},
        {"MULTIPLEOFLOT", PROBLEM_LOT_SIZE},
        {"PRICEFREEZE", PROBLEM_PRICE_BAND},
        {"QUANTITYFREEZE", PROBLEM_FREEZE_QUANTITY},
        {"FREEZEQUANTITY", PROBLEM_FREEZE_QUANTITY},
        {"CIRCUIT", PROBLEM_PRICE_BAND},
        {"DAYRANGE", PROBLEM_PRICE_BAND},
        {"EXECUTIONRANGE", PROBLEM_PRICE_BAND},
        {"CANNOTMODIFY", PROBLEM_ORDER_NOT_OPEN},
        {"CANNOTCANCEL", PROBLEM_ORDER_NOT_OPEN},
        {"CANNOTBEMODIFIED", PROBLEM_ORDER_NOT_OPEN},
        {"CANNOTBECANCELLED", PROBLEM_ORDER_NOT_OPEN},
};

static const struct word failure_words[] = {
        {1, "ERROR"}, {1, "FAILURE"}, {1, "FAILED"}, {1, "FAIL"}, {}};

static const struct word status_words[] = {
        {200, "OK"},
        {200, "SUCCESS"},
        {400, "BAD REQUEST"},
        {401, "UNAUTHORIZED"},
        {403, "FORBIDDEN"},
        {404, "NOT FOUND"},
        {422, "UNPROCESSABLE ENTITY"},
        {429, "TOO MANY REQUESTS"},
        {500, "INTERNAL SERVER ERROR"},
        {503, "SERVICE UNAVAILABLE"},
        {},
};

/* --- what the body says of itself --- */

/* 200 … 599; 0: not a status. */
static int status_of(const char *text)
{
        int64_t number;

        if (!text)
                return 0;
        if (text_parse_int(text, strlen(text), 200, 599, &number) == 0)
                return (int)number;
        int word = word_value_loose(status_words, text);
        return word < 0 ? 0 : word;
}

int hdfc_status(int http_status, struct json_object *o)
{
        struct json_object *meta = json_object_object_get(o, "meta");
        struct json_object *status = json_object_object_get(o, "status");

        if (http_status != 200 || !o)
                return http_status;
        if (meta && !json_object_is_type(meta, json_type_object))
                return 0;
        if (json_object_object_get(meta, "statusCode"))
                http_status = status_of(hdfc_text(meta, "statusCode"));
        if (http_status == 200 && json_object_is_type(status, json_type_int))
                http_status = status_of(json_object_get_string(status));
        return http_status;
}

bool hdfc_is_refusal(struct json_object *o)
{
        struct json_object *error = json_object_object_get(o, "error");
        const char *status = hdfc_text(o, "status");

        if (status && *status)
                return !hdfc_success(o) && word_value_loose(failure_words, status) > 0;
        return json_object_is_type(error, json_type_object) ||
               (json_object_is_type(error, json_type_string) &&
                *json_object_get_string(error) != '\0');
}

static const char *first_text(struct json_object *o, const char *const *keys)
{
        const char *text = "";

        for (; *keys && (!text || !*text); keys++)
                text = hdfc_text(o, *keys);
        return text ? text : "";
}

struct words {
        const char *code, *message;
};

/* The error's own words; "" where there are none. */
static struct words find_words(struct json_object *o)
{
        static const char *const code_keys[] = {"code", "errorCode", "error_code", NULL};
        static const char *const message_keys[] = {"message",       "errorMessage", "error_message",
                                                   "statusMessage", "error",        NULL};
        static const char *const meta_keys[] = {"statusMsg", NULL};
        static const char *const inner[] = {"error", "data"};
        struct words w = {"", ""};

        if (!o)
                return w;
        w = (struct words){first_text(o, code_keys), first_text(o, message_keys)};
        for (size_t i = 0; i < ELEMENTS(inner); i++) {
                struct json_object *in = json_object_object_get(o, inner[i]);
                if (!json_object_is_type(in, json_type_object))
                        continue;
                if (!*w.code)
                        w.code = first_text(in, code_keys);
                if (!*w.message)
                        w.message = first_text(in, message_keys);
        }
        struct json_object *meta = json_object_object_get(o, "meta");
        if (!*w.message && json_object_is_type(meta, json_type_object))
                w.message = first_text(meta, meta_keys);
        return w;
}

/* --- codes and phrases --- */

/* Row of `codes`, or -1. */
static int find_code(long number)
{
        for (size_t i = 0; i < ELEMENTS(codes); i++)
                if (number >= codes[i].from && number <= codes[i].to)
                        return (int)i;
        return -1;
}

static bool ends_in(const char *begin, const char *end, const char *word)
{
        size_t n = strlen(word);

        while (end > begin && strchr(" :=-", end[-1]))
                end--;
        return (size_t)(end - begin) >= n && strncasecmp(end - n, word, n) == 0;
}

/* A number stands where messages have their code: in front, in brackets, behind "code" or "error".
 */
static bool at_codes_place(const char *message, const char *digits)
{
        return digits == message || digits[-1] == '[' || ends_in(message, digits, "code") ||
               ends_in(message, digits, "error");
}

/* The code in a text: its row, or -1. A code of doubt counts wherever it stands. */
static int code_in(const char *message, bool anywhere)
{
        int found = -1;

        for (const char *s = message; *s;) {
                if (!isdigit((unsigned char)*s)) {
                        s++;
                        continue;
                }
                size_t n = strspn(s, "0123456789");
                bool alone = (s == message || !isalnum((unsigned char)s[-1])) &&
                             !isalnum((unsigned char)s[n]) && n >= 4 && n <= 7;
                int row = alone ? find_code(strtol(s, NULL, 10)) : -1;
                if (row >= 0 && codes[row].problem == PROBLEM_NONE)
                        return row;
                if (row >= 0 && found < 0 && (anywhere || at_codes_place(message, s)))
                        found = row;
                s += n;
        }
        return found;
}

static enum problem phrase_in(const char *message)
{
        char folded[FOLDED_SIZE];
        size_t n = 0;

        for (; *message && n + 1 < sizeof(folded); message++)
                if (isalnum((unsigned char)*message))
                        folded[n++] = (char)toupper((unsigned char)*message);
        folded[n] = '\0';
        for (size_t i = 0; i < ELEMENTS(phrases); i++)
                if (strstr(folded, phrases[i].text))
                        return phrases[i].problem;
        return PROBLEM_BROKER_REJECTED;
}

/* PROBLEM_NONE: doubt. */
static enum problem classify(const struct words *w)
{
        int in_code = code_in(w->code, true), in_message = code_in(w->message, false);

        if ((in_code >= 0 && codes[in_code].problem == PROBLEM_NONE) ||
            (in_message >= 0 && codes[in_message].problem == PROBLEM_NONE))
                return PROBLEM_NONE;
        if (in_code >= 0)
                return codes[in_code].problem;
        return in_message >= 0 ? codes[in_message].problem : phrase_in(w->message);
}

/* --- the decision --- */

static bool changes_orders(enum broker_op op)
{
        return op == BROKER_PLACE || op == BROKER_MODIFY || op == BROKER_CANCEL;
}

static bool names_an_order(enum broker_op op)
{
        return op == BROKER_ORDER || op == BROKER_MODIFY || op == BROKER_CANCEL;
}

static void doubt(const struct words *w, const char *what, struct broker_result *r)
{
        reading_unknown(r, *w->message ? w->message : what);
        text_copy(r->broker_code, sizeof(r->broker_code), w->code);
}

static void session_over(const struct words *w, struct broker_result *r)
{
        reading_rejected(r, PROBLEM_SESSION_REQUIRED, w->code,
                         *w->message ? w->message : "The session is over");
        r->session_ended = true;
}

static void refuse_login(int status, const struct words *w, bool object, struct broker_result *r)
{
        bool definite = status == 400 || status == 401 || status == 403 || status == 404 ||
                        status == 422 || (status == 200 && (*w->message || *w->code));

        if (status == 429) {
                reading_rejected(r, PROBLEM_RATE_LIMITED, w->code, w->message);
                r->rate_limited = true;
        } else if (definite && object) {
                reading_rejected(r, PROBLEM_LOGIN_REFUSED, w->code, w->message);
        } else {
                doubt(w, "The login's answer could not be read", r);
        }
}

/* "status" is missing, or a word for failure. */
static bool fails(struct json_object *o)
{
        struct json_object *status = json_object_object_get(o, "status");

        if (!json_object_is_type(status, json_type_string))
                return true;
        const char *s = json_object_get_string(status);
        return !*s || word_value_loose(failure_words, s) > 0 ||
               word_value_loose(status_words, s) >= 400;
}

/* An error in the broker's words, with 200, 400 or 422. */
static void refuse_by_words(const struct broker_call *c, struct json_object *o,
                            const struct words *w, struct broker_result *r)
{
        struct json_object *data = json_object_object_get(o, "data");
        bool with_id = json_object_object_get(o, "order_id") ||
                       (json_object_is_type(data, json_type_object) &&
                        json_object_object_get(data, "order_id"));
        enum problem problem = classify(w);
        bool of_an_order = problem == PROBLEM_ORDER_NOT_FOUND || problem == PROBLEM_ORDER_NOT_OPEN;

        if (!fails(o) || (!*w->message && !*w->code) || problem == PROBLEM_NONE ||
            (changes_orders(c->op) && with_id)) {
                doubt(w, "The refusal could not be read", r);
        } else if (of_an_order && !names_an_order(c->op)) {
                if (c->op == BROKER_PLACE) /* which order? */
                        doubt(w, "", r);
                else
                        reading_rejected(r, PROBLEM_BROKER_REJECTED, w->code, w->message);
        } else if (problem == PROBLEM_SESSION_REQUIRED) {
                session_over(w, r);
        } else {
                reading_rejected(r, problem, w->code, w->message);
        }
}

/* 401 and 403. A page in front of the broker proves nothing about an order. */
static void refuse_entry(const struct broker_call *c, int status, struct json_object *o, bool empty,
                         const struct words *w, struct broker_result *r)
{
        bool write = changes_orders(c->op);

        if (write && !o && !empty) {
                doubt(w, "The broker answered with a page", r);
                r->session_ended = status == 401;
        } else if (status == 403 && write && phrase_in(w->message) != PROBLEM_SESSION_REQUIRED) {
                reading_rejected(r, PROBLEM_BROKER_SETUP, *w->code ? w->code : "403", w->message);
        } else {
                session_over(w, r);
        }
}

void hdfc_read_refusal(const struct broker_call *c, int status, struct json_object *o, bool empty,
                       struct broker_result *r)
{
        struct words w = find_words(o);

        if (c->op == BROKER_LOGIN) {
                refuse_login(status, &w, o, r);
        } else if (status == 401 || status == 403) {
                refuse_entry(c, status, o, empty, &w, r);
        } else if (status == 404 && names_an_order(c->op) && o && fails(o)) {
                reading_rejected(r, PROBLEM_ORDER_NOT_FOUND, *w.code ? w.code : "404", w.message);
        } else if (status == 429 && !changes_orders(c->op)) {
                reading_rejected(r, PROBLEM_RATE_LIMITED, *w.code ? w.code : "429", w.message);
                r->rate_limited = true;
        } else if ((status == 200 || status == 400 || status == 422) && o) {
                refuse_by_words(c, o, &w, r);
        } else {
                doubt(&w, "The broker gave no usable answer", r);
        }
}
