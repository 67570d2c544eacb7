#include "ordo-bench-daemon.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define START_TIMEOUT_US (20 * USEC_PER_SEC)
#define STOP_TIMEOUT_US  (30 * USEC_PER_SEC)
#define ASK_PAUSE_US     200
#define STOP_PAUSE_US    5000
#define FUNDS            "1000000000000"
#define ENV_MAX          48
#define FIRST_PASSED     3 /* SD_LISTEN_FDS_START */

/* --- the environment
 * -------------------------------------------------------------------------------- */

struct environment {
        char *entries[ENV_MAX];
        unsigned n;
};

static void env_put(struct environment *e, const char *name, const char *value)
{
        struct text t = TEXT_NULL;
        text_addf(&t, "%s=%s", name, value);
        if (e->n + 1 < ENV_MAX)
                e->entries[e->n++] = text_take(&t);
        text_done(&t);
}

static void env_done(struct environment *e)
{
        for (unsigned i = 0; i < e->n; i++)
                free(e->entries[i]);
}

static void env_put_account(struct environment *e, const char *account, size_t n)
{
        static const char *const options[][2] = {{"FUNDS", FUNDS}, {"MARKET", "static"}};
        char name[64], broker[32];

        for (size_t i = 0; i <= n && i + 1 < sizeof(broker); i++) {
                char c = account[i];
                broker[i] = i == n ? '\0' : c == ':' ? '_' : (char)toupper((unsigned char)c);
        }
        broker[sizeof(broker) - 1] = '\0';
        for (unsigned i = 0; i < ELEMENTS(options); i++) {
                (void)snprintf(name, sizeof(name), "ORDO_%s_%s", broker, options[i][0]);
                env_put(e, name, options[i][1]);
        }
}

static void env_put_listen(struct environment *e, const struct daemon *d)
{
        char listen[32];
        (void)snprintf(listen, sizeof(listen), "127.0.0.1:%u", d->port);
        env_put(e, "ORDO_LISTEN", listen);
}

static void env_fill(struct environment *e, const struct daemon *d,
                     const struct daemon_paths *paths, const char *accounts, const char *notify)
{
        env_put(e, "ORDO_STATE_DIR", d->state_dir);
        env_put(e, "ORDO_MARKET_DIR", paths->market_dir);
        env_put(e, "ORDO_MIGRATIONS_DIR", paths->migrations_dir);
        env_put(e, "ORDO_LOG", "json");
        env_put(e, "ORDO_LIMITS", "off");
        env_put(e, "ORDO_API_RATE", "0");
        env_put(e, "ORDO_ACCOUNTS", accounts);
        if (d->database_url[0]) {
                env_put(e, "ORDO_DATABASE_URL", d->database_url);
                env_put(e, "ORDO_AUTO_MIGRATE", "yes");
        }
        if (paths->env_file)
                env_put(e, "ORDO_ENV_FILE", paths->env_file);
        for (const char *a = accounts; *a && !paths->env_file;) {
                size_t n = strcspn(a, ",");
                env_put_account(e, a, n);
                a += n + (a[n] == ',');
        }
        if (notify)
                env_put(e, "NOTIFY_SOCKET", notify);
}

/* --- readiness
 * -------------------------------------------------------------------------------------- */

/* An abstract datagram socket as service managers have it. */
static int notify_open(char name[static 64])
{
        struct sockaddr_un a = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        int n = snprintf(name, 64, "@ordo-bench-%d-%lld", (int)getpid(),
                         (long long)clock_mono_us());
        memcpy(a.sun_path + 1, name + 1, (size_t)n - 1);
        if (bind(fd, (struct sockaddr *)&a,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n)) < 0) {
                int r = -errno;
                close(fd);
                return r;
        }
        return fd;
}

/* True when READY=1 has arrived; waits for that at most as long as the pause between two questions.
 */
static bool notified(int fd)
{
        char data[1024];
        struct timespec pause = {.tv_nsec = ASK_PAUSE_US * 1000};
        struct pollfd p = {.fd = fd, .events = POLLIN};
        (void)ppoll(&p, fd < 0 ? 0 : 1, &pause, NULL);
        for (ssize_t n; fd >= 0 && (n = recv(fd, data, sizeof(data) - 1, 0)) > 0;) {
                data[n] = '\0';
                if (strstr(data, "READY=1"))
                        return true;
        }
        return false;
}

