#include "net/verdict.h"

#define STATUS_FINAL_MIN 200
#define STATUS_MAX       599

const char *verdict_name(enum verdict v)
{
        static const char *const names[_VERDICT_MAX] = {
                [VERDICT_ANSWERED] = "answered",
                [VERDICT_NOT_SENT] = "not_sent",
                [VERDICT_UNCERTAIN] = "uncertain",
        };

        return v >= 0 && v < _VERDICT_MAX ? names[v] : NULL;
}

enum verdict verdict_judge(const struct attempt *e, struct http_facts *ret)
{
        bool reply = e->error == 0 && e->status >= STATUS_FINAL_MIN && e->status <= STATUS_MAX;

        ret->bytes_sent = e->bytes;
        /* A complete reply to nothing would be somebody else's: neither fact is believed then. */
        ret->may_have_left = e->handed_over || e->bytes > 0 || e->error == 0;
        ret->complete_reply = reply && e->departures > 0 && (e->handed_over || e->bytes > 0);
        if (ret->complete_reply)
                return VERDICT_ANSWERED;
        return ret->may_have_left ? VERDICT_UNCERTAIN : VERDICT_NOT_SENT;
}
