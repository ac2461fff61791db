/* patch.c - makes and applies deltas for tests/bench/delta, and tells size and memory.
 *
 *     bench_patch make OLD NEW DELTA      prints "packer=P bytes=N memory_kib=N"
 *     bench_patch apply OLD DELTA NEW     prints "memory_kib=N"
 */
#include "bundle/delta.h"
#include "io/fs.h"

#include <stdio.h>
#include <string.h>

/* VmHWM: what getrusage() tells begins with the memory of whoever started the process. */
static long memory_kib(void)
{
    AUTO(buf_deinit) struct buf status = { 0 };
    struct error err;
    long kib = -1;
    buf_init(&status, 1 << 16);
    if (!fs_read_file("/proc/self/status", &status, &err) || !buf_append(&status, "", 1, &err))
        return -1;
    const char *line = strstr((const char *)status.data, "VmHWM:");
    if (line && sscanf(line, "VmHWM: %ld", &kib) != 1) return -1;
    return kib;
}

int main(int argc, char **argv)
{
    struct error err = { 0 };
    struct delta_job job = { .scratch = ".",
                             .memory_max = DELTA_MEMORY_DEFAULT,
                             .unpacked_max = UINT64_C(8) << 30 };
    struct delta_made made;
    bool ok = false;
    if (argc != 5) return 2;
    job.old_path = argv[2];
    if (text_equal(argv[1], "make")) {
        job.new_path = argv[3];
        job.delta_path = argv[4];
        ok = delta_make(&job, &made, &err);
        if (ok)
            printf("packer=%s bytes=%llu ", delta_packer_name(made.packer),
                   (unsigned long long)made.size);
    } else {
        job.delta_path = argv[3];
        job.new_path = argv[4];
        ok = delta_apply(&job, &err);
    }
    if (!ok) fprintf(stderr, "%s\n", err.text);
    if (ok) printf("memory_kib=%ld\n", memory_kib());
    return ok ? 0 : 1;
}
