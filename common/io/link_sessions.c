#include "io/link_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void link_sessions_init(struct link_sessions *s)
{
    *s = (struct link_sessions){ .serial = 1 };
    s->slots = xcalloc(LINK_SESSIONS_MAX, sizeof *s->slots);
    s->buckets = xcalloc(LINK_SESSIONS_MAX, sizeof *s->buckets);
    list_init(&s->used);
    list_init(&s->free);
}

void link_sessions_deinit(struct link_sessions *s)
{
    free(s->slots);
    free(s->buckets);
    *s = (struct link_sessions){ 0 };
}

static uint32_t *link_sessions_bucket(struct link_sessions *s, uint32_t routing)
{
    return &s->buckets[routing % LINK_SESSIONS_MAX];
}

struct link_session *link_sessions_by_routing(struct link_sessions *s, uint32_t routing)
{
    uint32_t at = *link_sessions_bucket(s, routing);
    while (at && s->slots[at - 1].routing != routing) at = s->slots[at - 1].next;
    return at ? &s->slots[at - 1] : NULL;
}

struct link_session *link_sessions_find(struct link_sessions *s, uint64_t number)
{
    struct link_session *session = &s->slots[number % LINK_SESSIONS_MAX];
    return number && session->number == number ? session : NULL;
}

void link_sessions_touch(struct link_sessions *s, struct link_session *session)
{
    list_remove(&session->idle);
    list_append(&s->used, &session->idle);
}

void link_sessions_drop(struct link_sessions *s, struct link_session *session)
{
    assert(session->number);
    uint32_t slot = (uint32_t)(session - s->slots) + 1;
    uint32_t *at = link_sessions_bucket(s, session->routing);
    while (*at != slot) {
        assert(*at);
        at = &s->slots[*at - 1].next;
    }
    *at = session->next;
    session->number = 0;
    list_remove(&session->idle);
    list_append(&s->free, &session->idle);
    s->count--;
}

/* One key cannot push the others out: beyond its share it loses its own oldest session. */
static void link_sessions_make_room(struct link_sessions *s, const char *key_z85, uint64_t *evicted)
{
    struct link_session *oldest = NULL;
    size_t of_key = 0;
    list_for_each (link, &s->used) {
        struct link_session *session = list_entry(link, struct link_session, idle);
        if (!text_equal(session->key_z85, key_z85)) continue;
        if (!oldest) oldest = session;
        of_key++;
    }
    if (of_key < LINK_SESSIONS_PER_KEY_MAX) oldest = NULL;
    if (!oldest && list_empty(&s->free) && s->fresh == LINK_SESSIONS_MAX)
        oldest = list_entry(list_first(&s->used), struct link_session, idle);
    if (!oldest) return;
    link_sessions_drop(s, oldest);
    (*evicted)++;
}

static struct link_session *link_sessions_take(struct link_sessions *s)
{
    struct list *free_one = list_take_first(&s->free);
    if (free_one) return list_entry(free_one, struct link_session, idle);
    assert(s->fresh < LINK_SESSIONS_MAX);
    struct link_session *session = &s->slots[s->fresh++];
    list_init(&session->idle);
    return session;
}

struct link_session *link_sessions_enter(struct link_sessions *s, uint32_t routing,
                                         const char *key_z85, uint64_t *evicted)
{
    struct link_session *session = link_sessions_by_routing(s, routing);
    if (session && !text_equal(session->key_z85, key_z85)) {
        /* The connection that had this routing id is gone, and another key's came to it. */
        link_sessions_drop(s, session);
        session = NULL;
    }
    if (!session) {
        link_sessions_make_room(s, key_z85, evicted);
        session = link_sessions_take(s);
        size_t slot = (size_t)(session - s->slots);
        uint32_t *bucket = link_sessions_bucket(s, routing);
        session->number = s->serial++ * LINK_SESSIONS_MAX + slot;
        session->routing = routing;
        session->next = *bucket;
        bool fits = text_copy(session->key_z85, sizeof session->key_z85, key_z85);
        assert(fits);
        *bucket = (uint32_t)slot + 1;
        s->count++;
    }
    link_sessions_touch(s, session);
    return session;
}
