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

struct rows {
        struct audit_ledger ledger;
        struct ledger_file *file;
};

static int next_row(struct audit_ledger *l, int64_t after_seq, int64_t *ret_seq,
                    const char **ret_line, size_t *ret_size)
{
        return ledger_file_audit_next(CONTAINER_OF(l, struct rows, ledger)->file, after_seq,
                                      ret_seq, ret_line, ret_size);
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
        json_object_finish(&w);
        text_add_char(out, '\n');
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
        _cleanup_(ledger_file_closep) struct ledger_file *file = NULL;
        _cleanup_(text_done) struct text path = TEXT_NULL, dir = TEXT_NULL, out = TEXT_NULL;
        char error[STORE_ERROR_SIZE] = "out of memory";
        struct audit_report report;

        int r = offline_ledger(&config, &path);
        if (r != CTL_OK)
                return r;
        if (ledger_file_open(text_str(&path), error, &file) < 0)
                return ctl_fail(CTL_REFUSED, "the ledger cannot be read: %s", error);
        struct rows rows = {.ledger = {next_row}, .file = file};
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
