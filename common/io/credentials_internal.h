/* credentials_internal.h - what credentials.c and credentials_read.c share. */
#pragma once
#include "io/credentials.h"

/* Keys of a profile as the two files of AWS have them: "[default]", in the configuration
 * "[profile NAME]". `name` "" of the file's first section is never asked for. */
struct credentials_profile {
    bool found;
    char access_key[129], secret_key[SIGV4_SECRET_MAX], session_token[CREDENTIALS_TOKEN_MAX];
    bool sso, role, process; /* what we do not read */
};
NODISCARD bool credentials_read_profile(struct bytes text, const char *name, bool config_file,
                                        struct credentials_profile *out, struct error *err);

/* The answer of a container's or an instance's endpoint (JSON), and that of STS (XML). */
NODISCARD bool credentials_read_json(struct credentials *c, struct bytes body, struct error *err);
NODISCARD bool credentials_read_sts(struct credentials *c, struct bytes body, struct error *err);
/* "2026-11-22T19:11:27Z" */
NODISCARD bool credentials_read_time(const char *text, uint64_t *ms);
