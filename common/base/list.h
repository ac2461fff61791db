/* list.h - an intrusive doubly linked list: the links live inside the elements.
 *
 * The head is a struct list of its own that list_init() makes point to itself. An element is in at
 * most one list for each of its link members; the list owns nothing.
 *
 *     list_for_each(link, &jobs) {
 *         struct job *job = list_entry(link, struct job, link);
 *     }
 *
 * list_for_each forbids removing the current element; list_take_first() in a loop empties a list.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

#define list_entry(pointer, type, member)                                                          \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))
#define list_for_each(link, head)                                                                  \
    for (struct list *link = (head)->next; link != (head); link = link->next)

static inline void list_init(struct list *head)
{
    head->next = head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

static inline void list_insert_between(struct list *link, struct list *prev, struct list *next)
{
    link->prev = prev;
    link->next = next;
    prev->next = link;
    next->prev = link;
}

static inline void list_append(struct list *head, struct list *link)
{
    list_insert_between(link, head->prev, head);
}

static inline void list_prepend(struct list *head, struct list *link)
{
    list_insert_between(link, head, head->next);
}

/* Leaves the link as a list of its own, so that a second removal does nothing. */
static inline void list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

/* NULL when empty. */
static inline struct list *list_first(const struct list *head)
{
    return list_empty(head) ? NULL : head->next;
}

static inline struct list *list_last(const struct list *head)
{
    return list_empty(head) ? NULL : head->prev;
}

static inline struct list *list_take_first(struct list *head)
{
    struct list *link = list_first(head);
    if (link) list_remove(link);
    return link;
}

static inline size_t list_count(const struct list *head)
{
    size_t count = 0;
    list_for_each (link, head) count++;
    return count;
}
