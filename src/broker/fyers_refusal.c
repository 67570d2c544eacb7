/* The envelope {"s","code","message"} of every answer, and what its error codes mean (§9). A code
 * counts only where it speaks of the call that was made; whatever is left over is no evidence, and
 * for an order that is UNKNOWN. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "broker/fyers.h"
#include "broker/reading.h"

enum verdict {
        VERDICT_NONE,    /* nobody knows */
        VERDICT_FINAL,   /* a definite no, of any call */
        VERDICT_SESSION, /* the token is no longer good */
        VERDICT_RATE,    /* not processed; later */
        VERDICT_LOGIN,   /* a definite no of a login */
        VERDICT_ABSENT,  /* no such order */
        VERDICT_STATE,   /* the order is over */
        VERDICT_MODIFY,  /* a definite no of a modification */
};

/* OLD: from a list of 2021 to 2023 alone. Of an order such a code is final only when the status
 * says so as well: numbers may have got another meaning since. */
static const struct refusal {
        int code;
        enum verdict verdict;
        enum problem problem;
        enum { CURRENT, OLD } source;
} refusals[] = {
        {-8, VERDICT_SESSION, PROBLEM_SESSION_REQUIRED},
        {-15, VERDICT_SESSION, PROBLEM_SESSION_REQUIRED},
        {-16, VERDICT_SESSION, PROBLEM_SESSION_REQUIRED},
        {-17, VERDICT_SESSION, PROBLEM_SESSION_REQUIRED},
        {-437, VERDICT_LOGIN, PROBLEM_LOGIN_REFUSED},
        {-501, VERDICT_LOGIN, PROBLEM_LOGIN_REFUSED},
        {-371, VERDICT_LOGIN, PROBLEM_LOGIN_REFUSED, OLD},
        {-374, VERDICT_LOGIN, PROBLEM_LOGIN_REFUSED, OLD},
        {-352, VERDICT_FINAL, PROBLEM_BROKER_SETUP},
        {-373, VERDICT_FINAL, PROBLEM_BROKER_SETUP, OLD},
        {-50, VERDICT_FINAL, PROBLEM_BROKER_REJECTED},
        {-99, VERDICT_FINAL, PROBLEM_BROKER_REJECTED},
        {-300, VERDICT_FINAL, PROBLEM_INSTRUMENT_UNKNOWN},
        {-429, VERDICT_RATE, PROBLEM_RATE_LIMITED},
        {-353, VERDICT_RATE, PROBLEM_RATE_LIMITED},
        {-51, VERDICT_ABSENT, PROBLEM_ORDER_NOT_FOUND},
        {-159, VERDICT_ABSENT, PROBLEM_ORDER_NOT_FOUND, OLD},
        {-161, VERDICT_STATE, PROBLEM_ORDER_NOT_OPEN, OLD},
        {-162, VERDICT_STATE, PROBLEM_ORDER_NOT_OPEN, OLD},
        {-164, VERDICT_STATE, PROBLEM_ORDER_NOT_OPEN, OLD},
        {-397, VERDICT_STATE, PROBLEM_ORDER_NOT_OPEN, OLD},
        {-398, VERDICT_STATE, PROBLEM_ORDER_NOT_OPEN, OLD},
        {-399, VERDICT_STATE, PROBLEM_ORDER_NOT_OPEN, OLD},
        {-163, VERDICT_MODIFY, PROBLEM_BROKER_REJECTED, OLD},
        {-390, VERDICT_FINAL, PROBLEM_BROKER_REJECTED, OLD},
        {-392, VERDICT_FINAL, PROBLEM_BROKER_REJECTED, OLD},
        {-372, VERDICT_FINAL, PROBLEM_BROKER_REJECTED, OLD},
        {-101, VERDICT_FINAL, PROBLEM_BROKER_REJECTED, OLD},
        {-209, VERDICT_FINAL, PROBLEM_BROKER_REJECTED, OLD},
        {-305, VERDICT_FINAL, PROBLEM_BROKER_REJECTED, OLD},
        {-308, VERDICT_FINAL, PROBLEM_BROKER_REJECTED, OLD},
        {-309, VERDICT_FINAL, PROBLEM_BROKER_REJECTED, OLD},
        {-310, VERDICT_FINAL, PROBLEM_BROKER_REJECTED, OLD},
        {-311, VERDICT_FINAL, PROBLEM_BROKER_REJECTED, OLD},
        {-313, VERDICT_FINAL, PROBLEM_BROKER_REJECTED, OLD},
        {-314, VERDICT_FINAL, PROBLEM_BROKER_REJECTED, OLD},
        {-315, VERDICT_FINAL, PROBLEM_BROKER_REJECTED, OLD},
        {-316, VERDICT_FINAL, PROBLEM_BROKER_REJECTED, OLD},
        {-323, VERDICT_FINAL, PROBLEM_BROKER_REJECTED, OLD},
        {-325, VERDICT_FINAL, PROBLEM_BROKER_REJECTED, OLD},
        {-326, VERDICT_FINAL, PROBLEM_BROKER_REJECTED, OLD},
        {-327, VERDICT_FINAL, PROBLEM_BROKER_REJECTED, OLD},
        {-328, VERDICT_FINAL, PROBLEM_BROKER_REJECTED, OLD},
        /* Named so that nobody adds them: sent without an acknowledgement, trouble inside, an exit
         * that was asked for, a position, a multi-leg order. */
        {201, VERDICT_NONE, PROBLEM_OUTCOME_UNKNOWN},
        {-96, VERDICT_NONE, PROBLEM_OUTCOME_UNKNOWN},
        {-201, VERDICT_NONE, PROBLEM_OUTCOME_UNKNOWN},
        {-202, VERDICT_NONE, PROBLEM_OUTCOME_UNKNOWN},
        {-204, VERDICT_NONE, PROBLEM_OUTCOME_UNKNOWN},
        {-205, VERDICT_NONE, PROBLEM_OUTCOME_UNKNOWN},
        {-329, VERDICT_NONE, PROBLEM_OUTCOME_UNKNOWN},
        {-53, VERDICT_NONE, PROBLEM_OUTCOME_UNKNOWN},
        {400, VERDICT_NONE, PROBLEM_OUTCOME_UNKNOWN},
};

