#include "store/scrip_file.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#define SCRIP_FILE_ID      0x4f72644d /* "OrdM", PRAGMA application_id */
#define SCRIP_FILE_VERSION 1          /* of the columns and of the enums in them */
#define MAKER_CACHE_KIB    "32768"
/* Pages that stay in memory while nobody asks; the kernel has the rest of the file. */
#define FILE_CACHE_KIB "4096"

#define WORD_SIZE 25 /* of a name from one of its words on, upper case */

enum flag {
        FLAG_CALL = 1 << 0,
        FLAG_ON_INDEX = 1 << 1,
        FLAG_CLOSING_AUCTION = 1 << 2,
        FLAG_INTRADAY = 1 << 3,
};

/* What nobody searches by is one BLOB, in this machine's form: it is read far more often than it is
 * made, and each column costs. Two texts with their NULs follow: underlying, detail. */
struct rest {
        int64_t strike, previous_close;
        int32_t lot, tick, freeze, expiry;
        uint8_t band_percent, exchange, segment, flags;
};
#define REST_MAX \
        (sizeof(struct rest) + sizeof(((struct instrument *)NULL)->underlying) + SCRIP_DETAIL_SIZE)

#define COLUMNS "symbol,name,isin,key,token,rest" /* as read_scrip() reads them */

static int error_of(sqlite3 *db, int rc)
{
        int e = db ? sqlite3_system_errno(db) : 0;

        switch (rc & 0xff) {
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_ERROR: /* no such table */
                return -EBADMSG;
        case SQLITE_CANTOPEN:
                return e > 0 ? -e : -EIO;
        default:
                return -EIO;
        }
}

static int run(sqlite3 *db, const char *sql)
{
        int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
        return rc == SQLITE_OK ? 0 : error_of(db, rc);
}

static int prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret)
{
        int rc = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);
        return rc == SQLITE_OK ? 0 : error_of(db, rc);
}

/* --- making --- */

/* Nothing of a half-made file is ever used: no journal. What sorts stays in memory, so that no
 * other directory is written to. The one commit brings it to the disk. */
static const char maker_sql[] =
        "PRAGMA journal_mode=OFF; PRAGMA synchronous=NORMAL; PRAGMA locking_mode=EXCLUSIVE;"
        "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-" MAKER_CACHE_KIB "; BEGIN;"
        "CREATE TABLE scrip(id INTEGER PRIMARY KEY, symbol TEXT NOT NULL UNIQUE,"
        " rank INTEGER, exchange INTEGER, segment INTEGER,"
        " name TEXT, isin TEXT, key TEXT, token TEXT, rest BLOB);"
        "CREATE TABLE word(text TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (text, id))"
        " WITHOUT ROWID;"
        "CREATE TABLE facts(rows INTEGER NOT NULL, as_of_us INTEGER NOT NULL)";

static const char add_sql[] =
        "INSERT INTO scrip(rank,exchange,segment,symbol,name,isin,key,token,rest)"
        " VALUES(?,?,?,?,?,?,?,?,?) ON CONFLICT(symbol) DO UPDATE SET rank=excluded.rank,"
        " exchange=excluded.exchange, segment=excluded.segment, name=excluded.name,"
        " isin=excluded.isin, key=excluded.key, token=excluded.token, rest=excluded.rest"
        " WHERE excluded.rank<rank OR (excluded.rank=rank AND excluded.key<key)";

struct scrip_maker {
        sqlite3 *db;
        sqlite3_stmt *add, *add_word;
};

int scrip_maker_new(const char *path, struct scrip_maker **ret)
{
        _cleanup_(scrip_maker_freep) struct scrip_maker *m = calloc(1, sizeof(*m));

        if (!m)
                return -ENOMEM;
        if (unlink(path) < 0 && errno != ENOENT)
                return -errno;
        int rc = sqlite3_open_v2(path, &m->db,
                                 SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                                 NULL);
        if (rc != SQLITE_OK)
                return error_of(m->db, rc);
        int r = run(m->db, maker_sql);
        if (r >= 0)
                r = prepare(m->db, add_sql, &m->add);
        if (r >= 0)
                r = prepare(m->db, "INSERT OR IGNORE INTO word VALUES(?,?)", &m->add_word);
        if (r >= 0)
                *ret = TAKE(m);
        return r;
}

