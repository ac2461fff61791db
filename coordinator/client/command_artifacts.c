/* artifacts: what lies in a store, its bytes, whether they are right, and its end */
#include "client/commands.h"

#include "client/json_value.h"
#include "client/table.h"
#include "io/digest.h"
#include "io/fs.h"
#include "io/transfer.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "BUCKET [KEY]" or "s3://BUCKET[/KEY]", behind the verb. */
struct place {
    const char *store, *key;
};

static bool place_of(struct client *client, struct place *out)
{
    const char *word = client->arguments[1];
    size_t scheme = text_starts(word, "s3://") ? 5 : 0;
    const char *slash = scheme ? strchr(word + scheme, '/') : NULL;
    size_t len = slash ? (size_t)(slash - word) - scheme : strlen(word + scheme);
    char name[WIRE_NAME_MAX + 1] = "";
    if (len == 0 || len >= sizeof name) return false;
    memcpy(name, word + scheme, len);
    name[len] = '\0';
    out->store = client_keep(client, name);
    out->key = slash ? slash + 1 : "";
    if (client->argument_count > 2 && out->key[0] == '\0') out->key = client->arguments[2];
    return true;
}

/* `after` outlives the reply that it came with. */
static struct request request_of(enum artifacts_verb verb, const struct place *place,
                                 const char *after)
{
    struct request request = { .kind = REQUEST_ARTIFACTS };
    request.artifacts = (struct artifacts_request){
        .verb = verb, .store = place->store, .key = place->key, .version_id = "", .after = after
    };
    return request;
}

/* ---- list ---- */

static void object_row(struct table *table, const struct stored_object *object)
{
    table_row(table);
    table_cell_text(table, object->key);
    table_cell_text(table, object->version_id);
    if (object->marker)
        print_raw(&table->cell, "-");
    else
        print_bytes(&table->cell, object->size);
    table_cell(table);
    print_time(&table->cell, object->modified_ms);
    table_cell(table);
    table_cell_text(table, object->marker ? "delete marker" : object->newest ? "newest" : "");
    table_cell_text(table, object->needed[0] ? object->needed : "-");
}

static json_t *object_value(const struct stored_object *object)
{
    json_t *one = json_object();
    json_put_text(one, "key", object->key);
    json_put_text(one, "versionId", object->version_id);
    json_put_number(one, "size", object->size);
    json_put_time(one, "lastModified", object->modified_ms);
    json_put(one, "isLatest", json_boolean(object->newest));
    json_put(one, "isDeleteMarker", json_boolean(object->marker));
    json_put_text(one, "neededBy", object->needed);
    return one;
}

static enum client_exit list(struct client *client, const struct place *place)
{
    static const char *const names[] = { "KEY",   "VERSION",   "SIZE", "MODIFIED",
                                         "STATE", "NEEDED BY", NULL };
    bool json = client->options->output == OUTPUT_JSON;
    bool plain = client->options->output == OUTPUT_NAME;
    json_t *all = json ? json_array() : NULL;
    AUTO(table_deinit) struct table table;
    const char *after = "";
    enum client_exit exit;
    table_init(&table, &client->out.mode);
    if (!options_given(client->options, OPTION_NO_HEADERS)) table_header(&table, names);
    do {
        struct request request = request_of(ARTIFACTS_LIST, place, after);
        struct reply reply;
        exit = client_ask(client, &request, &reply);
        if (exit != EXIT_DONE) break;
        for (size_t i = 0; i < reply.object_count; i++) {
            const struct stored_object *object = &reply.objects[i];
            if (json) (void)json_array_append_new(all, object_value(object));
            if (plain) print_format(&client->out, "%s\n", client_keep(client, object->version_id));
            if (!json && !plain) object_row(&table, object);
        }
        after = client_keep(client, reply.next);
    } while (after[0]);
    if (exit == EXIT_DONE && json)
        json_write(&client->out, json_pack("{s:o}", "objects", all), false);
    else
        json_decref(all);
    if (exit == EXIT_DONE && !json && !plain) table_print(&table, &client->out);
    return exit;
}

/* ---- get, verify ---- */

