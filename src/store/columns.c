#include "store/columns.h"

#include <endian.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "domain/audit_record.h"
#include "store/ulid.h"

enum watch column_watch(const struct leg *l)
{
        if (leg_unresolved(l))
                return WATCH_UNSETTLED;
        return leg_live(l) ? WATCH_LIVE : WATCH_NOTHING;
}

int64_t column_worth(const struct order *o, const struct leg *l)
{
        int64_t price = l->average_price;
        if (l->outcome != OUTCOME_ACCEPTED)
                return 0;
        if (price == 0)
                price = l->effective.price ? l->effective.price : o->price;
        return decimal_muldiv(l->quantity, price, 1);
}

static char *put_int(char *p, int64_t value)
{
        char digits[24];
        unsigned n = 0;
        uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

        do
                digits[n++] = (char)('0' + rest % 10);
        while ((rest /= 10) > 0);
        if (value < 0)
                *p++ = '-';
        while (n > 0)
                *p++ = digits[--n];
        *p++ = ' ';
        return p;
}

static char *put_text(char *p, const char *s)
{
        size_t n = strlen(s);
        memcpy(p, s, n + 1);
        return p + n;
}

/* EVIDENCE_SIZE holds the longest of each: no test for room on this path. */
void column_print_evidence(const struct evidence *e, char buf[static EVIDENCE_SIZE])
{
        _Static_assert(EVIDENCE_SIZE > 7 * 21 + sizeof(e->transport) + sizeof(e->error), "room");
        char *p = buf;

        *p = '\0';
        if (e->started_us == 0 && e->transport[0] == '\0')
                return;
        p = put_int(p, e->started_us);
        p = put_int(p, e->sent_us);
        p = put_int(p, e->ended_us);
        p = put_int(p, e->bytes_sent);
        p = put_int(p, e->http_status);
        p = put_int(p, e->may_have_left);
        p = put_int(p, e->complete_reply);
        p = put_text(p, e->transport[0] ? e->transport : "-");
        *p++ = ' ';
        put_text(p, e->error);
}

void column_scan_evidence(const char *text, struct evidence *e)
{
        int64_t numbers[7] = {};
        char *p = (char *)text;

        *e = (struct evidence){};
        if (!text || !*text)
                return;
        for (int i = 0; i < 7; i++)
                numbers[i] = strtoll(p, &p, 10);
        e->started_us = numbers[0];
        e->sent_us = numbers[1];
        e->ended_us = numbers[2];
        e->bytes_sent = numbers[3];
        e->http_status = (int)numbers[4];
        e->may_have_left = numbers[5] != 0;
        e->complete_reply = numbers[6] != 0;
        p += *p == ' ';
        size_t n = strcspn(p, " ");
        if (n != 1 || *p != '-')
                text_copy_bytes(e->transport, sizeof(e->transport), p, n);
        p += n;
        p += *p == ' ';
        text_copy(e->error, sizeof(e->error), p);
}

int64_t column_key_hash(const char *scope, const char *key)
{
        crypto_generichash_state state;
        uint8_t hash[crypto_generichash_BYTES_MIN];
        uint64_t n = 0;

        crypto_generichash_init(&state, NULL, 0, sizeof(hash));
        crypto_generichash_update(&state, (const uint8_t *)scope, strlen(scope) + 1);
        crypto_generichash_update(&state, (const uint8_t *)key, strlen(key));
        crypto_generichash_final(&state, hash, sizeof(hash));
        memcpy(&n, hash, sizeof(n));
        return (int64_t)le64toh(n);
}

bool column_asks_broker(const char *action)
{
        static const enum audit_action asks[] = {AUDIT_MODIFY_INTENT, AUDIT_CANCEL_INTENT,
                                                 AUDIT_EXTERNAL_CANCEL};
        for (size_t i = 0; i < ELEMENTS(asks); i++)
                if (action && strcmp(action, audit_action_name(asks[i])) == 0)
                        return true;
        return false;
}

/* Ids begin with their time: the day is a range of them, so the legs need no index by day. A margin
 * of a day forgives clocks that were set. */
void column_first_id(int day, char ret[static ID_SIZE])
{
        ulid_first(clock_from_ist(day, 0) - 86400 * USEC_PER_SEC, ret);
}
