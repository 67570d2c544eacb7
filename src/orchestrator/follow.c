#include "orchestrator/follow.h"

#include <stdlib.h>
#include <string.h>

#include "orchestrator/state.h"
#include "orchestrator/trip.h"

static void read_on(struct orchestrator *o);

struct followed {
        struct orchestrator *o;
        struct store_order_get get;
        char id[ID_SIZE];
        bool placed; /* the page has the record of its intent */
};

static void order_read(struct store_job *job)
{
        struct followed *f = CONTAINER_OF(job, struct followed, get.job);

        if (f->get.order)
                peers_merge(f->o, f->get.order);
        if (f->get.order && f->placed)
                peers_count(f->o, f->get.order);
        order_free(f->get.order);
        free(f);
}

static void fetch(struct orchestrator *o, const char *order_id, bool placed)
{
        struct followed *f = calloc(1, sizeof(*f));
        if (!f)
                abort();
        f->o = o;
        f->placed = placed;
        text_copy(f->id, sizeof(f->id), order_id);
        f->get = (struct store_order_get){.job = {.op = STORE_ORDER_GET, .done = order_read},
                                          .id = f->id};
        store_submit(o->store, &f->get.job);
}

/* One read for all records of an order in a page. */
static bool told_again(const struct store_audit_list *page, unsigned at)
{
        for (unsigned i = at + 1; i < page->n_rows; i++)
                if (strcmp(page->rows[i].order_id, page->rows[at].order_id) == 0)
                        return true;
        return false;
}

static bool tells_intent(const struct store_audit_list *page, const char *order_id)
{
        for (unsigned i = 0; i < page->n_rows; i++)
                if (page->rows[i].action == AUDIT_ORDER_INTENT &&
                    strcmp(page->rows[i].order_id, order_id) == 0)
                        return true;
        return false;
}

static void hear_trip(struct orchestrator *o, const struct store_audit_row *row)
{
        struct account_state *a = account_state(o, row->account);

        if (a)
                trip_heard(a, row->record, row->size);
}

static void take_page(struct orchestrator *o)
{
        const struct store_audit_list *page = &o->follow.page;
        bool sessions = false;

        for (unsigned i = 0; i < page->n_rows; i++) {
                const struct store_audit_row *row = &page->rows[i];
                event_publish_row(o, row);
                if (o->follow.own[row->seq % FOLLOW_OWN] == row->seq)
                        continue;
                sessions |= row->action == AUDIT_SESSION;
                if (row->action == AUDIT_ACCOUNT_TRIPPED)
                        hear_trip(o, row);
                if (!row->order_id[0] || told_again(page, i))
                        continue;
                keys_forget(&o->keys, row->order_id);
                fetch(o, row->order_id, tells_intent(page, row->order_id));
        }
        if (sessions)
                peers_reread(o);
}

static void page_read(struct store_job *job)
{
        struct follow *f = CONTAINER_OF(job, struct follow, page.job);
        struct orchestrator *o = CONTAINER_OF(f, struct orchestrator, follow);
        const bool good = job->result == STORE_OK, any = f->page.n_rows > 0;

        f->reading = false;
        if (good)
                take_page(o);
        store_audit_rows_free(TAKE(f->page.rows), f->page.n_rows);
        f->page.n_rows = 0;
        /* Else the next news, half a second from now at the latest, ask again. */
        if (good && any)
                read_on(o);
}

static void read_on(struct orchestrator *o)
{
        struct follow *f = &o->follow;

        if (f->reading || f->wanted <= o->last_event_id || o->closing)
                return;
        f->reading = true;
        f->page = (struct store_audit_list){.job = {.op = STORE_AUDIT_LIST, .done = page_read},
                                            .after_seq = o->last_event_id,
                                            .limit = FOLLOW_PAGE};
        store_submit(o->store, &f->page.job);
}

void follow_to(struct orchestrator *o, int64_t seq)
{
        if (seq > o->follow.wanted)
                o->follow.wanted = seq;
        read_on(o);
}

bool follow_own(struct orchestrator *o, int64_t seq)
{
        o->follow.own[seq % FOLLOW_OWN] = seq;
        if (seq <= o->last_event_id)
                return true; /* read back before its commit was told of */
        if (!o->follow.reading && seq == o->last_event_id + 1)
                return false;
        follow_to(o, seq);
        return true;
}
