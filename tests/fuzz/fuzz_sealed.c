/* Whatever stands under a good seal, manifest and journal are read or refused as damaged. The first
 * byte chooses which; the reader of the other kind must refuse the file. */
#include "steps/install/journal.h"
#include "steps/install/manifest.h"
#include "steps/sealed.h"

#include "io/fs.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BODY_MAX = 1 << 20 };

static void read_journal(const char *path, bool own)
{
    struct error err = { .code = ERR_NONE };
    struct journal j AUTO(journal_deinit);
    bool found = false;
    journal_init(&j, "");
    bool ok = journal_read(&j, path, &found, &err);
    if (!ok) assert(err.code == ERR_CORRUPT);
    if (!own) assert(!ok);
    for (size_t i = 0; ok && i < j.count; i++) {
        assert(j.ops[i].place[0] == '/');
        if (j.ops[i].kind == JOURNAL_RENAME) assert(j.ops[i].staged[0] == '/');
    }
}

static void read_manifest(const char *path, bool own)
{
    struct error err = { .code = ERR_NONE };
    struct manifest m AUTO(manifest_deinit);
    manifest_init(&m);
    bool ok = manifest_read(&m, path, &err);
    if (!ok) assert(err.code == ERR_CORRUPT);
    if (!own) assert(!ok);
    for (size_t i = 0; ok && i < m.count; i++) assert(m.entries[i].path[0] == '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char folder[] = "/dev/shm/meridian-fuzz-XXXXXX", other[] = "/tmp/meridian-fuzz-XXXXXX";
    char path[FS_PATH_MAX];
    struct error err;
    if (size == 0) return 0;
    bool journal = (data[0] & 1) != 0;
    const char *base = mkdtemp(folder) ? folder : mkdtemp(other);
    assert(base);
    snprintf(path, sizeof path, "%s/file", base);
    struct sealed_writer w AUTO(sealed_deinit);
    sealed_init(&w, journal ? "meridian install journal 1\n" : "meridian manifest 1\n", BODY_MAX);
    bool fits = buf_append(&w.body, data + 1, size - 1, &err);
    assert(fits);
    bool written = sealed_write(&w, path, &err);
    assert(written);
    read_journal(path, journal);
    read_manifest(path, !journal);
    bool removed = fs_remove_tree(base, &err);
    assert(removed);
    return 0;
}
