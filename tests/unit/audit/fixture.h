/* A directory of its own, and a ledger of chained lines to export into it. */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "audit/audit.h"
#include "base/clock.h"
#include "domain/audit_chain.h"
#include "suite.h"

#define ROWS_MAX 400
#define DAY_US   (86400 * USEC_PER_SEC)

struct fixture {
        char root[64], dir[80];
        int n; /* rows 1 … n */
        struct text rows[ROWS_MAX + 1];
        int64_t at_us[ROWS_MAX + 1];
        uint8_t hash[AUDIT_HASH_SIZE];
        int64_t now_us;
        struct audit *audit;
};

static inline void fixture_init(struct fixture *f)
{
        *f = (struct fixture){.root = "/tmp/ordo-audit-XXXXXX"};
        ck_assert_ptr_nonnull(mkdtemp(f->root));
        snprintf(f->dir, sizeof(f->dir), "%s/audit", f->root);
        f->now_us = clock_from_ist(20261123, 36000);
}

static inline void fixture_done(struct fixture *f)
{
        audit_close(f->audit);
        for (int i = 1; i <= f->n; i++)
                text_done(&f->rows[i]);
        char command[128];
        snprintf(command, sizeof(command), "rm -rf '%s'", f->root);
        ck_assert_int_eq(system(command), 0);
}

/* Adds `n` rows to the ledger, a second apart. */
static inline void fixture_rows(struct fixture *f, int n)
{
        for (int i = 0; i < n; i++) {
                ck_assert_int_lt(f->n, ROWS_MAX);
                struct audit_record r = {.action = AUDIT_ORDER_INTENT,
                                         .component = "orchestrator",
                                         .actor = "api-token",
                                         .account = "paper:demo",
                                         .at_us = f->now_us};
                text_addf(&r.payload, "{\"quantity\":%d,\"note\":\"a payload of some length\"}",
                          f->n);
                f->n++;
                ck_assert_int_eq(audit_chain_line(&r, f->n, f->hash, &f->rows[f->n], f->hash), 0);
                f->at_us[f->n] = f->now_us;
                f->now_us += USEC_PER_SEC;
                text_done(&r.payload);
        }
}

static inline void fixture_open(struct fixture *f, int64_t segment_bytes)
{
        f->audit = audit_close(f->audit);
        ck_assert_int_eq(audit_open(f->dir, segment_bytes, &f->audit), 0);
}

static inline int fixture_append(struct fixture *f, int64_t seq)
{
        return audit_append(f->audit, seq, f->at_us[seq], f->rows[seq].data, f->rows[seq].len);
}

/* Everything the ledger has and the files have not. */
static inline void fixture_export(struct fixture *f)
{
        for (int64_t seq = audit_exported(f->audit) + 1; seq <= f->n; seq++)
                ck_assert_int_eq(fixture_append(f, seq), 0);
        ck_assert_int_eq(audit_flush(f->audit), 0);
        ck_assert_int_eq(audit_exported(f->audit), f->n);
}

static inline const char *fixture_path(const struct fixture *f, const char *name)
{
        static char path[256];
        snprintf(path, sizeof(path), "%s/%s", f->dir, name);
        return path;
}

static inline bool fixture_has(const struct fixture *f, const char *name)
{
        return access(fixture_path(f, name), F_OK) == 0;
}

/* How many entries the directory has. */
static inline int fixture_files(const struct fixture *f)
{
        DIR *dir = opendir(f->dir);
        ck_assert_ptr_nonnull(dir);
        int n = 0;
        for (const struct dirent *d; (d = readdir(dir));)
                n += d->d_name[0] != '.';
        closedir(dir);
        return n;
}

/* The whole file, decompressed; free(). */
static inline char *fixture_read(const struct fixture *f, const char *name, size_t *ret_n)
{
        gzFile gz = gzopen(fixture_path(f, name), "rb");
        ck_assert_ptr_nonnull(gz);
        char *data = calloc(1, 1 << 20);
        int n = gzread(gz, data, (1 << 20) - 1);
        ck_assert_int_ge(n, 0);
        gzclose(gz);
        *ret_n = (size_t)n;
        return data;
}

/* Compressed when the name says so. */
static inline void fixture_write(const struct fixture *f, const char *name, const char *data,
                                 size_t n)
{
        gzFile gz = gzopen(fixture_path(f, name), strstr(name, ".gz") ? "wb" : "wbT");
        ck_assert_ptr_nonnull(gz);
        ck_assert_int_eq(gzwrite(gz, data, (unsigned)n), (int)n);
        ck_assert_int_eq(gzclose(gz), Z_OK);
}

static inline struct audit_report fixture_verify(const struct fixture *f,
                                                 struct audit_ledger *ledger)
{
        struct audit_report r;
        ck_assert_int_eq(audit_verify(f->dir, ledger, &r), 0);
        return r;
}

/* All `n` records are there and in order. */
static inline void fixture_intact(const struct fixture *f)
{
        struct audit_report r = fixture_verify(f, NULL);
        ck_assert_str_eq(audit_fault_name(r.fault), "none");
        ck_assert_int_eq(r.last_seq, f->n);
}
