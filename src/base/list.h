/* An intrusive, circular, doubly linked list. A `struct list` is a head or a link; an unlinked link
 * points at itself, so that unlinking twice is harmless. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct list {
        struct list *prev;
        struct list *next;
};

#define LIST_INIT(name)                          \
        {                                        \
                .prev = &(name), .next = &(name) \
        }

static inline void list_init(struct list *l)
{
        l->prev = l->next = l;
}

static inline bool list_empty(const struct list *l)
{
        return l->next == l;
}

static inline void list_append(struct list *head, struct list *l)
{
        l->prev = head->prev;
        l->next = head;
        head->prev->next = l;
        head->prev = l;
}

static inline void list_prepend(struct list *head, struct list *l)
{
        list_append(head->next, l);
}

static inline void list_unlink(struct list *l)
{
        l->prev->next = l->next;
        l->next->prev = l->prev;
        list_init(l);
}

/* Moves every link of `from` to the end of `to`; `from` is empty afterwards. */
static inline void list_splice(struct list *to, struct list *from)
{
        if (list_empty(from))
                return;
        from->next->prev = to->prev;
        to->prev->next = from->next;
        from->prev->next = to;
        to->prev = from->prev;
        list_init(from);
}

#define LIST_ENTRY(link, type, member) CONTAINER_OF(link, type, member)

/* The current element may be unlinked (and freed) inside the loop. */
#define LIST_FOREACH(it, head)                                                    \
        for (struct list *it = (head)->next, *it##_next = it->next; it != (head); \
             it = it##_next, it##_next = it->next)