static int read_token(struct daemon *d)
{
        char path[sizeof(d->state_dir) + 16];
        (void)snprintf(path, sizeof(path), "%s/api-token", d->state_dir);
        FILE *f = fopen(path, "re");
        if (!f)
                return -errno;
        bool read = fgets(d->token, sizeof(d->token), f);
        (void)fclose(f);
        d->token[strcspn(d->token, "\n")] = '\0';
        return read ? 0 : -ENODATA;
}

/* With a socket it waits for READY=1 first, which comes before the first answer: a question that
 * waits for its answer meanwhile would hide when. */
static int await_ready(struct daemon *d, int notify_fd, int64_t from_us, struct daemon_start *ret)
{
        char ask[128];
        int64_t until_us = from_us + START_TIMEOUT_US;

        (void)snprintf(ask, sizeof(ask), "GET /ready HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n",
                       d->port);
        for (bool told = notify_fd < 0;;) {
                bool heard = notified(notify_fd);
                if (heard && !told)
                        ret->notified_ms = (double)(clock_mono_us() - from_us) / 1000;
                told |= heard;
                if (told && load_once(d->port, ask, NULL) == 200)
                        break;
                if (waitpid(d->pid, NULL, WNOHANG) == d->pid) {
                        d->pid = 0;
                        return -ECHILD;
                }
                if (clock_mono_us() > until_us)
                        return -ETIMEDOUT;
        }
        if (ret)
                ret->ready_ms = (double)(clock_mono_us() - from_us) / 1000;
        return read_token(d);
}

/* --- life
 * --------------------------------------------------------------------------------------------- */

/* A socket bound to a port that is free. */
static int bound(uint16_t *ret_port)
{
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof(a);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (bind(fd, (struct sockaddr *)&a, size) < 0 ||
            getsockname(fd, (struct sockaddr *)&a, &size) < 0) {
                int r = -errno;
                closep(&fd);
                return r;
        }
        *ret_port = ntohs(a.sin_port);
        return fd;
}

static int free_port(uint16_t *ret)
{
        int fd = bound(ret);
        if (fd < 0)
                return fd;
        closep(&fd);
        return 0;
}

int daemon_init(struct daemon *d, const struct daemon_paths *paths)
{
        *d = (struct daemon){};
        (void)snprintf(d->state_dir, sizeof(d->state_dir), "%s/ordo-bench-XXXXXX", paths->place);
        if (!mkdtemp(d->state_dir)) {
                d->state_dir[0] = '\0';
                return -errno;
        }
        if (paths->new_database)
                (void)text_copy(d->database_url, sizeof(d->database_url), paths->new_database());
        return 0;
}

/* In the child. The daemon must not outlive the bench. */
static void become_ordod(const char *ordod, char **environment)
{
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        int null = open("/dev/null", O_RDWR);
        if (null >= 0) {
                (void)dup2(null, STDIN_FILENO);
                (void)dup2(null, STDOUT_FILENO); /* where its records go */
        }
        char *const argv[] = {(char *)"ordod", NULL};
        execve(ordod, argv, environment);
        perror(ordod);
        _exit(127);
}

int daemon_start(struct daemon *d, const struct daemon_paths *paths, const char *accounts,
                 struct daemon_start *ret)
{
        struct environment e = {};
        char name[64];
        int notify_fd = ret ? notify_open(name) : -1;
        if (ret && notify_fd < 0)
                return notify_fd;
        int r = free_port(&d->port);
        env_fill(&e, d, paths, accounts, ret ? name : NULL);
        env_put_listen(&e, d);
        if (r == 0) {
                int64_t from_us = clock_mono_us();
                d->pid = fork();
                if (d->pid == 0)
                        become_ordod(paths->ordod, e.entries);
                r = d->pid < 0 ? -errno : await_ready(d, notify_fd, from_us, ret);
        }
        env_done(&e);
        closep(&notify_fd);
        return r;
}

