/* What the steps of config_load() share. Private to this folder. */
#pragma once

#include "config/options.h"

/* env_file.c: the file of ORDO_ENV_FILE, merged into the environment. */
struct env_file {
        const char *path; /* borrowed from the environment */
        char *text;       /* may hold secrets: wiped */
        size_t size;
        char **list; /* the environment, and what the file adds; NULL-terminated */
        unsigned n;
        unsigned *lines; /* of each entry of `list`; 0: of the environment */
        bool open_to_others;
};

struct loading {
        struct config *config;
        struct config_faults *faults;
        char *const *environ_; /* with the file's variables, once it is loaded */
        struct env_file file;
        char source[128];                          /* of source_name() */
        struct account_draft drafts[ACCOUNTS_MAX]; /* config->n_accounts of them */
};

/* faults.c: a fault is made with its detail, and then given its remedy. Past the end of the list
 * errors take the place of warnings; what has no room is counted, and NULL is returned. */
struct config_fault *fault_error(struct config_faults *f, const char *name, const char *source,
                                 const char *format, ...) __attribute__((format(printf, 4, 5)));
struct config_fault *fault_warning(struct config_faults *f, const char *name, const char *source,
                                   const char *format, ...) __attribute__((format(printf, 4, 5)));
void fault_remedy(struct config_fault *f, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* value.c: where a value came from, and its bytes (wiped when done: it may be a secret). */
#define SOURCE_SIZE sizeof(((struct config_fault *)0)->source)
struct value {
        char source[SOURCE_SIZE];
        bool from_file;
        size_t size;
        char data[OPTION_VALUE_MAX + 1]; /* NUL-terminated */
};
#define SHOWN_SIZE 48
/* A value for a message: printable, cut. Not for secrets. */
const char *value_shown(const char *s, size_t n, char buf[static SHOWN_SIZE]);
/* Writes what `v` says into `object` at the option's place. 0; 1 when it is wrong and the fault was
 * added; -ENOMEM. */
int value_set(struct config_faults *f, const struct option *o, const char *name,
              const struct value *v, void *object);

/* Reads the file, if one is named; faults are added. 0, -ENOMEM. */
int env_file_load(struct loading *l);
void env_file_done(struct env_file *f);
/* Into the environment of the process, where the name is free. -ENOMEM. */
int env_file_export(const struct env_file *f);
/* "/etc/ordo/ordo.env:12" */
void env_file_source(const struct env_file *f, unsigned line, char buf[static SOURCE_SIZE]);

/* source.c: 1 found, 0 not given, -EBADMSG given but unreadable (the fault was added). */
int source_find(struct loading *l, const struct option *o, const char *name, struct value *ret);
/* The variable's value, or NULL when it is absent or empty. */
const char *source_environment(char *const *environ_, const char *name);
/* Where the variable stands: "environment", or line and file; lives until the next call. */
const char *source_name(struct loading *l, const char *name);

/* account_list.c: fills the drafts' names from ORDO_ACCOUNTS. 0, or 1 when faults were added. */
int account_list_parse(struct loading *l, const char *name, const struct value *v);

/* names.c: every ORDO_* name that is not an option. */
void names_check(struct loading *l);

/* listen.c: "address:port" … → sockaddr. False: `detail` says what is wrong. */
bool listen_parse(const char *s, struct sockaddr_storage *ret, socklen_t *ret_size,
                  const char **ret_detail);
bool listen_is_local(const struct sockaddr_storage *address);

/* address.c: an address of the web that a broker may have: https, or http to this machine. NULL, or
 * what is wrong with it. `query`: it may have one. */
const char *web_address_fault(const char *s, bool query);

/* access.c: what accounts of real brokers cannot do without. */
void access_check(struct loading *l);

/* check.c: what only the whole can tell. */
void config_check(struct loading *l);
