/* SQLite passes the contract, and what only it must do. */
#include "store_sqlite.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

static char directory[64];

const char *in_dir(const char *name)
{
        static char paths[5][160];
        static unsigned at;
        char *p = paths[at++ % ELEMENTS(paths)];
        snprintf(p, sizeof(paths[0]), "%s/%s", directory, name);
        return p;
}

struct store_options sqlite_options(void)
{
        static char url[160];
        snprintf(url, sizeof(url), "sqlite:%s", in_dir("ordo.db"));
        return (struct store_options){.url = url, .migrations_dir = MIGRATIONS, .migrate = true};
}

int sqlite_store_open(const struct store_options *o, char error[static STORE_ERROR_SIZE],
                      struct store **ret)
{
        return store_open(ledger.loop, o, error, ret);
}

void sql(const char *statements)
{
        char *why = NULL;
        sqlite3 *db;
        ck_assert_int_eq(sqlite3_open_v2(in_dir("ordo.db"), &db, SQLITE_OPEN_READWRITE, NULL), 0);
        int rc = sqlite3_exec(db, statements, NULL, NULL, &why);
        ck_assert_msg(rc == SQLITE_OK, "%s", why);
        sqlite3_close(db);
}

void write_file(const char *path, const char *bytes, size_t n)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
        close(fd);
}

static void sqlite_setup(void)
{
        snprintf(directory, sizeof(directory), "/tmp/ordo-store-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void remove_tree(const char *path)
{
        DIR *d = opendir(path);
        for (struct dirent *e; d && (e = readdir(d));) {
                char name[512];
                if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
                        continue;
                snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
                if (unlink(name) < 0)
                        remove_tree(name);
        }
        if (d)
                closedir(d);
        rmdir(path);
}

static void sqlite_teardown(void)
{
        remove_tree(directory);
}

static int suite_open(struct loop *loop, unsigned queue_max, char error[static STORE_ERROR_SIZE],
                      struct store **ret)
{
        struct store_options o = sqlite_options();
        o.queue_max = queue_max;
        return store_open(loop, &o, error, ret);
}

static const struct suite_driver driver = {
        .name = "sqlite", .setup = sqlite_setup, .teardown = sqlite_teardown, .open = suite_open};

int main(void)
{
        const TTest *own[64];
        unsigned n_open, n_disk, n_damage;
        const TTest *const *open_tests = store_sqlite_open_tests(&n_open);
        const TTest *const *disk_tests = store_sqlite_disk_tests(&n_disk);
        const TTest *const *damage_tests = store_sqlite_damage_tests(&n_damage);

        memcpy(own, open_tests, n_open * sizeof(own[0]));
        memcpy(own + n_open, disk_tests, n_disk * sizeof(own[0]));
        memcpy(own + n_open + n_disk, damage_tests, n_damage * sizeof(own[0]));
        return store_suite_main(&driver, own, n_open + n_disk + n_damage);
}
