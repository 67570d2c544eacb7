/* One connection: how it is made, what is sent in one trip, what failures mean. */
#include "store/postgres.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"

#define SERVER_OLDEST \
        130000 /* pipelines and prepared statements would do with older ones; untried */
#define CONNECT_TIMEOUT "3" /* seconds for each address, unless the URL says otherwise */

static const char *const statements[_PG_MAX] = {
#define X(name, text) [PG_##name] = #name,
        PG_TABLE(X)
#undef X
};

/* On one line, without libpq's prefix for hosts that were named by the URL. */
static void put_error(char error[static STORE_ERROR_SIZE], const char *text)
{
        snprintf(error, STORE_ERROR_SIZE, "postgresql: %.140s", text);
        for (char *c = error; *c; c++)
                if (*c == '\n' || *c == '\t')
                        *c = ' ';
        size_t n = strlen(error);
        while (n > 0 && error[n - 1] == ' ')
                error[--n] = '\0';
}

/* Classes of SQLSTATE, and single states, which come first. */
static const struct {
        const char *state;
        enum store_result result;
        const char *remedy;
} meanings[] = {
        {"53100", STORE_FULL, "make room on the server's disk"},
        {"25006", STORE_UNAVAILABLE, "the server is read-only: is it a standby?"},
        {"42501", STORE_CORRUPT, "run ordoctl migrate up as the owner, see docs/database.md"},
        {"55P03", STORE_UNAVAILABLE, "another daemon holds the ledger"},
        {"57014", STORE_UNAVAILABLE, "the query would take too long: narrow it"},
        {"58030", STORE_CORRUPT, "the server's disk fails"},
        {"22", STORE_FAILED, NULL},
        {"23", STORE_FAILED, NULL},
        {"42", STORE_CORRUPT, "does the schema fit? see ordoctl migrate verify"},
        {"XX", STORE_CORRUPT, "the database is damaged: restore a backup"},
        {"0A", STORE_FAILED, NULL},
        {"", STORE_UNAVAILABLE, NULL}, /* gone, shutting down, deadlock, no memory, … */
};

enum store_result postgres_failure(const PGresult *r, char error[static STORE_ERROR_SIZE])
{
        const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
        const char *words = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
        char text[STORE_ERROR_SIZE];
        size_t i = 0;

        while (!text_starts(state ? state : "", meanings[i].state))
                i++;
        snprintf(text, sizeof(text), "%.90s (%.5s)%s%s", words ? words : "no answer",
                 state ? state : "-", meanings[i].remedy ? ": " : "",
                 meanings[i].remedy ? meanings[i].remedy : "");
        put_error(error, text);
        return meanings[i].result;
}

/* A client that is gone must not hold the ledger: its session ends by itself when it is silent in a
 * transaction, or when its host does not answer. A commit is on the disk when it is answered,
 * whatever the server's default. The planner has no choice: every statement here goes along an
 * index, also while the server knows nothing yet of a table that grows. */
static const char settings[] =
        "SELECT pg_is_in_recovery(),"
        "set_config('synchronous_commit',CASE current_setting('synchronous_commit') WHEN "
        "'remote_apply' THEN 'remote_apply' ELSE 'on' END,false),"
        "set_config('statement_timeout','10000',false),"
        "set_config('lock_timeout','5000',false),"
        "set_config('idle_in_transaction_session_timeout','2000',false),"
        "set_config('tcp_keepalives_idle','10',false),"
        "set_config('tcp_keepalives_interval','5',false),"
        "set_config('tcp_keepalives_count','3',false),"
        "set_config('default_transaction_isolation','read committed',false),"
        "set_config('default_transaction_read_only','off',false),"
        "set_config('plan_cache_mode','force_generic_plan',false),"
        "set_config('enable_seqscan','off',false),"
        "set_config('enable_hashjoin','off',false),"
        "set_config('enable_mergejoin','off',false),"
        "set_config('jit','off',false)";

