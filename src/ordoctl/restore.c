/* A backup becomes the ledger. The daemon is away meanwhile, and halted when it comes back: orders
 * that were placed after the backup are not in it, and keys that they used look unused. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "domain/audit_chain.h"
#include "ordoctl/commands.h"
#include "ordoctl/offline.h"
#include "store/ledger_file.h"
#include "store/ledger_restore.h"

#define MARKER     "killswitch"
#define MARKER_MAX 8192
#define HALT       "global HALT\n"

static int refuse(const char *backup, const char *error)
{
        return ctl_fail(CTL_REFUSED, "%s cannot be restored: %s\nNothing was changed.", backup,
                        error);
}

static int check_schema(struct ledger_file *f, const struct config *config, const char *backup)
{
        struct migrations files = {}, applied = {};
        char error[STORE_ERROR_SIZE];

        int r = migrations_load(config->migrations_dir, "sqlite", error, &files);
        if (r == 0)
                r = ledger_file_migrations(f, error, &applied);
        if (r == 0)
                r = migrations_pending(&files, &applied, error);
        migrations_done(&files);
        migrations_done(&applied);
        return r < 0 ? refuse(backup, error) : CTL_OK;
}

static void take_time(const char *line, size_t n, char ret[static CLOCK_TEXT_SIZE])
{
        static const char key[] = ",\"timestamp\":\"";
        const char *at = memmem(line, n, key, sizeof(key) - 1);
        if (at)
                snprintf(ret, CLOCK_TEXT_SIZE, "%.*s", (int)strcspn(at + sizeof(key) - 1, "\""),
                         at + sizeof(key) - 1);
}

/* Each record follows from the one before it. The first one that the ledger still has is believed:
 * those before it are in the files. */
static int check_chain(struct ledger_file *f, const char *backup, int64_t *ret_rows,
                       char ret_last[static CLOCK_TEXT_SIZE])
{
        uint8_t hash[AUDIT_HASH_SIZE], next[AUDIT_HASH_SIZE];
        int64_t last = 0, seq, line_seq;
        char error[STORE_ERROR_SIZE];
        const char *line;
        size_t size;
        int r;

        for (*ret_rows = 0; (r = ledger_file_audit_next(f, last, &seq, &line, &size)) > 0;
             (*ret_rows)++) {
                bool first = *ret_rows == 0;
                if ((!first && seq != last + 1) ||
                    audit_chain_check(line, size, first ? NULL : hash, next, &line_seq) != 0 ||
                    line_seq != seq) {
                        snprintf(error, sizeof(error), "its audit is broken at record %lld",
                                 (long long)(first ? seq : last + 1));
                        return refuse(backup, error);
                }
                memcpy(hash, next, sizeof(hash));
                last = seq;
                take_time(line, size, ret_last);
        }
        return r < 0 ? refuse(backup, "its audit cannot be read") : CTL_OK;
}

static int check(const struct ledger_restore *restore, const struct config *config,
                 const char *backup, int64_t *ret_rows, char ret_last[static CLOCK_TEXT_SIZE])
{
        _cleanup_(ledger_file_closep) struct ledger_file *f = NULL;
        char error[STORE_ERROR_SIZE] = "out of memory";

        if (ledger_file_open(restore->copy, error, &f) < 0)
                return refuse(backup, error);
        int r = check_schema(f, config, backup);
        return r == CTL_OK ? check_chain(f, backup, ret_rows, ret_last) : r;
}

/* Before the ledger changes, so that there is no moment in which a daemon would start without it.
 * What stands already is kept: the strongest holds. */
static int engage_halt(const struct config *config)
{
        _cleanup_(text_done) struct text path = TEXT_NULL, body = {.max = MARKER_MAX};

        text_addf(&path, "%s/" MARKER, config->state_dir);
        _cleanup_(closep) int fd = open(text_str(&path), O_RDONLY | O_CLOEXEC);
        int r = fd >= 0 ? file_read(fd, &body) : errno == ENOENT ? 0 : -errno;
        if (r < 0)
                return ctl_fail(CTL_REFUSED, "%s: %s\nNothing was changed.", text_str(&path),
                                strerror(-r));
        if (body.len > 0 && body.data[body.len - 1] != '\n')
                text_add_char(&body, '\n');
        text_add(&body, HALT);
        r = body.failed ? body.failed : file_replace(text_str(&path), text_str(&body), body.len);
        return r < 0 ? ctl_fail(CTL_REFUSED, "%s: %s\nNothing was changed.", text_str(&path),
                                strerror(-r))
                     : CTL_OK;
}

static void aside_name(const struct config *config, struct text *ret)
{
        char now[CLOCK_TEXT_SIZE];

        text_addf(ret, "%s/before-restore-%s", config->state_dir,
                  clock_print_compact(clock_wall_us(), now));
}

static int restore(struct ledger_restore *restore, const struct config *config, const char *backup,
                   const char *path)
{
        _cleanup_(text_done) struct text aside = TEXT_NULL;
        char error[STORE_ERROR_SIZE], last[CLOCK_TEXT_SIZE] = "";
        int64_t rows = 0;

        if (ledger_restore_begin(restore, path, backup, error) < 0)
                return refuse(backup, error);
        int r = check(restore, config, backup, &rows, last);
        if (r == CTL_OK)
                r = engage_halt(config);
        if (r != CTL_OK)
                return r;
        aside_name(config, &aside);
        if (aside.failed || ledger_restore_put(restore, text_str(&aside), error) < 0)
                return ctl_fail(CTL_REFUSED,
                                "%s cannot be restored: %s\nThe ledger is as it was; the kill "
                                "switch stands at HALT.",
                                backup, error);
        printf("%s is the ledger now: %lld audit records, the last one of %s.\n"
               "What was there is in %s; keep it, it is the record of what happened.\n"
               "The kill switch stands at HALT. Next:\n"
               "  1. start the daemon and log in: it reads the brokers' books first\n"
               "  2. ordoctl orders: what was placed after the backup shows as external\n"
               "  3. compare with each broker; an Idempotency-Key that was used after the backup "
               "is "
               "not known any more\n"
               "  4. ordoctl killswitch release --reason \"restored and compared\"\n",
               backup, (long long)rows, last[0] ? last : "no time", text_str(&aside));
        return CTL_OK;
}

int run_restore(struct ctl *c)
{
        _cleanup_(config_freep) struct config *config = NULL;
        _cleanup_(text_done) struct text path = TEXT_NULL;
        _cleanup_(ledger_file_closep) struct ledger_file *f = NULL;
        const char *backup = c->operands[0];
        char error[STORE_ERROR_SIZE] = "out of memory";
        struct ledger_restore r;

        int result = offline_ledger(&config, &path);
        if (result == CTL_OK)
                result = offline_check_owner(config->state_dir);
        if (result != CTL_OK)
                return result;
        /* Before anything is made: is it one at all? */
        if (ledger_file_open(backup, error, &f) < 0)
                return refuse(backup, error);
        f = ledger_file_close(f);
        result = restore(&r, config, backup, text_str(&path));
        ledger_restore_done(&r);
        return result;
}