static int step_done(sqlite3 *db, sqlite3_stmt *st)
{
        int rc = sqlite3_step(st);
        int r = rc == SQLITE_DONE ? 0 : error_of(db, rc);
        sqlite3_reset(st);
        return r;
}

static bool in_range(const struct instrument *i)
{
        return i->lot >= 0 && i->lot <= INT32_MAX && i->tick >= 0 && i->tick <= INT32_MAX &&
               i->freeze >= 0 && i->freeze <= INT32_MAX && i->band_percent >= 0 &&
               i->band_percent <= UINT8_MAX;
}

static size_t put_text(char *to, const char *s)
{
        size_t n = strlen(s) + 1;
        memcpy(to, s, n);
        return n;
}

static size_t pack_rest(const struct scrip *s, char ret[static REST_MAX])
{
        const struct instrument *i = &s->instrument;
        struct rest rest;
        size_t n = sizeof(rest);

        memset(&rest, 0, sizeof(rest)); /* the padding too */
        rest.strike = i->strike;
        rest.lot = (int32_t)i->lot;
        rest.tick = (int32_t)i->tick;
        rest.freeze = (int32_t)i->freeze;
        rest.previous_close = i->previous_close;
        rest.expiry = i->expiry;
        rest.band_percent = (uint8_t)i->band_percent;
        rest.exchange = (uint8_t)i->exchange;
        rest.segment = (uint8_t)i->segment;
        rest.flags = (uint8_t)((i->call ? FLAG_CALL : 0) | (i->on_index ? FLAG_ON_INDEX : 0) |
                               (i->closing_auction ? FLAG_CLOSING_AUCTION : 0) |
                               (i->intraday_allowed ? FLAG_INTRADAY : 0));
        memcpy(ret, &rest, sizeof(rest));
        n += put_text(ret + n, i->underlying);
        return n + put_text(ret + n, s->detail);
}

int scrip_maker_add(struct scrip_maker *m, const struct scrip *s, unsigned rank)
{
        const struct instrument *i = &s->instrument;
        char rest[REST_MAX];
        int n = 0;

        if (!in_range(i))
                return -ERANGE;
        sqlite3_bind_int64(m->add, ++n, rank);
        sqlite3_bind_int(m->add, ++n, (int)i->exchange);
        sqlite3_bind_int(m->add, ++n, (int)i->segment);
        sqlite3_bind_text(m->add, ++n, i->symbol, -1, SQLITE_STATIC);
        sqlite3_bind_text(m->add, ++n, i->name, -1, SQLITE_STATIC);
        sqlite3_bind_text(m->add, ++n, i->isin, -1, SQLITE_STATIC);
        sqlite3_bind_text(m->add, ++n, s->key, -1, SQLITE_STATIC);
        sqlite3_bind_text(m->add, ++n, s->token, -1, SQLITE_STATIC);
        sqlite3_bind_blob(m->add, ++n, rest, (int)pack_rest(s, rest), SQLITE_STATIC);
        return step_done(m->db, m->add);
}

/* "State Bank of India" → STATE BANK OF INDIA, BANK OF INDIA, OF INDIA, INDIA. */
static int add_words(struct scrip_maker *m, int64_t id, const char *name)
{
        char upper[INSTRUMENT_NAME_SIZE];
        int r = 0;

        text_copy(upper, sizeof(upper), name);
        for (char *p = upper; *p; p++)
                if (*p >= 'a' && *p <= 'z')
                        *p -= 'a' - 'A';
        for (const char *p = upper; *p && r >= 0; p++) {
                if (*p == ' ' || (p > upper && p[-1] != ' '))
                        continue;
                size_t n = strnlen(p, WORD_SIZE - 1);
                sqlite3_bind_text(m->add_word, 1, p, (int)n, SQLITE_STATIC);
                sqlite3_bind_int64(m->add_word, 2, id);
                r = step_done(m->db, m->add_word);
        }
        return r;
}

