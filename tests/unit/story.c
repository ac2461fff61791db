#include "unit/story.h"

#include "io/fs.h"
#include "wire/wire.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

enum {
    STORY_MAX = 4 << 20,
    DEPTH_MAX = 16,
    IDS_MAX = 512,
    UUID = 36,
    DEPLOYMENT = 11,
    WALL_DIGITS = 13,
    INDENT = 2
};

/* What was told last under a key: the fields, a line each. */
struct told {
    char key[RECORD_KEY_SIZE];
    char *fields;
};

struct story {
    char *name;
    uint64_t zero_ms;
    struct buf text;
    struct told *told;
    size_t told_count;
    char ids[IDS_MAX][ID_SIZE];
    size_t id_count;
};

static void append(struct buf *to, const char *text, size_t len)
{
    struct error err;
    if (!buf_append(to, text, len, &err)) fail_msg("%s", err.text);
}

struct story *story_new(const char *name, uint64_t zero_ms)
{
    struct story *story = xcalloc(1, sizeof *story);
    story->name = xstrdup(name);
    story->zero_ms = zero_ms;
    buf_init(&story->text, STORY_MAX);
    return story;
}

/* ---- what is random or a date becomes a number of this story ---- */

static size_t id_length(const char *at)
{
    size_t len = strspn(at, "0123456789abcdef-");
    if (len == UUID && at[8] == '-' && at[13] == '-' && at[18] == '-' && at[23] == '-') return UUID;
    bool deploy = text_starts(at, "d-") &&
                  strspn(at + 2, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == DEPLOYMENT - 2;
    return deploy ? DEPLOYMENT : 0;
}

static size_t id_number(struct story *story, const char *at, size_t len)
{
    char text[ID_SIZE] = "";
    memcpy(text, at, len);
    size_t i = 0;
    while (i < story->id_count && strcmp(story->ids[i], text) != 0) i++;
    assert_true(i < IDS_MAX);
    if (i == story->id_count) memcpy(story->ids[story->id_count++], text, sizeof text);
    return i + 1;
}

static bool begins_word(const char *text, const char *at)
{
    return at == text || !isalnum((unsigned char)at[-1]);
}

static void add(struct story *story, const char *text)
{
    for (const char *at = text; *at;) {
        char shown[ID_SIZE];
        size_t id = begins_word(text, at) ? id_length(at) : 0;
        size_t digits = begins_word(text, at) ? strspn(at, "0123456789") : 0;
        uint64_t number = digits == WALL_DIGITS ? strtoull(at, NULL, 10) : 0;
        if (id) {
            snprintf(shown, sizeof shown, "#%zu", id_number(story, at, id));
            at += id;
        } else if (number >= story->zero_ms && digits == WALL_DIGITS) {
            snprintf(shown, sizeof shown, "t+%llu", (unsigned long long)(number - story->zero_ms));
            at += digits;
        } else {
            snprintf(shown, sizeof shown, "%c", *at++);
        }
        append(&story->text, shown, strlen(shown));
    }
}

static void add_format(struct story *story, const char *before, const char *format, va_list args)
{
    char *text = NULL;
    assert_true(vasprintf(&text, format, args) >= 0);
    add(story, before);
    add(story, text);
    add(story, "\n");
    free(text);
}

void story_event(struct story *story, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_format(story, "", format, args);
    va_end(args);
}

void story_did(struct story *story, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_format(story, "  ", format, args);
    va_end(args);
}

/* ---- the printed fields, each with its whole path ---- */

static bool says_nothing(const char *value)
{
    return !value[0] || strcmp(value, "0") == 0 || strcmp(value, "false") == 0 ||
           strcmp(value, "0 bytes") == 0 || strspn(value, "0") == 2 * SHA256_SIZE;
}

struct path {
    char *names[DEPTH_MAX];
};

static void path_set(struct path *path, size_t depth, const char *name, size_t len)
{
    assert_true(depth < DEPTH_MAX);
    free(path->names[depth]);
    path->names[depth] = xcalloc(1, len + 1);
    memcpy(path->names[depth], name, len);
}

static void field_add(struct buf *to, const struct path *path, size_t depth, const char *value)
{
    for (size_t i = 0; i <= depth; i++) {
        append(to, path->names[i], strlen(path->names[i]));
        append(to, i < depth ? "." : "=", 1);
    }
    append(to, value, strlen(value));
    append(to, "\n", 1);
}

/* "  a:\n    b: 1\n" becomes "a.b=1\n"; empty values are left out. The schema is everybody's. */
static char *fields_of(const struct wire_type *type, const void *plain)
{
    struct buf printed, fields;
    struct path path = { { NULL } };
    buf_init(&printed, STORY_MAX);
    buf_init(&fields, STORY_MAX);
    wire_print(type, plain, &printed);
    append(&printed, "", 1);
    for (char *line = (char *)printed.data, *end; *line; line = end) {
        end = line + strcspn(line, "\n");
        if (*end) *end++ = '\0';
        size_t spaces = strspn(line, " "), len = strcspn(line, ":");
        /* A document's line; those of the fixtures have no field's shape. */
        if (!line[len] || spaces / INDENT >= DEPTH_MAX) continue;
        const char *value = line[len + 1] == ' ' ? line + len + 2 : "";
        path_set(&path, spaces / INDENT, line + spaces, len - spaces);
        if (!says_nothing(value)) field_add(&fields, &path, spaces / INDENT, value);
    }
    append(&fields, "", 1);
    for (size_t i = 0; i < DEPTH_MAX; i++) free(path.names[i]);
    buf_deinit(&printed);
    return (char *)fields.data;
}

static bool has_line(const char *text, const char *line, size_t len)
{
    for (const char *at = text; *at; at += strcspn(at, "\n") + 1)
        if (strncmp(at, line, len) == 0 && at[len] == '\n') return true;
    return false;
}

/* The lines of `fields` that `before` does not have. */
static void add_new(struct story *story, const char *fields, const char *before)
{
    for (const char *at = fields; *at;) {
        size_t len = strcspn(at, "\n");
        if (!has_line(before, at, len)) {
            char *line = xcalloc(1, len + 1);
            memcpy(line, at, len);
            add(story, " ");
            add(story, line);
            free(line);
        }
        at += len + 1;
    }
}

/* The names that are empty now and were not before. */
static void add_emptied(struct story *story, const char *before, const char *fields)
{
    for (const char *at = before; *at; at += strcspn(at, "\n") + 1) {
        size_t len = strcspn(at, "=") + 1;
        bool still = false;
        for (const char *f = fields; *f && !still; f += strcspn(f, "\n") + 1)
            still = strncmp(f, at, len) == 0;
        if (still) continue;
        char *name = xcalloc(1, len + 1);
        memcpy(name, at, len);
        add(story, " ");
        add(story, name);
        free(name);
    }
}

static struct told *told_find(struct story *story, const char *key)
{
    for (size_t i = 0; i < story->told_count; i++)
        if (strcmp(story->told[i].key, key) == 0) return &story->told[i];
    return NULL;
}

static struct told *told_of(struct story *story, const char *key)
{
    struct told *told = told_find(story, key);
    if (told) return told;
    story->told = xrealloc(story->told, (story->told_count + 1) * sizeof *story->told);
    told = &story->told[story->told_count++];
    assert_true(strlen(key) < sizeof told->key);
    memcpy(told->key, key, strlen(key) + 1);
    told->fields = xstrdup("");
    return told;
}

void story_changes(struct story *story, const char *what, const char *key,
                   const struct wire_type *type, const void *plain)
{
    struct told *told = told_of(story, key);
    char *fields = fields_of(type, plain);
    add(story, "  ");
    add(story, what);
    add(story, " ");
    add(story, key);
    add(story, ":");
    add_new(story, fields, told->fields);
    add_emptied(story, told->fields, fields);
    add(story, "\n");
    free(told->fields);
    told->fields = fields;
}

void story_record(struct story *story, const struct record *record)
{
    char key[RECORD_KEY_SIZE];
    record_key(record, key);
    story_changes(story, "put", key, wire_record_variants[record->kind].type, &record->execution);
}

void story_gone(struct story *story, const char *key)
{
    struct told *told = told_find(story, key);
    story_did(story, "delete %s", key);
    if (!told) return;
    free(told->fields);
    *told = story->told[--story->told_count];
}

void story_value(struct story *story, const char *what, const struct wire_type *type,
                 const void *plain)
{
    char *fields = fields_of(type, plain);
    add(story, "  ");
    add(story, what);
    add(story, ":");
    add_new(story, fields, "");
    add(story, "\n");
    free(fields);
}

void story_message(struct story *story, const char *to, const struct message *message)
{
    char what[ID_SIZE * 2];
    snprintf(what, sizeof what, "send%s%s %s", to[0] ? " " : "", to,
             message_type_name(message->type));
    story_value(story, what, wire_message_variants[message->type].type, &message->hello);
}

/* ---- the end ---- */

static void compare(const struct story *story, const char *recorded)
{
    const char *at = (const char *)story->text.data;
    for (size_t line = 1; *recorded || *at; line++) {
        size_t len = strcspn(at, "\n"), wanted = strcspn(recorded, "\n");
        if (len != wanted || memcmp(at, recorded, len) != 0)
            fail_msg(
                "%s: line %zu is\n%.*s\nand not\n%.*s\n(MERIDIAN_STORIES=write records it anew)",
                story->name, line, (int)len, at, (int)wanted, recorded);
        recorded += wanted + (recorded[wanted] == '\n');
        at += len + (at[len] == '\n');
    }
}

void story_free(struct story *story)
{
    if (!story) return;
    buf_deinit(&story->text);
    for (size_t i = 0; i < story->told_count; i++) free(story->told[i].fields);
    free(story->told);
    free(story->name);
    free(story);
}

void story_end(struct story *story)
{
    if (!story) return;
    assert_true(story->text.len > 0);
    char path[FS_PATH_MAX];
    struct error err;
    struct buf recorded;
    snprintf(path, sizeof path, "%s/%s.txt", STORIES, story->name);
    if (getenv("MERIDIAN_STORIES")) {
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        assert_int_equal(fwrite(story->text.data, 1, story->text.len, file), story->text.len);
        assert_int_equal(fclose(file), 0);
    }
    append(&story->text, "", 1);
    buf_init(&recorded, STORY_MAX);
    if (!fs_read_file(path, &recorded, &err)) fail_msg("%s", err.text);
    append(&recorded, "", 1);
    compare(story, (const char *)recorded.data);
    buf_deinit(&recorded);
    story_free(story);
}
