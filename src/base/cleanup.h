/* Ownership in three macros: a variable that frees itself at the end of its scope, the glue that
 * makes a destructor usable for that, and the one visible way of giving a pointer away. */
#pragma once

#include <stddef.h>
#include <stdlib.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

/* `func` takes NULL, takes half-built objects, and returns NULL of its own type. */
#define DEFINE_CLEANUP(type, func)          \
        static inline void func##p(type *p) \
        {                                   \
                if (*p)                     \
                        *p = func(*p);      \
        }

#define TAKE(p)                             \
        ({                                  \
                __typeof__(p) taken_ = (p); \
                (p) = NULL;                 \
                taken_;                     \
        })

static inline void freep(void *p)
{
        free(*(void **)p);
        *(void **)p = NULL;
}

void closep(int *fd);

#define ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/* The object that embeds the member `ptr` points at. */
#define CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
