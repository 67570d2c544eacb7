#include "store/scrip_file.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "store/sqlite.h"

#define SCRIP_FILE_ID      0x4f72644d /* "OrdM", PRAGMA application_id */
#define SCRIP_FILE_VERSION 2          /* of the columns and of the enums in them */
#define MAKER_CACHE_KIB    "32768"

#define WORD_SIZE 25 /* of a name from one of its words on, upper case */

enum flag {
        FLAG_CALL = 1 << 0,
        FLAG_ON_INDEX = 1 << 1,
        FLAG_CLOSING_AUCTION = 1 << 2,
        FLAG_INTRADAY = 1 << 3,
};

/* What nobody orders by is one BLOB, in this machine's form: it is read far more often than it is
 * made, and each column costs. Five texts with their NULs follow: underlying, name, isin, token,
 * detail. */
struct rest {
        int64_t strike, previous_close;
        int32_t lot, tick, freeze, expiry;
        uint8_t band_percent, exchange, segment, flags;
};
#define SIZE_OF(type, member) sizeof(((struct type *)NULL)->member)
#define REST_MAX                                                                             \
        (sizeof(struct rest) + SIZE_OF(instrument, underlying) + SIZE_OF(instrument, name) + \
         SIZE_OF(instrument, isin) + SCRIP_TOKEN_SIZE + SCRIP_DETAIL_SIZE)

#define COLUMNS "symbol,key,rest" /* as read_scrip() reads them */

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

/* --- a row --- */

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
        n += put_text(ret + n, i->name);
        n += put_text(ret + n, i->isin);
        n += put_text(ret + n, s->token);
        return n + put_text(ret + n, s->detail);
}

/* False: it does not end before `end`, or is too long. */
static bool next_text(const char **at, const char *end, char *ret, size_t size)
{
        const char *s = *at;
        size_t n = strnlen(s, (size_t)(end - s));

        if (s + n == end)
                return false;
        *at = s + n + 1;
        return text_copy_bytes(ret, size, s, n);
}

static bool unpack_rest(const char *blob, size_t n, struct scrip *ret)
{
        struct instrument *i = &ret->instrument;
        const char *at = blob + sizeof(struct rest), *end = blob + n;
        struct rest rest;

        if (n < sizeof(rest))
                return false;
        memcpy(&rest, blob, sizeof(rest));
        if (rest.exchange >= _EXCHANGE_MAX || rest.segment >= _SEGMENT_MAX)
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
        return next_text(&at, end, i->underlying, sizeof(i->underlying)) &&
               next_text(&at, end, i->name, sizeof(i->name)) &&
               next_text(&at, end, i->isin, sizeof(i->isin)) &&
               next_text(&at, end, ret->token, sizeof(ret->token)) &&
               next_text(&at, end, ret->detail, sizeof(ret->detail));
}

/* As a BLOB, which is not copied once more to end in NUL. */
static bool read_text(sqlite3_stmt *st, int column, char *ret, size_t size)
{
        const char *s = sqlite3_column_blob(st, column);
        return !s || text_copy_bytes(ret, size, s, (size_t)sqlite3_column_bytes(st, column));
}

/* False: the file is damaged. */
static bool read_scrip(sqlite3_stmt *st, struct scrip *ret)
{
        struct instrument *i = &ret->instrument;

        *ret = (struct scrip){};
        const char *rest = sqlite3_column_blob(st, 2);
        return read_text(st, 0, i->symbol, sizeof(i->symbol)) && i->symbol[0] &&
               read_text(st, 1, ret->key, sizeof(ret->key)) && rest &&
               unpack_rest(rest, (size_t)sqlite3_column_bytes(st, 2), ret);
}

static const char *text_of(const struct scrip *s, enum scrip_by by)
{
        const char *const texts[] = {
                [SCRIP_BY_SYMBOL] = s->instrument.symbol,
                [SCRIP_BY_KEY] = s->key,
                [SCRIP_BY_TOKEN] = s->token,
                [SCRIP_BY_ISIN] = s->instrument.isin,
        };
        return texts[by];
}

/* FNV-1a, in the four bytes of a small column. Several texts may share one: who looks up compares
 * them. */
static int32_t hash_of(const char *s)
{
        uint32_t h = 2166136261U;

        for (; *s; s++)
                h = (h ^ (unsigned char)*s) * 16777619U;
        return (int32_t)h;
}

/* --- making --- */

/* Nothing of a half-made file is ever used: no journal. What sorts stays in memory, so that no
 * other directory is written to. The one commit brings it to the disk. */
static const char maker_sql[] =
        "PRAGMA journal_mode=OFF; PRAGMA synchronous=NORMAL; PRAGMA locking_mode=EXCLUSIVE;"
        "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-" MAKER_CACHE_KIB "; BEGIN;"
        "CREATE TABLE scrip(id INTEGER PRIMARY KEY, symbol TEXT NOT NULL UNIQUE,"
        " key TEXT NOT NULL, rest BLOB NOT NULL, rank INTEGER, exchange INTEGER, segment INTEGER,"
        " by_symbol INTEGER, by_key INTEGER, by_token INTEGER, by_isin INTEGER);"
        "CREATE TABLE word(text TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (text, id))"
        " WITHOUT ROWID;"
        "CREATE TABLE facts(rows INTEGER NOT NULL, as_of_us INTEGER NOT NULL)";

