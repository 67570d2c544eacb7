/* The option table: everything that is known about an option stands in one row of it. Loading,
 * checks and the generated documents read the rows; nothing else knows an option's name. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

enum option_type {
        OPTION_STRING,   /* char *; min … max bytes */
        OPTION_PATH,     /* char *; absolute */
        OPTION_SECRET,   /* struct secret *; min … max bytes; also from a file or a credential */
        OPTION_KEY,      /* struct secret * of 32 bytes: 64 hexadecimal digits, raw in a file */
        OPTION_URL,      /* char *; may hold a password, so it is treated like a secret */
        OPTION_ADDRESS,  /* char *; https, or http to loopback; no slash at its end */
        OPTION_BOOL,     /* bool: yes, no */
        OPTION_CHOICE,   /* bool: one of two words */
        OPTION_ENUM,     /* int: one of several words */
        OPTION_INT,      /* int64_t times `scale` */
        OPTION_DURATION, /* int64_t microseconds: 500ms, 10s, 5m, 24h, 7d */
        OPTION_BYTES,    /* int64_t: 4096, 64KiB, 16MiB, 1GiB */
        OPTION_DECIMAL,  /* int64_t in 1e-4 units */
        OPTION_LIST,     /* char *[CONFIG_LIST_MAX + 1], comma-separated, each checked by `item` */
        OPTION_POLICY,   /* struct market_policy */
        OPTION_RATES,    /* struct broker_rates: orders:50/1s, comma-separated */
        OPTION_ACCOUNT,  /* the list of accounts */
        _OPTION_TYPE_MAX
};

enum option_flag {
        OPTION_IS_SECRET = 1 << 0,  /* never printed; also <NAME>_FILE and a credential */
        OPTION_RELOADABLE = 1 << 1, /* a reload takes a new value up (reload.c) */
        OPTION_PER_ACCOUNT = 1 << 2,
        OPTION_PAPER_ONLY = 1 << 3, /* of accounts */
        OPTION_READABLE = 1 << 4,   /* a path that must be readable when it is given */
        OPTION_NO_LIMIT = 1 << 5,   /* 0 means: no limit */
        OPTION_NO_SWITCH = 1 << 6,  /* a reload may change it, but neither set nor unset it */
        OPTION_REAL_ONLY = 1 << 7,  /* accounts of real brokers */
        OPTION_ANY_TEXT = 1 << 8,   /* a secret that may hold blanks and letters of any script */
        OPTION_VERBATIM = 1 << 9,   /* an address that the broker compares: as it is, query too */
};

enum option_section {
        SECTION_LISTENING,
        SECTION_CALLERS,
        SECTION_ORDERS,
        SECTION_PLACES,
        SECTION_AUDIT,
        SECTION_LOG,
        SECTION_ACCOUNT,
        SECTION_ACCESS,
        _SECTION_MAX
};

struct option_word {
        const char *word;
        int value;
};

struct option {
        const char *name; /* "ORDO_LISTEN"; of an account only the last part: "FUNDS" */
        enum option_type type;
        enum option_section section;
        unsigned flags;
        int64_t min, max; /* of the value, or of a text's length */
        int64_t scale;    /* OPTION_INT: what one unit is in the member; 0 is 1 */
        size_t offset;    /* in struct config, or in struct account_draft */
        const struct option_word *words;
        bool (*item)(const char *s, size_t n); /* each of a list; a text or secret as a whole */
        const char *fallback;      /* the default as one would write it; NULL: none or computed */
        const char *fallback_real; /* that of accounts of real brokers, when it is another one */
        const char *absent;        /* what holds without a value, when `fallback` is NULL */
        const char *example;       /* for .env.example, when `fallback` is NULL */
        const char *unit;
        const char *help; /* one sentence */
};

#define OPTIONS_MAX 96

/* An account while it is loaded: what only the checks need beside it. */
struct account_draft {
        struct account account;
        bool algo_registered;
        bool given[OPTIONS_MAX]; /* by the place in `options`: there was a value, right or wrong */
};

/* A broker that accounts may be at, and what an account of it cannot do without: names of options,
 * or several joined by "|", one of which will do. */
#define CONFIG_NEEDS_MAX 6
struct config_broker {
        const char *slug;
        const char *needs[CONFIG_NEEDS_MAX + 1]; /* NULL-terminated */
};

extern const struct option options[];
extern const unsigned n_options;
extern const char *const option_sections[_SECTION_MAX];
/* The brokers of this release; ends with slug NULL. A test compares it with the adapters. */
extern const struct config_broker config_brokers[];

#define OPTION_NAME_SIZE  64
#define OPTION_VALUE_MAX  4096 /* bytes of a variable or a secret's file */
#define OPTION_WORDS_SIZE 96
#define FILE_SUFFIX       "_FILE"

const char *option_type_name(enum option_type t);
static inline bool option_secret(const struct option *o)
{
        return o->flags & OPTION_IS_SECRET;
}
/* Whether accounts of this kind have the option, and its default for them (NULL: none). */
bool option_of_account(const struct option *o, const struct account *account);
const char *option_fallback(const struct option *o, const struct account *account);
/* Gives back what the member of an option holds, and empties it. `object` as for `offset`. */
void option_free(const struct option *o, void *object);
/* "ORDO_PAPER_DEMO_FUNDS"; `account` is NULL for global options. */
void option_name(const struct option *o, const struct account *account,
                 char buf[static OPTION_NAME_SIZE]);
/* "auto, journal, json or text"; yes/no for booleans; "" where there are no words. */
const char *option_words(const struct option *o, char buf[static OPTION_WORDS_SIZE]);
/* A bound as one would write it: "24h", "16MiB", "1000000.00". */
void option_bound(const struct option *o, int64_t value, struct text *ret);
bool option_numeric(const struct option *o);
