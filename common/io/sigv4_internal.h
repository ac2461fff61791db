/* sigv4_internal.h - what signing and verifying share; see sigv4.h. */
#pragma once
#include "io/digest.h"
#include "io/sigv4.h"

enum { SIGV4_TIME_SIZE = sizeof "20150830T123600Z", SIGV4_DATE_LEN = 8 };

/* Which of the request's headers are signed: "host;x-amz-date", sorted and in lower case; NULL
 * for all. `without` is left out of the query ("" for none). */
struct sigv4_signing {
    const struct sigv4_credentials *credentials;
    const struct sigv4_scope *scope;
    const struct sigv4_request *request;
    const char *time; /* ISO 8601 basic */
    const char *signed_headers, *without;
};

NODISCARD bool sigv4_within_limits(const struct sigv4_request *request, struct error *err);
/* Scratch and answers lie in `arena`; *names is the list of the signed headers. */
NODISCARD bool sigv4_signature(const struct sigv4_signing *signing, struct arena *arena,
                               const char **names, char out[DIGEST_HEX_SIZE], struct error *err);
bool sigv4_same_name(const char *a, const char *b); /* in any case */
bool sigv4_lists(const char *signed_headers, const char *name);
