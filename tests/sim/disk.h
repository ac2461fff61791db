/* disk.h - a node's store: committed records by key, in key order, deeply copied.
 *
 * Of event records only the newest is kept, because nobody reads older ones back; their sequence
 * is checked when they are put.
 */
#pragma once
#include "wire/messages.h"

struct disk_entry {
    char key[160];
    struct record record;
    struct arena arena;
};

struct disk {
    struct disk_entry **at; /* sorted by key */
    size_t count, cap;
    struct disk_entry **spare;
    size_t spare_count, spare_cap;
    uint64_t event_seq; /* newest */
};

struct disk_entry *disk_find(const struct disk *d, const char *key); /* NULL */
/* By a record whose identifying members are set. */
const struct record *disk_get(const struct disk *d, const struct record *like);
/* Where a record lies or would lie: its key, and the entry or NULL. */
struct disk_entry *disk_slot(const struct disk *d, const struct record *record,
                             char key[RECORD_KEY_SIZE]);
void disk_put(struct disk *d, const char *key, struct disk_entry *entry,
              const struct record *record);
void disk_delete(struct disk *d, const char *key);
void disk_clear(struct disk *d); /* keeps the memory for the next world */
void disk_deinit(struct disk *d);

/* Deep copies into an arena. */
struct record disk_copy(struct arena *arena, const struct record *from);
const struct job *disk_copy_job(struct arena *arena, const struct job *job);
struct result disk_copy_result(struct arena *arena, const struct result *from);
struct diagnostics disk_copy_diagnostics(struct arena *arena, const struct diagnostics *from);
const char *disk_copy_text(struct arena *arena, const char *text);
