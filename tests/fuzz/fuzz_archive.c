/* Any bytes unpack below their folder or are refused; the first byte chooses the declared kind. */
#include "bundle/archive.h"
#include "io/fs.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct archive_limits limits = archive_limits_default;
    /* In memory if there is such a file system: an unpack ends with a sync. */
    char base[] = "/dev/shm/meridian-fuzz-XXXXXX", other[] = "/tmp/meridian-fuzz-XXXXXX";
    char target[64];
    struct archive_progress progress;
    struct error err = { 0 };
    struct stat st;
    if (size == 0) return 0;
    limits.bytes_max = 1 << 20;
    limits.entries_max = 100;
    limits.depth_max = 20;
    AUTO(auto_close) int source = memfd_create("bundle", MFD_CLOEXEC);
    assert(source >= 0);
    bool written = fs_write_all(source, bytes_of(data + 1, size - 1), &err);
    assert(written);
    const char *folder = mkdtemp(base) ? base : mkdtemp(other);
    assert(folder);
    snprintf(target, sizeof target, "%s/target", folder);
    enum archive_kind kind = (enum archive_kind)(data[0] % (ARCHIVE_KIND_ZIP + 1));
    bool ok = archive_unpack(source, kind, target, &limits, &progress, &err);
    if (!ok) assert(err.code == ERR_INVALID || err.code == ERR_CORRUPT);
    if (ok) {
        int found = stat(target, &st);
        assert(found == 0);
        assert(S_ISDIR(st.st_mode));
        assert(progress.bytes <= limits.bytes_max);
        assert(progress.entries <= limits.entries_max);
    }
    bool removed = fs_remove_tree(target, &err);
    assert(removed);
    int left = rmdir(folder); /* fails if anything was made beside the target */
    assert(left == 0);
    return 0;
}
