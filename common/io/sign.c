#include "io/sign.h"

#include "io/digest.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static_assert(SIGN_KEY_SIZE == crypto_sign_ed25519_SEEDBYTES, "the seed of RFC 8032");
static_assert(SIGN_KEY_SIZE == crypto_sign_ed25519_PUBLICKEYBYTES, "the public key of RFC 8032");
static_assert(SIGN_SIZE == crypto_sign_ed25519_BYTES, "the signature of RFC 8032");

struct signer {
    uint8_t key[crypto_sign_ed25519_SECRETKEYBYTES]; /* the seed and the public key */
};

static void signer_deinit(struct signer *signer)
{
    digest_cleanse(signer, sizeof *signer);
}

/* Every seed is a key. */
static void signer_init(struct signer *signer, const struct sign_secret *secret,
                        struct sign_public *open)
{
    int failed = crypto_sign_ed25519_seed_keypair(open->bytes, signer->key, secret->bytes);
    assert(!failed);
}

NODISCARD static bool sodium_start(struct error *err)
{
    return sodium_init() >= 0 || error_set(err, ERR_FATAL, "libsodium cannot be initialised");
}

bool sign_generate(struct sign_secret *secret, struct sign_public *public_key, struct error *err)
{
    if (!sodium_start(err)) return false;
    AUTO(signer_deinit) struct signer signer;
    randombytes_buf(secret->bytes, sizeof secret->bytes);
    signer_init(&signer, secret, public_key);
    return true;
}

bool sign_public_of(const struct sign_secret *secret, struct sign_public *out, struct error *err)
{
    if (!sodium_start(err)) return false;
    AUTO(signer_deinit) struct signer signer;
    signer_init(&signer, secret, out);
    return true;
}

void sign_secret_deinit(struct sign_secret *secret)
{
    if (secret) digest_cleanse(secret, sizeof *secret);
}

/* The signed message: context, NUL, data. Ed25519 reads it twice, so it has to lie in one piece. */
static uint8_t *message_new(const char *context, struct bytes data, size_t *len)
{
    size_t prefix = strlen(context) + 1;
    assert(prefix > 1);
    assert(prefix <= SIGN_CONTEXT_MAX);
    uint8_t *message = xcalloc(prefix + data.len, 1);
    memcpy(message, context, prefix);
    if (data.len) memcpy(message + prefix, data.data, data.len);
    *len = prefix + data.len;
    return message;
}

bool signer_open(const struct sign_secret *secret, struct signer **out, struct error *err)
{
    if (!sodium_start(err)) return false;
    struct sign_public open;
    *out = xcalloc(1, sizeof **out);
    signer_init(*out, secret, &open);
    return true;
}

void signer_close(struct signer *signer)
{
    if (!signer) return;
    signer_deinit(signer);
    free(signer);
}

bool signer_make(const struct signer *signer, const char *context, struct bytes data,
                 uint8_t out[SIGN_SIZE], struct error *err)
{
    if (data.len > SIGN_DATA_MAX)
        return error_set(err, ERR_NO_SPACE, "more than %d bytes to sign", SIGN_DATA_MAX);
    size_t len;
    AUTO(auto_free) uint8_t *message = message_new(context, data, &len);
    int failed = crypto_sign_ed25519_detached(out, NULL, message, len, signer->key);
    assert(!failed);
    return true;
}

bool sign_make(const struct sign_secret *secret, const char *context, struct bytes data,
               uint8_t out[SIGN_SIZE], struct error *err)
{
    if (!sodium_start(err)) return false;
    struct sign_public open;
    AUTO(signer_deinit) struct signer signer;
    signer_init(&signer, secret, &open);
    return signer_make(&signer, context, data, out, err);
}

/* libsodium refuses keys and signatures of small order, which "verify" what nobody signed (the
 * all-zero key, which a forgotten setting leaves behind, is one), and encodings that are not
 * canonical. */
bool sign_check(const struct sign_public *key, const char *context, struct bytes data,
                struct bytes signature)
{
    struct error ignored = { 0 };
    if (signature.len != SIGN_SIZE || data.len > SIGN_DATA_MAX || !sodium_start(&ignored))
        return false;
    size_t len;
    AUTO(auto_free) uint8_t *message = message_new(context, data, &len);
    return crypto_sign_ed25519_verify_detached(signature.data, message, len, key->bytes) == 0;
}
