/* Server-sent events out of bytes as they arrive, in pieces of any size. */
#pragma once

#include <stdint.h>

#include "base/cleanup.h"
#include "base/text.h"

#define SSE_LINE_MAX (1U << 20)
#define SSE_DATA_MAX (1U << 20)

struct sse_event {
        const char *type; /* "message" when the server named none */
        const char *id;   /* of this event or the last one before that had one; "" */
        const char *data;
};

struct sse_parser {
        /* The event is valid during the call. False ends the parsing. */
        bool (*event)(struct sse_parser *p, const struct sse_event *e);
        long retry_ms; /* what the server asks for; 0: nothing said */
        /* inside */
        struct text line, data;
        char type[32];
        char id[32];
        bool after_cr;
};

void sse_parser_done(struct sse_parser *p);
/* Forgets the unfinished event of a connection that broke; keeps the last id. */
void sse_parser_restart(struct sse_parser *p);
/* 0; 1 the callback wants no more; -ENOMEM; -E2BIG when a line or an event is too long. */
int sse_parser_feed(struct sse_parser *p, const char *s, size_t n);
