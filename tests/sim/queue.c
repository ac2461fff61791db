#include "queue.h"

#include "base/bytes.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

static bool before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void queue_push(struct queue *q, const struct sim_event *event)
{
    if (q->count == q->cap) {
        q->cap = q->cap ? q->cap * 2 : 256;
        q->at = xrealloc(q->at, q->cap * sizeof *q->at);
    }
    size_t i = q->count++;
    while (i > 0 && before(event, &q->at[(i - 1) / 2])) {
        q->at[i] = q->at[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    q->at[i] = *event;
}

struct sim_event queue_pop(struct queue *q)
{
    assert(q->count > 0);
    struct sim_event first = q->at[0], last = q->at[--q->count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= q->count) break;
        if (child + 1 < q->count && before(&q->at[child + 1], &q->at[child])) child++;
        if (!before(&q->at[child], &last)) break;
        q->at[i] = q->at[child];
        i = child;
    }
    if (q->count) q->at[i] = last;
    return first;
}

void queue_deinit(struct queue *q)
{
    free(q->at);
    *q = (struct queue){ 0 };
}
