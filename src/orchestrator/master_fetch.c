#include "orchestrator/master_fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

#define STATUS_OK 200

static void next_file(struct master_fetch *f);

static void finish(struct master_fetch *f)
{
        f->httpc = httpc_free(f->httpc);
        f->runs = false;
        f->done(f);
}

static void deferred(struct loop_work *w)
{
        finish(CONTAINER_OF(w, struct master_fetch, work));
}

/* The URL is not named: what a broker wants in it may be a credential. */
static void fail(struct master_fetch *f, int r, const char *what)
{
        f->result = r;
        snprintf(f->error, sizeof(f->error), "file %s: %s", f->broker->master->files[f->n_files],
                 what);
}

/* The files have no name from the first moment on: nothing is left of them after a crash. */
static int nameless(const char *dir)
{
        _cleanup_(text_done) struct text path = TEXT_NULL;

        text_addf(&path, "%s/fetch-XXXXXX", dir);
        if (path.failed)
                return path.failed;
        int fd = mkostemp(path.data, O_CLOEXEC);
        if (fd < 0)
                return -errno;
        (void)unlink(path.data);
        return fd;
}

static int take_body(struct http_call *c, const void *data, size_t n)
{
        struct master_fetch *f = CONTAINER_OF(c, struct master_fetch, http);
        f->failed = file_write(f->fds[f->n_files], data, n);
        return f->failed;
}

/* Whether the file is there; else why not. */
static bool fetched(struct master_fetch *f)
{
        const struct http_call *c = &f->http;
        char status[48];

        if (f->failed < 0) {
                fail(f, f->failed, strerror(-f->failed));
        } else if (c->verdict != VERDICT_ANSWERED) {
                fail(f, -EIO, c->facts.error);
        } else if (c->reply.status != STATUS_OK) {
                snprintf(status, sizeof(status), "the server answered %d", c->reply.status);
                fail(f, -EPROTO, status);
        } else {
                return true;
        }
        return false;
}

static void answered(struct http_call *c)
{
        struct master_fetch *f = CONTAINER_OF(c, struct master_fetch, http);
        bool good = !f->runs ? false : fetched(f);

        http_call_done(c);
        if (!f->runs)
                return; /* given up */
        if (good && f->broker->master->files[++f->n_files])
                next_file(f);
        else
                finish(f);
}

static int begin_file(struct master_fetch *f)
{
        const struct broker_call call = {
                .op = BROKER_MASTER, .account = f->account, .token = f->token, .step = f->n_files};

        if (f->n_files == MASTER_FILES_MAX)
                return -E2BIG;
        f->http = (struct http_call){.done = answered, .take_body = take_body};
        f->http.timeout_us = f->timeout_us ? f->timeout_us : MASTER_FILE_TIMEOUT_US;
        f->failed = 0;
        int r = f->broker->request(&call, &f->http.request);
        /* It is unpacked while it is read, on the other thread, and within limits. */
        if (r >= 0)
                r = http_request_header(&f->http.request, "Accept-Encoding", "gzip");
        if (r < 0) {
                http_call_done(&f->http);
                return r;
        }
        f->fds[f->n_files] = r = nameless(f->dir);
        if (r < 0)
                http_call_done(&f->http);
        return r;
}

static void next_file(struct master_fetch *f)
{
        int r = begin_file(f);

        if (r >= 0) {
                httpc_send(f->httpc, &f->http);
                return;
        }
        fail(f, r, strerror(-r));
        loop_defer(f->loop, &f->work);
}

void master_fetch_start(struct master_fetch *f)
{
        const struct account_access *a = &f->account->access;
        const struct httpc_options o = {
                .base_url = broker_master_url(f->broker, f->account),
                .ca_file = a->ca_file,
                .egress_address = a->egress_address,
                .max_connections = 1,
                .reply_max = f->file_max ? f->file_max : MASTER_FILE_MAX,
                .speed_max = MASTER_SPEED_MAX,
        };

        f->result = 0;
        f->error[0] = '\0';
        f->n_files = 0;
        f->started_us = clock_wall_us();
        f->runs = true;
        f->work.run = deferred;
        list_init(&f->work.link);
        for (unsigned i = 0; i < MASTER_FILES_MAX; i++)
                f->fds[i] = -1;
        int r = o.base_url ? httpc_new_curl(f->loop, &o, &f->httpc) : -EINVAL;
        if (r >= 0) {
                next_file(f);
                return;
        }
        fail(f, r, r == -EINVAL ? "the address of the master is not usable" : strerror(-r));
        loop_defer(f->loop, &f->work);
}

void master_fetch_clear(struct master_fetch *f)
{
        if (f->runs) {
                f->runs = false;
                list_unlink(&f->work.link);
                f->httpc = httpc_free(f->httpc);
        }
        if (!f->loop)
                return;
        for (unsigned i = 0; i < MASTER_FILES_MAX; i++)
                closep(&f->fds[i]);
        f->n_files = 0;
}
