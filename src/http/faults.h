/* What is wrong with one request: every fault with a JSON pointer (for a query: "/parameter").
 * Bounded; what does not fit is counted. */
#pragma once

#include <stdbool.h>

#define FAULTS_MAX         32
#define FAULT_POINTER_SIZE 128
#define FAULT_DETAIL_SIZE  160

struct fault {
        char pointer[FAULT_POINTER_SIZE];
        char detail[FAULT_DETAIL_SIZE]; /* a sentence without a full stop; never echoes a value */
};

struct faults {
        unsigned n;    /* in the list */
        unsigned more; /* that did not fit */
        struct fault list[FAULTS_MAX];
};

void faults_init(struct faults *f); /* the list itself is left as it is: it is large */
bool faults_any(const struct faults *f);
unsigned faults_count(const struct faults *f); /* those that did not fit, too */
void faults_add(struct faults *f, const char *pointer, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* "`base`/`key`" with ~ and / of the key escaped (RFC 6901). Cut when too long. */
void faults_pointer(char buf[static FAULT_POINTER_SIZE], const char *base, const char *key);
