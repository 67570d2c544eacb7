/* Tables read through to their end: counted, digested, the audit's chain followed. The digest is
 * over the cells as both databases have them: kind, then eight bytes of the number or of the
 * length, then the bytes. */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "domain/audit_chain.h"
#include "store/ledger_end.h"

#define PROGRESS_ROWS 20000
#define DIGEST_BYTES  ((LEDGER_DIGEST_SIZE - 1) / 2)

void ledger_mender_done(struct ledger_mender *m)
{
        for (unsigned i = 0; i < LEDGER_COLUMNS_MAX; i++)
                text_done(&m->texts[i]);
}

static void mend(struct text *t, const char *s, size_t n)
{
        text_clear(t);
        for (size_t at = 0; at < n;) {
                size_t length = s[at] ? text_utf8_length(s + at, n - at) : 0;
                text_add_bytes(t, length ? s + at : "?", length ? length : 1);
                at += length ? length : 1;
        }
}

int ledger_mend(struct ledger_mender *m, struct ledger_cell *cells, unsigned n)
{
        for (unsigned i = 0; i < n; i++) {
                struct ledger_cell *cell = &cells[i];
                if (cell->type != LEDGER_TEXT || cell->size == 0 ||
                    (!memchr(cell->bytes, '\0', cell->size) &&
                     text_utf8_valid(cell->bytes, cell->size)))
                        continue;
                mend(&m->texts[i], cell->bytes, cell->size);
                if (m->texts[i].failed)
                        return m->texts[i].failed;
                cell->bytes = text_str(&m->texts[i]);
                cell->size = m->texts[i].len;
                m->n++;
        }
        return 0;
}

static void digest_cell(crypto_generichash_state *state, const struct ledger_cell *cell)
{
        uint8_t head[9] = {(uint8_t)cell->type};
        bool is_number = cell->type == LEDGER_INT;
        uint64_t word = htobe64(is_number ? (uint64_t)cell->number : (uint64_t)cell->size);

        memcpy(head + 1, &word, sizeof(word));
        (void)crypto_generichash_update(state, head, sizeof(head));
        if (!is_number && cell->size > 0)
                (void)crypto_generichash_update(state, cell->bytes, cell->size);
}

/* Where the chain stands; only of table audit. */
struct chain {
        int seq_column, record_column; /* -1: another table */
        int64_t seq;
        uint8_t hash[AUDIT_HASH_SIZE];
        bool begun;
};

static struct chain chain_of(const struct ledger_table *t)
{
        struct chain c = {.seq_column = -1, .record_column = -1};

        if (strcmp(t->name, "audit") != 0)
                return c;
        for (unsigned i = 0; i < t->n_columns; i++) {
                if (strcmp(t->columns[i].name, "seq") == 0)
                        c.seq_column = (int)i;
                if (strcmp(t->columns[i].name, "record") == 0)
                        c.record_column = (int)i;
        }
        return c;
}

/* The first record that is still there is believed: those before it are in the exported files. */
static int follow(struct chain *c, const struct ledger_cell *cells, char *error)
{
        if (c->seq_column < 0 || c->record_column < 0)
                return 0;
        int64_t seq = cells[c->seq_column].number, line_seq;
        uint8_t next[AUDIT_HASH_SIZE];
        const struct ledger_cell *record = &cells[c->record_column];

        if ((c->begun && seq != c->seq + 1) ||
            audit_chain_check(record->bytes ? record->bytes : "", record->size,
                              c->begun ? c->hash : NULL, next, &line_seq) != 0 ||
            line_seq != seq) {
                snprintf(error, STORE_ERROR_SIZE, "the audit is broken at record %lld",
                         (long long)(c->begun ? c->seq + 1 : seq));
                return -EBADMSG;
        }
        memcpy(c->hash, next, sizeof(next));
        c->seq = seq;
        c->begun = true;
        return 0;
}

int ledger_digest(struct ledger_copy *copy, struct ledger_side *side, const struct ledger_table *t,
                  int64_t total, struct ledger_digest *ret, char *error)
{
        _cleanup_(ledger_mender_done) struct ledger_mender mender = {};
        struct ledger_cell cells[LEDGER_COLUMNS_MAX];
        struct chain chain = chain_of(t);
        crypto_generichash_state state;
        uint8_t hash[DIGEST_BYTES];

        *ret = (struct ledger_digest){};
        (void)crypto_generichash_init(&state, NULL, 0, sizeof(hash));
        int r = ledger_tables_rows(side, t, NULL, error);
        while (r == 0 && (r = side->end->next(side->state, cells, t->n_columns, error)) > 0) {
                r = ledger_mend(&mender, cells, t->n_columns);
                for (unsigned i = 0; r == 0 && i < t->n_columns; i++)
                        digest_cell(&state, &cells[i]);
                if (r == 0)
                        r = follow(&chain, cells, error);
                if (++ret->rows % PROGRESS_ROWS == 0 && copy->progress)
                        copy->progress(copy, "verify", t->name, ret->rows, total);
        }
        (void)crypto_generichash_final(&state, hash, sizeof(hash));
        sodium_bin2hex(ret->hex, sizeof(ret->hex), hash, sizeof(hash));
        return r;
}
