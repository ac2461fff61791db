#include "client/definition_file.h"

#include "client/commands.h"
#include "io/fs.h"

#include <string.h>
#include <unistd.h>

enum { STEP = 4096, FILE_MAX = 4 << 20, FILE_DOCUMENTS_MAX = 1000 };

NODISCARD static bool read_all(const char *path, struct buf *text, struct error *err)
{
    if (!text_equal(path, "-")) return fs_read_file(path, text, err);
    for (;;) {
        if (!buf_reserve(text, STEP, err)) return false;
        size_t got = 0;
        if (!fs_read_full(STDIN_FILENO, text->data + text->len, STEP, &got, err)) return false;
        text->len += got;
        if (got < STEP) return true;
    }
}

NODISCARD static bool read_documents(const char *path, struct definition_file *file,
                                     struct error *err)
{
    bool good = read_all(path, &file->text, err);
    if (file->text.len > FILE_MAX || (!good && err->code == ERR_NO_SPACE))
        return error_set(err, ERR_INVALID, "'%s' is larger than %d KiB", path, FILE_MAX >> 10);
    file->count = good ? documents_count(buf_bytes(&file->text)) : 0;
    if (file->count > FILE_DOCUMENTS_MAX)
        return error_set(err, ERR_INVALID, "'%s' holds %zu documents, at most %d: divide it", path,
                         file->count, FILE_DOCUMENTS_MAX);
    if (good) file->rest = documents_of(buf_bytes(&file->text));
    return good;
}

enum client_exit definition_file_open(struct client *client, const char *path,
                                      struct definition_file *file)
{
    struct error err = { .code = ERR_NONE };
    *file = (struct definition_file){ .name = text_equal(path, "-") ? "stdin" : path };
    buf_init(&file->text, FILE_MAX + 1);
    buf_init(&file->document, FILE_MAX + 1);
    if (read_documents(path, file, &err)) return EXIT_DONE;
    return client_fail_error(client, &err, "the file cannot be read", "");
}

void definition_file_deinit(struct definition_file *file)
{
    buf_deinit(&file->text);
    buf_deinit(&file->document);
}

bool definition_file_next(struct definition_file *file)
{
    return documents_next(&file->rest, &file->document);
}

enum client_exit definition_file_ask(struct client *client, const struct definition_file *file,
                                     struct request *request, struct reply *reply)
{
    *reply = (struct reply){ .problem_count = 0 };
    if (file->document.len > WIRE_DOCUMENT_MAX) {
        struct error err = { .code = ERR_NONE };
        error_set(&err, ERR_INVALID, "a document of '%s' is larger than %d KiB", file->name,
                  WIRE_DOCUMENT_MAX >> 10);
        return client_fail_error(client, &err, "the file cannot be read", "");
    }
    if (request->kind == REQUEST_PLAN) {
        request->plan.file = file->name;
        request->plan.text = buf_bytes(&file->document);
    } else {
        request->apply.file = file->name;
        request->apply.text = buf_bytes(&file->document);
    }
    return client_ask(client, request, reply);
}

/* FILE:LINE:COLUMN: path: what */
static void problem_line(struct print *out, const char *file, const struct problem *problem)
{
    /* A text that could not be read as JSON or YAML at all names its place itself. */
    bool placed = text_starts(problem->text, file) && problem->text[strlen(file)] == ':';
    if (!placed) print_text(out, file);
    if (!placed && problem->line) print_format(out, ":%u:%u", problem->line, problem->column);
    if (!placed) print_raw(out, ": ");
    if (problem->path[0]) {
        print_text(out, problem->path);
        print_raw(out, ": ");
    }
    print_text(out, problem->text);
    print_raw(out, "\n");
}

void definition_file_problems(const struct definition_file *file, const struct reply *reply,
                              struct print *out)
{
    for (size_t i = 0; i < reply->problem_count; i++)
        problem_line(out, file->name, &reply->problems[i]);
}

enum client_exit definition_file_each(struct client *client, const char *path,
                                      enum client_exit (*each)(struct client *client,
                                                               struct definition_file *file))
{
    AUTO(definition_file_deinit) struct definition_file file;
    enum client_exit worst = definition_file_open(client, path, &file);
    if (worst != EXIT_DONE) return worst;
    while (worst != EXIT_INTERRUPTED && worst != EXIT_UNREACHABLE && definition_file_next(&file)) {
        enum client_exit exit = each(client, &file);
        if (exit != EXIT_DONE) worst = exit;
    }
    return worst;
}