static bool digest_known(const struct stored_object *object)
{
    static const uint8_t none[SHA256_SIZE];
    return memcmp(object->sha256, none, SHA256_SIZE) != 0;
}

static bool go_on(void *owner, uint64_t done, uint64_t total)
{
    struct client *client = owner;
    (void)done;
    (void)total;
    return !session_interrupted(client->session);
}

/* The bytes of one version, checked where its digest is known. */
static enum client_exit fetch(struct client *client, const struct place *place,
                              const char *version_id, const char *path, bool *known,
                              struct error *err)
{
    struct request request = request_of(ARTIFACTS_GET, place, "");
    struct reply reply;
    uint64_t moved = 0;
    request.artifacts.version_id = version_id;
    enum client_exit exit = client_ask(client, &request, &reply);
    if (exit != EXIT_DONE) return exit;
    if (reply.object_count != 1)
        return client_fail(client, ERR_NOT_FOUND, "there is no such object", "",
                           "meridian artifacts list");
    *known = digest_known(&reply.objects[0]);
    if (!*known) (void)unlink(path); /* nothing says that its bytes are of this object */
    const struct transfer transfer = { .url = reply.grant.url,
                                       .pin = reply.grant.pin,
                                       .path = path,
                                       .size = reply.objects[0].size,
                                       .sha256 = *known ? reply.objects[0].sha256 : NULL,
                                       .fn = go_on,
                                       .owner = client };
    if (!transfer_get(&transfer, &moved, err)) return EXIT_FAILED;
    return EXIT_DONE;
}

static const char *base_name(const char *key)
{
    const char *slash = strrchr(key, '/');
    return slash && slash[1] ? slash + 1 : key;
}

static enum client_exit get(struct client *client, const struct place *place)
{
    const char *version = client->options->text[OPTION_REVISION];
    size_t words = text_starts(client->arguments[1], "s3://") ? 2 : 3;
    const char *path =
        client->argument_count > words ? client->arguments[words] : base_name(place->key);
    char part[FS_PATH_MAX];
    struct error err = { 0 };
    bool known = false;
    if (!place->key[0])
        return client_usage(client, "an object's key is missing",
                            "meridian artifacts get BUCKET KEY [FILE]");
    if (snprintf(part, sizeof part, "%s.part", path) >= (int)sizeof part)
        return client_usage(client, "the file's name is too long", "");
    enum client_exit exit = fetch(client, place, version ? version : "", part, &known, &err);
    if (err.code != ERR_NONE)
        return client_fail_error(client, &err, "the object was not fetched",
                                 "the same command goes on where it stopped");
    if (exit != EXIT_DONE) return exit;
    if (rename(part, path) != 0) {
        (void)fs_error(&err, "rename to", path);
        return client_fail_error(client, &err, "the object was not fetched", "");
    }
    client_hint(client, known ? "its SHA-256 is the one that was put"
                              : "nothing tells its SHA-256: the bytes were not checked");
    if (client->options->output == OUTPUT_JSON) {
        json_t *all = json_object();
        json_put_text(all, "file", path);
        json_put_text(all, "key", place->key);
        json_put(all, "verified", json_boolean(known));
        json_write(&client->out, all, false);
        return EXIT_DONE;
    }
    print_text(&client->out, path);
    print_raw(&client->out, "\n");
    return EXIT_DONE;
}

struct tally {
    unsigned good, bad, unknown;
    json_t *json; /* NULL: a line each instead */
};

enum judgement { JUDGED_GOOD, JUDGED_BAD, JUDGED_UNKNOWN };

static void verified_line(struct print *out, const struct place *one, const char *version,
                          enum judgement judgement, const char *cause)
{
    static const char *const words[] = { "ok      ", "BAD     ", "unknown " };
    print_styled(out, judgement == JUDGED_BAD ? STYLE_BAD : STYLE_PLAIN, words[judgement]);
    print_text(out, one->key);
    print_raw(out, " ");
    print_text(out, version);
    if (cause[0]) print_raw(out, ": ");
    print_text(out, cause);
    print_raw(out, "\n");
}

