/* digest.h - SHA-256 and HMAC-SHA256 by OpenSSL, and comparison in constant time.
 *
 * Streaming: digest_init() once, then digest_update() and digest_end() any number of times:
 * digest_end() starts the next message at once. The algorithm is fetched once for each struct
 * digest. No configuration file of OpenSSL is read. Nothing here can fail on a working library; a
 * library without SHA-256 ends the process.
 */
#pragma once
#include "base/bytes.h"

enum { DIGEST_SIZE = 32, DIGEST_HEX_SIZE = 2 * DIGEST_SIZE + 1 };

struct digest {
    void *algorithm, *context; /* EVP_MD, EVP_MD_CTX */
};

void digest_init(struct digest *d);
void digest_deinit(struct digest *d); /* accepts a zeroed one */
void digest_update(struct digest *d, struct bytes data);
void digest_end(struct digest *d, uint8_t out[DIGEST_SIZE]);

void digest_sha256(struct bytes data, uint8_t out[DIGEST_SIZE]);
/* From the descriptor's position to the end of the file; *size is the number of bytes read. */
NODISCARD bool digest_fd(int fd, uint8_t out[DIGEST_SIZE], uint64_t *size, struct error *err);
NODISCARD bool digest_file(const char *path, uint8_t out[DIGEST_SIZE], uint64_t *size,
                           struct error *err);
void digest_hmac(struct bytes key, struct bytes data, uint8_t out[DIGEST_SIZE]);
/* Takes the same time wherever the first difference lies. */
bool digest_equal(const void *a, const void *b, size_t len);
/* Overwrites a secret in a way that the compiler may not remove. */
void digest_cleanse(void *secret, size_t len);
