/* store_messages.h - what operators ask about stores: checkups, what lies there, and its removal.
 *
 * Nothing of it is ever stored. Included through wire/messages.h only.
 */
#pragma once
#include "wire/names.h"

#define FINDING_LEVELS(X)                                                                          \
    X(GOOD, "good")                                                                                \
    X(ODD, "warning") /* it works, and somebody should look */                                     \
    X(BAD, "bad")     /* something will fail */

enum finding_level {
#define X(name, text) FINDING_##name,
    FINDING_LEVELS(X)
#undef X
};
#define FINDING_LEVEL_COUNT (FINDING_BAD + 1)
const char *finding_level_name(enum finding_level level);

/* One line of a checkup. */
struct finding {
    enum finding_level level;
    const char *subject; /* "store artifact-store-us-east-1", "clock", "workers us-east-1" */
    const char *text;    /* what was found */
    const char *fix;     /* "" nothing to do */
};

#define ARTIFACTS_VERBS(X)                                                                         \
    X(LIST, "list")                                                                                \
    X(GET, "get")     /* leave to read one version, and its digest */                              \
    X(EMPTY, "empty") /* a part of it: ask again while reply.changed */

enum artifacts_verb {
#define X(name, text) ARTIFACTS_##name,
    ARTIFACTS_VERBS(X)
#undef X
};
#define ARTIFACTS_VERB_COUNT (ARTIFACTS_EMPTY + 1)

const char *artifacts_verb_name(enum artifacts_verb verb);

enum {
    STORED_OBJECTS_MAX = 300, /* of one reply; more of the store follows `next` */
    WIRE_AFTER_MAX = 2 * WIRE_KEY_MAX + 2
};

struct artifacts_request {
    enum artifacts_verb verb;
    const char *store;
    const char *key;        /* GET: the object; else a prefix, "" all */
    const char *version_id; /* GET: "" the newest */
    const char *after;      /* LIST, EMPTY: reply.next of the part before, "" the beginning */
    bool force;             /* EMPTY: also what executions still need */
};

/* One version in a store. */
struct stored_object {
    const char *key, *version_id;
    uint64_t size, modified_ms;
    uint8_t sha256[SHA256_SIZE]; /* of GET; all zero when it is not known */
    bool newest, marker;         /* a delete marker has no bytes */
    const char *needed;          /* "" or by whom: "execution 1a2b3c4d of xr" */
};
