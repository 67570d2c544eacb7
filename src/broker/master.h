/* Reading a broker's master: lines of CSV (quotes as in RFC 4180, but no line breaks inside them)
 * into scrips, by the tables of the adapter. Pure; any thread. */
#pragma once

#include "broker/broker.h"

#define MASTER_COLUMNS_MAX 48 /* of a file */
#define MASTER_WANTED_MAX  24 /* of those that an adapter reads */
#define MASTER_LINE_MAX    4096

struct master_reader {
        const struct broker_master *master;
        unsigned file;
        unsigned line; /* read so far, the header too */
        bool header_seen;
        unsigned n_wanted;
        int places[MASTER_WANTED_MAX]; /* of the wanted columns in a line */
};

void master_reader_init(struct master_reader *m, const struct broker_master *master, unsigned file);
/* One line without its end, taken apart in place. 1: a scrip; 0: none (a header, a row for nobody,
 * an empty line); -EINVAL: not a line of this file; -EPROTO: the header lacks a column. */
int master_read_line(struct master_reader *m, char *line, size_t n, struct scrip *ret,
                     unsigned *ret_rank);