static void verified_value(json_t *list, const struct place *one, const char *version,
                           enum judgement judgement, const char *cause)
{
    static const char *const words[] = { "good", "bad", "unknown" };
    json_t *object = json_object();
    json_put_text(object, "key", one->key);
    json_put_text(object, "versionId", version);
    json_put_text(object, "result", words[judgement]);
    json_put_text(object, "cause", cause);
    (void)json_array_append_new(list, object);
}

static enum client_exit verify_one(struct client *client, const struct place *place,
                                   const struct stored_object *object, const char *folder,
                                   struct tally *tally)
{
    const struct place one = { place->store, client_keep(client, object->key) };
    const char *version = client_keep(client, object->version_id);
    struct error err = { 0 };
    char path[FS_PATH_MAX];
    bool known = false;
    if (!fs_join(path, folder, "object", &err))
        return client_fail_error(client, &err, "the objects were not verified", "");
    enum client_exit exit = fetch(client, &one, version, path, &known, &err);
    (void)unlink(path);
    if (exit != EXIT_DONE && err.code == ERR_NONE) return exit;
    if (err.code == ERR_CONFLICT) return EXIT_INTERRUPTED;
    enum judgement judgement = err.code != ERR_NONE ? JUDGED_BAD
                               : known              ? JUDGED_GOOD
                                                    : JUDGED_UNKNOWN;
    const char *cause = judgement == JUDGED_BAD ? err.text : "";
    tally->good += judgement == JUDGED_GOOD;
    tally->bad += judgement == JUDGED_BAD;
    tally->unknown += judgement == JUDGED_UNKNOWN;
    if (tally->json) {
        verified_value(tally->json, &one, version, judgement, cause);
        return EXIT_DONE;
    }
    verified_line(&client->out, &one, version, judgement, cause);
    client_flush(client);
    return EXIT_DONE;
}

static enum client_exit verify_in(struct client *client, const struct place *place,
                                  const char *folder, struct tally *tally)
{
    const char *after = "";
    do {
        struct request request = request_of(ARTIFACTS_LIST, place, after);
        struct reply reply;
        enum client_exit exit = client_ask(client, &request, &reply);
        if (exit != EXIT_DONE) return exit;
        /* The next question takes the reply's place. */
        size_t count = reply.object_count;
        struct stored_object *objects =
            arena_calloc(&client->kept, count ? count : 1, sizeof *objects);
        for (size_t i = 0; i < count; i++) {
            objects[i] = reply.objects[i];
            objects[i].key = client_keep(client, reply.objects[i].key);
            objects[i].version_id = client_keep(client, reply.objects[i].version_id);
        }
        after = client_keep(client, reply.next);
        for (size_t i = 0; i < count && exit == EXIT_DONE; i++)
            if (!objects[i].marker) exit = verify_one(client, place, &objects[i], folder, tally);
        if (exit != EXIT_DONE) return exit;
    } while (after[0]);
    return EXIT_DONE;
}

static enum client_exit verify(struct client *client, const struct place *place)
{
    const char *base = getenv("TMPDIR");
    char folder[FS_PATH_MAX];
    struct tally tally = { 0 };
    struct error err = { 0 };
    snprintf(folder, sizeof folder, "%.4000s/meridian-verify-XXXXXX",
             base && base[0] ? base : "/tmp");
    if (!mkdtemp(folder)) {
        (void)fs_error(&err, "make", folder);
        return client_fail_error(client, &err, "the objects were not verified", "");
    }
    if (client->options->output == OUTPUT_JSON) tally.json = json_array();
    enum client_exit exit = verify_in(client, place, folder, &tally);
    if (!fs_remove_tree(folder, &err)) client_hint(client, "%s", err.text);
    if (exit == EXIT_DONE && tally.json)
        json_write(&client->out, json_pack("{s:O}", "objects", tally.json), false);
    json_decref(tally.json);
    if (exit != EXIT_DONE) return exit;
    client_hint(client, "%u good, %u bad, %u without a digest", tally.good, tally.bad,
                tally.unknown);
    return tally.bad ? EXIT_FAILED : EXIT_DONE;
}

