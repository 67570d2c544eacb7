/* A state directory of its own for each case, and an environment that names it. */
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "suite.h"

#define FIXTURE_VARIABLES 128

struct fixture {
        char dir[64];
        char *environ_[FIXTURE_VARIABLES + 1];
        unsigned n;
        struct config_faults faults;
        struct config *config;
};

static inline void fixture_set(struct fixture *f, const char *name, const char *value)
{
        ck_assert_uint_lt(f->n, FIXTURE_VARIABLES);
        ck_assert_int_ge(asprintf(&f->environ_[f->n++], "%s=%s", name, value), 0);
}

static inline void fixture_init(struct fixture *f)
{
        *f = (struct fixture){.dir = "/tmp/ordo-config-XXXXXX"};
        ck_assert_ptr_nonnull(mkdtemp(f->dir));
        fixture_set(f, "STATE_DIRECTORY", f->dir);
}

/* Writes `n` bytes into a file of the directory, and returns its path. */
static inline const char *fixture_file(struct fixture *f, const char *name, const char *data,
                                       size_t n, mode_t mode)
{
        static char path[128];
        snprintf(path, sizeof(path), "%s/%s", f->dir, name);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, data, n), n);
        ck_assert_int_eq(fchmod(fd, mode), 0);
        close(fd);
        return path;
}

static inline int fixture_load(struct fixture *f)
{
        f->config = config_free(f->config);
        return config_load(f->environ_, &f->faults, &f->config);
}

static inline void fixture_done(struct fixture *f)
{
        config_free(f->config);
        for (unsigned i = 0; i < f->n; i++)
                free(f->environ_[i]);
        char command[128];
        snprintf(command, sizeof(command), "rm -rf '%s'", f->dir);
        ck_assert_int_eq(system(command), 0);
}

/* Exactly one fault, with exactly these texts. */
static inline void fixture_expect(const struct fixture *f, bool warning, const char *name,
                                  const char *source, const char *detail)
{
        const struct config_fault *fault = &f->faults.list[0];
        ck_assert_uint_eq(f->faults.n, 1);
        ck_assert_uint_eq(f->faults.errors, warning ? 0 : 1);
        ck_assert_int_eq(fault->warning, warning);
        ck_assert_str_eq(fault->name, name);
        ck_assert_str_eq(fault->source, source);
        ck_assert_str_eq(fault->detail, detail);
        ck_assert_str_ne(fault->remedy, "");
}
