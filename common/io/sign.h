/* sign.h - Ed25519 signatures (RFC 8032) over bytes as they were received.
 *
 * What is signed is `context`, one NUL byte, and the data: a signature made for one purpose is
 * worth nothing for another. Contexts are constants such as "meridian-job-v1". The same can be
 * made with  openssl pkeyutl -sign -rawin  over a file that begins with the context and a NUL.
 * Never re-serialise what you verify.
 *
 * Limit: SIGN_DATA_MAX bytes of data; sign a digest of anything longer.
 */
#pragma once
#include "base/bytes.h"

enum { SIGN_KEY_SIZE = 32, SIGN_SIZE = 64, SIGN_CONTEXT_MAX = 64, SIGN_DATA_MAX = 1 << 20 };

struct sign_secret {
    uint8_t bytes[SIGN_KEY_SIZE]; /* the RFC 8032 seed */
};
struct sign_public {
    uint8_t bytes[SIGN_KEY_SIZE];
};

NODISCARD bool sign_generate(struct sign_secret *secret, struct sign_public *public_key,
                             struct error *err);
/* ERR_INVALID when the secret is not a key. */
NODISCARD bool sign_public_of(const struct sign_secret *secret, struct sign_public *out,
                              struct error *err);
void sign_secret_deinit(struct sign_secret *secret); /* cleanses; accepts a zeroed one */

/* Signs for a daemon: the key is prepared once, which is half of the work of a signature. */
struct signer;
NODISCARD bool signer_open(const struct sign_secret *secret, struct signer **out,
                           struct error *err);
void signer_close(struct signer *signer); /* accepts NULL */
NODISCARD bool signer_make(const struct signer *signer, const char *context, struct bytes data,
                           uint8_t out[SIGN_SIZE], struct error *err);

NODISCARD bool sign_make(const struct sign_secret *secret, const char *context, struct bytes data,
                         uint8_t out[SIGN_SIZE], struct error *err);
/* True only when the signature is right; every kind of trouble is false. */
NODISCARD bool sign_check(const struct sign_public *key, const char *context, struct bytes data,
                          struct bytes signature);
