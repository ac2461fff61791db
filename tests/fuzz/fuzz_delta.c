/* Any bytes as a delta make a file of the promised digest, or none. */
#include "bundle/delta.h"
#include "io/fs.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char old_bytes[] = "the quick brown fox jumps over the lazy dog, 0123456789";
    char base[] = "/dev/shm/meridian-fuzz-XXXXXX", other[] = "/tmp/meridian-fuzz-XXXXXX";
    char old[64], delta[64], new[64];
    struct error err = { 0 };
    const char *folder = mkdtemp(base) ? base : mkdtemp(other);
    assert(folder);
    snprintf(old, sizeof old, "%s/old", folder);
    snprintf(delta, sizeof delta, "%s/delta", folder);
    snprintf(new, sizeof new, "%s/new", folder);
    bool written = fs_write_atomic(old, bytes_of_text(old_bytes), 0600, &err) &&
                   fs_write_atomic(delta, bytes_of(data, size), 0600, &err);
    assert(written);
    const struct delta_job job = { .old_path = old,
                                   .new_path = new,
                                   .delta_path = delta,
                                   .scratch = folder,
                                   .memory_max = DELTA_MEMORY_MIN,
                                   .unpacked_max = 1 << 20 };
    bool ok = delta_apply(&job, &err);
    assert(ok == fs_exists(new));
    if (!ok) assert(err.code == ERR_CORRUPT || err.code == ERR_INVALID || err.code == ERR_NO_SPACE);
    bool removed = fs_remove_tree(folder, &err);
    assert(removed);
    return 0;
}
