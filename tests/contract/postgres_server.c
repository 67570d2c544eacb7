#include "postgres_server.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

#define CHILDREN_MAX 128
#define LOG_SHOWN    2000L /* bytes of its end */
#define LOOKS_MAX    3000U /* every 10 ms */

static char bin[256], dir[256], data[272], name[32], url[400];
static bool durable;
static pid_t server;
static const struct passwd *user; /* NULL: whoever runs the test */

/* The newest that is installed; Debian keeps them out of $PATH. */
static bool find_programs(void)
{
        glob_t found = {};
        bool there = glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found) == 0;

        if (there)
                snprintf(bin, sizeof(bin), "%.*s",
                         (int)(strrchr(found.gl_pathv[found.gl_pathc - 1], '/') -
                               found.gl_pathv[found.gl_pathc - 1]),
                         found.gl_pathv[found.gl_pathc - 1]);
        globfree(&found);
        return there;
}

static void must(bool ok, const char *what)
{
        if (ok)
                return;
        (void)fprintf(stderr, "the tests' PostgreSQL: %s\n", what);
        abort();
}

static void become_user(void)
{
        if (user && (setgid(user->pw_gid) < 0 || setuid(user->pw_uid) < 0))
                _exit(126);
        /* after the change of user, which would take it back */
        prctl(PR_SET_PDEATHSIG, SIGQUIT);
        if (chdir("/") < 0)
                _exit(126);
}

/* Its output goes to `out`, or to the log. */
static pid_t spawn(const char *program, const char *const *arguments, int out)
{
        char path[400], log[400];
        snprintf(path, sizeof(path), "%s/%s", bin, program);
        snprintf(log, sizeof(log), "%s/log", dir);

        pid_t pid = fork();
        if (pid == 0) {
                become_user();
                if (out < 0)
                        out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
                if (dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
                        _exit(126);
                execv(path, (char *const *)arguments);
                _exit(127);
        }
        return pid;
}

bool postgres_server_run(const char *const *arguments, char *out, size_t size)
{
        int fds[2], status = 0;
        size_t n = 0;
        ssize_t more;

        must(pipe2(fds, O_CLOEXEC) == 0, "pipe");
        pid_t pid = spawn(arguments[0], arguments, fds[1]);
        must(pid > 0, arguments[0]);
        close(fds[1]);
        while (n + 1 < size && (more = read(fds[0], out + n, size - 1 - n)) > 0)
                n += (size_t)more;
        out[n] = '\0';
        close(fds[0]);
        return waitpid(pid, &status, 0) == pid && status == 0;
}

static bool make_cluster(void)
{
        const char *const arguments[] = {"initdb",   "-D", data,   "-A",         "trust",     "-U",
                                         "postgres", "-E", "UTF8", "--locale=C", "--no-sync", NULL};
        int status = 0;
        pid_t pid = spawn("initdb", arguments, -1);
        return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static void show_log(void)
{
        char path[400], line[1024];

        snprintf(path, sizeof(path), "%s/log", dir);
        FILE *f = fopen(path, "re");
        if (!f)
                return;
        if (fseek(f, -LOG_SHOWN, SEEK_END) < 0)
                rewind(f);
        while (fgets(line, sizeof(line), f))
                (void)fprintf(stderr, "# %s", line);
        (void)fclose(f);
}

static void wait_for(PGPing wanted)
{
        char conninfo[400];
        snprintf(conninfo, sizeof(conninfo), "host=%s dbname=postgres user=postgres", dir);
        for (unsigned i = 0; i < LOOKS_MAX; i++) {
                if (PQping(conninfo) == wanted)
                        return;
                nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        }
        show_log();
        must(false, wanted == PQPING_OK ? "it does not answer" : "it does not end");
}

void postgres_server_restart(void)
{
        const char *const arguments[] = {"postgres",
                                         "-D",
                                         data,
                                         "-k",
                                         dir,
                                         "-c",
                                         "listen_addresses=",
                                         "-c",
                                         durable ? "fsync=on" : "fsync=off",
                                         NULL};
        server = spawn("postgres", arguments, -1);
        wait_for(PQPING_OK);
}

/* The letter that proc_pid_stat(5) has for it; 'Z' when it is no more. */
static char state_of(pid_t pid)
{
        char path[64], line[512] = "";

        snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        FILE *f = fopen(path, "re");
        if (!f)
                return 'Z';
        if (!fgets(line, sizeof(line), f))
                line[0] = '\0';
        (void)fclose(f);
        const char *name_end = strrchr(line, ')');
        return name_end ? name_end[2] : 'Z';
}

static void wait_until(pid_t pid, char state)
{
        for (unsigned i = 0; i < LOOKS_MAX; i++) {
                char now = state_of(pid);
                if (now == state || now == 'Z')
                        return;
                nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        }
        must(false, "a process of it does not end");
}

/* A postmaster that dies leaves its sessions running, and its successor does not start while one
 * of them holds the shared memory. Returns how many were killed. */
static unsigned kill_children(pid_t children[CHILDREN_MAX])
{
        char path[400], line[4096] = "";
        unsigned n = 0;

        snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)server, (int)server);
        FILE *f = fopen(path, "re");
        must(f, path);
        if (fgets(line, sizeof(line), f)) {
                char *at = line;
                for (long child; (child = strtol(at, &at, 10)) > 0;) {
                        must(n < CHILDREN_MAX, "it has more processes than were thought of");
                        children[n++] = (pid_t)child;
                        kill((pid_t)child, SIGKILL);
                }
        }
        (void)fclose(f);
        return n;
}

