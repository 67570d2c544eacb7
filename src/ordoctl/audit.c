/* Audit records from the daemon; and their chain, verified from the files themselves. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "audit/audit.h"
#include "ordoctl/ask.h"
#include "ordoctl/offline.h"
#include "store/ledger_file.h"

static int list(struct ctl *c)
{
        static const struct column columns[] = {
                {"SEQ", "seq", COLUMN_NUMBER},
                {"TIME (IST)", "timestamp", COLUMN_TIME},
                {"ACTION", "action", COLUMN_TEXT},
                {"ACTOR", "actor", COLUMN_TEXT},
                {"ACCOUNT", "account", COLUMN_TEXT},
                {"ORDER", "order_id", COLUMN_TEXT},
                {"OUTCOME", "outcome", COLUMN_STATE},
                {"CORRELATION ID", "correlation_id", COLUMN_TEXT},
        };
        static const char *const options[][2] = {
                {"order", "order_id"}, {"account", "account"}, {"correlation-id", "correlation_id"},
                {"since", "since"},    {"until", "until"},     {"limit", "limit"},
                {"cursor", "cursor"},
        };
        _cleanup_(text_done) struct text path = TEXT_NULL;

        text_add(&path, "/api/v1/audit");
        for (unsigned i = 0; i < ELEMENTS(options); i++)
                path_add_option(c, &path, options[i][0], options[i][1]);
        return ask_table(c, text_str(&path), "records", columns, ELEMENTS(columns),
                         "There are no such records.");
}

/* The ledger's rows: out of SQLite's file, which takes no lock, or out of PostgreSQL page by page.
 */
struct rows {
        struct audit_ledger ledger;
        struct ledger_file *file;
        struct store *store;
        struct store_audit_list page;
        unsigned at; /* the next row of the page */
};

#define PAGE_ROWS 256

static void rows_done(struct rows *r)
{
        store_audit_rows_free(r->page.rows, r->page.n_rows);
        store_close(r->store);
        ledger_file_close(r->file);
}

static int turn_page(struct rows *r, int64_t after_seq)
{
        store_audit_rows_free(r->page.rows, r->page.n_rows);
        r->page = (struct store_audit_list){
                .job = {.op = STORE_AUDIT_LIST}, .after_seq = after_seq, .limit = PAGE_ROWS};
        r->at = 0;
        return store_run(r->store, &r->page.job) == STORE_OK ? 0 : -EIO;
}

static int next_row(struct audit_ledger *l, int64_t after_seq, int64_t *ret_seq,
                    const char **ret_line, size_t *ret_size)
{
        struct rows *r = CONTAINER_OF(l, struct rows, ledger);

        if (r->file)
                return ledger_file_audit_next(r->file, after_seq, ret_seq, ret_line, ret_size);
        while (r->at < r->page.n_rows && r->page.rows[r->at].seq <= after_seq)
                r->at++;
        if (r->at == r->page.n_rows && turn_page(r, after_seq) < 0)
                return -EIO;
        if (r->page.n_rows == 0)
                return 0;
        const struct store_audit_row *row = &r->page.rows[r->at];
        *ret_seq = row->seq;
        *ret_line = row->record;
        *ret_size = row->size;
        return 1;
}

static int rows_open(struct rows *r, const struct config *config,
                     char error[static STORE_ERROR_SIZE])
{
        _cleanup_(freep) char *path = NULL;

        if (config->database_url) {
                const struct store_options o = {.url = config->database_url,
                                                .migrations_dir = config->migrations_dir};
                return store_open(NULL, &o, error, &r->store);
        }
        if (asprintf(&path, "%s/ordo.db", config->state_dir) < 0)
                return -ENOMEM;
        return ledger_file_open(path, error, &r->file);
}

static const char *fault_words(enum audit_fault f)
{
        static const char *const words[_AUDIT_FAULT_MAX] = {
                [AUDIT_FAULT_NONE] = "",
                [AUDIT_FAULT_HASH] = "its text, or that of the record before it, was changed",
                [AUDIT_FAULT_GAP] = "records are missing before it",
                [AUDIT_FAULT_ORDER] = "it was seen before, or stands in the wrong place",
                [AUDIT_FAULT_UNREADABLE] = "it is no record, or the file is damaged",
                [AUDIT_FAULT_DIFFERS] = "the ledger has another text for it than the segment file",
        };

        return words[f];
}

