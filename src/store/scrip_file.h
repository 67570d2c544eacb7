/* The instruments of one broker in a file of their own: made whole, on the jobs thread, and never
 * changed afterwards, so that it is read without locks; it can always be made again. Not part of
 * the ledger. Plain SQLite.
 *
 * A maker and a file each belong to one thread at a time; a file may be opened on one thread and
 * used on another. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "domain/scrip.h"

struct scrip_maker;
struct scrip_file;

/* In the place of what is at `path`. Errors of all three: -ENOSPC, -ENOMEM, -EIO, or another
 * negative errno of opening. */
int scrip_maker_new(const char *path, struct scrip_maker **ret);
/* Of scrips with one symbol the lowest rank stays, and of those the lowest key. -ERANGE: a lot,
 * tick or freeze quantity of 2^31 and more, a band of 256 percent and more. */
int scrip_maker_add(struct scrip_maker *m, const struct scrip *s, unsigned rank);
/* Completes the file and brings it to the disk; `as_of_us` is kept in it. Nothing is added after
 * it. */
int scrip_maker_finish(struct scrip_maker *m, int64_t as_of_us, unsigned *ret_rows);
/* The file stays, whatever it has become. */
struct scrip_maker *scrip_maker_free(struct scrip_maker *m);
DEFINE_CLEANUP(struct scrip_maker *, scrip_maker_free)

struct scrip_facts {
        unsigned rows;
        int64_t as_of_us; /* wall clock: when it was fetched */
};

/* `cache_kib`: pages that stay in memory while nobody asks. -ENOENT; -EBADMSG: not such a file, or
 * one of another version; -EIO, -ENOMEM. */
int scrip_file_open(const char *path, unsigned cache_kib, struct scrip_file **ret);
struct scrip_file *scrip_file_close(struct scrip_file *f);
DEFINE_CLEANUP(struct scrip_file *, scrip_file_close)
/* Reads the index by symbol into the cache, so that the first look-ups cost no more than the later
 * ones: about 1 ms for 200,000 instruments. What fails here the look-ups tell. */
void scrip_file_warm(struct scrip_file *f);
struct scrip_facts scrip_file_facts(const struct scrip_file *f);

/* 1; 0: it lists none, or, by key or token, more than one; -EBADMSG, -EIO: the file is damaged. By
 * ISIN the NSE's comes before the BSE's, then the lowest rank. */
int scrip_file_find(struct scrip_file *f, enum scrip_by by, const char *text, struct scrip *ret);

/* What begins with `prefix`, upper case, in ascending order: symbols; or names, from any of their
 * words on, of shares and indices. Returns how many of at most `limit`, or an error as
 * scrip_file_find(). */
enum scrip_text { SCRIP_TEXT_SYMBOL, SCRIP_TEXT_NAME };
int scrip_file_search(struct scrip_file *f, enum scrip_text text, const char *prefix,
                      unsigned limit, struct instrument *ret);
