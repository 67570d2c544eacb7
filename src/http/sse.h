/* GET /api/v1/events: server-sent events. One stream is one exchange and one subscription. */
#pragma once

#include <stdint.h>

#include "base/list.h"
#include "loop/loop.h"

#define STREAMS_MAX     64
#define STREAMS_PER_KEY 8
#define STREAM_BACKLOG_MAX \
        (256U << 10) /* bytes that wait for a slow client; beyond it the stream ends */
#define STREAM_HEARTBEAT_US  INT64_C(15000000)
#define STREAM_STALLED_BEATS 2 /* heartbeats that may pass while one write does not end */

struct http;
struct event;
struct text;

struct streams {
        struct http *http;
        struct list list;
        unsigned n;
        struct loop_timer heartbeat;
        int64_t heartbeat_us; /* STREAM_HEARTBEAT_US; tests are less patient */
        struct series *open;
};

int streams_init(struct streams *s, struct http *h);
void streams_done(struct streams *s);
/* Ends every stream in an orderly way. */
void streams_end(struct streams *s);
/* The keys were read anew: ends the streams whose key is gone or may see something else now. */
void streams_recheck(struct streams *s);

/* "id: 7\nevent: leg\ndata: {…}\n\n" */
void sse_print(struct text *t, const struct event *e);