/* What the words of a refusal tell beyond its code. */
static const struct {
        const char *words;
        enum problem problem;
} reasons[] = {
        {"margin shortfall", PROBLEM_INSUFFICIENT_FUNDS},
        {"circuit limit", PROBLEM_PRICE_BAND},
        {"after system square off", PROBLEM_PRODUCT_UNSUPPORTED},
        {"market is closed", PROBLEM_MARKET_CLOSED},
        {"market closed", PROBLEM_MARKET_CLOSED},
        {"tick size", PROBLEM_TICK_SIZE},
        {"lot size", PROBLEM_LOT_SIZE},
};

static enum problem problem_of(enum problem problem, const char *message)
{
        for (unsigned i = 0; problem == PROBLEM_BROKER_REJECTED && i < ELEMENTS(reasons); i++)
                if (strcasestr(message, reasons[i].words))
                        return reasons[i].problem;
        return problem;
}

/* A status speaks where the code is not known; a code beyond the table has no meaning of its own.
 */
static struct refusal refusal_of(int status, int64_t code)
{
        if (status == 429)
                return (struct refusal){0, VERDICT_RATE, PROBLEM_RATE_LIMITED};
        for (unsigned i = 0; i < ELEMENTS(refusals); i++)
                if (refusals[i].code == code)
                        return refusals[i];
        if (status == 401)
                return (struct refusal){0, VERDICT_SESSION, PROBLEM_SESSION_REQUIRED};
        if (status == 403)
                return (struct refusal){0, VERDICT_FINAL, PROBLEM_BROKER_SETUP};
        return (struct refusal){0, VERDICT_NONE, PROBLEM_OUTCOME_UNKNOWN};
}

static bool speaks_of(const struct refusal *why, int status, enum broker_op op)
{
        bool change = op == BROKER_MODIFY || op == BROKER_CANCEL;
        if (why->source == OLD && status == 200 && (change || op == BROKER_PLACE))
                return false;
        switch (why->verdict) {
        case VERDICT_FINAL:
        case VERDICT_SESSION:
        case VERDICT_RATE:
                return true;
        case VERDICT_LOGIN:
                return op == BROKER_LOGIN;
        case VERDICT_ABSENT:
                return change || op == BROKER_ORDER;
        case VERDICT_STATE:
                return change;
        case VERDICT_MODIFY:
                return op == BROKER_MODIFY;
        default:
                return false;
        }
}

