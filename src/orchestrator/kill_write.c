#include "orchestrator/kill_write.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/json.h"
#include "base/log.h"
#include "domain/event.h"
#include "orchestrator/record.h"
#include "orchestrator/state.h"

struct kill_write {
        struct list link;
        struct kill_writes *all;
        struct kill_request *request; /* NULL once answered */
        char scope[KILL_SCOPE_SIZE];
        char reason[MESSAGE_SIZE];
        char actor[KEY_NAME_SIZE];
        char correlation_id[CORRELATION_ID_SIZE];
        struct store_killswitch put;
        struct audit_record audit;
};

void kill_writes_init(struct kill_writes *all, struct orchestrator *o)
{
        *all = (struct kill_writes){.o = o};
        list_init(&all->list);
}

static void write_free(struct kill_write *w)
{
        list_unlink(&w->link);
        w->all->n--;
        audit_record_done(&w->audit);
        free(w);
}

void kill_writes_done(struct kill_writes *all)
{
        LIST_FOREACH (it, &all->list)
                write_free(LIST_ENTRY(it, struct kill_write, link));
}

static void answer(struct kill_write *w, enum problem p)
{
        struct kill_request *r = TAKE(w->request);
        if (!r)
                return;
        r->problem = p;
        r->done(r);
}

/* It holds in every daemon before the one who engaged it is told so. */
struct kill_answer {
        struct peers_wait wait;
        struct kill_request *request;
};

static void all_obey(struct peers_wait *wait)
{
        struct kill_answer *a = CONTAINER_OF(wait, struct kill_answer, wait);
        struct kill_request *r = a->request;

        free(a);
        r->problem = PROBLEM_NONE;
        r->done(r);
}

static void answer_stored(struct kill_write *w)
{
        struct orchestrator *o = w->all->o;

        if (!w->request || !peers_possible(o)) {
                answer(w, PROBLEM_NONE);
                return;
        }
        struct kill_answer *a = calloc(1, sizeof(*a));
        if (!a)
                abort();
        a->request = TAKE(w->request);
        a->wait.done = all_obey;
        peers_await(o, &a->wait, w->put.epoch);
}

static void stored(struct store_job *job)
{
        struct kill_write *w = CONTAINER_OF(job, struct kill_write, put.job);
        struct kill_writes *all = w->all;
        enum problem p = ledger_problem(job->result);

        crash_point(CRASH_KILL_RECORDED);
        all->running = false;
        ledger_done(all->o, job, &w->audit, 1);
        all->tried(all, &w->put);
        if (p == PROBLEM_NONE) {
                answer_stored(w);
                write_free(w);
                kill_writes_retry(all);
                return;
        }
        /* Those behind it would wait for as long. */
        LIST_FOREACH (it, &all->list)
                answer(LIST_ENTRY(it, struct kill_write, link), p);
}

void kill_writes_retry(struct kill_writes *all)
{
        if (all->running || list_empty(&all->list))
                return;
        struct kill_write *w = LIST_ENTRY(all->list.next, struct kill_write, link);
        all->running = true;
        store_submit(all->o->store, &w->put.job);
}

bool kill_writes_owe(const struct kill_writes *all, const char *scope)
{
        LIST_FOREACH (it, &all->list)
                if (strcmp(LIST_ENTRY(it, struct kill_write, link)->scope, scope) == 0)
                        return true;
        return false;
}

static void record(struct kill_write *w, enum kill_level level)
{
        struct text payload = TEXT_NULL;
        struct json_writer out = JSON_WRITER(&payload);
        json_object_begin(&out, NULL);
        json_put_string(&out, "level", kill_level_name(level));
        json_put_string(&out, "scope", w->scope);
        json_put_string(&out, "reason", w->reason);
        json_object_finish(&out);
        record_act(&w->audit, AUDIT_KILL_SWITCH, w->actor, w->correlation_id,
                   killswitch_scope_account(w->scope), kill_level_name(level), text_str(&payload));
        text_done(&payload);
        log_event(LOG_WARNING, EVENT_KILL_SWITCH,
                  LOG_FIELDS({"ORDO_CORRELATION_ID", w->correlation_id},
                             {"ORDO_ACTION", kill_level_name(level)}, {"ORDO_SCOPE", w->scope},
                             {"ORDO_ACCOUNT", w->audit.account}, {"ORDO_ACTOR", w->actor}),
                  "kill switch: %s for %s by %s: %s", kill_level_name(level), w->scope, w->actor,
                  w->reason);
}

static bool said_again(const struct kill_writes *all, const struct kill_write *w)
{
        for (const struct list *it = w->link.next; it != &all->list; it = it->next)
                if (strcmp(LIST_ENTRY(it, struct kill_write, link)->scope, w->scope) == 0)
                        return true;
        return false;
}

static void make_room(struct kill_writes *all)
{
        LIST_FOREACH (it, &all->list) {
                struct kill_write *w = LIST_ENTRY(it, struct kill_write, link);
                bool runs = all->running && it == all->list.next;
                if (all->n <= KILL_WRITES_MAX)
                        return;
                if (runs || !said_again(all, w))
                        continue;
                answer(w, PROBLEM_STORE_UNAVAILABLE);
                write_free(w);
        }
}

void kill_write(struct kill_writes *all, struct kill_request *r, int64_t at_us)
{
        struct kill_write *w = calloc(1, sizeof(*w));
        if (!w)
                abort();
        w->all = all;
        w->request = r;
        text_copy(w->scope, sizeof(w->scope), r->scope);
        text_copy(w->reason, sizeof(w->reason), r->reason);
        text_copy(w->actor, sizeof(w->actor), r->caller.key_name);
        text_copy(w->correlation_id, sizeof(w->correlation_id), r->caller.correlation_id);
        record(w, r->level);
        w->put = (struct store_killswitch){
                .job = {.op = STORE_KILLSWITCH, .done = stored},
                .scope = w->scope,
                .level = (int)r->level,
                .reason = w->reason,
                .actor = w->actor,
                .at_us = at_us,
                .audit = &w->audit,
                .n_audit = 1,
        };
        list_append(&all->list, &w->link);
        all->n++;
        make_room(all);
        kill_writes_retry(all);
}
