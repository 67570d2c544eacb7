#include "orchestrator/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/audit_chain.h"
#include "orchestrator/state.h"

#define EVENT_PAGE 256 /* records read at once while catching up */

static const char *type_of(enum audit_action a)
{
        switch (a) {
        case AUDIT_ORDER_INTENT:
        case AUDIT_ORDER_REFUSED:
        case AUDIT_MODIFY_INTENT:
        case AUDIT_MODIFY_REFUSED:
        case AUDIT_CANCEL_INTENT:
                return "order";
        case AUDIT_LEG_OUTCOME:
        case AUDIT_LEG_UPDATED:
        case AUDIT_LEG_RESOLVED:
        case AUDIT_LEG_NEEDS_OPERATOR:
        case AUDIT_MODIFY_ANSWERED:
        case AUDIT_CANCEL_ANSWERED:
                return "leg";
        case AUDIT_KILL_SWITCH:
                return "killswitch";
        case AUDIT_SESSION:
                return "session";
        case AUDIT_ACCOUNT_TRIPPED:
        case AUDIT_BREAKER:
        case AUDIT_RELOADED:
        case AUDIT_STARTED:
        case AUDIT_STOPPED:
                return "account";
        default:
                return NULL;
        }
}

/* Restricted callers see what names one of their accounts, nothing else. */
static bool may_see(const struct subscription *s, const char *account)
{
        return !s->caller.accounts || (account[0] && caller_may_use(&s->caller, account));
}

/* The record without its two hashes: the line up to the member "prev". */
static int datum(const char *line, size_t n, struct text *ret)
{
        static const char mark[] = ",\"prev\":\"";
        for (size_t i = n; i-- > 0;) {
                if (n - i < sizeof(mark) || memcmp(line + i, mark, sizeof(mark) - 1) != 0)
                        continue;
                text_clear(ret);
                text_add_bytes(ret, line, i);
                text_add_char(ret, '}');
                return ret->failed;
        }
        return -1;
}

static void deliver(struct subscription *s, int64_t seq, enum audit_action action,
                    const char *account, const char *data, size_t size)
{
        const char *type = type_of(action);
        s->after_id = seq;
        if (!type || !may_see(s, account))
                return;
        struct event e = {.id = seq, .type = type, .account = account, .data = data, .size = size};
        s->event(s, &e);
}

static void deliver_all(struct orchestrator *o, int64_t seq, enum audit_action action,
                        const char *account, const struct text *data)
{
        for (struct list *it = o->subscriptions.next; it != &o->subscriptions;
             it = o->publish_next) {
                struct subscription *s = LIST_ENTRY(it, struct subscription, link);
                o->publish_next = it->next; /* event_unsubscribe() keeps it right */
                if (!s->catching_up && seq > s->after_id)
                        deliver(s, seq, action, account, text_str(data), data->len);
        }
        o->publish_next = NULL;
}

void event_publish(struct orchestrator *o, const struct audit_record *a)
{
        static const uint8_t no_hash[32];
        uint8_t hash[32];

        if (peers_possible(o) && follow_own(o, a->seq))
                return;
        if (a->seq > o->last_event_id)
                o->last_event_id = a->seq;
        if (list_empty(&o->subscriptions) || !type_of(a->action))
                return;
        struct text line = TEXT_NULL, data = TEXT_NULL;
        if (audit_chain_line(a, a->seq, no_hash, &line, hash) >= 0 &&
            datum(text_str(&line), line.len, &data) >= 0)
                deliver_all(o, a->seq, a->action, a->account ? a->account : "", &data);
        text_done(&line);
        text_done(&data);
}

void event_publish_row(struct orchestrator *o, const struct store_audit_row *row)
{
        struct text data = TEXT_NULL;

        if (row->seq > o->last_event_id)
                o->last_event_id = row->seq;
        if (!list_empty(&o->subscriptions) && datum(row->record, row->size, &data) >= 0)
                deliver_all(o, row->seq, row->action, row->account, &data);
        text_done(&data);
}

/* --- catching up from the ledger --- */

struct catch_up {
        struct orchestrator *o;
        struct subscription *subscription; /* NULL: unsubscribed meanwhile */
        struct store_audit_list page;
        bool first;
};

static void page_next(struct catch_up *c);

static void page_deliver(struct catch_up *c)
{
        struct text data = TEXT_NULL;
        for (unsigned i = 0; i < c->page.n_rows && c->subscription; i++) {
                const struct store_audit_row *row = &c->page.rows[i];
                struct subscription *s = c->subscription;
                if (c->first && row->seq > s->after_id + 1 && s->gap)
                        s->gap(s);
                c->first = false;
                if (c->subscription)
                        s->after_id = row->seq; /* also past one that cannot be shown */
                if (c->subscription && datum(row->record, row->size, &data) >= 0)
                        deliver(s, row->seq, row->action, row->account, text_str(&data), data.len);
        }
        text_done(&data);
}

static void page_read(struct store_job *job)
{
        struct catch_up *c = CONTAINER_OF(job, struct catch_up, page.job);

        if (job->result == STORE_OK)
                page_deliver(c);
        bool more = c->page.more && job->result == STORE_OK;
        store_audit_rows_free(TAKE(c->page.rows), c->page.n_rows);
        if (c->subscription && more) {
                page_next(c);
                return;
        }
        if (c->subscription && c->subscription->after_id < c->o->last_event_id &&
            job->result == STORE_OK && c->page.n_rows > 0) {
                page_next(c); /* something was written while this page was read */
                return;
        }
        struct subscription *s = c->subscription;
        if (s) {
                s->catching_up = false;
                s->catch_up = NULL;
        }
        bool failed = job->result != STORE_OK;
        free(c);
        /* What was not read is missing: the client must know. */
        if (s && failed && s->gap)
                s->gap(s);
}

static void page_next(struct catch_up *c)
{
        c->page = (struct store_audit_list){
                .job = {.op = STORE_AUDIT_LIST, .done = page_read},
                .after_seq = c->subscription->after_id,
                .limit = EVENT_PAGE,
        };
        store_submit(c->o->store, &c->page.job);
}

void event_subscribe(struct orchestrator *o, struct subscription *s)
{
        list_append(&o->subscriptions, &s->link);
        s->catching_up = false;
        s->catch_up = NULL;
        if (s->after_id < 0 || s->after_id >= o->last_event_id) {
                s->after_id = o->last_event_id;
                return;
        }
        struct catch_up *c = calloc(1, sizeof(*c));
        if (!c)
                abort();
        c->o = o;
        c->subscription = s;
        c->first = true;
        s->catching_up = true;
        s->catch_up = c;
        page_next(c);
}

void event_unsubscribe(struct orchestrator *o, struct subscription *s)
{
        struct catch_up *c = s->catch_up;
        if (o->publish_next == &s->link)
                o->publish_next = s->link.next;
        list_unlink(&s->link);
        if (c)
                c->subscription = NULL;
        s->catch_up = NULL;
}
