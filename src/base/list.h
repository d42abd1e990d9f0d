/* SPDX-License-Identifier: MIT */

/* Circular doubly linked list, links inside the members.  A zeroed head is not a list: init it. */
#ifndef WF_LIST_H
#define WF_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct wf_list {
    struct wf_list *next, *prev;
} wf_list;

#define wf_container(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define wf_list_each(pos, head) for (wf_list *pos = (head)->next; pos != (head); pos = pos->next)

/* The body may remove `pos`. */
#define wf_list_each_safe(pos, head)                                                               \
    for (wf_list *pos = (head)->next, *pos##_next = pos->next; pos != (head);                      \
         pos = pos##_next, pos##_next = pos->next)

static inline void wf_list_init(wf_list *head)
{
    head->next = head;
    head->prev = head;
}

static inline bool wf_list_is_empty(const wf_list *head)
{
    return head->next == head;
}

static inline void wf_list_append(wf_list *head, wf_list *item)
{
    item->prev = head->prev;
    item->next = head;
    head->prev->next = item;
    head->prev = item;
}

static inline void wf_list_prepend(wf_list *head, wf_list *item)
{
    wf_list_append(head->next, item);
}

/* Leaves `item` as a list of its own, so that removing it again is harmless. */
static inline void wf_list_remove(wf_list *item)
{
    item->prev->next = item->next;
    item->next->prev = item->prev;
    wf_list_init(item);
}

/* The first member, taken off, or NULL. */
static inline wf_list *wf_list_pop(wf_list *head)
{
    if (wf_list_is_empty(head))
        return NULL;
    wf_list *item = head->next;
    wf_list_remove(item);
    return item;
}

/* Moves all members of `from` to the end of `to`. */
static inline void wf_list_splice(wf_list *to, wf_list *from)
{
    if (wf_list_is_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    wf_list_init(from);
}

#endif
