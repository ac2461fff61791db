#include "io/digest.h"
#include "io/keys_internal.h"
#include "io/random.h"

#include <assert.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum { HTTPS_YEARS = 10, HTTPS_SERIAL_SIZE = 16 };

static void auto_pkey(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void auto_x509(X509 **certificate)
{
    X509_free(*certificate);
}

static void auto_bio(BIO **bio)
{
    BIO_free(*bio);
}

static bool keys_openssl_error(struct error *err, const char *what)
{
    return error_set(err, ERR_FATAL, "OpenSSL cannot %s", what);
}

static bool keys_bio_take(BIO *bio, struct buf *out, struct error *err)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);
    assert(len > 0);
    return buf_append(out, data, (size_t)len, err);
}

bool keys_https_new_key(struct buf *out, struct error *err)
{
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    AUTO(auto_pkey) EVP_PKEY *key = EVP_EC_gen("P-256");
    /* Secure memory where the library has set it up, else memory that is cleansed when freed. */
    AUTO(auto_bio) BIO *bio = BIO_new(BIO_s_secmem());
    if (!key || !bio || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
        return keys_openssl_error(err, "make a P-256 key");
    return keys_bio_take(bio, out, err);
}

static bool keys_https_serial(X509 *certificate)
{
    uint8_t bytes[HTTPS_SERIAL_SIZE];
    random_bytes(bytes, sizeof bytes);
    bytes[0] = (uint8_t)((bytes[0] & 0x3f) | 0x40); /* positive, and of one length */
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool done = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return done;
}

static bool keys_https_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    bool done = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return done;
}

/* Whoever connects compares the key with the pin: name and dates only satisfy libraries. */
static bool keys_https_fill(X509 *certificate, EVP_PKEY *key)
{
    X509_NAME *name = X509_get_subject_name(certificate);
    const unsigned char *common = (const unsigned char *)"meridian";
    return X509_set_version(certificate, X509_VERSION_3) == 1 && keys_https_serial(certificate) &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -24 * 3600L) &&
           X509_time_adj_ex(X509_getm_notAfter(certificate), HTTPS_YEARS * 365, 0, NULL) &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common, -1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1 &&
           keys_https_extension(certificate, NID_subject_alt_name, "DNS:meridian") &&
           keys_https_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

bool keys_https_new_certificate(struct bytes key_pem, struct buf *out, struct error *err)
{
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    AUTO(auto_bio) BIO *in = BIO_new_mem_buf(key_pem.data, (int)key_pem.len);
    AUTO(auto_bio) BIO *bio = BIO_new(BIO_s_mem());
    AUTO(auto_x509) X509 *certificate = X509_new();
    AUTO(auto_pkey)
    EVP_PKEY *key = in ? PEM_read_bio_PrivateKey(in, NULL, NULL, (void *)"") : NULL;
    if (!key) return error_set(err, ERR_INVALID, "https.key is not a private key in PEM");
    if (!bio || !certificate || !keys_https_fill(certificate, key) ||
        PEM_write_bio_X509(bio, certificate) != 1)
        return keys_openssl_error(err, "make a certificate");
    return keys_bio_take(bio, out, err);
}

bool keys_https_pin(const char *certificate_file, char out[KEYS_PIN_SIZE], struct error *err)
{
    static const char prefix[] = "sha256//";
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    AUTO(buf_deinit) struct buf text;
    struct stat at;
    buf_init(&text, KEYS_FILE_MAX);
    if (!keys_read(certificate_file, 022, &text, &at, err)) return false;
    AUTO(auto_bio) BIO *bio = BIO_new_mem_buf(text.data, (int)text.len);
    AUTO(auto_x509) X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    if (!certificate)
        return error_set(err, ERR_INVALID, "'%s' is not a certificate in PEM", certificate_file);
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (len <= 0) return error_set(err, ERR_INVALID, "'%s' holds no public key", certificate_file);
    uint8_t digest[DIGEST_SIZE];
    digest_sha256(bytes_of(der, (size_t)len), digest);
    OPENSSL_free(der);
    memcpy(out, prefix, sizeof prefix - 1);
    EVP_EncodeBlock((unsigned char *)out + sizeof prefix - 1, digest, DIGEST_SIZE);
    return true;
}
