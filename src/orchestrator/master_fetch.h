/* Fetching the files of a broker's master, one after another, each into a file without a name in
 * the state directory. Loop thread; no file is ever held in memory. */
#pragma once

#include "net/httpc.h"
#include "orchestrator/master_load.h"

#define MASTER_FILE_MAX        (128U << 20)         /* bytes of one file as it is sent */
#define MASTER_SPEED_MAX       (8 << 20)            /* bytes a second, of each broker */
#define MASTER_FILE_TIMEOUT_US (180 * USEC_PER_SEC) /* of one file, everything included */

struct master_fetch {
        /* in; borrowed until done */
        struct loop *loop;
        const struct broker *broker;
        const struct account *account; /* whose address, certificates and master URL */
        const struct secret *token;    /* of its session; NULL: none is needed */
        const char *dir;               /* exists */
        int64_t timeout_us;            /* 0: MASTER_FILE_TIMEOUT_US */
        size_t file_max;               /* 0: MASTER_FILE_MAX */
        void (*done)(struct master_fetch *f);
        /* out */
        int result; /* 0 or a negative errno */
        char error[MASTER_ERROR_SIZE];
        int fds[MASTER_FILES_MAX]; /* the owner's, after a failure too; -1: none */
        unsigned n_files;
        int64_t started_us; /* wall clock */

        /* its own */
        struct httpc *httpc;
        struct http_call http;
        struct loop_work work;
        int failed; /* to write */
        bool runs;
};

/* `done` is called once, never from inside it. */
void master_fetch_start(struct master_fetch *f);
/* Gives up without `done` if it runs; closes the files, which may take its time. Safe on a zeroed
 * struct. */
void master_fetch_clear(struct master_fetch *f);
