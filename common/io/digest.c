#include "io/digest.h"

#include "io/fs.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_CHUNK = 256 * 1024, BLOCK_SIZE = 64 };

static void must(int one)
{
    if (one != 1) abort(); /* OpenSSL without SHA-256, or no memory */
}

void digest_init(struct digest *d)
{
    must(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL));
    d->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    d->context = EVP_MD_CTX_new();
    must(d->algorithm != NULL);
    must(d->context != NULL);
    must(EVP_DigestInit_ex2(d->context, d->algorithm, NULL));
}

void digest_deinit(struct digest *d)
{
    if (!d) return;
    EVP_MD_CTX_free(d->context);
    EVP_MD_free(d->algorithm);
    *d = (struct digest){ 0 };
}

void digest_update(struct digest *d, struct bytes data)
{
    if (data.len) must(EVP_DigestUpdate(d->context, data.data, data.len));
}

void digest_end(struct digest *d, uint8_t out[DIGEST_SIZE])
{
    must(EVP_DigestFinal_ex(d->context, out, NULL));
    must(EVP_DigestInit_ex2(d->context, d->algorithm, NULL));
}

void digest_sha256(struct bytes data, uint8_t out[DIGEST_SIZE])
{
    AUTO(digest_deinit) struct digest d;
    digest_init(&d);
    digest_update(&d, data);
    digest_end(&d, out);
}

bool digest_fd(int fd, uint8_t out[DIGEST_SIZE], uint64_t *size, struct error *err)
{
    AUTO(digest_deinit) struct digest d;
    digest_init(&d);
    AUTO(auto_free) uint8_t *chunk = xcalloc(FILE_CHUNK, 1);
    uint64_t total = 0;
    size_t got = FILE_CHUNK;
    while (got == FILE_CHUNK) {
        if (!fs_read_full(fd, chunk, FILE_CHUNK, &got, err)) return false;
        digest_update(&d, bytes_of(chunk, got));
        total += got;
    }
    digest_end(&d, out);
    *size = total;
    return true;
}

bool digest_file(const char *path, uint8_t out[DIGEST_SIZE], uint64_t *size, struct error *err)
{
    AUTO(auto_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return fs_error(err, "open", path);
    if (!digest_fd(fd, out, size, err)) return error_wrap(err, "digest of '%s'", path);
    return true;
}

void digest_hmac(struct bytes key, struct bytes data, uint8_t out[DIGEST_SIZE])
{
    /* RFC 2104, in terms of the digest above: the library's own MAC objects need a fetch each. */
    AUTO(digest_deinit) struct digest d;
    digest_init(&d);
    uint8_t block[BLOCK_SIZE] = { 0 }, pad[BLOCK_SIZE], inner[DIGEST_SIZE];
    if (key.len > BLOCK_SIZE) {
        digest_update(&d, key);
        digest_end(&d, block);
    } else if (key.len) {
        memcpy(block, key.data, key.len);
    }
    for (size_t i = 0; i < BLOCK_SIZE; i++) pad[i] = block[i] ^ 0x36;
    digest_update(&d, bytes_of(pad, sizeof pad));
    digest_update(&d, data);
    digest_end(&d, inner);
    for (size_t i = 0; i < BLOCK_SIZE; i++) pad[i] = block[i] ^ 0x5c;
    digest_update(&d, bytes_of(pad, sizeof pad));
    digest_update(&d, bytes_of(inner, sizeof inner));
    digest_end(&d, out);
    digest_cleanse(block, sizeof block);
    digest_cleanse(pad, sizeof pad);
    digest_cleanse(inner, sizeof inner);
}
