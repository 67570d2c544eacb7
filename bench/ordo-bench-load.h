/* A closed load of HTTP/1.1 requests over kept connections to loopback: every connection sends its
 * next request when the answer to the last is complete, until `count` are sent or `max_us` are
 * over. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define LOAD_CONNECTIONS_MAX 64
#define LOAD_FAULT_SIZE      512

struct load {
        uint16_t port;
        bool tls;             /* to a server of ours: its certificate is not looked at */
        unsigned connections; /* 1 … LOAD_CONNECTIONS_MAX */
        unsigned count;
        int64_t max_us;
        int status; /* of every answer; another one ends the load as a fault */
        bool own;   /* answers carry elapsed_ms and latency_ms */
        /* Writes the n-th request, headers and body. */
        void (*request)(struct text *out, unsigned n, const void *userdata);
        const void *userdata;
};

struct spread {
        double p50_ms, p99_ms, p999_ms, most_ms;
};

struct load_result {
        unsigned done;
        double per_second;
        struct spread total; /* from the first byte sent to the last byte received */
        struct spread own;   /* elapsed_ms less the slowest leg's latency_ms */
};

/* 0, or a negative errno with a sentence in `fault`. */
int load_run(const struct load *load, struct load_result *ret, char fault[static LOAD_FAULT_SIZE]);

/* One request on a connection of its own: the status, or negative errno. `ret_answer` is the whole
 * of it, head and body, and may be NULL. */
int load_once(uint16_t port, const char *request, struct text *ret_answer);

/* Sorts `values`. */
struct spread spread_of(uint32_t *values, unsigned n);