static int make_words(struct scrip_maker *m)
{
        sqlite3_stmt *st = NULL;
        char sql[96];

        snprintf(sql, sizeof(sql), "SELECT id,name FROM scrip WHERE segment IN (%d,%d)",
                 SEGMENT_EQUITY, SEGMENT_INDEX);
        int r = prepare(m->db, sql, &st);
        while (r >= 0) {
                int rc = sqlite3_step(st);
                if (rc == SQLITE_DONE)
                        break;
                const char *name = (const char *)sqlite3_column_text(st, 1);
                r = rc != SQLITE_ROW ? error_of(m->db, rc)
                    : !name          ? -ENOMEM
                                     : add_words(m, sqlite3_column_int64(st, 0), name);
        }
        sqlite3_finalize(st);
        return r;
}

static int read_facts(sqlite3 *db, struct scrip_facts *ret)
{
        sqlite3_stmt *st = NULL;
        int r = prepare(db, "SELECT rows, as_of_us FROM facts", &st);

        if (r < 0)
                return r;
        int rc = sqlite3_step(st);
        if (rc == SQLITE_ROW)
                *ret = (struct scrip_facts){.rows = (unsigned)sqlite3_column_int64(st, 0),
                                            .as_of_us = sqlite3_column_int64(st, 1)};
        else
                r = rc == SQLITE_DONE ? -EBADMSG : error_of(db, rc);
        sqlite3_finalize(st);
        return r;
}

int scrip_maker_finish(struct scrip_maker *m, int64_t as_of_us, unsigned *ret_rows)
{
        struct scrip_facts facts = {};
        char sql[192];
        int r = make_words(m);

        if (r >= 0)
                r = run(m->db, "CREATE INDEX by_key ON scrip(key) WHERE key<>'';"
                               "CREATE INDEX by_token ON scrip(token) WHERE token<>'';"
                               "CREATE INDEX by_isin ON scrip(isin) WHERE isin<>''");
        snprintf(sql, sizeof(sql),
                 "INSERT INTO facts SELECT count(*), %lld FROM scrip;"
                 "PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT",
                 (long long)as_of_us, SCRIP_FILE_ID, SCRIP_FILE_VERSION);
        if (r >= 0)
                r = run(m->db, sql);
        if (r >= 0)
                r = read_facts(m->db, &facts);
        *ret_rows = facts.rows;
        return r;
}

struct scrip_maker *scrip_maker_free(struct scrip_maker *m)
{
        if (!m)
                return NULL;
        sqlite3_finalize(m->add);
        sqlite3_finalize(m->add_word);
        sqlite3_close(m->db);
        free(m);
        return NULL;
}

/* --- reading --- */

static const char *const find_sql[] = {
        [SCRIP_BY_SYMBOL] = "SELECT " COLUMNS " FROM scrip WHERE symbol=?1",
        [SCRIP_BY_KEY] = "SELECT " COLUMNS " FROM scrip WHERE key=?1 AND key<>'' LIMIT 2",
        [SCRIP_BY_TOKEN] = "SELECT " COLUMNS " FROM scrip WHERE token=?1 AND token<>'' LIMIT 2",
        /* EXCHANGE_NSE is the lowest */
        [SCRIP_BY_ISIN] = "SELECT " COLUMNS " FROM scrip WHERE isin=?1 AND isin<>''"
                          " ORDER BY exchange, rank, symbol LIMIT 1",
};