static const char add_sql[] =
        "INSERT INTO scrip(symbol,key,rest,rank,exchange,segment,"
        " by_symbol,by_key,by_token,by_isin) VALUES(?,?,?,?,?,?,?,?,?,?)"
        " ON CONFLICT(symbol) DO UPDATE SET key=excluded.key, rest=excluded.rest,"
        " rank=excluded.rank, exchange=excluded.exchange, segment=excluded.segment,"
        " by_key=excluded.by_key, by_token=excluded.by_token, by_isin=excluded.by_isin"
        " WHERE excluded.rank<rank OR (excluded.rank=rank AND excluded.key<key)";

/* Found by a hash of what they are named: an index of whole numbers is half as large as one of
 * texts, so that more of it stays in memory, and is compared faster. */
static const char index_sql[] =
        "CREATE INDEX scrip_symbol ON scrip(by_symbol);"
        "CREATE INDEX scrip_key ON scrip(by_key) WHERE by_key IS NOT NULL;"
        "CREATE INDEX scrip_token ON scrip(by_token) WHERE by_token IS NOT NULL;"
        "CREATE INDEX scrip_isin ON scrip(by_isin) WHERE by_isin IS NOT NULL";

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
        sqlite_configure();
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

int scrip_maker_add(struct scrip_maker *m, const struct scrip *s, unsigned rank)
{
        const struct instrument *i = &s->instrument;
        char rest[REST_MAX];
        int n = 0;

        if (!in_range(i))
                return -ERANGE;
        sqlite3_bind_text(m->add, ++n, i->symbol, -1, SQLITE_STATIC);
        sqlite3_bind_text(m->add, ++n, s->key, -1, SQLITE_STATIC);
        sqlite3_bind_blob(m->add, ++n, rest, (int)pack_rest(s, rest), SQLITE_STATIC);
        sqlite3_bind_int64(m->add, ++n, rank);
        sqlite3_bind_int(m->add, ++n, (int)i->exchange);
        sqlite3_bind_int(m->add, ++n, (int)i->segment);
        for (enum scrip_by by = SCRIP_BY_SYMBOL; by <= SCRIP_BY_ISIN; by++)
                if (text_of(s, by)[0])
                        sqlite3_bind_int(m->add, ++n, hash_of(text_of(s, by)));
                else
                        sqlite3_bind_null(m->add, ++n);
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
        struct scrip s;
        char sql[96];

        snprintf(sql, sizeof(sql), "SELECT " COLUMNS ",id FROM scrip WHERE segment IN (%d,%d)",
                 SEGMENT_EQUITY, SEGMENT_INDEX);
        int r = prepare(m->db, sql, &st);
        while (r >= 0) {
                int rc = sqlite3_step(st);
                if (rc == SQLITE_DONE)
                        break;
                r = rc != SQLITE_ROW ? error_of(m->db, rc)
                    : !read_scrip(st, &s)
                            ? -EBADMSG
                            : add_words(m, sqlite3_column_int64(st, 3), s.instrument.name);
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
                r = run(m->db, index_sql);
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
        [SCRIP_BY_SYMBOL] = "SELECT " COLUMNS " FROM scrip WHERE by_symbol=?1",
        [SCRIP_BY_KEY] = "SELECT " COLUMNS " FROM scrip WHERE by_key=?1",
        [SCRIP_BY_TOKEN] = "SELECT " COLUMNS " FROM scrip WHERE by_token=?1",
        /* EXCHANGE_NSE is the lowest */
        [SCRIP_BY_ISIN] = "SELECT " COLUMNS " FROM scrip WHERE by_isin=?1"
                          " ORDER BY exchange, rank, symbol",
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
        sqlite_configure();
        int rc =
                sqlite3_open_v2(text_str(&uri), ret,
                                SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, NULL);
        return rc == SQLITE_OK ? 0 : error_of(*ret, rc);
}

int scrip_file_open(const char *path, unsigned cache_kib, struct scrip_file **ret)
{
        _cleanup_(scrip_file_closep) struct scrip_file *f = calloc(1, sizeof(*f));
        char begin[64];

        if (!f)
                return -ENOMEM;
        int r = open_immutable(path, &f->db);
        if (r >= 0)
                r = check_file(f->db);
        /* One transaction for as long as it is open: else each statement would look whether the
         * file has changed. */
        snprintf(begin, sizeof(begin), "PRAGMA cache_size=-%u; BEGIN", cache_kib);
        if (r >= 0)
                r = run(f->db, begin);
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

void scrip_file_warm(struct scrip_file *f)
{
        /* SQLite counts in the narrowest index of all rows, which is the one by symbol's hash. */
        (void)run(f->db, "SELECT count(*) FROM scrip");
}

struct scrip_facts scrip_file_facts(const struct scrip_file *f)
{
        return f->facts;
}

int scrip_file_find(struct scrip_file *f, enum scrip_by by, const char *text, struct scrip *ret)
{
        sqlite3_stmt *st = f->find[by];
        /* A key or a token of two: which of them is meant cannot be told. */
        int rc, r = 0, enough = by == SCRIP_BY_KEY || by == SCRIP_BY_TOKEN ? 2 : 1;

        sqlite3_bind_int(st, 1, hash_of(text));
        while (r >= 0 && r < enough && (rc = sqlite3_step(st)) != SQLITE_DONE) {
                struct scrip s;
                if (rc != SQLITE_ROW)
                        r = error_of(f->db, rc);
                else if (!read_scrip(st, &s))
                        r = -EBADMSG;
                else if (text_equal(text_of(&s, by), text)) {
                        *ret = s;
                        r++;
                }
        }
        sqlite3_reset(st);
        return r > 1 ? 0 : r;
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
