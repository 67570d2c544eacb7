#include "ordoctl/offline.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ordoctl/commands.h"
#include "ordoctl/table.h"
#include "store/ledger_file.h"

/* Variables that ordoctl alone knows; to the daemon they would be misspelt options. */
static const char *const own_variables[] = {"ORDO_URL="};

static bool is_own(const char *entry)
{
        for (size_t i = 0; i < ELEMENTS(own_variables); i++)
                if (text_starts(entry, own_variables[i]))
                        return true;
        return false;
}

static int load(struct config_faults *faults, struct config **ret)
{
        size_t n = 0, kept = 0;

        while (environ[n])
                n++;
        _cleanup_(freep) char **list = calloc(n + 1, sizeof(*list));
        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                if (!is_own(environ[i]))
                        list[kept++] = environ[i];
        return config_load(list, faults, ret);
}

int offline_config(struct config_faults *faults, struct config **ret)
{
        _cleanup_(text_done) struct text t = TEXT_NULL;

        int r = load(faults, ret);
        if (r == 0)
                return CTL_OK;
        if (r < 0) {
                (void)ctl_fail(CTL_UNEXPECTED, "the configuration: %s", strerror(-r));
                return CTL_UNEXPECTED;
        }
        config_faults_print(faults, &t);
        (void)fputs(text_str(&t), stderr);
        (void)ctl_fail(CTL_USAGE, "the configuration is not usable");
        return CTL_USAGE;
}

int offline_ledger(struct config **ret, struct text *ret_path)
{
        struct config_faults faults;
        int r = offline_config(&faults, ret);

        if (r != CTL_OK)
                return r;
        if ((*ret)->database_url)
                return ctl_fail(
                        CTL_USAGE,
                        "this works on SQLite's file, and the ledger is in PostgreSQL "
                        "(ORDO_DATABASE_URL)\nSee docs/database.md for PostgreSQL's own way.");
        text_addf(ret_path, "%s/ordo.db", (*ret)->state_dir);
        return ret_path->failed ? ctl_fail(CTL_UNEXPECTED, "out of memory") : CTL_OK;
}

int run_check_config(struct ctl *c)
{
        _cleanup_(config_freep) struct config *config = NULL;
        _cleanup_(text_done) struct text t = TEXT_NULL;
        struct config_faults faults;

        int r = offline_config(&faults, &config);
        if (r != CTL_OK)
                return r;
        config_faults_print(&faults, &t);
        (void)fputs(text_str(&t), stderr);
        printf("The configuration is good: %u account%s, state in %s.\n", config->n_accounts,
               config->n_accounts == 1 ? "" : "s", config->state_dir);
        return CTL_OK;
}

/* --- migrate
 * --------------------------------------------------------------------------------------- */

struct schema {
        struct migrations files, applied;
        bool fresh; /* there is no ledger yet */
};

static void schema_done(struct schema *s)
{
        migrations_done(&s->files);
        migrations_done(&s->applied);
}

static int read_file_schema(const struct config *config, char error[static STORE_ERROR_SIZE],
                            struct schema *ret)
{
        _cleanup_(ledger_file_closep) struct ledger_file *f = NULL;
        _cleanup_(freep) char *path = NULL;

        if (asprintf(&path, "%s/ordo.db", config->state_dir) < 0)
                return -ENOMEM;
        int r = ledger_file_open(path, error, &f);
        if (r == -ENOENT) {
                ret->fresh = true;
                return 0;
        }
        return r < 0 ? r : ledger_file_migrations(f, error, &ret->applied);
}

static int read_schema(const struct config *config, struct schema *ret)
{
        char error[STORE_ERROR_SIZE] = "out of memory";
        const char *url = config->database_url;

        if (migrations_load(config->migrations_dir, url ? "postgres" : "sqlite", error,
                            &ret->files) < 0)
                return ctl_fail(CTL_USAGE, "%s", error);
        int r = url ? migrations_applied(url, error, &ret->applied)
                    : read_file_schema(config, error, ret);
        return r == 0 ? CTL_OK : ctl_fail(CTL_REFUSED, "the ledger cannot be read: %s", error);
}

static const char *migration_state(const struct schema *s, unsigned i)
{
        if (i >= s->applied.n)
                return "pending";
        if (i >= s->files.n)
                return "unknown to this release";
        return strcmp(s->files.items[i].checksum, s->applied.items[i].checksum) == 0 ? "applied"
                                                                                     : "edited";
}

