/* bench_history STATE COUNT - a long history: the newest execution in the store of a stopped
 * coordinator, with its jobs, is written COUNT times more, each an hour older than the one before.
 */
#include "bench.h"
#include "io/random.h"
#include "io/store.h"
#include "wire/wire.h"

#include <stdio.h>
#include <string.h>

enum { TURN = 1000, JOBS_MAX = 100, HOUR_MS = 3600000, ARENA_MAX = 64 << 20 };

struct found {
    struct arena arena;
    struct record records[1 + JOBS_MAX];
    size_t count;
};

static bool take(void *owner, const char *key, struct bytes value)
{
    struct found *found = owner;
    struct error err = { 0 };
    if (found->count == 1 + JOBS_MAX) bench_die("too many jobs", NULL);
    if (!wire_record_decode(key, value, &found->arena, &found->records[found->count++], &err))
        bench_die(key, &err);
    return true;
}

static void find(struct store *store, struct found *found)
{
    char jobs[RECORD_KEY_SIZE];
    struct error err = { 0 };
    const struct store_page newest = { .prefix = "execution/", .backward = true, .limit = 1 };
    if (!store_each_page(store, &newest, take, found, &err)) bench_die("read", &err);
    if (found->count != 1) bench_die("no execution to copy", NULL);
    snprintf(jobs, sizeof jobs, "job/%s/", found->records[0].execution.id.text);
    if (!store_each(store, jobs, take, found, &err)) bench_die("read", &err);
}

static void write_one(struct store *store, const struct record *record, struct buf *value)
{
    char key[RECORD_KEY_SIZE];
    struct error err = { 0 };
    record_key(record, key);
    buf_clear(value);
    wire_record_encode(record, value);
    if (!store_put(store, key, buf_bytes(value), &err)) bench_die("write", &err);
}

static void write_older(struct store *store, struct found *found, struct prng *random,
                        struct buf *value)
{
    found->records[0].execution.id = id_new_uuid(random);
    found->records[0].execution.started_ms -= HOUR_MS;
    found->records[0].execution.updated_ms -= HOUR_MS;
    found->records[0].execution.ended_ms -= HOUR_MS;
    write_one(store, &found->records[0], value);
    for (size_t i = 1; i < found->count; i++) {
        found->records[i].job.id = id_new_uuid(random);
        found->records[i].job.execution = found->records[0].execution.id;
        write_one(store, &found->records[i], value);
    }
}

int main(int argc, char **argv)
{
    struct found found = { .count = 0 };
    struct prng random;
    struct store_usage usage;
    struct error err = { 0 };
    AUTO(auto_store_close) struct store *store = NULL;
    AUTO(buf_deinit) struct buf value;
    if (argc != 3) bench_die("usage: bench_history STATE COUNT", NULL);
    size_t count = bench_count(argv[2]);
    arena_init(&found.arena, ARENA_MAX);
    buf_init(&value, WIRE_FRAME_MAX);
    random_seed(&random);
    if (!store_open(&store, argv[1], STORE_MAP_BYTES, &err)) bench_die("open", &err);
    find(store, &found);
    for (size_t i = 0; i < count; i++) {
        if (i % TURN == 0 && !store_begin(store, &err)) bench_die("begin", &err);
        write_older(store, &found, &random, &value);
        if ((i % TURN == TURN - 1 || i + 1 == count) && !store_commit(store, &err))
            bench_die("commit", &err);
    }
    if (!store_usage(store, &usage, &err)) bench_die("usage", &err);
    arena_deinit(&found.arena);
    printf("{\"records\": %llu, \"bytes\": %llu}\n", (unsigned long long)usage.entries,
           (unsigned long long)usage.used_bytes);
    return 0;
}
