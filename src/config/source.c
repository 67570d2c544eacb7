#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "config/loading.h"

/* The first entry counts, as for getenv(). */
static const char *entry_find(char *const *environ_, const char *name, unsigned *ret_count,
                              unsigned *ret_index)
{
        const char *found = NULL;
        size_t n = strlen(name);
        *ret_count = 0;
        for (char *const *e = environ_; *e; e++)
                if (!strncmp(*e, name, n) && (*e)[n] == '=') {
                        if ((*ret_count)++ == 0) {
                                found = *e + n + 1;
                                *ret_index = (unsigned)(e - environ_);
                        }
                }
        return found;
}

const char *source_environment(char *const *environ_, const char *name)
{
        unsigned count, index;
        const char *s = entry_find(environ_, name, &count, &index);
        return s && *s ? s : NULL;
}

const char *source_name(struct loading *l, const char *name)
{
        const struct env_file *f = &l->file;
        unsigned count, index;

        if (!f->lines || !entry_find(l->environ_, name, &count, &index) || f->lines[index] == 0)
                return "environment";
        env_file_source(f, f->lines[index], l->source);
        return l->source;
}

static int unreadable(struct loading *l, const char *name, const struct value *v, int error)
{
        fault_remedy(
                fault_error(l->faults, name, v->source, "It cannot be read: %s.", strerror(error)),
                "Check that the file exists and that the user of ordod may read it.");
        return -EBADMSG;
}

static int misshapen(struct loading *l, const char *name, const struct value *v, const char *what)
{
        fault_remedy(fault_error(l->faults, name, v->source, "%s", what),
                     "Give a regular file of 1 to %d bytes with nothing but the secret.",
                     OPTION_VALUE_MAX);
        return -EBADMSG;
}

/* `private`: the file is the administrator's own, so its mode says who else can read it. The mode
 * of a credential does not: a service manager may put an access list on it, whose mask shows as
 * group bits, and the directory around it is closed. */
static int read_secret(struct loading *l, const struct option *o, const char *name,
                       const char *path, bool private, struct value *v)
{
        /* O_NONBLOCK: opening a FIFO must not wait for its writer. */
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        struct stat st;
        if (fd < 0 || fstat(fd, &st) < 0)
                return unreadable(l, name, v, errno);
        if (!S_ISREG(st.st_mode))
                return misshapen(l, name, v, "It is not a regular file.");
        if (st.st_size > OPTION_VALUE_MAX)
                return misshapen(l, name, v, "The file is too large for a secret.");
        ssize_t n = file_read_bytes(fd, v->data, OPTION_VALUE_MAX);
        if (n < 0)
                return unreadable(l, name, v, (int)-n);
        v->size = (size_t)n;
        /* 32 raw bytes may end in what looks like a newline. */
        bool raw_key = o->type == OPTION_KEY && v->size == 32;
        if (!raw_key && v->size > 0 && v->data[v->size - 1] == '\n')
                v->size--;
        v->data[v->size] = '\0';
        if (v->size == 0)
                return misshapen(l, name, v, "The file is empty.");
        v->from_file = true;
        if (private && (st.st_mode & (S_IRGRP | S_IROTH)))
                fault_remedy(fault_warning(l->faults, name, v->source,
                                           "The file of a secret is readable by others "
                                           "(mode %04o).",
                                           (unsigned)(st.st_mode & 07777)),
                             "chmod 600 the file.");
        return 1;
}

/* Says that `loser` is not used. */
static void given_twice(struct loading *l, const char *name, const char *winner, const char *loser)
{
        fault_remedy(fault_warning(l->faults, name, winner,
                                   "It is also given by %s, which is "
                                   "not used.",
                                   loser),
                     "Give it in one place only.");
}

static bool credential_path(struct loading *l, const char *name, char *path, size_t size)
{
        const char *dir = source_environment(l->environ_, "CREDENTIALS_DIRECTORY");
        if (!dir)
                return false;
        int n = snprintf(path, size, "%s/%s", dir, name);
        return n > 0 && (size_t)n < size && access(path, F_OK) == 0;
}

/* The end of a path says more than its beginning. */
static void source_print(char buf[static SOURCE_SIZE], const char *kind, const char *path)
{
        size_t n = strlen(path), room = SOURCE_SIZE - strlen(kind) - 1;
        text_copy(buf, SOURCE_SIZE, kind);
        text_copy(buf + strlen(kind), room + 1, n > room ? path + n - room : path);
}

static const char *variable_place(struct loading *l, const char *name)
{
        const char *place = source_name(l, name);
        return text_equal(place, "environment") ? "the environment" : place;
}

/* In order of preference, how a secret may be given. */
struct places {
        char credential[PATH_MAX]; /* "" when there is none */
        const char *file;
        const char *variable;
};

static int secret_find(struct loading *l, const struct option *o, const char *name,
                       const struct places *p, struct value *ret)
{
        char file_name[OPTION_NAME_SIZE + sizeof(FILE_SUFFIX)];
        snprintf(file_name, sizeof(file_name), "%s" FILE_SUFFIX, name);
        if (p->credential[0]) {
                source_print(ret->source, "credential ", p->credential);
                if (p->file)
                        given_twice(l, name, ret->source, file_name);
                if (p->variable)
                        given_twice(l, name, ret->source, variable_place(l, name));
                return read_secret(l, o, name, p->credential, false, ret);
        }
        if (!p->file)
                return 0;
        source_print(ret->source, "", p->file);
        if (p->variable)
                given_twice(l, name, ret->source, variable_place(l, name));
        return read_secret(l, o, name, p->file, true, ret);
}

int source_find(struct loading *l, const struct option *o, const char *name, struct value *ret)
{
        ret->from_file = false;
        ret->size = 0;
        unsigned count, index;
        const char *variable = entry_find(l->environ_, name, &count, &index);
        if (count > 1)
                given_twice(l, name, "environment", "a second variable of this name");
        if (variable && !*variable)
                variable = NULL;
        if (option_secret(o)) {
                char file_name[OPTION_NAME_SIZE + sizeof(FILE_SUFFIX)];
                snprintf(file_name, sizeof(file_name), "%s" FILE_SUFFIX, name);
                struct places p = {.variable = variable};
                p.file = source_environment(l->environ_, file_name);
                if (!credential_path(l, name, p.credential, sizeof(p.credential)))
                        p.credential[0] = '\0';
                int r = secret_find(l, o, name, &p, ret);
                if (r != 0)
                        return r;
        }
        if (!variable)
                return 0;
        text_copy(ret->source, sizeof(ret->source), source_name(l, name));
        if (option_secret(o) && l->file.open_to_others && !text_equal(ret->source, "environment"))
                fault_remedy(fault_warning(l->faults, name, ret->source,
                                           "The file holds a secret and is readable by everybody."),
                             "chmod o= the file, or give the secret as a credential.");
        ret->size = strlen(variable);
        if (ret->size > OPTION_VALUE_MAX) {
                fault_remedy(fault_error(l->faults, name, ret->source,
                                         "The value is too long: %zu bytes.", ret->size),
                             "Give at most %d bytes.", OPTION_VALUE_MAX);
                return -EBADMSG;
        }
        memcpy(ret->data, variable, ret->size + 1);
        return 1;
}