static const char *const search_sql[] = {
        [SCRIP_TEXT_SYMBOL] = "SELECT " COLUMNS " FROM scrip"
                              " WHERE symbol>=?1 AND symbol<?2 ORDER BY symbol LIMIT ?3",
        [SCRIP_TEXT_NAME] = "SELECT " COLUMNS " FROM scrip WHERE id IN"
                            " (SELECT id FROM word WHERE text>=?1 AND text<?2 LIMIT ?3)"
                            " ORDER BY symbol",
};

struct scrip_file {
        sqlite3 *db;
        sqlite3_stmt *find[ELEMENTS(find_sql)];
        sqlite3_stmt *search[ELEMENTS(search_sql)];
        struct scrip_facts facts;
};

static int read_int(sqlite3 *db, const char *sql, int *ret)
{
        sqlite3_stmt *st = NULL;
        int r = prepare(db, sql, &st);

        if (r < 0)
                return r;
        int rc = sqlite3_step(st);
        *ret = rc == SQLITE_ROW ? sqlite3_column_int(st, 0) : 0;
        sqlite3_finalize(st);
        return rc == SQLITE_ROW ? 0 : error_of(db, rc);
}

static int check_file(sqlite3 *db)
{
        int id, version;
        int r = read_int(db, "PRAGMA application_id", &id);

        if (r >= 0)
                r = read_int(db, "PRAGMA user_version", &version);
        if (r < 0)
                return r;
        return id == SCRIP_FILE_ID && version == SCRIP_FILE_VERSION ? 0 : -EBADMSG;
}

/* "immutable": SQLite need neither lock it nor look for changes. */
static int open_immutable(const char *path, sqlite3 **ret)
{
        _cleanup_(text_done) struct text uri = TEXT_NULL;

        text_add(&uri, "file:");
        text_add_urlencoded(&uri, path);
        text_add(&uri, "?immutable=1");
        if (uri.failed)
                return uri.failed;
        int rc =
                sqlite3_open_v2(text_str(&uri), ret,
                                SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, NULL);
        return rc == SQLITE_OK ? 0 : error_of(*ret, rc);
}

int scrip_file_open(const char *path, struct scrip_file **ret)
{
        _cleanup_(scrip_file_closep) struct scrip_file *f = calloc(1, sizeof(*f));

        if (!f)
                return -ENOMEM;
        int r = open_immutable(path, &f->db);
        if (r >= 0)
                r = check_file(f->db);
        /* One transaction for as long as it is open: else each statement would look whether the
         * file has changed. */
        if (r >= 0)
                r = run(f->db, "PRAGMA cache_size=-" FILE_CACHE_KIB "; BEGIN");
        if (r >= 0)
                r = read_facts(f->db, &f->facts);
        for (size_t i = 0; i < ELEMENTS(find_sql) && r >= 0; i++)
                r = prepare(f->db, find_sql[i], &f->find[i]);
        for (size_t i = 0; i < ELEMENTS(search_sql) && r >= 0; i++)
                r = prepare(f->db, search_sql[i], &f->search[i]);
        if (r >= 0)
                *ret = TAKE(f);
        return r;
}

struct scrip_file *scrip_file_close(struct scrip_file *f)
{
        if (!f)
                return NULL;
        for (size_t i = 0; i < ELEMENTS(f->find); i++)
                sqlite3_finalize(f->find[i]);
        for (size_t i = 0; i < ELEMENTS(f->search); i++)
                sqlite3_finalize(f->search[i]);
        sqlite3_close(f->db);
        free(f);
        return NULL;
}

struct scrip_facts scrip_file_facts(const struct scrip_file *f)
{
        return f->facts;
}

static bool read_text(sqlite3_stmt *st, int column, char *ret, size_t size)
{
        const char *s = (const char *)sqlite3_column_text(st, column);
        return s && text_copy(ret, size, s);
}

