/* The child process of artifact_server.h that looks at a whole upload. */
#include "io/digest.h"
#include "io/fs.h"
#include "shell/artifact_server.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

bool artifact_verify(const char *file, const char *size, const char *sha256, struct error *err)
{
    uint8_t want[SHA256_SIZE], got[DIGEST_SIZE];
    uint64_t bytes = 0;
    AUTO(auto_close) int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return fs_error(err, "open", file);
    if (!hex_parse(sha256, want, sizeof want))
        return error_set(err, ERR_INVALID, "the digest is not 64 hexadecimal digits");
    if (!digest_fd(fd, got, &bytes, err)) return false;
    if (fsync(fd) != 0) return fs_error(err, "fsync", file);
    if (bytes != strtoull(size, NULL, 10) || !digest_equal(want, got, sizeof got))
        return error_set(err, ERR_CORRUPT, "'%s' is not what was promised", file);
    return true;
}