static bool settle_in(PGconn *conn, char error[static STORE_ERROR_SIZE])
{
        const char *encoding = PQparameterStatus(conn, "server_encoding");

        if (PQserverVersion(conn) < SERVER_OLDEST) {
                put_error(error, "the server is too old: PostgreSQL 13 or later is needed");
                return false;
        }
        if (!text_equal(encoding, "UTF8")) {
                put_error(error, "the database's encoding is not UTF8: create it with ENCODING "
                                 "'UTF8' TEMPLATE template0");
                return false;
        }
        _cleanup_(postgres_freep) PGresult *r = PQexec(conn, settings);
        if (PQresultStatus(r) != PGRES_TUPLES_OK) {
                (void)postgres_failure(r, error);
                return false;
        }
        if (PQgetvalue(r, 0, 0)[0] == 't') {
                put_error(error, "the server is a standby: name the primary, or all servers with "
                                 "target_session_attrs=read-write");
                return false;
        }
        return true;
}

/* One "@", before the first slash. A password with a bare "@" or "/" would be taken apart by libpq,
 * and its messages would show the parts. */
static bool one_login(const char *url)
{
        const char *rest = strstr(url, "://") + 3;
        size_t n = strcspn(rest, "?");
        const char *first = memchr(rest, '@', n);

        return !first || (!memchr(first + 1, '@', n - (size_t)(first + 1 - rest)) &&
                          !memchr(rest, '/', (size_t)(first - rest)));
}

int postgres_check_url(const char *url, char error[static STORE_ERROR_SIZE])
{
        char *why = NULL;
        PQconninfoOption *parts = one_login(url) ? PQconninfoParse(url, &why) : NULL;

        PQfreemem(why); /* it may quote the URL, password and all */
        if (!parts) {
                snprintf(error, STORE_ERROR_SIZE,
                         "the database URL is malformed: postgresql://user:password@host/database, "
                         "special letters of a password written %%XX");
                return -EINVAL;
        }
        PQconninfoFree(parts);
        return 0;
}

/* libpq's words for a server that could not prove who it is, or has no TLS. Its own advice is to do
 * without. */
static const struct {
        const char *part, *remedy;
} tls_refusals[] = {
        {"root certificate file", "the file that sslrootcert names cannot be read"},
        {"certificate verify failed", "its certificate is not trusted: is sslrootcert that of its "
                                      "authority, and has it not expired?"},
        {"does not match host name", "name it in the URL as its certificate does"},
        {"server does not support SSL", "it has no TLS: set ssl=on in its configuration"},
};

/* Why there is no connection. */
static void tell_failure(const PGconn *conn, char error[static STORE_ERROR_SIZE])
{
        const char *words = PQerrorMessage(conn), *names;
        unsigned i = 0;

        while (i < ELEMENTS(tls_refusals) && !strstr(words, tls_refusals[i].part))
                i++;
        if (i == ELEMENTS(tls_refusals)) {
                put_error(error, words);
                return;
        }
        names = strstr(words, "certificate for \"");
        size_t n = names ? strcspn(names, "\n") : 0;
        if (names)
                snprintf(error, STORE_ERROR_SIZE, POSTGRES_TLS_REFUSED "the %.*s: %s",
                         n < 85 ? (int)n : 85, names, tls_refusals[i].remedy);
        else
                snprintf(error, STORE_ERROR_SIZE, POSTGRES_TLS_REFUSED "%.40s: %s", PQhost(conn),
                         tls_refusals[i].remedy);
}

/* libpq would print what the server remarks ("exists already, skipping") in the midst of ours. */
static void ignore_notice(void *userdata, const char *message)
{
}

