/* A broker's master from the files that were fetched to the file that is looked up in: unpacked,
 * read line by line, checked, and put in the place of the one before. Runs on the jobs thread, on
 * nothing but what it is given. */
#pragma once

#include <stdatomic.h>

#include "broker/broker.h"
#include "store/scrip_file.h"

#define MASTER_FILES_MAX      12           /* of one broker */
#define MASTER_UNPACKED_MAX   (512U << 20) /* bytes of all files together */
#define MASTER_ROWS_MAX       500000       /* as of the built-in set */
#define MASTER_BAD_FREE       10           /* lines that may be broken, whatever the size */
#define MASTER_BAD_PERCENT    1            /* of all lines, beyond those */
#define MASTER_SHRINK_PERCENT 50           /* of the rows in use: fewer are not believed */
#define MASTER_CACHE_KIB      4096 /* of a list in use; the kernel has the rest of the file */
#define MASTER_ERROR_SIZE     192

struct master_load {
        const struct broker_master *master;
        /* One a file, plain or gzip; -1: none. Closed here, for that frees what may be a large file
         * without a name; so is the file of instruments that is out of use. */
        int fds[MASTER_FILES_MAX];
        struct scrip_file *old;
        bool only_close;      /* nothing is loaded: `result` and `error` stay as they are */
        const char *path;     /* of the file that is looked up in */
        unsigned rows_before; /* in the file in use; 0: there is none */
        int64_t as_of_us;     /* when it was fetched */
        atomic_bool stop;     /* by another thread: leave as soon as possible */
        /* out */
        int result; /* 0; -EBADMSG: the files are not a day's master; -ECANCELED; else broken */
        char error[MASTER_ERROR_SIZE];
        unsigned rows, lines, bad;
        struct scrip_file *file; /* opened; whoever reads `result` takes it */
};

void master_load_init(struct master_load *l);
void master_load_run(struct master_load *l);
/* Closes what it still holds. */
void master_load_done(struct master_load *l);