void postgres_server_kill(void)
{
        pid_t children[CHILDREN_MAX];
        char path[400];

        kill(server, SIGSTOP); /* or it would start everything anew */
        wait_until(server, 'T');
        unsigned n = kill_children(children);
        kill(server, SIGKILL);
        for (unsigned i = 0; i < n; i++)
                wait_until(children[i], 'Z');
        wait_for(PQPING_NO_RESPONSE);
        /* In a test the server is the grandparent's child, who does not wait for it yet: to its
         * successor the process would seem to be alive. */
        snprintf(path, sizeof(path), "%s/postmaster.pid", data);
        unlink(path);
        snprintf(path, sizeof(path), "%s/.s.PGSQL.5432.lock", dir);
        unlink(path);
}

const char *postgres_server_start(const char *place, bool is_durable)
{
        durable = is_durable;
        if (!find_programs())
                return "no PostgreSQL server is installed: apt-get install postgresql";
        if (geteuid() == 0 && !(user = getpwnam("postgres")))
                return "PostgreSQL does not run as root, and there is no user postgres";
        snprintf(dir, sizeof(dir), "%s/ordo-postgres-XXXXXX", place);
        must(mkdtemp(dir) && (!user || chown(dir, user->pw_uid, user->pw_gid) == 0) &&
                     chmod(dir, 0755) == 0,
             dir);
        snprintf(data, sizeof(data), "%s/data", dir);
        must(make_cluster(), "initdb: see the log in its directory");
        postgres_server_restart();
        return NULL;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
        return remove(path);
}

void postgres_server_stop(void)
{
        if (server > 0) {
                kill(server, SIGQUIT);
                waitpid(server, NULL, 0);
        }
        if (nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
                (void)fprintf(stderr, "%s stays\n", dir);
}

const char *postgres_server_dir(void)
{
        return dir;
}

static PGconn *dial(const char *database)
{
        char conninfo[400];
        snprintf(conninfo, sizeof(conninfo), "host=%s dbname=%s user=postgres", dir, database);
        PGconn *conn = PQconnectdb(conninfo);
        must(PQstatus(conn) == CONNECTION_OK, PQerrorMessage(conn));
        return conn;
}

static void run(const char *database, const char *statements)
{
        PGconn *conn = dial(database);
        PGresult *r = PQexec(conn, statements);
        must(PQresultStatus(r) == PGRES_COMMAND_OK || PQresultStatus(r) == PGRES_TUPLES_OK,
             PQerrorMessage(conn));
        PQclear(r);
        PQfinish(conn);
}

const char *postgres_server_url_at(const char *directory)
{
        static char proxied[400];
        snprintf(proxied, sizeof(proxied), "postgresql:///%s?host=%s&user=postgres", name,
                 directory);
        return proxied;
}

const char *postgres_server_url_as(const char *role)
{
        static char as[400];
        snprintf(as, sizeof(as), "postgresql:///%s?host=%s&user=%s", name, dir, role);
        return as;
}

const char *postgres_server_database_like(const char *template)
{
        static unsigned n; /* of this process: each test has its own */
        char statement[160];

        snprintf(name, sizeof(name), "t%d_%u", (int)getpid(), n++);
        snprintf(statement, sizeof(statement), "CREATE DATABASE %s TEMPLATE %s", name, template);
        run("postgres", statement);
        snprintf(url, sizeof(url), "%s", postgres_server_url_at(dir));
        return url;
}

const char *postgres_server_database(void)
{
        return postgres_server_database_like("template0");
}

void postgres_server_script(const char *path)
{
        char line[400], database[64] = "postgres";
        FILE *f = fopen(path, "re");

        must(f != NULL, path);
        while (fgets(line, sizeof(line), f)) {
                line[strcspn(line, "\n")] = '\0';
                if (sscanf(line, "\\connect %63s", database) != 1 && line[0] && line[0] != '-')
                        run(database, line);
        }
        (void)fclose(f);
}

void postgres_server_sql(const char *statements)
{
        run(name, statements);
}

void postgres_server_ask(const char *query, char *ret, size_t size)
{
        PGconn *conn = dial(name);
        PGresult *r = PQexec(conn, query);
        must(PQresultStatus(r) == PGRES_TUPLES_OK, PQerrorMessage(conn));
        snprintf(ret, size, "%s", PQntuples(r) > 0 ? PQgetvalue(r, 0, 0) : "");
        PQclear(r);
        PQfinish(conn);
}

static PGconn *holder;

void postgres_server_hold(const char *statements)
{
        holder = dial(name);
        PGresult *r = PQexec(holder, statements);
        must(PQresultStatus(r) == PGRES_TUPLES_OK, PQerrorMessage(holder));
        PQclear(r);
}

void postgres_server_let_go(void)
{
        PQfinish(holder);
        holder = NULL;
}

void postgres_server_demand_passwords(bool on)
{
        char path[400];

        snprintf(path, sizeof(path), "%s/pg_hba.conf", data);
        FILE *f = fopen(path, "we"); /* keeps its owner */
        must(f, path);
        fprintf(f, "local all postgres trust\nlocal all all %s\n", on ? "scram-sha-256" : "trust");
        must(fclose(f) == 0, path);
        run("postgres", "SELECT pg_reload_conf()");
        /* the postmaster reads it when it gets to it */
        for (unsigned i = 0; i < 500; i++) {
                char state[8];
                postgres_server_ask("SELECT count(*) FROM pg_hba_file_rules WHERE "
                                    "auth_method='scram-sha-256'",
                                    state, sizeof(state));
                if ((state[0] == '1') == on)
                        return;
        }
}

int64_t postgres_server_count(const char *query)
{
        char cell[24];
        postgres_server_ask(query, cell, sizeof(cell));
        return strtoll(cell, NULL, 10);
}
