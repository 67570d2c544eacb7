#include "ordo-bench-floor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <h2o.h>
#include <sqlite3.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define ROUNDS     2000
#define ROUNDS_US  (2 * USEC_PER_SEC)
#define BLOCK      4096
#define ROW_SIZE   400 /* about what an order's rows hold */
#define ACCEPT_MAX 16

/* --- libh2o
 * ----------------------------------------------------------------------------------------- */

/* As long as the answer to an order. */
static const char bare_answer[] =
        "{\"order_id\":\"01KAR8Z6J2QN3V8XM4T5W9YC7B\",\"overall_status\":\"success\",\"results\":[{"
        "\"leg_id\":\"01KAR8Z6J2QN3V8XM4T5W9YC7B-1\",\"account\":\"paper:bench\",\"status\":"
        "\"success\","
        "\"outcome\":\"accepted\",\"code\":null,\"message\":null,\"tag\":\"K2R7ABCDEFGH\","
        "\"broker_order_id\":\"26112300000017\",\"order_status\":\"FILLED\",\"filled_quantity\":1,"
        "\"average_price\":\"1050.00\",\"latency_ms\":0.0}],"
        "\"correlation_id\":\"8e03978e-40d5-43dd-bc93-6894a57f9324\",\"elapsed_ms\":0.5}";

static struct {
        h2o_globalconf_t config;
        h2o_context_t context;
        h2o_accept_ctx_t accept;
} server; /* of the child */

static int on_request(h2o_handler_t *self, h2o_req_t *req)
{
        static h2o_generator_t generator;
        req->res.status = 201;
        req->res.reason = "Created";
        req->res.content_length = sizeof(bare_answer) - 1;
        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL,
                       H2O_STRLIT("application/json"));
        h2o_start_response(req, &generator);
        h2o_send(req, &(h2o_iovec_t){(char *)bare_answer, sizeof(bare_answer) - 1}, 1,
                 H2O_SEND_STATE_FINAL);
        return 0;
}

static void on_accept(h2o_socket_t *listener, const char *error)
{
        h2o_socket_t *s;
        for (unsigned i = 0; !error && i < ACCEPT_MAX; i++) {
                if (!(s = h2o_evloop_socket_accept(listener)))
                        return;
                h2o_accept(&server.accept, s);
        }
}

static void serve(int fd)
{
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        h2o_config_init(&server.config);
        h2o_hostconf_t *host = h2o_config_register_host(
                &server.config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
        h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
        h2o_create_handler(path, sizeof(h2o_handler_t))->on_req = on_request;
        h2o_context_init(&server.context, h2o_evloop_create(), &server.config);
        server.accept.ctx = &server.context;
        server.accept.hosts = server.config.hosts;
        h2o_socket_t *listener =
                h2o_evloop_socket_create(server.context.loop, fd, H2O_SOCKET_FLAG_DONT_READ);
        h2o_socket_read_start(listener, on_accept);
        for (;;)
                (void)h2o_evloop_run(server.context.loop, INT32_MAX);
}

int bare_start(struct bare *b)
{
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof(a);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || bind(fd, (struct sockaddr *)&a, size) < 0 || listen(fd, SOMAXCONN) < 0 ||
            getsockname(fd, (struct sockaddr *)&a, &size) < 0) {
                int r = -errno;
                closep(&fd);
                return r;
        }
        b->port = ntohs(a.sin_port);
        b->pid = fork();
        if (b->pid == 0)
                serve(fd);
        int r = b->pid < 0 ? -errno : 0;
        closep(&fd);
        return r;
}

void bare_done(struct bare *b)
{
        if (b->pid <= 0)
                return;
        (void)kill(b->pid, SIGKILL);
        (void)waitpid(b->pid, NULL, 0);
        b->pid = 0;
}

/* --- the disk
 * ----------------------------------------------------------------------------------------- */

/* Repeats `once` until there are enough samples. */
static int sample(int (*once)(void *), void *userdata, struct spread *ret)
{
        static uint32_t us[ROUNDS];
        unsigned n = 0;
        int64_t until_us = clock_mono_us() + ROUNDS_US;

        for (; n < ROUNDS && clock_mono_us() < until_us; n++) {
                int64_t from_us = clock_mono_us();
                int r = once(userdata);
                if (r < 0)
                        return r;
                us[n] = (uint32_t)(clock_mono_us() - from_us);
        }
        *ret = spread_of(us, n);
        return 0;
}

struct sync_file {
        int fd;
        off_t at;
};

static int sync_once(void *userdata)
{
        static const char block[BLOCK];
        struct sync_file *f = userdata;
        if (pwrite(f->fd, block, sizeof(block), f->at) != (ssize_t)sizeof(block) ||
            fdatasync(f->fd) < 0)
                return -errno;
        f->at += BLOCK;
        return 0;
}

int floor_sync(const char *place, struct spread *ret)
{
        char path[512];
        (void)snprintf(path, sizeof(path), "%s/ordo-bench-XXXXXX", place);
        struct sync_file f = {.fd = mkstemp(path)};
        if (f.fd < 0)
                return -errno;
        (void)unlink(path);
        int r = sample(sync_once, &f, ret);
        closep(&f.fd);
        return r;
}

struct commits {
        sqlite3 *db;
        sqlite3_stmt *insert;
        unsigned rows;
};

static int commit_once(void *userdata)
{
        struct commits *c = userdata;
        if (sqlite3_exec(c->db, "begin immediate", NULL, NULL, NULL) != SQLITE_OK)
                return -EIO;
        for (unsigned i = 0; i < c->rows; i++) {
                if (sqlite3_step(c->insert) != SQLITE_DONE)
                        return -EIO;
                (void)sqlite3_reset(c->insert);
        }
        return sqlite3_exec(c->db, "commit", NULL, NULL, NULL) == SQLITE_OK ? 0 : -EIO;
}

static int commits_open(struct commits *c, const char *path)
{
        static const char row[ROW_SIZE];
        static const char setup[] = "pragma journal_mode=wal; pragma synchronous=full;"
                                    "create table t(id integer primary key, row blob not null)";
        bool ok = sqlite3_open(path, &c->db) == SQLITE_OK &&
                  sqlite3_exec(c->db, setup, NULL, NULL, NULL) == SQLITE_OK &&
                  sqlite3_prepare_v2(c->db, "insert into t(row) values (?)", -1, &c->insert,
                                     NULL) == SQLITE_OK &&
                  sqlite3_bind_blob(c->insert, 1, row, sizeof(row), SQLITE_STATIC) == SQLITE_OK;
        return ok ? 0 : -EIO;
}

int floor_commit(const char *place, unsigned rows, struct spread *ret)
{
        static const char *const suffixes[] = {"/db-wal", "/db-shm", "/db", ""};
        char dir[480], path[512];
        struct commits c = {.rows = rows};

        (void)snprintf(dir, sizeof(dir), "%s/ordo-bench-XXXXXX", place);
        if (!mkdtemp(dir))
                return -errno;
        (void)snprintf(path, sizeof(path), "%s/db", dir);
        int r = commits_open(&c, path);
        if (r == 0)
                r = sample(commit_once, &c, ret);
        (void)sqlite3_finalize(c.insert);
        (void)sqlite3_close(c.db);
        for (unsigned i = 0; i < ELEMENTS(suffixes); i++) {
                (void)snprintf(path, sizeof(path), "%s%s", dir, suffixes[i]);
                (void)remove(path);
        }
        return r;
}
