/* buckets_internal.h - what the files of buckets.h share. */
#pragma once
#include "io/credentials.h"
#include "io/http.h"
#include "io/s3.h"
#include "shell/artifacts.h"
#include "shell/buckets.h"
#include <time.h>

enum {
    BUCKET_URL_S = 60,         /* our own requests' leave */
    BUCKET_TIMEOUT_MS = 10000, /* of a question; of reading an object: without a byte */
    BUCKET_ANSWER_MAX = 16 << 10,
    BUCKET_VERSIONING_MS = 60000, /* until a bucket that is not versioned is asked again */
    BUCKET_FORGET_MS = 600000,    /* objects that nobody asked about are not looked at any more */
    BUCKET_ARENA_MAX = 1 << 20,
    BUCKET_CHAIN_MAX = 4096, /* versions of an object that are still to be seen */
    BUCKET_AHEAD = 8         /* ... and are looked up before somebody asks */
};

/* In the order in which a checkup asks. */
enum bucket_check_step {
    BUCKET_CHECK_VERSIONING,
    BUCKET_CHECK_VERSIONS,
    BUCKET_CHECK_READ,
    BUCKET_CHECK_WRITE, /* begins an upload in parts, which makes no object */
    BUCKET_CHECK_ABORT, /* ... and takes it back */
    BUCKET_CHECK_DELETE,
    BUCKET_CHECK_DONE
};

struct bucket_check {
    bucket_finding_fn fn; /* NULL: never checked */
    void *fn_owner;
    enum bucket_check_step step;
    bool told; /* something is not as it should be */
    bool skew_known;
    int64_t skew_ms; /* this host's clock ahead of S3's */
    char allowed[64];
    char key[S3_KEY_MAX + 1], version_id[WIRE_KEY_MAX]; /* of an object that is there */
    char upload_id[WIRE_KEY_MAX];
};

struct bucket {
    char *name, *region, *endpoint, *ca_file;
    struct buckets *owner;
    struct s3_bucket s3;
    bool versioned;
    struct bucket_check check;
};

struct bucket_version {
    char id[WIRE_KEY_MAX];
    char etag[64];
    char summary[S3_SUMMARY_MAX + 1];
    uint64_t size;
    uint8_t sha256[SHA256_SIZE];
};

/* The versions of an object in the order in which they came, from one that was seen on. */
struct bucket_chain {
    char **ids; /* oldest first */
    size_t count, asked;
    char **listed; /* newest first, being listed: a ring of BUCKET_CHAIN_MAX */
    size_t listed_count;
    bool failed;                    /* the newest listing; a HEAD comes before the next one */
    char since[WIRE_KEY_MAX];       /* list down to this version; "" there is nothing to list */
    char absent[WIRE_KEY_MAX];      /* was listed for in vain */
    char head[WIRE_KEY_MAX];        /* the newest version, or delete marker */
    char listed_head[WIRE_KEY_MAX]; /* `head` when all up to it is in `ids` */
};

/* An object that is looked at. */
struct bucket_object {
    struct buckets *owner;
    struct bucket *bucket; /* NULL: the place is free */
    char *key;
    bool busy;                   /* a request runs */
    bool named;                  /* ... for a version, not for the newest */
    bool hinted;                 /* it changed after the newest one was asked for */
    char wanted[WIRE_KEY_MAX];   /* a version that somebody named; "" none */
    char looked[WIRE_KEY_MAX];   /* what the running request asks for; "" the newest */
    char missing[WIRE_KEY_MAX];  /* a named version that is not there, until that is told */
    uint64_t due_ms, asked_ms;   /* CLOCK_BOOTTIME */
    struct error trouble;        /* of the last look; ERR_NONE: all is well */
    struct bucket_version found; /* is being read */
    struct bucket_version versions[BUCKET_VERSIONS_MAX]; /* a ring */
    size_t count, newest; /* versions ever; place of the newest + 1, 0: none */
    struct bucket_chain chain;
};

struct bucket_upload;

struct buckets {
    const struct log *log;
    struct http *http;
    struct credentials credentials;
    struct error no_credentials;
    bool refreshing;
    struct bucket stores[ARTIFACT_STORES_MAX];
    size_t store_count;
    struct bucket_object *objects;
    struct ask *asks;              /* of buckets_list.c */
    struct bucket_upload *uploads; /* BUCKET_UPLOADS_MAX */
    uint64_t news;
    struct arena endpoints; /* of S3's own hosts */
    struct arena arena;     /* of one request */
    struct prng random;
};

struct bucket_question {
    const struct s3_operation *operation;
    const char *const *headers; /* NULL for none */
    size_t body_max;            /* of the answer; 0: BUCKET_ANSWER_MAX */
    bool digest;
    http_fn fn;
    void *owner;
};
/* Signs and begins a request; `fn` hears of its end in a later turn. */
NODISCARD bool bucket_request(struct buckets *buckets, const struct bucket *bucket,
                              const struct bucket_question *question, struct error *err);
/* What S3 would not do, and why, as far as it says: sets the error and returns false.
 * ERR_DENIED, ERR_CONFLICT (another region), ERR_NOT_FOUND (no such bucket), ERR_RETRY,
 * ERR_INVALID. */
bool bucket_refused(const struct bucket *bucket, const char *what, const char *permission,
                    const struct http_answer *answer, struct error *err);
/* The store, which must be one of these. */
const struct bucket *bucket_named(const struct buckets *buckets, const char *store);
void buckets_asks_free(struct buckets *buckets);
/* "2026-11-23T06:50:00.000Z"; 0 when it is no such date. */
time_t bucket_date(const char *text);
/* How far this host's clock is ahead of the answer's date; false when it has none. */
bool bucket_skew(const struct http_answer *answer, int64_t *ahead_ms);

/* Begins the next request of an object's look. */
void bucket_look(struct bucket_object *object);
void bucket_look_ended(struct bucket_object *object, const struct error *trouble);
/* The version that came after `seen`. NULL: none did, or nobody can know, and the newest is next;
 * or *listing: the answer comes later. */
const char *bucket_chain_next(struct bucket_object *object, const char *seen, bool *listing);
/* A version that will be asked for soon and is not known yet; "" none. */
const char *bucket_chain_ahead(const struct bucket_object *object);
/* That version was removed before it was seen. */
void bucket_chain_drop(struct bucket_object *object, const char *id);
/* Begins to list where that is due, as an object's look; false: there is nothing to list. */
bool bucket_chain_look(struct bucket_object *object);
void bucket_chain_free(struct bucket_chain *chain);
/* The named version among those that are remembered; NULL when it is not. */
const struct bucket_version *bucket_version_find(const struct bucket_object *object,
                                                 const char *version_id);
