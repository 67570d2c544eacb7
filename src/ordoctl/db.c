/* The whole ledger from one kind of database to the other. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "ordoctl/commands.h"
#include "ordoctl/offline.h"
#include "ordoctl/table.h"
#include "store/ledger_copy.h"

#define URL_FILE_MAX  8192
#define PROGRESS_US   (200 * USEC_PER_MS) /* between two lines of progress */
#define SQLITE_PREFIX "sqlite:"

struct copying {
        struct ledger_copy copy;
        const struct ctl *ctl;
        bool terminal;
        int64_t begun_us, shown_us;
};

/* "@FILE" holds it, password and all; what stands on the command line must have none. */
static int read_url(const struct ctl *c, const char *operand, struct text *ret)
{
        if (operand[0] != '@') {
                if (store_is_postgres(operand) && ledger_copy_url_tells_password(operand))
                        return ctl_usage(
                                c, "a password on the command line can be read by others: put the "
                                   "URL into a file and name it as @FILE, or use ~/.pgpass or "
                                   "PGPASSWORD");
                text_add(ret, operand);
        } else {
                _cleanup_(closep) int fd = open(operand + 1, O_RDONLY | O_CLOEXEC);
                ret->max = URL_FILE_MAX;
                int r = fd < 0 ? -errno : file_read(fd, ret);
                if (r < 0)
                        return ctl_fail(CTL_USAGE, "%s: %s", operand + 1, strerror(-r));
                while (ret->len > 0 && strchr("\r\n ", ret->data[ret->len - 1]))
                        ret->data[--ret->len] = '\0';
        }
        const char *url = text_str(ret);
        if (store_is_postgres(url) || (text_starts(url, SQLITE_PREFIX) && url[7]))
                return CTL_OK;
        return ctl_usage(c, "a ledger is written sqlite:/path/ordo.db, "
                            "postgresql://user@host/database, or @FILE with one of the two in it");
}

static void progress_line(struct copying *o, const char *verb, const char *table, int64_t rows,
                          int64_t total)
{
        int64_t percent = total > 0 ? 100 * rows / total : 100;

        (void)fprintf(stderr, "\r%s %s: %lld of %lld rows (%lld %%)\033[K", verb, table,
                      (long long)rows, (long long)total, (long long)percent);
        (void)fflush(stderr);
}

static void progress_json(const char *verb, const char *table, int64_t rows, int64_t total)
{
        _cleanup_(text_done) struct text out = TEXT_NULL;
        struct json_writer w = JSON_WRITER(&out);

        json_object_begin(&w, NULL);
        json_put_string(&w, "event", verb);
        json_put_string(&w, "table", table);
        json_put_int(&w, "rows", rows);
        json_put_int(&w, "of", total);
        json_object_finish(&w);
        text_add_char(&out, '\n');
        (void)ctl_put(&out);
        (void)fflush(stdout);
}

static void show_progress(struct ledger_copy *copy, const char *verb, const char *table,
                          int64_t rows, int64_t total)
{
        struct copying *o = CONTAINER_OF(copy, struct copying, copy);
        int64_t now_us = clock_mono_us();

        if (now_us - o->shown_us < PROGRESS_US)
                return;
        o->shown_us = now_us;
        if (o->ctl->json)
                progress_json(verb, table, rows, total);
        else if (o->terminal)
                progress_line(o, verb, table, rows, total);
}

static void report_json(const struct copying *o, int64_t took_us, struct text *out)
{
        struct json_writer w = JSON_WRITER(out);

        json_object_begin(&w, NULL);
        json_put_string(&w, "event", "done");
        json_put_ms(&w, "took_ms", took_us);
        json_put_int(&w, "audit_records", o->copy.audit_records);
        json_put_int(&w, "mended_texts", o->copy.mended_texts);
        json_array_begin(&w, "tables");
        for (unsigned i = 0; i < o->copy.n_tables; i++) {
                const struct ledger_copied *t = &o->copy.tables[i];
                json_object_begin(&w, NULL);
                json_put_string(&w, "table", t->table);
                json_put_int(&w, "rows", t->rows);
                json_put_int(&w, "copied", t->copied);
                json_put_string(&w, "digest", t->digest);
                json_object_finish(&w);
        }
        json_array_finish(&w);
        json_object_finish(&w);
        text_add_char(out, '\n');
}

