#include "orchestrator/older_ledger.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "audit/audit.h"
#include "base/id.h"
#include "base/log.h"
#include "domain/event.h"
#include "orchestrator/state.h"

static void find(struct orchestrator *o, int64_t exported, bool other)
{
        struct older_ledger *l = &o->older_ledger;
        l->found = true;
        if (other)
                snprintf(l->reason, sizeof(l->reason),
                         "the ledger's record %lld is another one than that in the audit's files",
                         (long long)exported);
        else
                snprintf(l->reason, sizeof(l->reason),
                         "the ledger ends with record %lld, and the audit's files have %lld",
                         (long long)o->last_event_id, (long long)exported);
}

/* The row of the record that the files end with. The newest row never leaves the ledger, so when
 * there is none from there on, they have been there once. Rows beyond it alone: it has left. */
int older_ledger_look(struct orchestrator *o, const struct audit *a,
                      char error[static STORE_ERROR_SIZE])
{
        int64_t exported = audit_exported(a);
        struct store_audit_list list = {
                .job.op = STORE_AUDIT_LIST, .after_seq = exported - 1, .limit = 1};
        if (exported == 0)
                return 0;
        if (store_run(o->store, &list.job) != STORE_OK) {
                text_copy(error, STORE_ERROR_SIZE, list.job.error);
                return -EIO;
        }
        if (list.n_rows == 0)
                find(o, exported, false);
        else if (list.rows[0].seq == exported &&
                 !audit_is_last(a, list.rows[0].record, list.rows[0].size))
                find(o, exported, true);
        store_audit_rows_free(list.rows, list.n_rows);
        return 0;
}

static void engaged(struct kill_request *r)
{
        (void)r; /* it holds in memory and in the marker; the ledger gets it when it can */
}

static enum kill_level global_level(const struct orchestrator *o)
{
        return killswitch_scope_level(o, "global");
}

static void halt(struct orchestrator *o)
{
        struct older_ledger *l = &o->older_ledger;
        uuid_make(l->correlation);
        l->request = (struct kill_request){
                .caller = {.key_name = "ordod", .correlation_id = l->correlation},
                .level = KILL_LEVEL_HALT,
                .scope = "global",
                .reason = l->reason,
                .done = engaged,
        };
        killswitch_set(o, &l->request);
}

void older_ledger_start(struct orchestrator *o)
{
        struct older_ledger *l = &o->older_ledger;
        if (!l->found)
                return;
        log_event(LOG_CRIT, EVENT_LEDGER_OLDER, NULL, 0,
                  "%s: an older state of it was put back, or a standby took over that had lagged "
                  "behind. Orders that raise risk are refused. Let every account read its book, "
                  "compare with the brokers, then: ordoctl killswitch release",
                  l->reason);
        /* Never less than what stands. */
        if (global_level(o) == KILL_LEVEL_NONE)
                halt(o);
        l->halted = global_level(o) != KILL_LEVEL_NONE;
}

bool older_ledger_stands(const struct orchestrator *o)
{
        const struct older_ledger *l = &o->older_ledger;
        return l->found && !l->consented && !(l->halted && global_level(o) == KILL_LEVEL_NONE);
}

bool older_ledger_consented(struct orchestrator *o)
{
        struct older_ledger *l = &o->older_ledger;
        if (!l->found || l->consented || older_ledger_stands(o))
                return false;
        l->consented = true;
        return true;
}

void older_ledger_over(struct orchestrator *o)
{
        o->older_ledger.found = false;
}
