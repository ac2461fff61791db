/* grant.h - leave to read or write one object for a short time, made by the coordinator's shell:
 * whoever holds it needs no keys. Texts are never NULL. Included through wire/messages.h only.
 */
#pragma once
#include "wire/names.h"

enum { WIRE_PARTS_MAX = 256 /* of one object */ };

struct grant {
    const char *url; /* "" when the worker reads the store by its own means */
    const char *pin; /* "sha256//...", CURLOPT_PINNEDPUBLICKEY; "" for a store with a real CA */
    uint64_t expires_ms;
};

/* Leave to put one object of S3 in parts: all of them lie in one upload that was begun for it. */
struct parts_grant {
    const char *url;         /* of part N with "&partNumber=N&X-Amz-Signature=" and its signature */
    struct bytes signatures; /* 32 bytes each, of part 1, 2, ... */
    uint64_t part_bytes;     /* of each but the last one */
    const char *complete;    /* POST: the parts become the object */
    const char *look;        /* HEAD: what the object is then */
};
