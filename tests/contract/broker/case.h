/* A .case file (README.md): four sections of keys and values. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

#define CASE_LINES_MAX 128

enum case_section { CASE_CALL, CASE_REQUEST, CASE_REPLY, CASE_RESULT, _CASE_SECTION_MAX };

struct case_line {
        enum case_section section;
        char *key, *value; /* into the text */
        bool used;
};

struct broker_case {
        char name[96];
        char *text;
        struct case_line lines[CASE_LINES_MAX];
        unsigned n_lines;
        bool has[_CASE_SECTION_MAX];
        struct text body; /* of the reply, padding included */
};

/* False: `fault` says where and what. */
bool case_read(struct broker_case *c, const char *path, char *fault, size_t size);
void case_done(struct broker_case *c);
/* NULL: not there. Marks it as used. */
const char *case_get(struct broker_case *c, enum case_section s, const char *key);
/* The next line whose key begins with `prefix`, from *at on; what is behind the prefix is its key.
 */
struct case_line *case_next(struct broker_case *c, enum case_section s, const char *prefix,
                            unsigned *at);
/* A key that nobody asked for: a mistake in the file. NULL: none. */
const char *case_unused(const struct broker_case *c);