PGconn *postgres_dial(const char *url, char error[static STORE_ERROR_SIZE])
{
        /* What stands behind the URL cannot be changed by it. */
        static const char *const names[] = {"fallback_application_name",
                                            "connect_timeout",
                                            "tcp_user_timeout",
                                            "keepalives_idle",
                                            "dbname",
                                            "client_encoding",
                                            NULL};
        const char *const values[] = {"ordod", CONNECT_TIMEOUT, "15000", "10", url, "UTF8", NULL};

        if (postgres_check_url(url, error) < 0)
                return NULL;
        PGconn *conn = PQconnectdbParams(names, values, 1);
        if (conn)
                PQsetNoticeProcessor(conn, ignore_notice, NULL);
        if (conn && PQstatus(conn) == CONNECTION_OK && settle_in(conn, error))
                return conn;
        if (!conn)
                put_error(error, "out of memory");
        else if (PQstatus(conn) != CONNECTION_OK)
                tell_failure(conn, error);
        PQfinish(conn);
        return NULL;
}

bool postgres_newest(PGconn *conn, unsigned long *seen, char error[static STORE_ERROR_SIZE])
{
        /* the first eight digits, hexadecimal, of the name of the file that it writes */
        _cleanup_(postgres_freep) PGresult *r =
                PQexec(conn, "SELECT left(pg_walfile_name(pg_current_wal_lsn()),8)");
        unsigned long timeline = 0;

        if (PQresultStatus(r) == PGRES_TUPLES_OK)
                timeline = strtoul(PQgetvalue(r, 0, 0), NULL, 16);
        if (timeline == 0 || timeline >= *seen) {
                *seen = timeline > *seen ? timeline : *seen;
                return true;
        }
        put_error(error, "another server has taken over from this one: stop it, or make it a "
                         "standby of that one (pg_rewind)");
        return false;
}

/* Keeps the values, so that they can be sent again. NULL: there are none. */
static void send(struct postgres *p, enum postgres_statement id, struct values *v)
{
        const char *values[VALUES_MAX];
        int lengths[VALUES_MAX], formats[VALUES_MAX];

        if (!p->conn || p->n_queued == POSTGRES_QUEUE_MAX ||
            (v && !values_finish(v, values, lengths, formats))) {
                p->broken = true;
                return;
        }
        p->queued[p->n_queued++] = id;
        if (!p->broken && PQsendQueryPrepared(p->conn, statements[id], v ? (int)v->n : 0, values,
                                              lengths, formats, 1) != 1)
                p->broken = true;
}

void postgres_queue(struct postgres *p, enum postgres_statement id)
{
        send(p, id, &p->values);
        values_begin(&p->values);
}

void postgres_queue_own(struct postgres *p, enum postgres_statement id)
{
        send(p, id, &p->own);
        values_begin(&p->own);
}

/* The next result, NULL between two statements. False: the connection is lost, or too slow. */
static bool take(struct postgres *p, int64_t until_us, PGresult **ret)
{
        for (;;) {
                int unsent = PQflush(p->conn);
                if (unsent < 0)
                        return false;
                if (!PQisBusy(p->conn))
                        break;
                int64_t left_us = until_us - clock_mono_us();
                struct pollfd fd = {.fd = PQsocket(p->conn),
                                    .events = (short)(POLLIN | (unsent ? POLLOUT : 0))};
                if (left_us <= 0)
                        return false;
                int n = poll(&fd, 1, (int)(left_us / USEC_PER_MS) + 1);
                if (n < 0 && errno != EINTR)
                        return false;
                if (n > 0 && !PQconsumeInput(p->conn))
                        return false;
        }
        *ret = PQgetResult(p->conn);
        return true;
}

/* The result of one statement and the gap behind it. */
static bool take_one(struct postgres *p, int64_t until_us, PGresult **ret)
{
        PGresult *gap = NULL;

        *ret = NULL;
        if (!take(p, until_us, ret) || !*ret || !take(p, until_us, &gap))
                return false;
        PQclear(gap);
        return !gap;
}

static bool take_sync(struct postgres *p, int64_t until_us)
{
        PGresult *r = NULL;
        bool ok = take(p, until_us, &r) && PQresultStatus(r) == PGRES_PIPELINE_SYNC;
        PQclear(r);
        return ok && PQstatus(p->conn) == CONNECTION_OK;
}

