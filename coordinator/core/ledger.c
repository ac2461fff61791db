#include "core/ledger.h"

#include "base/edits.h"

#include <assert.h>
#include <string.h>

enum {
    PIECE_MAX = 256 << 10, /* bytes of one change: a larger value is told in pieces */
    RECORD_MAX = 512 << 10,
    ROOM_FIRST = 4
};

void ledger_init(struct ledger *ledger, struct arena *arena, uint64_t now_ms)
{
    *ledger = (struct ledger){ .arena = arena, .now_ms = now_ms };
}

bool ledger_execution(const char *key, struct id *out)
{
    char text[ID_SIZE];
    const char *from = NULL, *end = NULL;
    if (text_starts(key, "job/")) {
        from = key + strlen("job/");
        end = strchr(from, '/');
    } else if (text_starts(key, "execution/")) {
        from = strrchr(key, '/') + 1;
        end = from + strlen(from);
    }
    if (!end || (size_t)(end - from) >= sizeof text) return false;
    memcpy(text, from, (size_t)(end - from));
    text[end - from] = '\0';
    return id_parse(text, out);
}

/* The next of a list in the arena, which doubles when it is full. */
static void *list_add(struct arena *arena, void **list, size_t *count, size_t *cap, size_t size)
{
    if (*count == *cap) {
        size_t more = *cap ? *cap * 2 : ROOM_FIRST;
        void *larger = arena_calloc(arena, more, size);
        if (*count) memcpy(larger, *list, *count * size);
        *list = larger;
        *cap = more;
    }
    assert(*list);
    return (uint8_t *)*list + (*count)++ * size;
}

struct ledger_execution *ledger_find(struct ledger *ledger, const struct id *execution)
{
    for (size_t i = ledger->count; i > 0; i--)
        if (id_equal(&ledger->executions[i - 1].id, execution)) return &ledger->executions[i - 1];
    return NULL;
}

struct ledger_execution *ledger_open(struct ledger *ledger, const struct id *execution,
                                     uint64_t last)
{
    assert(!ledger_find(ledger, execution));
    void *list = ledger->executions;
    struct ledger_execution *e =
        list_add(ledger->arena, &list, &ledger->count, &ledger->cap, sizeof *e);
    ledger->executions = list;
    *e = (struct ledger_execution){ .id = *execution, .kept = last > 0, .seq = last };
    return e;
}

static struct turn_record *record_begin(struct ledger *ledger, struct ledger_execution *e)
{
    void *list = e->records;
    if (e->count) {
        assert(e->records);
        e->records[e->count - 1].more = true;
    }
    struct turn_record *record = list_add(ledger->arena, &list, &e->count, &e->cap, sizeof *record);
    e->records = list;
    e->room_cap = 0;
    e->bytes = 0;
    *record =
        (struct turn_record){ .execution = e->id, .seq = ++e->seq, .time_ms = ledger->now_ms };
    return record;
}

static void add(struct ledger *ledger, struct ledger_execution *e, const struct turn_change *change)
{
    struct turn_record *record = e->count ? &e->records[e->count - 1] : NULL;
    size_t bytes = strlen(change->key) + change->edits.len;
    if (!record || record->change_count == WIRE_CHANGES_MAX || e->bytes + bytes > RECORD_MAX)
        record = record_begin(ledger, e);
    void *list = (void *)(uintptr_t)record->changes;
    struct turn_change *to =
        list_add(ledger->arena, &list, &record->change_count, &e->room_cap, sizeof *to);
    record->changes = list;
    *to = *change;
    to->key = arena_text(ledger->arena, change->key);
    to->edits = arena_bytes(ledger->arena, change->edits);
    e->bytes += bytes;
}

static void add_edits(struct ledger *ledger, struct ledger_execution *e, const char *key,
                      struct bytes old, struct bytes new, struct bytes edits)
{
    add(ledger, e,
        &(struct turn_change){
            .key = key, .fresh = !old.data, .edits = edits, .digest = edits_digest(old, new) });
}

static void add_value(struct ledger *ledger, struct ledger_execution *e, const char *key,
                      struct bytes old, struct bytes new)
{
    AUTO(buf_deinit) struct buf edits;
    buf_init(&edits, new.len + EDITS_OVERHEAD);
    edits_make(old, new, &edits);
    if (edits.len <= PIECE_MAX) {
        add_edits(ledger, e, key, old, new, buf_bytes(&edits));
        return;
    }
    for (size_t to = PIECE_MAX / 2; old.len < new.len || !bytes_equal(old, new);) {
        struct bytes next = bytes_of(new.data, to < new.len ? to : new.len);
        buf_clear(&edits);
        edits_make(old, next, &edits);
        add_edits(ledger, e, key, old, next, buf_bytes(&edits));
        old = next;
        to += PIECE_MAX / 2;
    }
}

void ledger_change(struct ledger *ledger, struct ledger_execution *execution, const char *key,
                   struct bytes old, struct bytes new)
{
    struct ledger_execution *e = execution;
    bool own = text_starts(key, "execution/");
    if (own && !old.data && new.data) e->kept = true;
    if (own && !new.data) e->erased = true;
    if (!e->kept || e->erased || (!old.data && !new.data)) return;
    if (new.data)
        add_value(ledger, e, key, old, new);
    else
        add(ledger, e,
            &(struct turn_change){ .key = key, .gone = true, .digest = edits_digest(old, new) });
}