static void report_text(const struct copying *o, int64_t took_us, struct text *out)
{
        static const struct column columns[] = {{"TABLE", "", COLUMN_TEXT},
                                                {"ROWS", "", COLUMN_NUMBER},
                                                {"COPIED NOW", "", COLUMN_NUMBER},
                                                {"DIGEST (BLAKE2b)", "", COLUMN_TEXT}};
        _cleanup_(table_done) struct table t = TABLE(columns, o->ctl->colour);

        for (unsigned i = 0; i < o->copy.n_tables; i++) {
                const struct ledger_copied *x = &o->copy.tables[i];
                char rows[24], copied[24];
                snprintf(rows, sizeof(rows), "%lld", (long long)x->rows);
                snprintf(copied, sizeof(copied), "%lld", (long long)x->copied);
                table_add(&t, (const char *const[]){x->table, rows, copied, x->digest});
        }
        table_print(&t, NULL, out);
        text_addf(
                out,
                "Both sides are the same, and the audit's chain is whole (%lld records); %lld.%lld "
                "seconds.\n",
                (long long)o->copy.audit_records, (long long)(took_us / USEC_PER_SEC),
                (long long)(took_us % USEC_PER_SEC / 100000));
        if (o->copy.mended_texts > 0)
                text_addf(out,
                          "In %lld texts bytes that were not UTF-8 became question marks: "
                          "PostgreSQL takes no others.\n",
                          (long long)o->copy.mended_texts);
        text_add(out,
                 "Start daemons on one of the two only. The other one is a backup from now on: "
                 "an order that is placed over both would be placed twice.\n");
}

static int copy(struct copying *o)
{
        _cleanup_(text_done) struct text out = TEXT_NULL;
        char error[STORE_ERROR_SIZE];

        o->begun_us = clock_mono_us();
        int r = ledger_copy(&o->copy, error);
        if (o->terminal && !o->ctl->json)
                (void)fputs("\r\033[K", stderr);
        if (r == -EPROTO || r == -EINVAL)
                return ctl_fail(CTL_USAGE, "%s", error);
        if (r < 0)
                return ctl_fail(r == -ECONNREFUSED ? CTL_NETWORK : CTL_REFUSED, "%s", error);
        if (o->ctl->json)
                report_json(o, clock_mono_us() - o->begun_us, &out);
        else
                report_text(o, clock_mono_us() - o->begun_us, &out);
        return ctl_put(&out);
}

/* A file that root makes could not be written by the daemon later. */
static int check_owner(const char *url)
{
        if (store_is_postgres(url))
                return CTL_OK;
        _cleanup_(freep) char *path = strdup(url + strlen(SQLITE_PREFIX));
        return path ? offline_check_owner(dirname(path)) : CTL_UNEXPECTED;
}

/* It may have a password in it. */
static void wipe(struct text *url)
{
        if (url->data)
                explicit_bzero(url->data, url->len);
}

int run_db(struct ctl *c)
{
        _cleanup_(config_freep) struct config *config = NULL;
        _cleanup_(text_done) struct text from = TEXT_NULL, to = TEXT_NULL;
        struct config_faults faults;

        if (strcmp(c->operands[0], "copy") != 0)
                return ctl_usage(c, "it is copy, not \"%.40s\"", c->operands[0]);
        int r = read_url(c, c->operands[1], &from);
        if (r == CTL_OK)
                r = read_url(c, c->operands[2], &to);
        if (r != CTL_OK)
                return r;
        if (store_is_postgres(text_str(&from)) == store_is_postgres(text_str(&to)))
                return ctl_usage(c, "one of the two must be SQLite and the other PostgreSQL; see "
                                    "ordoctl backup, or pg_dump");
        r = offline_config(&faults, &config);
        if (r == CTL_OK)
                r = check_owner(text_str(&from));
        if (r == CTL_OK)
                r = check_owner(text_str(&to));
        if (r != CTL_OK)
                return r;
        struct copying o = {.copy = {.from = text_str(&from),
                                     .to = text_str(&to),
                                     .migrations_dir = config->migrations_dir,
                                     .restart = ctl_flag(c, "restart"),
                                     .progress = show_progress},
                            .ctl = c,
                            .terminal = isatty(STDERR_FILENO) == 1};
        r = copy(&o);
        wipe(&from);
        wipe(&to);
        return r;
}
