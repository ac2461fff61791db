#include "steps/hook/environment.h"

#include "steps/hook/script.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

enum { TEXTS_MAX = 16 << 20 };

void environment_init(struct environment *e, size_t more)
{
    size_t count = 0;
    while (environ[count]) count++;
    *e = (struct environment){ .count = count, .max = count + more };
    e->entries = xcalloc(e->max + SCRIPT_VARIABLES_SPARE + 1, sizeof *e->entries);
    memcpy(e->entries, environ, count * sizeof *e->entries);
    arena_init(&e->arena, TEXTS_MAX);
}

void environment_deinit(struct environment *e)
{
    free(e->entries);
    arena_deinit(&e->arena);
}

void environment_put(struct environment *e, const char *name, const char *value)
{
    size_t len = strlen(name), i = 0;
    char *entry = arena_format(&e->arena, "%s=%s", name, value);
    while (i < e->count && !(strncmp(e->entries[i], name, len) == 0 && e->entries[i][len] == '='))
        i++;
    if (i == e->count) {
        assert(e->count < e->max);
        e->count++;
    }
    e->entries[i] = entry;
}
