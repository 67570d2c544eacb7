/* The questions of the control connection. */
#include "store/instances_ask.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define NOW "(extract(epoch FROM clock_timestamp())*1000000)::bigint"

/* --- one statement --- */

/* Waits for the result; the connection may be dead without anybody having said so. */
static bool await(PGconn *conn, int64_t until_us)
{
        while (PQisBusy(conn)) {
                struct pollfd fd = {.fd = PQsocket(conn), .events = POLLIN};
                int64_t left_us = until_us - clock_mono_us();
                if (left_us <= 0)
                        return false;
                int n = poll(&fd, 1, (int)(left_us / USEC_PER_MS) + 1);
                if ((n < 0 && errno != EINTR) || (n > 0 && !PQconsumeInput(conn)))
                        return false;
        }
        return true;
}

/* With i->values, which are used up. NULL: it failed. */
static PGresult *ask(struct instances *i, const char *statement,
                     char error[static STORE_ERROR_SIZE])
{
        const int64_t until_us = clock_mono_us() + INSTANCES_ASK_US;
        const char *values[VALUES_MAX];
        int lengths[VALUES_MAX], formats[VALUES_MAX];
        const int n = (int)i->values.n;
        PGresult *r = NULL, *more;

        bool ok = values_finish(&i->values, values, lengths, formats) &&
                  PQsendQueryParams(i->conn, statement, n, NULL, values, lengths, formats, 1) == 1;
        values_begin(&i->values);
        while (ok && (ok = await(i->conn, until_us)) && (more = PQgetResult(i->conn))) {
                PQclear(r);
                r = more;
        }
        if (ok && (PQresultStatus(r) == PGRES_TUPLES_OK || PQresultStatus(r) == PGRES_COMMAND_OK))
                return r;
        if (r)
                (void)postgres_failure(r, error);
        else
                snprintf(error, STORE_ERROR_SIZE,
                         "postgresql: the control connection was lost, or the server does not "
                         "answer");
        PQclear(r);
        return NULL;
}

static bool tell(struct instances *i, const char *statement, char error[static STORE_ERROR_SIZE])
{
        _cleanup_(postgres_freep) PGresult *r = ask(i, statement, error);
        return r != NULL;
}

/* --- the session --- */

/* What it writes tells who is there now: nobody misses it after a crash of the server. A host that
 * has gone silent is noticed, and its locks are free, within five seconds. */
bool ask_settle(struct instances *i, char error[static STORE_ERROR_SIZE])
{
        char name[64];

        snprintf(name, sizeof(name), "ordod %s", i->id);
        values_text(&i->values, 0, name);
        i->hasty = false;
        return tell(i,
                    "SELECT set_config('application_name',$1::text,false),"
                    "set_config('tcp_keepalives_idle','2',false),"
                    "set_config('tcp_keepalives_interval','1',false),"
                    "set_config('tcp_keepalives_count','3',false)",
                    error) &&
               tell(i, "LISTEN ordo", error);
}

/* Whether this daemon is known must outlive a crash of the server: without its row it would be
 * taken for dead. What is written later may be lost with the last moments before one. */
static bool make_haste(struct instances *i, char error[static STORE_ERROR_SIZE])
{
        if (i->hasty)
                return true;
        i->hasty = true;
        return tell(i, "SELECT set_config('synchronous_commit','off',false)", error);
}

void ask_leave(struct instances *i)
{
        char error[STORE_ERROR_SIZE];

        values_text(&i->values, 0, i->id);
        if (!tell(i, "DELETE FROM owners WHERE instance=$1::text", error))
                return;
        values_text(&i->values, 0, i->id);
        if (!tell(i, "DELETE FROM instances WHERE id=$1::text", error))
                return;
        values_text(&i->values, 0, i->id);
        (void)tell(i, "SELECT pg_advisory_unlock_all(),pg_notify('ordo',$1::text||' left')", error);
}

/* --- what is announced --- */

