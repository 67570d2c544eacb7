#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "audit/segment.h"
#include "domain/audit_chain.h"

#define LEDGER "ledger"

const char *audit_fault_name(enum audit_fault f)
{
        static const char *const names[_AUDIT_FAULT_MAX] = {
#define X(name, text) [AUDIT_FAULT_##name] = text,
                AUDIT_FAULT_TABLE(X)
#undef X
        };
        return names[f];
}

/* One pass over files and ledger, side by side: both are sorted by number. */
struct walk {
        int dir_fd;
        struct audit_report *report;
        uint8_t hash[AUDIT_HASH_SIZE]; /* of the record before */
        int64_t seq;                   /* its number */
        bool gap; /* a marked one is before the next record: its own prev is believed */
        struct audit_ledger *ledger;
        bool rows_seen;
        /* the ledger's next row; row 0: not read yet, or none is left (`ended`) */
        int64_t row;
        const char *row_line;
        size_t row_size;
        bool ended;
};

/* Returns 1, which ends the walk. */
static int broken(struct walk *w, enum audit_fault fault, const char *file, int64_t line,
                  int64_t seq)
{
        struct audit_report *r = w->report;
        r->fault = fault;
        text_copy(r->file, sizeof(r->file), file);
        r->line = line;
        r->seq = seq;
        r->expected = w->seq + 1;
        return 1;
}

/* The next link of the chain. A missing record also breaks the hash of the next, and then it is the
 * number that tells what happened. */
static int check_record(struct walk *w, const char *file, int64_t number, const char *line,
                        size_t n)
{
        uint8_t hash[AUDIT_HASH_SIZE];
        int64_t seq;
        int c = audit_chain_check(line, n, w->gap ? NULL : w->hash, hash, &seq);
        w->gap = false;
        if (c == AUDIT_CHAIN_MALFORMED)
                return broken(w, AUDIT_FAULT_UNREADABLE, file, number, 0);
        if (c == AUDIT_CHAIN_ALTERED)
                return broken(w, AUDIT_FAULT_HASH, file, number, seq);
        if (seq > w->seq + 1)
                return broken(w, AUDIT_FAULT_GAP, file, number, seq);
        if (seq <= w->seq)
                return broken(w, AUDIT_FAULT_ORDER, file, number, seq);
        if (c != 0)
                return broken(w, AUDIT_FAULT_HASH, file, number, seq);
        memcpy(w->hash, hash, sizeof(hash));
        w->seq = seq;
        if (w->report->first_seq == 0)
                w->report->first_seq = seq;
        w->report->last_seq = seq;
        return 0;
}

/* Makes `row` the first row from `seq` on. 0 or negative errno. */
static int ledger_seek(struct walk *w, int64_t seq)
{
        while (!w->ended && w->row < seq) {
                int r = w->ledger->next(w->ledger, w->row_line ? w->row : seq - 1, &w->row,
                                        &w->row_line, &w->row_size);
                if (r < 0)
                        return r;
                if (r == 0)
                        w->ended = true;
                else
                        w->rows_seen = true;
        }
        return 0;
}

/* The record of a file against its row. Rows may be gone from the beginning of the ledger, since
 * they are deleted once exported, but not from its middle or end. */
static int compare_row(struct walk *w, const char *line, size_t n)
{
        if (!w->ledger)
                return 0;
        bool before = w->rows_seen && w->row < w->seq;
        int r = ledger_seek(w, w->seq);
        if (r < 0)
                return r;
        if (w->ended || w->row > w->seq) {
                if (!before)
                        return 0;
                int64_t found = w->ended ? 0 : w->row;
                w->seq--;
                return broken(w, AUDIT_FAULT_GAP, LEDGER, 0, found);
        }
        if (w->row_size != n || memcmp(w->row_line, line, n) != 0) {
                w->seq--;
                return broken(w, AUDIT_FAULT_DIFFERS, LEDGER, 0, w->row);
        }
        w->report->ledger_rows++;
        return 0;
}