static void report_json(const struct audit_report *r, struct text *out)
{
        struct json_writer w = JSON_WRITER(out);
        bool broken = r->fault != AUDIT_FAULT_NONE;

        json_object_begin(&w, NULL);
        json_put_string(&w, "status", broken ? "broken" : "ok");
        json_put_string(&w, "fault", audit_fault_name(r->fault));
        json_put_string(&w, "file", broken ? r->file : NULL);
        json_put_int(&w, "line", r->line);
        json_put_int(&w, "seq", r->seq);
        json_put_int(&w, "expected", broken ? r->expected : 0);
        json_put_int(&w, "segments", r->segments);
        json_put_int(&w, "records", r->records);
        json_put_int(&w, "ledger_rows", r->ledger_rows);
        json_put_int(&w, "first_seq", r->first_seq);
        json_put_int(&w, "last_seq", r->last_seq);
        json_put_int(&w, "gaps", r->gaps);
        json_put_int(&w, "gap_records", r->gap_records);
        json_object_finish(&w);
        text_add_char(out, '\n');
}

/* Of the files, and marked when it came to be. */
static void report_gaps(const struct audit_report *r, struct text *out)
{
        if (r->gaps > 0)
                text_addf(
                        out,
                        "%lld records are not in these files (marked gaps: %lld, the files *.gap): "
                        "the ledger had them no more when they were to be exported. Other daemons' "
                        "files, or those that were set aside, have them.\n",
                        (long long)r->gap_records, (long long)r->gaps);
}

static void report_text(const struct audit_report *r, struct text *out)
{
        if (r->fault == AUDIT_FAULT_NONE) {
                text_addf(out,
                          "The audit is whole: records %lld to %lld; %lld in %lld segment files, "
                          "%lld "
                          "rows in the ledger.\n",
                          (long long)r->first_seq, (long long)r->last_seq, (long long)r->records,
                          (long long)r->segments, (long long)r->ledger_rows);
                report_gaps(r, out);
                return;
        }
        text_addf(out, "The audit is broken.\nfirst broken record  %lld\nwhere                %s",
                  (long long)(r->seq ? r->seq : r->expected), r->file);
        if (r->line > 0)
                text_addf(out, ", line %lld", (long long)r->line);
        text_addf(
                out,
                "\nreason               %s: %s\nexpected             record %lld\ngood before it  "
                "     %lld records in files, %lld rows, up to %lld\n",
                audit_fault_name(r->fault), fault_words(r->fault), (long long)r->expected,
                (long long)r->records, (long long)r->ledger_rows, (long long)r->last_seq);
}

static int verify(struct ctl *c)
{
        _cleanup_(config_freep) struct config *config = NULL;
        _cleanup_(rows_done) struct rows rows = {.ledger = {next_row}};
        _cleanup_(text_done) struct text dir = TEXT_NULL, out = TEXT_NULL;
        char error[STORE_ERROR_SIZE] = "out of memory";
        struct config_faults faults;
        struct audit_report report;

        int r = offline_config(&faults, &config);
        if (r != CTL_OK)
                return r;
        if (rows_open(&rows, config, error) < 0)
                return ctl_fail(CTL_REFUSED, "the ledger cannot be read: %s", error);
        text_addf(&dir, "%s/audit", config->state_dir);
        r = audit_verify(text_str(&dir), &rows.ledger, &report);
        if (r < 0)
                return ctl_fail(CTL_REFUSED, "the audit in %s cannot be read: %s", text_str(&dir),
                                strerror(-r));
        if (c->json)
                report_json(&report, &out);
        else
                report_text(&report, &out);
        int put = ctl_put(&out);
        return put != CTL_OK ? put : report.fault == AUDIT_FAULT_NONE ? CTL_OK : CTL_REFUSED;
}

int run_audit(struct ctl *c)
{
        if (c->n_operands == 0 || strcmp(c->operands[0], "list") == 0)
                return list(c);
        if (strcmp(c->operands[0], "verify") != 0)
                return ctl_usage(c, "it is list or verify, not \"%.40s\"", c->operands[0]);
        return verify(c);
}