/* "<id> <epoch> <seq>": a group was committed. "<id> obeys", "<id> left", "<id> owns". */
bool ask_heard(struct instances *i, const char *words)
{
        int64_t epoch, seq;

        if (text_starts(words, i->id))
                return false;
        const char *first = strchr(words, ' ');
        const char *second = first ? strchr(first + 1, ' ') : NULL;
        if (!second ||
            text_parse_int(first + 1, (size_t)(second - first - 1), 0, INT64_MAX, &epoch) < 0 ||
            text_parse_int(second + 1, strlen(second + 1), 0, INT64_MAX, &seq) < 0)
                return true;
        if (seq > i->now.audit_seq)
                i->now.audit_seq = seq;
        return (uint64_t)epoch != i->now.epoch;
}

/* --- the beat --- */

static bool ask_switches(struct instances *i, char error[static STORE_ERROR_SIZE])
{
        _cleanup_(postgres_freep) PGresult *r = ask(
                i, "SELECT scope,level,reason,actor,at_us FROM killswitch ORDER BY scope", error);
        if (!r)
                return false;
        const int n = PQntuples(r);
        free(i->now.switches);
        i->now.n_switches = 0;
        i->now.switches = calloc((size_t)n + 1, sizeof(*i->now.switches)); /* never NULL */
        if (!i->now.switches)
                abort();
        for (int k = 0; k < n; k++) {
                struct store_killswitch_row *row = &i->now.switches[i->now.n_switches++];
                row->level = (int)cell_int(r, k, 1);
                row->at_us = cell_int(r, k, 4);
                cell_copy(r, k, 0, row->scope, sizeof(row->scope));
                cell_copy(r, k, 2, row->reason, sizeof(row->reason));
                cell_copy(r, k, 3, row->actor, sizeof(row->actor));
        }
        return true;
}

/* The epoch is read under the ledger's lock: a renewal lies wholly before a change of the kill
 * switch, and whoever made the change sees it, or it lies behind, and knows of the change. */
static const char beat[] =
        "WITH e AS MATERIALIZED (SELECT epoch FROM killswitch_epoch FOR SHARE), "
        "t AS MATERIALIZED (SELECT " NOW " AS us,$5::bigint=e.epoch AS obeys FROM e), "
        "b AS (INSERT INTO instances AS m "
        "(id,host,pid,backend,started_us,seen_us,lease_us,epoch) SELECT "
        "$1::text,$2::text,$3::bigint,pg_backend_pid(),$4::bigint,t.us,0,$5 FROM t "
        "ON CONFLICT (id) DO UPDATE SET backend=excluded.backend,seen_us=excluded.seen_us,"
        "epoch=excluded.epoch,lease_us=CASE WHEN (SELECT obeys FROM t) THEN "
        "excluded.seen_us+$6::bigint ELSE m.lease_us END RETURNING xmax=0 AS fresh) "
        "SELECT e.epoch,(SELECT max(seq) FROM audit),t.obeys,b.fresh FROM e,t,b";

static void take_lease(struct instances *i, int64_t asked_us, bool obeys, bool fresh)
{
        if (fresh && i->joined)
                i->now.evicted = true;
        else if (obeys && !fresh)
                atomic_store(&i->lease_until_us, asked_us + INSTANCES_LEASE_US);
        i->beat_us = fresh ? 0 : i->beat_us;
        i->joined = true;
}

bool ask_beat(struct instances *i, char error[static STORE_ERROR_SIZE])
{
        const int64_t asked_us = clock_mono_us();
        const uint64_t obeyed = atomic_load(&i->obeyed);

        values_text(&i->values, 0, i->id);
        values_text(&i->values, 1, i->host);
        values_int(&i->values, 2, getpid());
        values_int(&i->values, 3, i->started_us);
        values_int(&i->values, 4, (int64_t)obeyed);
        values_int(&i->values, 5, INSTANCES_LEASE_US);
        _cleanup_(postgres_freep) PGresult *r = ask(i, beat, error);
        if (!r)
                return false;
        if (PQntuples(r) != 1) {
                snprintf(error, STORE_ERROR_SIZE, "the row of killswitch_epoch is missing");
                return false;
        }
        i->now.epoch = (uint64_t)cell_int(r, 0, 0);
        if (cell_int(r, 0, 1) > i->now.audit_seq)
                i->now.audit_seq = cell_int(r, 0, 1);
        const bool fresh = cell_int(r, 0, 3) != 0;
        take_lease(i, asked_us, cell_int(r, 0, 2) != 0, fresh);
        if (!fresh && !make_haste(i, error))
                return false;
        if (i->said != obeyed) {
                i->said = obeyed;
                values_text(&i->values, 0, i->id);
                if (!tell(i, "SELECT pg_notify('ordo',$1::text||' obeys')", error))
                        return false;
        }
        if (i->now.epoch == i->shown)
                return true;
        if (!ask_switches(i, error))
                return false;
        i->shown = i->now.epoch;
        return true;
}