/* The id of an order that was refused, when the answer names it (§4.1). */
static void take_id(struct json_object *o, struct broker_result *r)
{
        const char *id = fyers_string(o, "id");
        if (fyers_visible(id) && strlen(id) < sizeof(r->broker_order_id))
                text_copy(r->broker_order_id, sizeof(r->broker_order_id), id);
}

static void put_words(struct broker_result *r, int64_t code, const char *message)
{
        snprintf(r->broker_code, sizeof(r->broker_code), "%lld", (long long)code);
        size_t n = text_utf8_cut(message, strlen(message), sizeof(r->message) - 1);
        text_copy_bytes(r->message, sizeof(r->message), message, n);
}

static void refuse(const struct broker_call *c, int status, int64_t code, struct json_object *o,
                   struct broker_result *r)
{
        const char *message = fyers_string(o, "message");
        struct refusal why = refusal_of(status, code);
        struct broker_result with_id = {};

        take_id(o, &with_id);
        /* A call that was turned away has no order: this one went further. */
        bool strange = why.verdict == VERDICT_RATE && *with_id.broker_order_id;
        if (!speaks_of(&why, status, c->op) || strange) {
                reading_unknown(r, "");
                put_words(r, code, *message ? message : "The answer tells nothing");
                return;
        }
        enum problem problem = problem_of(why.problem, message);
        if (c->op == BROKER_LOGIN && problem != PROBLEM_BROKER_SETUP &&
            problem != PROBLEM_RATE_LIMITED)
                problem = PROBLEM_LOGIN_REFUSED;
        reading_rejected(r, problem, NULL, NULL);
        put_words(r, code, message);
        r->session_ended = why.verdict == VERDICT_SESSION && c->op != BROKER_LOGIN;
        r->rate_limited = why.verdict == VERDICT_RATE;
        if (c->op == BROKER_PLACE)
                memcpy(r->broker_order_id, with_id.broker_order_id, sizeof(r->broker_order_id));
}

struct envelope {
        char s[16];
        int64_t code;
};

static const struct field envelope_fields[] = {
        FIELD_STRING("s", envelope, s, 0),
        FIELD_INT("code", envelope, code, FIELD_AS_NUMBER | FIELD_LENIENT | FIELD_OPTIONAL),
        {},
};

/* Errors ride on 200 too, and those of the 4xx carry the envelope (§14.1). */
static bool status_speaks(int status)
{
        return status == 200 || (status >= 400 && status < 500 && status != 408);
}

/* A status that proves nothing; what the broker wrote with it may help whoever looks. */
static int doubt(const struct http_reply *reply, struct broker_result *r)
{
        _cleanup_(json_freep) struct json_object *o = NULL;
        struct broker_result none = {};
        struct envelope e = {};

        reading_unknown(r, "The broker answered with an unexpected status");
        int n = reading_json(reply, &o, &none);
        if (n != 0)
                return n < 0 ? n : 1;
        if (fields_read(envelope_fields, o, &e, NULL) >= 0 && !strcmp(e.s, "error") &&
            *fyers_string(o, "message"))
                put_words(r, e.code, fyers_string(o, "message"));
        return 1;
}

int fyers_open(const struct broker_call *c, const struct http_reply *reply,
               struct json_object **ret, int64_t *ret_code, struct broker_result *r)
{
        struct envelope e = {};

        if (!status_speaks(reply->status))
                return doubt(reply, r);
        int n = reading_json(reply, ret, r);
        if (n != 0)
                return n;
        if (fields_read(envelope_fields, *ret, &e, NULL) < 0) {
                reading_unknown(r, "The answer is not in the broker's form");
                return 1;
        }
        *ret_code = e.code;
        if (!strcmp(e.s, "error")) {
                refuse(c, reply->status, e.code, *ret, r);
                return 1;
        }
        if (strcmp(e.s, "ok") != 0 || reply->status != 200 || e.code < 0 || e.code == 201) {
                reading_unknown(r, "");
                const char *message = fyers_string(*ret, "message");
                put_words(r, e.code, *message ? message : "The answer contradicts itself");
                return 1;
        }
        return 0;
}
