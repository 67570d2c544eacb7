#include "ordoctl/login_report.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

#define REPORT_PATH "/api/v1/auth/report"

const char *login_end_name(enum login_end e)
{
        static const char *const names[] = {
                [LOGIN_OK] = "ok", [LOGIN_FAILED] = "failed", [LOGIN_SKIPPED] = "skipped"};

        return names[e];
}

int login_report_exit(const struct login_report *r)
{
        unsigned count[3] = {};

        for (unsigned i = 0; i < r->n; i++)
                count[r->lines[i].end]++;
        if (count[LOGIN_FAILED] > 0)
                return count[LOGIN_OK] > 0 ? CTL_PARTIAL : CTL_REFUSED;
        return count[LOGIN_SKIPPED] > 0 ? CTL_INPUT_MISSING : CTL_OK;
}

static void add_line(struct json_writer *w, const struct login_line *l, bool with_time)
{
        json_object_begin(w, NULL);
        if (with_time)
                json_put_time(w, "timestamp", clock_wall_us());
        json_put_string(w, "account", l->account);
        json_put_string(w, "status", login_end_name(l->end));
        json_put_string(w, "message", *l->message ? l->message : NULL);
        json_object_finish(w);
}

static void add_accounts(const struct login_report *r, struct json_writer *w)
{
        json_array_begin(w, "accounts");
        for (unsigned i = 0; i < r->n; i++)
                add_line(w, &r->lines[i], false);
        json_array_finish(w);
}

void login_report_print(const struct ctl *c, const struct login_report *r)
{
        static const struct column columns[] = {{"ACCOUNT", "", COLUMN_TEXT},
                                                {"LOGIN", "", COLUMN_STATE},
                                                {"MESSAGE", "", COLUMN_TEXT}};
        _cleanup_(table_done) struct table t = TABLE(columns, c->colour);
        _cleanup_(text_done) struct text out = TEXT_NULL;
        struct json_writer w = JSON_WRITER(&out);
        bool quiet = ctl_flag(c, "quiet");

        for (unsigned i = 0; i < r->n; i++) {
                const struct login_line *l = &r->lines[i];
                if (!quiet || l->end != LOGIN_OK)
                        table_add(&t, (const char *const[]){l->account, login_end_name(l->end),
                                                            l->message});
        }
        if (c->json) {
                json_object_begin(&w, NULL);
                add_accounts(r, &w);
                json_object_finish(&w);
                text_add_char(&out, '\n');
        } else {
                table_print(&t, quiet ? NULL : "There are no accounts.", &out);
        }
        (void)ctl_put(&out);
}

int login_report_append(const struct login_report *r, const char *path)
{
        _cleanup_(text_done) struct text out = TEXT_NULL;
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

        if (fd < 0)
                return ctl_fail(CTL_USAGE, "%s: %s", path, strerror(errno));
        for (unsigned i = 0; i < r->n; i++) {
                struct json_writer w = JSON_WRITER(&out);
                add_line(&w, &r->lines[i], true);
                text_add_char(&out, '\n');
        }
        if (out.failed || file_write(fd, text_str(&out), out.len) < 0)
                return ctl_fail(CTL_USAGE, "%s cannot be written", path);
        return CTL_OK;
}

void login_report_post(struct ctl *c, const struct login_report *r)
{
        _cleanup_(text_done) struct text body = TEXT_NULL;
        _cleanup_(answer_done) struct answer a = {};
        struct json_writer w = JSON_WRITER(&body);
        struct request request = {.method = "POST", .path = REPORT_PATH, .body = &body};

        if (r->n == 0)
                return;
        json_object_begin(&w, NULL);
        json_put_string(&w, "helper", "ordoctl/" ORDO_VERSION);
        add_accounts(r, &w);
        json_object_finish(&w);
        if (client_call(c->client, &request, &a) != CLIENT_ANSWERED || a.status != 200)
                ctl_note("ordoctl: the summary did not reach the daemon's audit");
}