/* --- who is there --- */

/* Its session is ended, and its locks with it: it may be stopped, and the kernel answers for it. */
static bool bury(struct instances *i, const char *id, char error[static STORE_ERROR_SIZE])
{
        values_text(&i->values, 0, id);
        values_int(&i->values, 1, INSTANCES_DEAD_US);
        return tell(i,
                    "WITH d AS (DELETE FROM instances WHERE id=$1::text AND "
                    "seen_us+$2::bigint<" NOW " RETURNING id,backend) SELECT "
                    "pg_terminate_backend(a.pid) FROM d JOIN pg_stat_activity a ON "
                    "a.pid=d.backend AND a.application_name='ordod '||d.id",
                    error);
}

static void add_member(struct instances *i, const PGresult *r, int row)
{
        struct instance *m = &i->now.list[i->now.n++];

        *m = (struct instance){
                .pid = cell_int(r, row, 2),
                .started_us = cell_int(r, row, 3),
                .seen_us = cell_int(r, row, 4),
                .epoch = (uint64_t)cell_int(r, row, 5),
                .barred = cell_int(r, row, 6) != 0,
        };
        cell_copy(r, row, 0, m->id, sizeof(m->id));
        cell_copy(r, row, 1, m->host, sizeof(m->host));
        m->self = strcmp(m->id, i->id) == 0;
}

bool ask_members(struct instances *i, char error[static STORE_ERROR_SIZE])
{
        /* After a restart of the server everybody is late. */
        const bool settled = clock_mono_us() - i->connected_us > INSTANCES_DEAD_US;

        values_int(&i->values, 0, INSTANCES_LEASE_EDGE_US);
        values_int(&i->values, 1, INSTANCES_DEAD_US);
        values_int(&i->values, 2, INSTANCES_MAX);
        _cleanup_(postgres_freep) PGresult *r =
                ask(i,
                    "SELECT id,host,pid,started_us,seen_us,epoch,lease_us+$1::bigint<" NOW
                    ",seen_us+$2::bigint<" NOW " FROM instances ORDER BY lease_us+$1::bigint<" NOW
                    ",started_us,id LIMIT $3::bigint",
                    error);
        if (!r)
                return false;
        i->now.n = 0;
        for (int row = 0; row < PQntuples(r); row++) {
                bool dead = cell_int(r, row, 7) && strcmp(cell_text(r, row, 0), i->id) != 0;
                if (!dead || !settled)
                        add_member(i, r, row);
                else if (!bury(i, cell_text(r, row, 0), error))
                        return false;
        }
        atomic_store(&i->crowd, i->now.n > 1);
        return true;
}

/* As many as there are sessions: whoever joins must be in everybody's list. */
bool ask_room(struct instances *i, char error[static STORE_ERROR_SIZE])
{
        _cleanup_(postgres_freep) PGresult *r =
                ask(i,
                    "SELECT count(*) FROM instances m JOIN pg_stat_activity a ON a.pid=m.backend "
                    "AND a.application_name='ordod '||m.id",
                    error);
        if (!r)
                return false;
        if (cell_int(r, 0, 0) <= INSTANCES_LIVE_MAX)
                return true;
        snprintf(error, STORE_ERROR_SIZE,
                 "%d daemons run over this ledger, and no more may: stop one of them",
                 INSTANCES_LIVE_MAX);
        return false;
}

/* --- who owns what --- */