/* In the child: waits for the first connection, as systemd-socket-activate does. */
static void become_activated(const char *ordod, struct environment *e, int listener)
{
        struct pollfd p = {.fd = listener, .events = POLLIN};
        char pid[24];

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (poll(&p, 1, -1) < 0 && errno == EINTR)
                ;
        (void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
        env_put(e, "LISTEN_PID", pid);
        env_put(e, "LISTEN_FDS", "1");
        env_put(e, "LISTEN_FDNAMES", "http");
        if (listener == FIRST_PASSED ? fcntl(listener, F_SETFD, 0) < 0
                                     : dup2(listener, FIRST_PASSED) < 0)
                _exit(127);
        become_ordod(ordod, e->entries);
}

int daemon_start_by_socket(struct daemon *d, const struct daemon_paths *paths, const char *accounts,
                           double *ret_ms)
{
        static const char ask[] = "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
        struct environment e = {};
        int listener = bound(&d->port);
        int r = listener < 0 ? listener : listen(listener, SOMAXCONN) < 0 ? -errno : 0;

        env_fill(&e, d, paths, accounts, NULL);
        if (r == 0) {
                d->pid = fork();
                if (d->pid == 0)
                        become_activated(paths->ordod, &e, listener);
                r = d->pid < 0 ? -errno : 0;
        }
        closep(&listener);
        if (r == 0) {
                int64_t from_us = clock_mono_us();
                int status = load_once(d->port, ask, NULL);
                *ret_ms = (double)(clock_mono_us() - from_us) / 1000;
                r = status == 200 ? 0 : status < 0 ? status : -EPROTO;
        }
        env_done(&e);
        return r;
}

int daemon_memory(const struct daemon *d, struct daemon_memory *ret)
{
        char path[64], line[256];
        (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)d->pid);
        FILE *f = fopen(path, "re");
        if (!f)
                return -errno;
        *ret = (struct daemon_memory){};
        while (fgets(line, sizeof(line), f)) {
                if (strncmp(line, "VmRSS:", 6) == 0)
                        ret->rss_mb = strtod(line + 6, NULL) / 1024;
                if (strncmp(line, "RssAnon:", 8) == 0)
                        ret->anon_mb = strtod(line + 8, NULL) / 1024;
        }
        (void)fclose(f);
        return ret->rss_mb > 0 ? 0 : -ENODATA;
}

/* The first number of schedstat, in ns. */
static double thread_cpu_ms(pid_t pid, const char *tid)
{
        char path[64], line[128];
        (void)snprintf(path, sizeof(path), "/proc/%d/task/%.16s/schedstat", (int)pid, tid);
        FILE *f = fopen(path, "re");
        if (!f)
                return 0; /* ended meanwhile */
        double ms = fgets(line, sizeof(line), f) ? strtod(line, NULL) / 1e6 : 0;
        (void)fclose(f);
        return ms;
}

int daemon_cpu(const struct daemon *d, struct daemon_cpu *ret)
{
        char path[64];
        (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)d->pid);
        DIR *tasks = opendir(path);
        if (!tasks)
                return -errno;
        *ret = (struct daemon_cpu){};
        for (const struct dirent *e; (e = readdir(tasks));) {
                if (e->d_name[0] == '.')
                        continue;
                double ms = thread_cpu_ms(d->pid, e->d_name);
                if (atoi(e->d_name) == d->pid)
                        ret->loop_ms += ms;
                else
                        ret->store_ms += ms;
        }
        (void)closedir(tasks);
        return 0;
}

int daemon_stop(struct daemon *d)
{
        int status = 0;
        int64_t until_us = clock_mono_us() + STOP_TIMEOUT_US;

        if (d->pid <= 0)
                return 0;
        (void)kill(d->pid, SIGTERM);
        while (waitpid(d->pid, &status, WNOHANG) == 0) {
                if (clock_mono_us() > until_us)
                        (void)kill(d->pid, SIGKILL);
                (void)usleep(STOP_PAUSE_US);
        }
        d->pid = 0;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *f)
{
        (void)remove(path);
        return 0;
}

void daemon_done(struct daemon *d)
{
        (void)daemon_stop(d);
        if (d->state_dir[0])
                (void)nftw(d->state_dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
        d->state_dir[0] = '\0';
}
