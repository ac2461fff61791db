/* keys_internal.h - what the files of keys share; nobody else includes it.
 *
 * keys.c: names, and reading the key files. keys_registry.c: the registry. keys_make.c: the
 * commands that write. keys_https.c: the certificate of the store's HTTPS.
 */
#pragma once
#include "io/keys.h"
#include <sys/stat.h>

enum { KEYS_FILE_MAX = 16 << 10 }; /* bytes of a key file or a certificate */

/* Reads a file of ours, whose maximum is the buffer's. ERR_DENIED when its mode has one of the
 * bits of `forbidden`: 077 keeps a secret, 022 keeps others from writing. */
NODISCARD bool keys_read(const char *path, mode_t forbidden, struct buf *out, struct stat *at,
                         struct error *err);
/* Cleanses and frees. */
void keys_buf_wipe(struct buf *b);

bool keys_z85_valid(const char *z85);
void keys_z85_of(const uint8_t key[KEYS_RAW_SIZE], char out[KEYS_Z85_SIZE]);

/* The text of registry.yml with the principals of `r` except `without`, and with `with`; either
 * may be NULL. The text has been parsed again, so that what is written can be read. */
NODISCARD bool keys_registry_format(const struct keys_registry *r,
                                    const struct keys_principal *without,
                                    const struct keys_principal *with, struct buf *out,
                                    struct error *err);

/* A fresh P-256 key as PEM, and a self-signed certificate of ten years for such a key. */
NODISCARD bool keys_https_new_key(struct buf *out, struct error *err);
NODISCARD bool keys_https_new_certificate(struct bytes key_pem, struct buf *out, struct error *err);