static int walk_reader(struct walk *w, struct audit_reader *reader, const char *file, bool last)
{
        for (;;) {
                const char *line;
                size_t n;
                int r = audit_reader_next(reader, &line, &n);
                int64_t number = audit_reader_line(reader);
                if (r == 0)
                        return 0;
                if (r == AUDIT_SEGMENT_TORN && last) {
                        w->report->torn = true;
                        return 0;
                }
                if (r == AUDIT_SEGMENT_TORN || r == -EBADMSG || r == -EIO)
                        return broken(w, AUDIT_FAULT_UNREADABLE, file, number, 0);
                if (r < 0)
                        return r;
                r = check_record(w, file, number, line, n);
                if (r == 0) {
                        w->report->records++;
                        r = compare_row(w, line, n);
                }
                if (r != 0)
                        return r;
        }
}

/* The mark counts only where it begins with the last record that was found. */
static int pass_gap(struct walk *w, const struct audit_segment *s)
{
        _cleanup_(text_done) struct text line = TEXT_NULL;
        char name[AUDIT_FILE_SIZE];
        int64_t after, end;
        audit_segment_name(s, AUDIT_SEGMENT_GAP, name);
        int r = audit_last_line(w->dir_fd, name, &line, &end);
        if (r != 0)
                return r == -ENOMEM ? r : 0;
        if (text_parse_int(line.data, line.len, 0, INT64_MAX, &after) < 0 || after != w->seq ||
            s->first_seq <= w->seq + 1)
                return 0;
        w->gap = true;
        w->seq = s->first_seq - 1;
        w->report->gaps++;
        w->report->gap_records += w->seq - after;
        return 0;
}

static int walk_segment(struct walk *w, const struct audit_segment *s, bool last)
{
        _cleanup_(audit_reader_closep) struct audit_reader *reader = NULL;
        char file[AUDIT_FILE_SIZE];
        audit_segment_name(s, s->plain ? AUDIT_SEGMENT_PLAIN : AUDIT_SEGMENT_GZIP, file);
        int r = audit_reader_open(w->dir_fd, file, &reader);
        if (r == -ENOENT && s->plain) {
                /* compressed in the meantime */
                audit_segment_name(s, AUDIT_SEGMENT_GZIP, file);
                r = audit_reader_open(w->dir_fd, file, &reader);
        }
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return broken(w, AUDIT_FAULT_UNREADABLE, file, 0, 0);
        r = pass_gap(w, s);
        if (r < 0)
                return r;
        r = walk_reader(w, reader, file, last && s->plain);
        w->report->segments += r == 0;
        return r;
}

/* Where the chain begins: after what was deleted when its time was over, or with record 1. */
static int begin(struct walk *w)
{
        _cleanup_(text_done) struct text line = TEXT_NULL;
        int64_t end;
        int r = audit_last_line(w->dir_fd, AUDIT_SEGMENT_PRUNED, &line, &end);
        if (r == -ENOENT)
                return 0;
        if (r < 0 && r != -EBADMSG)
                return r;
        if (r != 0 || audit_chain_check(line.data, line.len, NULL, w->hash, &w->seq) != 0) {
                w->seq = 0;
                return broken(w, AUDIT_FAULT_UNREADABLE, AUDIT_SEGMENT_PRUNED, 1, 0);
        }
        return 0;
}

/* The rows that are not exported yet. */
static int walk_ledger(struct walk *w)
{
        int64_t exported = w->seq;
        for (;;) {
                int r = ledger_seek(w, w->seq + 1);
                if (r < 0)
                        return r;
                if (w->ended)
                        break;
                r = check_record(w, LEDGER, 0, w->row_line, w->row_size);
                if (r != 0)
                        return r;
                w->report->ledger_rows++;
        }
        /* The newest row is never deleted from the ledger, so an empty one has lost it. */
        if (exported > 0 && !w->rows_seen) {
                w->seq--;
                return broken(w, AUDIT_FAULT_GAP, LEDGER, 0, 0);
        }
        return 0;
}

int audit_verify(const char *dir, struct audit_ledger *ledger, struct audit_report *ret)
{
        *ret = (struct audit_report){};
        _cleanup_(closep) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        struct walk w = {.dir_fd = fd, .report = ret, .ledger = ledger};
        _cleanup_(freep) struct audit_segment *list = NULL;
        size_t n;
        int r = audit_segment_list(fd, &list, &n);
        if (r == 0)
                r = begin(&w);
        for (size_t i = 0; r == 0 && i < n; i++)
                r = walk_segment(&w, &list[i], i + 1 == n);
        if (r == 0 && ledger)
                r = walk_ledger(&w);
        return r < 0 ? r : 0;
}
