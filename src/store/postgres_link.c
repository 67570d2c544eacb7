/* Being connected: opening, losing the connection, making it again with pauses that grow, and what
 * must be known before anything else is done over a new one. */
#include "store/ledger_copy.h"
#include "store/postgres.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define WAIT_FIRST_US (100 * USEC_PER_MS)
#define WAIT_MAX_US   USEC_PER_SEC
/* A server that is starting is waited for: both may start with the machine. */
#define OPEN_WAIT_US (20 * USEC_PER_SEC)
/* A server that restarts by itself after one of its processes died is back sooner than this; orders
 * that wait meanwhile get their answer instead of a refusal. */
#define READ_BACK_US (2 * USEC_PER_SEC)
/* Rows of daemons that did not end in good order; one that lives has written by then. */
#define WRITER_AGE_US (90 * INT64_C(86400) * USEC_PER_SEC)

static const char *const texts[_PG_MAX] = {
#define X(name, text) [PG_##name] = text,
        PG_TABLE(X)
#undef X
};
static const char *const names[_PG_MAX] = {
#define X(name, text) [PG_##name] = #name,
        PG_TABLE(X)
#undef X
};

static void pause_us(int64_t us)
{
        struct timespec t = {.tv_sec = us / USEC_PER_SEC, .tv_nsec = us % USEC_PER_SEC * 1000};
        (void)nanosleep(&t, NULL);
}

void postgres_drop(struct postgres *p)
{
        PQfinish(p->conn);
        p->conn = NULL;
        p->in_transaction = false;
        p->n_queued = 0;
        p->broken = false;
        p->try_us = 0;
        p->wait_us = WAIT_FIRST_US;
}

static enum store_result prepare(struct postgres *p, char error[static STORE_ERROR_SIZE])
{
        if (PQenterPipelineMode(p->conn) != 1 || PQsetnonblocking(p->conn, 1) != 0)
                p->broken = true;
        for (unsigned i = 0; i < _PG_MAX && !p->broken; i++) {
                p->broken = PQsendPrepare(p->conn, names[i], texts[i], 0, NULL) != 1;
                p->queued[p->n_queued++] = i;
        }
        return postgres_trip(p, POSTGRES_TRIP_US, NULL, error);
}

/* Takes the lock, so that a transaction of a connection that was lost is over, and reads the mark:
 * 0 where the database does not know this writer. */
static enum store_result sign(struct postgres *p, char error[static STORE_ERROR_SIZE],
                              int64_t *ret_mark)
{
        PGresult *results[4] = {};

        postgres_queue_own(p, PG_BEGIN);
        postgres_queue_own(p, PG_LOCK);
        values_text(&p->own, 0, p->writer);
        values_int(&p->own, 1, clock_wall_us());
        postgres_queue_own(p, PG_WRITER_SIGN);
        postgres_queue_own(p, PG_COMMIT);
        enum store_result r = postgres_trip(p, POSTGRES_TRIP_US, results, error);
        if (r == STORE_OK)
                *ret_mark = cell_int(results[2], 0, 0);
        postgres_clear(results, ELEMENTS(results));
        return r;
}

static enum store_result recall_mark(struct postgres *p, char error[static STORE_ERROR_SIZE])
{
        int64_t mark;
        enum store_result r = sign(p, error, &mark);

        if (r != STORE_OK)
                return r;
        if (mark < p->mark) {
                snprintf(error, STORE_ERROR_SIZE,
                         "the database lacks %lld commits that it had confirmed: compare with the "
                         "brokers' books, then restart ordod",
                         (long long)(p->mark - mark));
                return STORE_CORRUPT;
        }
        p->mark = mark;
        p->signed_in = true;
        return STORE_OK;
}

/* No copy of the whole ledger (ledger_copy.h) may run beside a daemon, and none may be unfinished.
 */
static enum store_result hold(struct postgres *p, char error[static STORE_ERROR_SIZE])
{
        _cleanup_(postgres_freep) PGresult *r =
                PQexec(p->conn, "SELECT pg_try_advisory_lock_shared(" POSTGRES_HOLD_KEY
                                "),to_regclass('" LEDGER_COPY_TABLE "') IS NULL");
        if (PQresultStatus(r) != PGRES_TUPLES_OK)
                return postgres_failure(r, error);
        bool held = PQgetvalue(r, 0, 0)[0] == 't', whole = PQgetvalue(r, 0, 1)[0] == 't';
        if (held && whole)
                return STORE_OK;
        snprintf(error, STORE_ERROR_SIZE, "%s",
                 held ? LEDGER_COPY_UNFINISHED
                      : "ordoctl db copy is copying this ledger: wait for its end");
        return STORE_UNAVAILABLE;
}

/* Everything a new connection needs before it is used. */
static enum store_result begin_session(struct postgres *p, char error[static STORE_ERROR_SIZE])
{
        enum store_result r = STORE_UNAVAILABLE;

        if (postgres_newest(p->conn, &p->timeline, error))
                r = hold(p, error);
        if (r == STORE_OK)
                r = prepare(p, error);
        return r == STORE_OK ? recall_mark(p, error) : r;
}

static enum store_result connect_to(struct postgres *p, char error[static STORE_ERROR_SIZE])
{
        p->conn = postgres_dial(p->url, error);
        return p->conn ? begin_session(p, error) : STORE_UNAVAILABLE;
}