static bool unpack_rest(const char *blob, size_t n, struct scrip *ret)
{
        struct instrument *i = &ret->instrument;
        struct rest rest;

        if (n < sizeof(rest) + 2 || n > REST_MAX || blob[n - 1])
                return false;
        memcpy(&rest, blob, sizeof(rest));
        const char *underlying = blob + sizeof(rest);
        const char *detail = underlying + strlen(underlying) + 1;
        if (rest.exchange >= _EXCHANGE_MAX || rest.segment >= _SEGMENT_MAX || detail >= blob + n)
                return false;
        i->strike = rest.strike;
        i->lot = rest.lot;
        i->tick = rest.tick;
        i->freeze = rest.freeze;
        i->previous_close = rest.previous_close;
        i->expiry = rest.expiry;
        i->band_percent = rest.band_percent;
        i->exchange = (enum exchange)rest.exchange;
        i->segment = (enum segment)rest.segment;
        i->call = rest.flags & FLAG_CALL;
        i->on_index = rest.flags & FLAG_ON_INDEX;
        i->closing_auction = rest.flags & FLAG_CLOSING_AUCTION;
        i->intraday_allowed = rest.flags & FLAG_INTRADAY;
        return text_copy(i->underlying, sizeof(i->underlying), underlying) &&
               text_copy(ret->detail, sizeof(ret->detail), detail);
}

#define READ_TEXT(column, member) read_text(st, (column), (member), sizeof(member))

/* False: the file is damaged. */
static bool read_scrip(sqlite3_stmt *st, struct scrip *ret)
{
        *ret = (struct scrip){};
        const char *rest = sqlite3_column_blob(st, 5);
        return READ_TEXT(0, ret->instrument.symbol) && READ_TEXT(1, ret->instrument.name) &&
               READ_TEXT(2, ret->instrument.isin) && READ_TEXT(3, ret->key) &&
               READ_TEXT(4, ret->token) && rest &&
               unpack_rest(rest, (size_t)sqlite3_column_bytes(st, 5), ret);
}

int scrip_file_find(struct scrip_file *f, enum scrip_by by, const char *text, struct scrip *ret)
{
        sqlite3_stmt *st = f->find[by];

        sqlite3_bind_text(st, 1, text, -1, SQLITE_STATIC);
        int rc = sqlite3_step(st), r = 0;
        if (rc == SQLITE_ROW) {
                r = read_scrip(st, ret) ? 1 : -EBADMSG;
                rc = r > 0 && by != SCRIP_BY_SYMBOL ? sqlite3_step(st) : SQLITE_DONE;
                if (rc == SQLITE_ROW)
                        r = 0; /* which of them is meant cannot be told */
        }
        if (rc != SQLITE_ROW && rc != SQLITE_DONE)
                r = error_of(f->db, rc);
        sqlite3_reset(st);
        return r;
}

int scrip_file_search(struct scrip_file *f, enum scrip_text text, const char *prefix,
                      unsigned limit, struct instrument *ret)
{
        sqlite3_stmt *st = f->search[text];
        char from[WORD_SIZE + SYMBOL_SIZE], behind[sizeof(from)];
        unsigned n = 0;
        int rc, r = 0;

        text_copy(from, text == SCRIP_TEXT_NAME ? WORD_SIZE : sizeof(from), prefix);
        if (!from[0] || limit == 0)
                return 0;
        text_copy(behind, sizeof(behind), from);
        size_t last = strlen(behind) - 1;
        behind[last] = (char)((unsigned char)behind[last] + 1); /* no UTF-8 ends in 0xff */
        sqlite3_bind_text(st, 1, from, -1, SQLITE_STATIC);
        sqlite3_bind_text(st, 2, behind, -1, SQLITE_STATIC);
        sqlite3_bind_int64(st, 3, limit);
        while (r >= 0 && (rc = sqlite3_step(st)) != SQLITE_DONE) {
                struct scrip s;
                if (rc != SQLITE_ROW)
                        r = error_of(f->db, rc);
                else if (!read_scrip(st, &s))
                        r = -EBADMSG;
                else if (n < limit)
                        ret[n++] = s.instrument;
        }
        sqlite3_reset(st);
        return r < 0 ? r : (int)n;
}
