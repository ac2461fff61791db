#include "io/sign.h"

#include "io/digest.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static void auto_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void auto_context(EVP_MD_CTX **context)
{
    EVP_MD_CTX_free(*context);
}

bool sign_generate(struct sign_secret *secret, struct sign_public *public_key, struct error *err)
{
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    AUTO(auto_key) EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    if (!key) return error_set(err, ERR_FATAL, "no Ed25519 key from OpenSSL");
    AUTO(sign_secret_deinit) struct sign_secret made = { 0 };
    struct sign_public open;
    size_t secret_len = sizeof made.bytes, public_len = sizeof open.bytes;
    if (EVP_PKEY_get_raw_private_key(key, made.bytes, &secret_len) != 1 ||
        EVP_PKEY_get_raw_public_key(key, open.bytes, &public_len) != 1 ||
        secret_len != SIGN_KEY_SIZE || public_len != SIGN_KEY_SIZE)
        return error_set(err, ERR_FATAL, "no raw Ed25519 key from OpenSSL");
    *secret = made;
    *public_key = open;
    return true;
}

static EVP_PKEY *secret_key(const struct sign_secret *secret)
{
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret->bytes, SIGN_KEY_SIZE);
}

bool sign_public_of(const struct sign_secret *secret, struct sign_public *out, struct error *err)
{
    AUTO(auto_key) EVP_PKEY *key = secret_key(secret);
    struct sign_public open;
    size_t len = sizeof open.bytes;
    if (!key || EVP_PKEY_get_raw_public_key(key, open.bytes, &len) != 1 || len != SIGN_KEY_SIZE)
        return error_set(err, ERR_INVALID, "not an Ed25519 secret key");
    *out = open;
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

NODISCARD static bool make_with(EVP_PKEY *key, const char *context, struct bytes data,
                                uint8_t out[SIGN_SIZE], struct error *err)
{
    if (data.len > SIGN_DATA_MAX)
        return error_set(err, ERR_NO_SPACE, "more than %d bytes to sign", SIGN_DATA_MAX);
    AUTO(auto_context) EVP_MD_CTX *c = EVP_MD_CTX_new();
    size_t len = SIGN_SIZE, message_len;
    AUTO(auto_free) uint8_t *message = message_new(context, data, &message_len);
    uint8_t made[SIGN_SIZE];
    if (!c || EVP_DigestSignInit(c, NULL, NULL, NULL, key) != 1 ||
        EVP_DigestSign(c, made, &len, message, message_len) != 1 || len != SIGN_SIZE)
        return error_set(err, ERR_FATAL, "OpenSSL cannot sign");
    memcpy(out, made, sizeof made);
    return true;
}

bool sign_make(const struct sign_secret *secret, const char *context, struct bytes data,
               uint8_t out[SIGN_SIZE], struct error *err)
{
    AUTO(auto_key) EVP_PKEY *key = secret_key(secret);
    if (!key) return error_set(err, ERR_INVALID, "not an Ed25519 secret key");
    return make_with(key, context, data, out, err);
}

struct signer {
    EVP_PKEY *key;
};

bool signer_open(const struct sign_secret *secret, struct signer **out, struct error *err)
{
    EVP_PKEY *key = secret_key(secret);
    if (!key) return error_set(err, ERR_INVALID, "not an Ed25519 secret key");
    *out = xcalloc(1, sizeof **out);
    (*out)->key = key;
    return true;
}

void signer_close(struct signer *signer)
{
    if (!signer) return;
    EVP_PKEY_free(signer->key); /* cleanses it */
    free(signer);
}

bool signer_make(const struct signer *signer, const char *context, struct bytes data,
                 uint8_t out[SIGN_SIZE], struct error *err)
{
    return make_with(signer->key, context, data, out, err);
}

/* A public key of small order "verifies" signatures that nobody made; the all-zero key, which a
 * forgotten setting leaves behind, is one of them. These are all their encodings, without the
 * sign bit (the same list as libsodium's). */
static bool small_order(const struct sign_public *key)
{
    static const char *const encodings[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    struct sign_public plain = *key;
    plain.bytes[SIGN_KEY_SIZE - 1] &= 0x7f;
    char text[2 * SIGN_KEY_SIZE + 1];
    hex_format(plain.bytes, sizeof plain.bytes, text);
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++)
        if (text_equal(text, encodings[i])) return true;
    return false;
}

bool sign_check(const struct sign_public *key, const char *context, struct bytes data,
                struct bytes signature)
{
    if (signature.len != SIGN_SIZE || data.len > SIGN_DATA_MAX || small_order(key)) return false;
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    AUTO(auto_key)
    EVP_PKEY *k = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->bytes, SIGN_KEY_SIZE);
    AUTO(auto_context) EVP_MD_CTX *c = EVP_MD_CTX_new();
    if (!k || !c || EVP_DigestVerifyInit(c, NULL, NULL, NULL, k) != 1) return false;
    size_t len;
    AUTO(auto_free) uint8_t *message = message_new(context, data, &len);
    return EVP_DigestVerify(c, signature.data, signature.len, message, len) == 1;
}