static void put_off(struct postgres *p, const char *why)
{
        int64_t wait_us = p->wait_us;

        postgres_drop(p);
        text_copy(p->why, sizeof(p->why), why);
        p->try_us = clock_mono_us() + wait_us;
        p->wait_us = 2 * wait_us < WAIT_MAX_US ? 2 * wait_us : WAIT_MAX_US;
}

enum store_result postgres_ensure(struct postgres *p, char error[static STORE_ERROR_SIZE])
{
        if (p->conn)
                return STORE_OK;
        if (clock_mono_us() < p->try_us) {
                text_copy(error, STORE_ERROR_SIZE, p->why);
                return STORE_UNAVAILABLE;
        }
        enum store_result r = connect_to(p, error);
        if (r != STORE_OK)
                put_off(p, error);
        else
                p->wait_us = WAIT_FIRST_US;
        return r;
}

enum store_result postgres_read_back(struct postgres *p, char error[static STORE_ERROR_SIZE])
{
        const int64_t wanted = p->mark + 1, until_us = clock_mono_us() + READ_BACK_US;
        char why[STORE_ERROR_SIZE];
        enum store_result r;

        while ((r = postgres_ensure(p, why)) != STORE_OK && clock_mono_us() < until_us)
                pause_us(p->wait_us / 2);
        if (r != STORE_OK) {
                snprintf(error, STORE_ERROR_SIZE,
                         "the connection was lost during a commit: whether it was written is not "
                         "known");
                return STORE_UNCERTAIN;
        }
        if (p->mark == wanted)
                return STORE_OK;
        snprintf(error, STORE_ERROR_SIZE,
                 "the connection was lost before a commit, nothing was written");
        return STORE_UNAVAILABLE;
}

/* --- opening --- */

static bool waits_for_server(const char *url)
{
        static const char *const keys[] = {"dbname", "connect_timeout", NULL};
        const char *const values[] = {url, "3", NULL};
        PGPing ping = PQpingParams(keys, values, 1);
        return ping == PQPING_REJECT || ping == PQPING_NO_RESPONSE;
}

/* A server that is there and could not prove who it is does not become another by waiting. */
static PGconn *dial_patiently(const char *url, char error[static STORE_ERROR_SIZE])
{
        const int64_t until_us = clock_mono_us() + OPEN_WAIT_US;
        PGconn *conn;
        bool waits = true;

        /* One more try when it is there: between the refusal and the question it may have begun. */
        while (!(conn = postgres_dial(url, error)) && waits && clock_mono_us() < until_us &&
               !text_starts(error, POSTGRES_TLS_REFUSED)) {
                waits = waits_for_server(url);
                if (waits)
                        pause_us(WAIT_FIRST_US);
        }
        return conn;
}

/* The connection over which the schema was looked at is kept, unless that was changed over it. */
static int schema_up_to_date(struct postgres *p, const struct store_options *o,
                             char error[static STORE_ERROR_SIZE])
{
        p->conn = dial_patiently(p->url, error);
        if (!p->conn)
                return -ECONNREFUSED;
        int r = postgres_migrate(p->conn, o, &p->schema_version, error);
        if (r <= 0)
                return r;
        postgres_drop(p);
        p->conn = postgres_dial(p->url, error);
        return p->conn ? 0 : -ECONNREFUSED;
}

static int open_all(struct postgres *p, const struct store_options *o,
                    char error[static STORE_ERROR_SIZE])
{
        int r = postgres_check_url(p->url, error);
        if (r == 0)
                r = schema_up_to_date(p, o, error);
        if (r == 0)
                r = postgres_check_rights(p->conn, error);
        if (r < 0)
                return r;
        enum store_result began = begin_session(p, error);
        return began == STORE_OK ? 0 : began == STORE_UNAVAILABLE ? -ECONNREFUSED : -EBADMSG;
}

int postgres_open(const struct store_options *o, char error[static STORE_ERROR_SIZE], void **ret)
{
        struct postgres *p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        p->wait_us = WAIT_FIRST_US;
        if (o->writer)
                text_copy(p->writer, sizeof(p->writer), o->writer);
        else
                uuid_make(p->writer);
        p->crowd = o->crowd;
        p->url = strdup(o->url);
        int r = p->url ? open_all(p, o, error) : -ENOMEM;
        if (r < 0) {
                postgres_shut(p);
                return r;
        }
        *ret = p;
        return 0;
}

/* Its row in table writers goes, and those of daemons that could not take theirs away. */
static void leave(struct postgres *p)
{
        char error[STORE_ERROR_SIZE];
        if (!p->conn || !p->signed_in)
                return;
        values_text(&p->own, 0, p->writer);
        values_int(&p->own, 1, clock_wall_us() - WRITER_AGE_US);
        postgres_queue_own(p, PG_WRITER_LEAVE);
        (void)postgres_trip(p, USEC_PER_SEC, NULL, error);
}

void postgres_shut(void *db)
{
        struct postgres *p = db;
        leave(p);
        PQfinish(p->conn);
        values_done(&p->values);
        values_done(&p->own);
        text_done(&p->line);
        if (p->url)
                explicit_bzero(p->url, strlen(p->url));
        free(p->url);
        free(p);
}
