/* A store in a folder of its own, for the tests of common/io/store.h. */
#pragma once
#include "io/fs.h"
#include "io/store.h"

enum { MAP = 8 << 20, CHECK_MS = 30000 };

struct fixture {
    char folder[FS_PATH_MAX];
    char path[FS_PATH_MAX]; /* of the store */
};

int make_folder(void **state);
int drop_folder(void **state);
/* Fails the test with the error. */
struct store *open_store(const char *path);
/* In a transaction of its own. */
void put_one(struct store *s, const char *key, const char *value);
bool has(struct store *s, const char *key, const char *value);
