#undef NDEBUG
#include "script_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct peer {
        struct script_server *server;
        unsigned slot;
        int fd;
        SSL *tls;
        char *request; /* SCRIPT_REQUEST_MAX + 1 */
        size_t have;
};

static ssize_t peer_read(struct peer *p, void *data, size_t n)
{
        return p->tls ? SSL_read(p->tls, data, (int)n) : read(p->fd, data, n);
}

static bool peer_write(struct peer *p, const char *data, size_t n)
{
        while (n > 0) {
                ssize_t w = p->tls ? SSL_write(p->tls, data, (int)n) : write(p->fd, data, n);
                if (w <= 0)
                        return false;
                data += w;
                n -= (size_t)w;
        }
        return true;
}

/* The length of the first whole request in the buffer; 0: not whole yet. */
static size_t request_length(const struct peer *p)
{
        const char *end = strstr(p->request, "\r\n\r\n");
        if (!end)
                return 0;
        const char *length = strcasestr(p->request, "\r\ncontent-length:");
        size_t body = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
        size_t whole = (size_t)(end - p->request) + 4 + body;
        return p->have >= whole ? whole : 0;
}

static bool read_request(struct peer *p)
{
        struct script_server *s = p->server;
        size_t whole;

        while (!(whole = request_length(p))) {
                ssize_t n = p->have < SCRIPT_REQUEST_MAX ? peer_read(p, p->request + p->have,
                                                                     SCRIPT_REQUEST_MAX - p->have)
                                                         : 0;
                if (n <= 0)
                        return false;
                p->have += (size_t)n;
                p->request[p->have] = '\0';
        }
        pthread_mutex_lock(&s->lock);
        s->requests++;
        s->writes += strncmp(p->request, "GET", 3) != 0;
        snprintf(s->last, sizeof(s->last), "%.*s", (int)whole, p->request);
        pthread_mutex_unlock(&s->lock);
        memmove(p->request, p->request + whole, p->have - whole + 1);
        p->have -= whole;
        return true;
}

static struct script_step next_step(struct script_server *s, bool peek)
{
        pthread_mutex_lock(&s->lock);
        struct script_step step = s->steps[s->step < s->n_steps ? s->step : s->n_steps - 1];
        if (!peek)
                s->step++;
        pthread_mutex_unlock(&s->lock);
        return step;
}

static bool stopping(struct script_server *s)
{
        pthread_mutex_lock(&s->lock);
        bool b = s->stopping;
        pthread_mutex_unlock(&s->lock);
        return b;
}

static void flood(struct peer *p, const char *start, const char *more)
{
        bool going = peer_write(p, start, strlen(start));

        while (going && !stopping(p->server))
                going = peer_write(p, more, strlen(more));
}

/* False: the connection is over. */
static bool act(struct peer *p, const struct script_step *step)
{
        const char *text = step->text ? step->text : SCRIPT_OK;
        size_t n = step->size ? step->size : strlen(text);
        const struct linger reset = {.l_onoff = 1};

        if (step->action != SCRIPT_DRIP)
                usleep(step->delay_ms * 1000);
        switch (step->action) {
        case SCRIPT_REPLY:
                return peer_write(p, text, n);
        case SCRIPT_REPLY_TWICE:
                if (!peer_write(p, text, n))
                        return false;
                usleep(20000);
                return peer_write(p, text, n);
        case SCRIPT_REPLY_CLOSE:
                peer_write(p, text, n);
                return false;
        case SCRIPT_DRIP:
                for (; *text && !stopping(p->server); text++) {
                        if (!peer_write(p, text, 1))
                                return false;
                        usleep(step->delay_ms * 1000);
                }
                return true;
        case SCRIPT_STALL:
                while (!stopping(p->server))
                        usleep(5000);
                return false;
        case SCRIPT_RESET:
                setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
                return false;
        case SCRIPT_FLOOD_HEAD:
                flood(p, "HTTP/1.1 200 OK\r\n",
                      "X-Flood: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
                return false;
        case SCRIPT_FLOOD_BODY:
                flood(p, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                      "20\r\nbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n");
                return false;
        default:
                return false;
        }
}

static void *serve(void *userdata)
{
        struct peer *p = userdata;
        struct script_server *s = p->server;

        if (s->tls) {
                p->tls = SSL_new(s->tls);
                SSL_set_fd(p->tls, p->fd);
        }
        if (next_step(s, true).action == SCRIPT_CLOSE_UNREAD)
                next_step(s, false);
        else if (!p->tls || SSL_accept(p->tls) == 1)
                while (read_request(p)) {
                        struct script_step step = next_step(s, false);
                        if (!act(p, &step))
                                break;
                }
        pthread_mutex_lock(&s->lock);
        s->fds[p->slot] = -1;
        pthread_mutex_unlock(&s->lock);
        SSL_free(p->tls);
        close(p->fd);
        free(p->request);
        free(p);
        return NULL;
}

static void *accept_all(void *userdata)
{
        struct script_server *s = userdata;
        int fd;

        while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
                struct peer *p = calloc(1, sizeof(*p));
                assert(p && s->n_threads < SCRIPT_CONNECTIONS_MAX);
                *p = (struct peer){.server = s, .fd = fd, .slot = s->n_threads};
                p->request = calloc(1, SCRIPT_REQUEST_MAX + 1);
                assert(p->request);
                pthread_mutex_lock(&s->lock);
                s->connections++;
                s->fds[p->slot] = fd;
                assert(pthread_create(&s->threads[s->n_threads++], NULL, serve, p) == 0);
                pthread_mutex_unlock(&s->lock);
        }
        return NULL;
}

void script_start(struct script_server *s, const struct script_step *steps, unsigned n,
                  SSL_CTX *tls)
{
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof(a);

        *s = (struct script_server){.steps = steps, .n_steps = n, .tls = tls};
        pthread_mutex_init(&s->lock, NULL);
        s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert(bind(s->listener, (struct sockaddr *)&a, sizeof(a)) == 0);
        assert(listen(s->listener, SCRIPT_CONNECTIONS_MAX) == 0);
        assert(getsockname(s->listener, (struct sockaddr *)&a, &size) == 0);
        s->port = ntohs(a.sin_port);
        assert(pthread_create(&s->accepting, NULL, accept_all, s) == 0);
}

void script_stop(struct script_server *s)
{
        pthread_mutex_lock(&s->lock);
        s->stopping = true;
        pthread_mutex_unlock(&s->lock);
        shutdown(s->listener, SHUT_RDWR);
        pthread_join(s->accepting, NULL);
        close(s->listener);
        pthread_mutex_lock(&s->lock);
        for (unsigned i = 0; i < s->n_threads; i++)
                if (s->fds[i] >= 0)
                        shutdown(s->fds[i], SHUT_RDWR);
        pthread_mutex_unlock(&s->lock);
        for (unsigned i = 0; i < s->n_threads; i++)
                pthread_join(s->threads[i], NULL);
        pthread_mutex_destroy(&s->lock);
}

static unsigned read_counter(struct script_server *s, const unsigned *counter)
{
        pthread_mutex_lock(&s->lock);
        unsigned n = *counter;
        pthread_mutex_unlock(&s->lock);
        return n;
}

unsigned script_requests(struct script_server *s)
{
        return read_counter(s, &s->requests);
}

unsigned script_writes(struct script_server *s)
{
        return read_counter(s, &s->writes);
}

unsigned script_connections(struct script_server *s)
{
        return read_counter(s, &s->connections);
}
