#include "broker/reading.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "base/clock.h"

/* A whole day's book in one reply. */
#define REPLY_MEMBERS_MAX 4000000U
#define REPLY_DEPTH_MAX   8U
#define JWT_PAYLOAD_MAX   4096

void reading_unknown(struct broker_result *r, const char *what)
{
        r->outcome = OUTCOME_UNKNOWN;
        r->problem = PROBLEM_OUTCOME_UNKNOWN;
        text_copy(r->message, sizeof(r->message), what);
}

void reading_rejected(struct broker_result *r, enum problem problem, const char *code,
                      const char *message)
{
        r->outcome = OUTCOME_REJECTED;
        r->problem = problem;
        text_copy(r->broker_code, sizeof(r->broker_code), code ? code : "");
        text_copy(r->message, sizeof(r->message), message ? message : "");
}

int reading_json(const struct http_reply *reply, struct json_object **ret, struct broker_result *r)
{
        static const struct json_limits limits = {REPLY_DEPTH_MAX, REPLY_MEMBERS_MAX};
        struct json_fault fault;
        int e = json_parse(text_str(&reply->body), reply->body.len, &limits, ret, &fault);

        if (e > 0)
                reading_unknown(r, "The answer is not JSON");
        return e;
}

int reading_rows(const struct broker_call *c, struct json_object *list, size_t size,
                 reading_row_fn *read, void **ret, unsigned *ret_n)
{
        unsigned kept = 0;

        if (!json_object_is_type(list, json_type_array))
                return 1;
        size_t n = json_object_array_length(list);
        _cleanup_(freep) char *rows = calloc(n + 1, size);
        if (!rows)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                struct json_object *row = json_object_array_get_idx(list, i);
                int r = json_object_is_type(row, json_type_object)
                                ? read(c, row, rows + kept * size)
                                : -EINVAL;
                if (r < 0)
                        return 1;
                if (r == 0)
                        kept++;
                else
                        memset(rows + kept * size, 0, size);
        }
        *ret = TAKE(rows);
        *ret_n = kept;
        return 0;
}

bool reading_scrip(const struct broker_call *c, enum scrip_by by, const char *name,
                   enum exchange fallback, struct scrip *ret)
{
        if (c->source.find && c->source.find(c->source.userdata, by, name, ret))
                return true;
        *ret = (struct scrip){.instrument.exchange = fallback};
        char *symbol = ret->instrument.symbol;
        const char *exchange = exchange_name(fallback);
        size_t n = strlen(exchange);
        text_copy(symbol, SYMBOL_SIZE, exchange);
        symbol[n] = ':';
        for (n++; *name && n + 1 < SYMBOL_SIZE; name++)
                if (*name > ' ' && *name < 0x7f)
                        symbol[n++] = *name;
        symbol[n] = '\0';
        return false;
}

int reading_time(const char *s, const char *format, int64_t *ret_us)
{
        struct tm t = {};
        const char *end = strptime(s, format, &t);
        int day = (t.tm_year + 1900) * 10000 + (t.tm_mon + 1) * 100 + t.tm_mday;

        if (!end || *end || !clock_day_valid(day) || t.tm_sec > 59)
                return -EINVAL;
        *ret_us = clock_from_ist(day, t.tm_hour * 3600 + t.tm_min * 60 + t.tm_sec);
        return 0;
}

int reading_jwt(const char *token, struct json_object **ret)
{
        const char *begin = strchr(token, '.');
        const char *end = begin ? strchr(++begin, '.') : NULL;
        unsigned char payload[JWT_PAYLOAD_MAX];
        struct json_fault fault;
        size_t n;

        *ret = NULL;
        if (!end || sodium_base642bin(payload, sizeof(payload), begin, (size_t)(end - begin), NULL,
                                      &n, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) < 0)
                return -EINVAL;
        int r = json_parse((const char *)payload, n, NULL, ret, &fault);
        if (r == 0 && !json_object_is_type(*ret, json_type_object)) {
                json_object_put(TAKE(*ret));
                r = 1;
        }
        return r > 0 ? -EINVAL : r;
}