bool ask_accounts(struct instances *i, char error[static STORE_ERROR_SIZE])
{
        unsigned wanted[ACCOUNTS_MAX], n = 0;

        for (unsigned k = 0; k < i->n_accounts; k++)
                if (!i->now.owned[k] && (!i->accounts[k].kept || i->accounts[k].had)) {
                        values_add_int(&i->values, 0, i->accounts[k].lock);
                        values_add_text(&i->values, 1, i->accounts[k].id);
                        wanted[n++] = k;
                }
        if (n == 0)
                return true;
        values_text(&i->values, 2, i->id);
        /* Row by row, in order: `got` is not asked twice. */
        _cleanup_(postgres_freep) PGresult *r =
                ask(i,
                    "WITH g AS MATERIALIZED (SELECT nth,account,pg_try_advisory_lock(lock) AS got "
                    "FROM unnest($1::bigint[],$2::text[]) WITH ORDINALITY AS t(lock,account,nth)), "
                    "o AS (INSERT INTO owners (account,instance,since_us) SELECT "
                    "account,$3::text," NOW " FROM g WHERE got ON CONFLICT (account) DO UPDATE SET "
                    "instance=excluded.instance,since_us=excluded.since_us) SELECT nth,got FROM g",
                    error);
        if (!r)
                return false;
        for (int row = 0; row < PQntuples(r); row++) {
                unsigned k = wanted[cell_int(r, row, 0) - 1];
                i->now.owned[k] = i->accounts[k].had = cell_int(r, row, 1) != 0;
        }
        return true;
}

bool ask_owners(struct instances *i, char error[static STORE_ERROR_SIZE])
{
        _cleanup_(postgres_freep) PGresult *r = ask(
                i, "SELECT o.account,o.instance FROM owners o JOIN instances m ON m.id=o.instance",
                error);
        if (!r)
                return false;
        memset(i->now.owner, 0, sizeof(i->now.owner));
        for (int row = 0; row < PQntuples(r); row++)
                for (unsigned k = 0; k < i->n_accounts; k++)
                        if (strcmp(i->accounts[k].id, cell_text(r, row, 0)) == 0)
                                cell_copy(r, row, 1, i->now.owner[k], UUID_SIZE);
        return true;
}

/* --- rates --- */

/* A second's rate, and the quarter of one between a stamp and its first byte: by then the stamps
 * that a crash may have taken along (synchronous_commit=off: 0.6 s) count in no second any more. */
#define STAMPS_LOST_US INT64_C(1250000)
#define STAMPS_KEPT_US \
        (2 * INT64_C(3600) * USEC_PER_SEC) /* the longest rolling window is an hour */

bool ask_permit(struct instances *i, struct instances_permit *p,
                char error[static STORE_ERROR_SIZE])
{
        struct values *v = &i->values;
        const bool others = i->now.n > 1, lost = i->now.connections > 1;

        p->asked_us = clock_mono_us();
        /* When the server has crashed, the others' last stamps may be gone. */
        p->wait_us = i->connected_us + STAMPS_LOST_US - p->asked_us;
        if (others && lost && p->wait_us > 0)
                return true;
        values_text(v, 0, i->accounts[p->account].id);
        values_int(v, 1, p->op);
        values_int(v, 2, p->exchange);
        values_int(v, 3, p->anywhere);
        for (unsigned k = 0; k < p->n_rates; k++) {
                values_add_int(v, 4, p->rates[k].span_us);
                values_add_int(v, 5, p->rates[k].cap);
                values_add_int(v, 6, p->rates[k].ops);
                values_add_int(v, 7, p->rates[k].exchange);
        }
        values_int(v, 8, STAMPS_KEPT_US);
        _cleanup_(postgres_freep) PGresult *r =
                ask(i,
                    "SELECT rate_permit($1::text,$2::bigint,$3::bigint,$4::bigint,$5::bigint[],"
                    "$6::bigint[],$7::bigint[],$8::bigint[],$9::bigint)",
                    error);
        if (!r)
                return false;
        p->wait_us = cell_int(r, 0, 0);
        return true;
}