static int migrate_status(const struct ctl *c, const struct schema *s)
{
        static const struct column columns[] = {{"VERSION", "", COLUMN_NUMBER},
                                                {"NAME", "", COLUMN_TEXT},
                                                {"STATE", "", COLUMN_STATE},
                                                {"SHA-256", "", COLUMN_TEXT}};
        _cleanup_(table_done) struct table t = TABLE(columns, c->colour);
        _cleanup_(text_done) struct text out = TEXT_NULL;
        unsigned n = s->files.n > s->applied.n ? s->files.n : s->applied.n;
        struct json_writer w = JSON_WRITER(&out);

        json_object_begin(&w, NULL);
        json_array_begin(&w, "migrations");
        for (unsigned i = 0; i < n; i++) {
                const struct migration *m =
                        i < s->files.n ? &s->files.items[i] : &s->applied.items[i];
                char version[16];
                snprintf(version, sizeof(version), "%d", m->version);
                table_add(&t, (const char *const[]){version, m->name, migration_state(s, i),
                                                    m->checksum});
                json_object_begin(&w, NULL);
                json_put_int(&w, "version", m->version);
                json_put_string(&w, "name", m->name);
                json_put_string(&w, "state", migration_state(s, i));
                json_object_finish(&w);
        }
        json_array_finish(&w);
        json_object_finish(&w);
        text_add_char(&out, '\n');
        if (!c->json) {
                text_clear(&out);
                table_print(&t, NULL, &out);
                if (s->fresh)
                        text_add(&out,
                                 "There is no ledger yet; the daemon makes one when it starts.\n");
        }
        return ctl_put(&out);
}

static int migrate_verify(const struct schema *s)
{
        char error[STORE_ERROR_SIZE];
        int pending = migrations_pending(&s->files, &s->applied, error);

        if (pending < 0)
                return ctl_fail(CTL_REFUSED, "%s", error);
        printf("All %u applied migrations are as they were; %d pending.\n", s->applied.n, pending);
        return CTL_OK;
}

int offline_check_owner(const char *state_dir)
{
        struct stat st;

        if (geteuid() != 0 || stat(state_dir, &st) < 0 || st.st_uid == 0)
                return CTL_OK;
        return ctl_fail(
                CTL_USAGE,
                "%s belongs to user %u, not to root\n"
                "Run it as that user: setpriv --reuid=%u --regid=%u --clear-groups ordoctl ...",
                state_dir, st.st_uid, st.st_uid, st.st_gid);
}

int run_migrate(struct ctl *c)
{
        _cleanup_(config_freep) struct config *config = NULL;
        _cleanup_(schema_done) struct schema s = {};
        const char *verb = c->operands[0];
        struct config_faults faults;

        bool up = strcmp(verb, "up") == 0, status = strcmp(verb, "status") == 0;
        if (!up && !status && strcmp(verb, "verify") != 0)
                return ctl_usage(c, "it is status, up or verify, not \"%.40s\"", verb);
        int r = offline_config(&faults, &config);
        if (r != CTL_OK)
                return r;
        if (up)
                return migrate_up(c, config);
        r = read_schema(config, &s);
        if (r != CTL_OK)
                return r;
        return status ? migrate_status(c, &s) : migrate_verify(&s);
}

/* --- backup
 * ---------------------------------------------------------------------------------------- */

int run_backup(struct ctl *c)
{
        _cleanup_(config_freep) struct config *config = NULL;
        _cleanup_(ledger_file_closep) struct ledger_file *f = NULL;
        _cleanup_(text_done) struct text path = TEXT_NULL;
        const char *to = c->operands[0];
        char error[STORE_ERROR_SIZE] = "out of memory";
        struct stat st = {};

        int r = offline_ledger(&config, &path);
        if (r != CTL_OK)
                return r;
        if (ledger_file_open(text_str(&path), error, &f) < 0)
                return ctl_fail(CTL_REFUSED, "the ledger cannot be read: %s", error);
        if (ledger_file_copy(text_str(&path), to, error) < 0)
                return ctl_fail(CTL_REFUSED, "%s", error);
        (void)stat(to, &st);
        printf("%s: %lld bytes, verified.\n", to, (long long)st.st_size);
        return CTL_OK;
}