static bool succeeded(const PGresult *r)
{
        ExecStatusType status = PQresultStatus(r);
        return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

void postgres_clear(PGresult **results, unsigned n)
{
        for (unsigned i = 0; i < n; i++) {
                PQclear(results[i]);
                results[i] = NULL;
        }
}

static enum store_result lost(struct postgres *p, enum store_result so_far,
                              char error[static STORE_ERROR_SIZE])
{
        if (so_far == STORE_OK)
                put_error(error, p->conn && PQstatus(p->conn) != CONNECTION_OK
                                         ? "the connection was lost"
                                         : "the server does not answer");
        postgres_drop(p);
        return STORE_UNAVAILABLE;
}

enum store_result postgres_trip(struct postgres *p, int64_t patience_us, PGresult **results,
                                char error[static STORE_ERROR_SIZE])
{
        const int64_t until_us = clock_mono_us() + patience_us;
        const unsigned n = p->n_queued;
        enum store_result result = STORE_OK;
        unsigned taken = 0;
        bool alive = p->conn && !p->broken && PQpipelineSync(p->conn) == 1;

        p->n_queued = 0;
        p->broken = false;
        if (p->committing && alive && PQflush(p->conn) >= 0)
                crash_point(CRASH_COMMIT_WRITTEN);
        while (alive && taken < n) {
                PGresult *r;
                alive = take_one(p, until_us, &r);
                if (r && !succeeded(r) && result == STORE_OK &&
                    PQresultStatus(r) != PGRES_PIPELINE_ABORTED)
                        result = postgres_failure(r, error);
                if (results)
                        results[taken] = r;
                else
                        PQclear(r);
                taken++;
        }
        if (!alive || !take_sync(p, until_us))
                result = lost(p, result, error);
        if (results && result != STORE_OK)
                postgres_clear(results, taken);
        return result;
}

void postgres_end(struct postgres *p)
{
        char error[STORE_ERROR_SIZE];

        p->in_transaction = false;
        if (!p->conn)
                return;
        if (p->broken || p->n_queued > 0) { /* something was queued and never sent */
                postgres_drop(p);
                return;
        }
        if (PQtransactionStatus(p->conn) == PQTRANS_IDLE)
                return;
        postgres_queue_own(p, PG_ROLLBACK);
        if (postgres_trip(p, POSTGRES_TRIP_US, NULL, error) != STORE_OK)
                postgres_drop(p);
}

/* Alone, or in a transaction with a limit; the statement's result alone is kept. */
static enum store_result ask_once(struct postgres *p, enum postgres_statement id, bool brief,
                                  char error[static STORE_ERROR_SIZE], PGresult **ret)
{
        PGresult *results[4] = {};
        unsigned at = 0;

        if (brief) {
                send(p, PG_BEGIN_READ, NULL);
                send(p, PG_READ_LIMIT, NULL);
                at = 2;
        }
        send(p, id, &p->values);
        if (brief)
                send(p, PG_COMMIT, NULL);
        enum store_result r = postgres_trip(p, POSTGRES_TRIP_US, results, error);
        if (r == STORE_OK) {
                *ret = results[at];
                results[at] = NULL;
        } else {
                postgres_end(p);
        }
        postgres_clear(results, ELEMENTS(results));
        return r;
}

static enum store_result ask(struct postgres *p, enum postgres_statement id, bool brief,
                             struct store_job *job, PGresult **ret)
{
        bool fresh = !p->conn;
        enum store_result r = postgres_ensure(p, job->error);

        *ret = NULL;
        while (r == STORE_OK) {
                r = ask_once(p, id, brief, job->error, ret);
                if (r != STORE_UNAVAILABLE || p->conn || fresh)
                        break;
                fresh = true;
                r = postgres_ensure(p, job->error);
        }
        values_begin(&p->values);
        return r;
}

enum store_result postgres_ask(struct postgres *p, enum postgres_statement id,
                               struct store_job *job, PGresult **ret)
{
        return ask(p, id, false, job, ret);
}

enum store_result postgres_ask_briefly(struct postgres *p, enum postgres_statement id,
                                       struct store_job *job, PGresult **ret)
{
        return ask(p, id, true, job, ret);
}
