#include "postgres_proxy.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define SOCKET_NAME ".s.PGSQL.5432"
#define BUFFER_SIZE (1U << 20)
#define LATE_MS     400

struct side {
        int from, to;
        bool started; /* the first packet of a client has no type */
        unsigned char bytes[BUFFER_SIZE];
        size_t n;
};

static char server_path[100], dir[64];
static int listener = -1, stopping[2];
static pthread_t thread;
static struct side sides[_PROXY_SIDE_MAX];

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
        bool armed, done, late;
        enum proxy_side side;
        unsigned left;
} cut;

static void address(struct sockaddr_un *a, const char *path)
{
        *a = (struct sockaddr_un){.sun_family = AF_UNIX};
        snprintf(a->sun_path, sizeof(a->sun_path), "%s", path);
}

static void write_all(int fd, const void *bytes, size_t n)
{
        const char *p = bytes;
        while (n > 0) {
                ssize_t done = send(fd, p, n, MSG_NOSIGNAL);
                if (done <= 0)
                        return; /* the other end is gone: it shows when it is read */
                p += done;
                n -= (size_t)done;
        }
}

/* Bytes of the message that the buffer begins with; 0: not all there. */
static size_t message(const struct side *s)
{
        size_t type = s->started ? 1 : 0;
        uint32_t length;

        if (s->n < type + sizeof(length))
                return 0;
        memcpy(&length, s->bytes + type, sizeof(length));
        size_t size = type + ntohl(length);
        ck_assert_uint_le(size, BUFFER_SIZE);
        return s->n >= size ? size : 0;
}

/* Whether the connection is lost before this message. */
static bool lost_before(enum proxy_side side, bool *ret_late)
{
        bool lost = false;

        pthread_mutex_lock(&mutex);
        if (cut.armed && cut.side == side && cut.left-- == 0) {
                cut.armed = false;
                cut.done = lost = true;
                *ret_late = cut.late;
        }
        pthread_mutex_unlock(&mutex);
        return lost;
}

/* The store's end closes at once; what it sent comes to the server later. */
static void deliver_late(void)
{
        struct side *s = &sides[PROXY_TO_SERVER];
        ssize_t more;

        while (s->n < BUFFER_SIZE &&
               (more = recv(s->from, s->bytes + s->n, BUFFER_SIZE - s->n, MSG_DONTWAIT)) > 0)
                s->n += (size_t)more;
        close(s->from);
        s->from = -1;
        nanosleep(&(struct timespec){.tv_nsec = LATE_MS * 1000000L}, NULL);
        write_all(s->to, s->bytes, s->n);
}

/* False: the connection is over. */
static bool forward(enum proxy_side side)
{
        struct side *s = &sides[side];
        bool late = false;
        size_t size;

        ssize_t n = recv(s->from, s->bytes + s->n, BUFFER_SIZE - s->n, 0);
        if (n <= 0)
                return false;
        s->n += (size_t)n;
        while ((size = message(s)) > 0) {
                if (lost_before(side, &late)) {
                        if (late)
                                deliver_late();
                        return false;
                }
                write_all(s->to, s->bytes, size);
                s->n -= size;
                memmove(s->bytes, s->bytes + size, s->n);
                s->started = true;
        }
        return true;
}

static void serve(int client)
{
        struct sockaddr_un a;
        int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        address(&a, server_path);
        if (connect(server, (struct sockaddr *)&a, sizeof(a)) == 0) {
                sides[PROXY_TO_SERVER].from = sides[PROXY_TO_CLIENT].to = client;
                sides[PROXY_TO_SERVER].to = sides[PROXY_TO_CLIENT].from = server;
                sides[PROXY_TO_SERVER].n = sides[PROXY_TO_CLIENT].n = 0;
                sides[PROXY_TO_SERVER].started = false;
                sides[PROXY_TO_CLIENT].started = true;
                bool open = true;
                while (open) {
                        struct pollfd fds[] = {{.fd = client, .events = POLLIN},
                                               {.fd = server, .events = POLLIN},
                                               {.fd = stopping[0], .events = POLLIN}};
                        if (poll(fds, 3, -1) < 0)
                                continue;
                        open = !fds[2].revents;
                        if (open && fds[0].revents)
                                open = forward(PROXY_TO_SERVER);
                        if (open && fds[1].revents)
                                open = forward(PROXY_TO_CLIENT);
                }
                if (sides[PROXY_TO_SERVER].from < 0)
                        client = -1; /* closed already */
        }
        close(server);
        if (client >= 0)
                close(client);
}

static void *proxy_main(void *arg)
{
        for (;;) {
                struct pollfd fds[] = {{.fd = listener, .events = POLLIN},
                                       {.fd = stopping[0], .events = POLLIN}};
                if (poll(fds, 2, -1) < 0)
                        continue;
                if (fds[1].revents)
                        return NULL;
                int client = accept(listener, NULL, NULL);
                if (client >= 0)
                        serve(client);
        }
}

const char *proxy_start(const char *server_dir)
{
        struct sockaddr_un a;
        char path[100];

        snprintf(server_path, sizeof(server_path), "%s/" SOCKET_NAME, server_dir);
        snprintf(dir, sizeof(dir), "/tmp/ordo-proxy-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(dir));
        snprintf(path, sizeof(path), "%s/" SOCKET_NAME, dir);
        address(&a, path);
        listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
        ck_assert_int_eq(listen(listener, 8), 0);
        ck_assert_int_eq(pipe(stopping), 0);
        ck_assert_int_eq(pthread_create(&thread, NULL, proxy_main, NULL), 0);
        return dir;
}

void proxy_stop(void)
{
        char path[100];

        ck_assert_int_eq(write(stopping[1], "", 1), 1);
        pthread_join(thread, NULL);
        close(listener);
        close(stopping[0]);
        close(stopping[1]);
        snprintf(path, sizeof(path), "%s/" SOCKET_NAME, dir);
        unlink(path);
        rmdir(dir);
}

void proxy_cut(enum proxy_side side, unsigned n, bool late)
{
        pthread_mutex_lock(&mutex);
        cut.armed = true;
        cut.done = false;
        cut.late = late;
        cut.side = side;
        cut.left = n;
        pthread_mutex_unlock(&mutex);
}

bool proxy_was_cut(void)
{
        pthread_mutex_lock(&mutex);
        bool done = cut.done;
        cut.armed = cut.done = false;
        pthread_mutex_unlock(&mutex);
        return done;
}
