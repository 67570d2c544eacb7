/* The configuration: variables named ORDO_* of the environment and of the file that ORDO_ENV_FILE
 * names, described by one table (options.h), from which .env.example, docs/options.md and
 * ordo.env(5) are generated. Secrets may come from
 * `<NAME>_FILE` or from a credential of the same name in $CREDENTIALS_DIRECTORY instead (order of
 * preference: credential, _FILE, environment). All errors are collected and reported together.
 * Owned by the program; read-only after load, but for what a reload swaps. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "domain/account.h"

#define CONFIG_LIST_MAX 64

struct config {
        /* listening */
        char *listen; /* "127.0.0.1:8080", "[::1]:8080", "unix:/path"; not used with socket
                         activation */
        bool listen_given;
        struct sockaddr_storage listen_address; /* the same, for bind() */
        socklen_t listen_address_size;
        char *tls_cert, *tls_key, *tls_client_ca;
        bool behind_proxy;
        char *allowed_hosts[CONFIG_LIST_MAX + 1]; /* NULL-terminated */
        char *cors_origins[CONFIG_LIST_MAX + 1];
        int64_t max_connections;
        int64_t request_timeout_us;
        /* callers */
        struct secret *api_token;         /* NULL: generated into $STATE_DIRECTORY/api-token */
        char *api_keys_file;              /* need not exist */
        int64_t api_rate;                 /* requests per second and key; 0 off */
        struct account_limits key_limits; /* of keys without their own; only a key's are used */
        bool metrics_public, status_public;
        /* orders */
        bool idempotency_required;
        int64_t idempotency_ttl_us;
        int64_t order_deadline_us;
        bool limits_off; /* for paper accounts */
        struct account accounts[ACCOUNTS_MAX];
        unsigned n_accounts;
        /* places */
        char *env_file;  /* NULL: none; read by config_load() */
        char *state_dir; /* exists, or can be made */
        char *market_dir;
        char *migrations_dir;     /* holds sqlite/ and postgres/ */
        char *database_url;       /* PostgreSQL; NULL: SQLite in state_dir */
        bool auto_migrate;        /* PostgreSQL: brings its schema up to date at the start */
        struct secret *vault_key; /* 32 bytes; NULL: generated in state_dir */
        /* audit */
        int64_t audit_segment_bytes;
        int64_t audit_retention_days;
        /* log */
        enum log_target log_target;
        int log_level;
        bool log_access;
        /* stopping */
        int64_t drain_timeout_us;
        int64_t idle_exit_us; /* 0: never */
};

/* One thing that is wrong (or, `warning`, merely odd). */
struct config_fault {
        bool warning;
        char name[64];    /* ORDO_… */
        char source[128]; /* "environment", a path, "credential …" */
        char detail[192]; /* what is wrong */
        char remedy[192]; /* what to do */
};

#define CONFIG_FAULTS_MAX 64
struct config_faults {
        unsigned n, errors;
        unsigned omitted; /* found, but there was no room in the list */
        struct config_fault list[CONFIG_FAULTS_MAX];
};

/* Reads `environ_` ("NAME=value", NULL-terminated) and the files it names. 0: usable, `*ret` owned
 * by the caller; 1: there are errors, `*ret` is NULL. Warnings alone do not fail. -ENOMEM. */
int config_load(char *const *environ_, struct config_faults *faults, struct config **ret);
struct config *config_free(struct config *c);
DEFINE_CLEANUP(struct config *, config_free)

/* Puts the variables of ORDO_ENV_FILE that the environment does not have into it. For a client that
 * needs an address and a token and must not stumble over the rest. -ENOMEM. */
int config_export_file(void);

/* Names of options, separated by blanks. */
struct config_changes {
        struct text taken;   /* changed, and in force now */
        struct text waiting; /* changed, and in force after a restart */
};
void config_changes_done(struct config_changes *c);
/* Exchanges what may change while the daemon runs; what was there goes with `fresh`. Addresses of
 * members and accounts in `c` stay, those of texts and secrets do not. */
void config_take_up(struct config *c, struct config *fresh, struct config_changes *ret);

/* One fault a paragraph: name, source, detail, remedy. For people. */
void config_faults_print(const struct config_faults *f, struct text *ret);
/* The errors alone, a line each. */
void config_faults_list(const struct config_faults *f, struct text *ret);
/* The generated artefacts. */
void config_print_env_example(struct text *ret);
void config_print_docs(struct text *ret); /* docs/options.md */
void config_print_man(struct text *ret);  /* the OPTIONS section of ordo.env(5), troff */