/* ---- empty ---- */

/* Whoever is asked writes the bucket's name, as nobody does by mistake. */
static enum client_exit confirm(struct client *client, const struct place *place)
{
    char answer[WIRE_NAME_MAX + 2];
    struct print *notes = &client->notes;
    if (options_given(client->options, OPTION_YES)) return EXIT_DONE;
    if (isatty(STDIN_FILENO) != 1 || !client->notes_is_tty)
        return client_usage(client, "there is nobody to ask whether to remove every version",
                            "add --yes to the command");
    print_raw(notes, "every version of every object in ");
    print_styled(notes, STYLE_BOLD, place->store);
    print_raw(notes, place->key[0] ? " whose key begins with " : "");
    print_text(notes, place->key);
    print_raw(notes, options_given(client->options, OPTION_FORCE)
                         ? " goes, also what executions need"
                         : " goes, but what executions still need");
    print_raw(notes, "; write the bucket's name to go on: ");
    client_flush(client);
    session_close(&client->session);
    bool yes = fgets(answer, sizeof answer, stdin) != NULL;
    answer[yes ? strcspn(answer, "\r\n") : 0] = '\0';
    if (text_equal(answer, place->store)) return EXIT_DONE;
    client_hint(client, "nothing was removed");
    return EXIT_FAILED;
}

/* One way through the store; false in *more when nothing went. */
static enum client_exit sweep(struct client *client, const struct place *place, uint64_t *erased,
                              size_t *kept, bool *more)
{
    const char *after = "";
    uint64_t before = *erased;
    *kept = 0;
    do {
        struct request request = request_of(ARTIFACTS_EMPTY, place, after);
        struct reply reply;
        request.artifacts.force = options_given(client->options, OPTION_FORCE);
        enum client_exit exit = client_ask(client, &request, &reply);
        if (exit != EXIT_DONE) return exit;
        *erased += reply.seq;
        for (size_t i = 0; i < reply.object_count; i++) {
            const struct stored_object *object = &reply.objects[i];
            if ((*kept)++ >= 10) continue;
            print_raw(&client->notes, "kept: ");
            print_text(&client->notes, object->key);
            print_raw(&client->notes, ": ");
            print_text(&client->notes, object->needed);
            print_raw(&client->notes, "\n");
        }
        after = client_keep(client, reply.next);
    } while (after[0]);
    *more = *erased > before;
    return EXIT_DONE;
}

static enum client_exit empty(struct client *client, const struct place *place)
{
    uint64_t erased = 0;
    size_t kept = 0;
    bool more = true;
    enum client_exit exit = confirm(client, place);
    if (exit != EXIT_DONE) return exit;
    while (more) {
        print_clear(&client->notes); /* what is kept is told once */
        exit = sweep(client, place, &erased, &kept, &more);
        if (exit != EXIT_DONE) return exit;
    }
    if (client->options->output == OUTPUT_JSON) {
        json_t *all = json_object();
        json_put_number(all, "removed", erased);
        json_put_number(all, "kept", kept);
        json_write(&client->out, all, false);
    } else {
        print_format(&client->out, "%" PRIu64 "\n", erased);
    }
    client_hint(client, "versions removed: %" PRIu64 ", kept: %zu", erased, kept);
    if (!kept) return EXIT_DONE;
    return client_fail(client, ERR_CONFLICT, "the bucket is not empty",
                       "executions or rollbacks still need what was kept",
                       "delete the pipeline, or add --force to remove that as well");
}

enum client_exit command_artifacts(struct client *client)
{
    static const struct {
        const char *name;
        enum client_exit (*run)(struct client *client, const struct place *place);
    } verbs[] = { { "list", list }, { "get", get }, { "verify", verify }, { "empty", empty } };
    struct place place;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (!text_equal(verbs[i].name, client->arguments[0])) continue;
        if (!place_of(client, &place))
            return client_usage(client, "that is no bucket's name", "meridian regions");
        return verbs[i].run(client, &place);
    }
    return client_usage(client, "artifacts are listed, got, verified or emptied",
                        "meridian artifacts list|get|verify|empty BUCKET");
}
