/* A fuzzer without libFuzzer: the corpus, then inputs mutated from it in a fixed sequence.
 *
 *     fuzz_NAME CORPUS_FOLDER COUNT [FIRST]
 *
 * Input n depends on n and the corpus alone. When one ends the program its number is printed:
 * `fuzz_NAME CORPUS_FOLDER 1 n` runs only that one after the corpus.
 */
#include "base/prng.h"
#include "io/fs.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEEDS_MAX = 1000, INPUT_MAX = 64 * 1024, CHANGES_MAX = 8, COPY_MAX = 64 };

struct seeds {
    struct buf list[SEEDS_MAX];
    size_t count;
};

/* Read by the signal handler only. */
static volatile sig_atomic_t current;

static void tell_current(int sig)
{
    char text[64];
    int len = snprintf(text, sizeof text, "signal %d at input %d\n", sig, (int)current);
    if (len > 0 && write(STDERR_FILENO, text, (size_t)len) < 0) _exit(1);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool seeds_load(const char *folder, struct seeds *seeds, struct error *err)
{
    struct dirent **names = NULL;
    int count = scandir(folder, &names, NULL, by_name);
    bool ok = count >= 0 || errno == ENOENT ||
              error_set(err, ERR_RETRY, "%s: %s", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        char path[FS_PATH_MAX];
        if (ok && names[i]->d_name[0] != '.' && seeds->count < SEEDS_MAX) {
            struct buf *seed = &seeds->list[seeds->count++];
            buf_init(seed, INPUT_MAX);
            ok = fs_join(path, folder, names[i]->d_name, err) && fs_read_file(path, seed, err);
        }
        free(names[i]);
    }
    free(names);
    if (seeds->count == 0) seeds->count = 1; /* no corpus: everything grows from no bytes */
    return ok;
}

/* Bytes that parsers trip over. */
static uint8_t interesting(struct prng *p)
{
    static const uint8_t bytes[] = "\0\xff\x7f\x80 \t\n\r\"'\\:-,[]{}&*!|>#%@/.0189azAZ";
    return prng_below(p, 2) ? (uint8_t)prng_next(p) : bytes[prng_below(p, sizeof bytes - 1)];
}

static size_t mutate(uint8_t *data, size_t len, const struct seeds *seeds, struct prng *p)
{
    size_t at = len ? (size_t)prng_below(p, len) : 0;
    size_t n = 1 + (size_t)prng_below(p, COPY_MAX);
    const struct buf *other = &seeds->list[prng_below(p, seeds->count)];
    switch (prng_below(p, 6)) {
    case 0: /* one bit */
        if (len) data[at] ^= (uint8_t)(1u << prng_below(p, 8));
        return len;
    case 1: /* one byte */
        if (len) data[at] = interesting(p);
        return len;
    case 2: /* take bytes out */
        if (n > len - at) n = len - at;
        memmove(data + at, data + at + n, len - at - n);
        return len - n;
    case 3: /* put a byte in */
        if (len == INPUT_MAX) return len;
        memmove(data + at + 1, data + at, len - at);
        data[at] = interesting(p);
        return len + 1;
    case 4: /* repeat bytes */
        if (n > len - at) n = len - at;
        if (n > INPUT_MAX - len) n = INPUT_MAX - len;
        memmove(data + at + n, data + at, len - at);
        return len + n;
    default: /* bytes of another seed */
        if (n > len - at) n = len - at;
        if (n > other->len) n = other->len;
        if (n) memcpy(data + at, other->data + prng_below(p, other->len - n + 1), n);
        return len;
    }
}

/* A copy of exactly its size, so that the address sanitizer sees a read beyond the end. */
static void run(const uint8_t *data, size_t len)
{
    AUTO(auto_free) uint8_t *exact = xcalloc(len ? len : 1, 1);
    if (len) memcpy(exact, data, len);
    (void)LLVMFuzzerTestOneInput(exact, len);
}

static void run_mutated(const struct seeds *seeds, uint64_t number)
{
    static uint8_t data[INPUT_MAX];
    struct prng p;
    prng_init_number(&p, number);
    const struct buf *seed = &seeds->list[prng_below(&p, seeds->count)];
    size_t len = seed->len;
    if (len) memcpy(data, seed->data, len);
    for (uint64_t changes = 1 + prng_below(&p, CHANGES_MAX); changes; changes--)
        len = mutate(data, len, seeds, &p);
    run(data, len);
}

int main(int argc, char **argv)
{
    static struct seeds seeds;
    struct error err;
    if (argc < 3) {
        fprintf(stderr, "usage: %s CORPUS_FOLDER COUNT [FIRST]\n", argv[0]);
        return 2;
    }
    struct sigaction action = { .sa_handler = tell_current, .sa_flags = (int)SA_RESETHAND };
    if (sigaction(SIGABRT, &action, NULL) != 0) return 2;
    if (!seeds_load(argv[1], &seeds, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 2;
    }
    for (size_t i = 0; i < seeds.count; i++) {
        current = -(sig_atomic_t)i - 1;
        run(seeds.list[i].data, seeds.list[i].len);
    }
    unsigned long count = strtoul(argv[2], NULL, 10),
                  first = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
    for (unsigned long i = first; i < first + count; i++) {
        current = (sig_atomic_t)i;
        run_mutated(&seeds, i);
    }
    for (size_t i = 0; i < seeds.count; i++) buf_deinit(&seeds.list[i]);
    printf("%zu seeds and %lu mutated inputs\n", seeds.count, count);
    return 0;
}
