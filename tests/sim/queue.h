/* queue.h - what happens next: a heap by time, equal times in the order of their making. */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum sim_event_kind {
    EV_TURN,    /* node: work on the gathered inputs */
    EV_TICK,    /* node */
    EV_START,   /* node: start its process; number: life before */
    EV_CONNECT, /* node: the worker's transport comes up */
    EV_PACKET,  /* data arrives */
    EV_CLAIM,   /* data: a run's process begins; number: process */
    EV_END,     /* data: ... ends */
    EV_LEASE,   /* data: ... looks at its lease */
    EV_KILL,    /* data: ... ends because it was told to */
    EV_NEWS,    /* node: its shell notices data; number: life */
    EV_OP,      /* number: client operation */
    EV_SOURCE,  /* number: pipeline; a new version of its source object */
    EV_POLL,    /* number: pipeline */
    EV_FAULT,   /* something breaks */
    EV_HEAL     /* nothing breaks any more */
};

struct sim_event {
    uint64_t at, order;
    enum sim_event_kind kind;
    uint32_t node;
    void *data;
    uint64_t number;
};

struct queue {
    struct sim_event *at;
    size_t count, cap;
};

void queue_push(struct queue *q, const struct sim_event *event);
struct sim_event queue_pop(struct queue *q); /* not empty */
void queue_deinit(struct queue *q);
