/* error.h - what went wrong, as a value.
 *
 * A function that can fail returns bool, is NODISCARD and takes `struct error *err` last, never
 * NULL. The code says what the caller can do about it, the text says what happened and where.
 * On success err is untouched. Nothing in common/ prints or logs an error: it returns it.
 *
 *     if (!store_open(&store, path, err)) return error_wrap(err, "open the state folder");
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#define NODISCARD                __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((__format__(__printf__, text, first)))

/* Runs `destructor` (which takes a pointer to the variable) when the variable leaves its scope.
 * clang would call a variable unused that only its destructor reads. */
#define AUTO(destructor) __attribute__((__unused__, __cleanup__(destructor)))

enum error_code {
    ERR_NONE,
    ERR_RETRY,     /* passing trouble: the same call may succeed later */
    ERR_NOT_FOUND, /* the named thing does not exist */
    ERR_INVALID,   /* the input is wrong: change it */
    ERR_CONFLICT,  /* the input is right, but not in this state */
    ERR_DENIED,    /* the caller may not do this */
    ERR_NO_SPACE,  /* a disk, a quota or a named limit is full */
    ERR_CORRUPT,   /* stored or received bytes are not what they must be */
    ERR_FATAL      /* nothing that the caller can do */
};

enum { ERROR_TEXT_SIZE = 512 };

struct error {
    enum error_code code;
    char text[ERROR_TEXT_SIZE]; /* one line, no full stop; cut when longer */
};

/* Sets the error and returns false, so that `return error_set(...)` reads as the end. */
bool error_set(struct error *err, enum error_code code, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts "context: " in front of the text and keeps the code. Returns false. */
bool error_wrap(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Shows compilers and analysers that the answer is false, else they follow paths where a failed
 * function left its outputs untouched and yet returned true. */
static inline bool error_false(bool answer)
{
    (void)answer;
    return false;
}
#define error_set(...)  error_false(error_set(__VA_ARGS__))
#define error_wrap(...) error_false(error_wrap(__VA_ARGS__))

/* "retry", "not found" ... for logs and JSON. */
const char *error_code_name(enum error_code code);
