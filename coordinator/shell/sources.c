#include "shell/sources.h"

#include "shell/buckets.h"

#include <string.h>

NODISCARD static bool find_in_bucket(struct buckets *buckets, const struct source_watch *watch,
                                     const char *version_id, bool next, struct arena *arena,
                                     struct revision *out, struct error *err)
{
    *out = (struct revision){ .action = arena_text(arena, watch->action),
                              .artifact = arena_text(arena, watch->artifact) };
    if (next && !buckets_next(buckets, watch->store, watch->key, watch->seen_revision_id, arena,
                              &out->ref, &out->summary, err))
        return false;
    if (!next && !buckets_find(buckets, watch->store, watch->key, version_id, arena, &out->ref,
                               &out->summary, err))
        return false;
    out->revision_id = out->ref.version_id;
    return true;
}

bool sources_find(const struct artifacts *artifacts, const struct source_watch *watch,
                  const char *version_id, struct arena *arena, struct revision *out,
                  struct error *err)
{
    const struct dirstore *store = artifacts_store(artifacts, watch->store);
    struct dirstore_object object;
    struct buckets *buckets = artifacts_buckets(artifacts);
    if (buckets_has(buckets, watch->store))
        return find_in_bucket(buckets, watch, version_id, false, arena, out, err);
    if (!store)
        return error_set(err, ERR_INVALID, "no store '%s' in the coordinator's configuration",
                         watch->store);
    if (!dirstore_head(store, watch->key, version_id, &object, err)) return false;
    *out = (struct revision){ .action = arena_text(arena, watch->action),
                              .artifact = arena_text(arena, watch->artifact),
                              .revision_id = arena_text(arena, object.version_id.text),
                              .summary = arena_text(arena, object.summary) };
    char hex[2 * SHA256_SIZE + 1];
    hex_format(object.sha256, SHA256_SIZE, hex);
    out->ref = (struct artifact_ref){ .store = arena_text(arena, watch->store),
                                      .key = arena_text(arena, watch->key),
                                      .version_id = out->revision_id,
                                      .etag = arena_text_of(arena, hex, 32),
                                      .size = object.size };
    memcpy(out->ref.sha256, object.sha256, SHA256_SIZE);
    return true;
}

/* The newest version; where each one starts an execution, the one after that seen last. */
NODISCARD static bool find_new(const struct artifacts *artifacts, const struct source_watch *watch,
                               struct arena *arena, struct revision *out, struct error *err)
{
    struct buckets *buckets = artifacts_buckets(artifacts);
    if (watch->every && buckets_has(buckets, watch->store))
        return find_in_bucket(buckets, watch, "", true, arena, out, err);
    return sources_find(artifacts, watch, "", arena, out, err);
}

size_t sources_poll(const struct artifacts *artifacts, const struct coordinator *core,
                    const struct log *log, struct arena *arena, const struct source_change **out)
{
    const struct source_watch *watches = NULL;
    size_t watched = coordinator_view_sources(core, arena, &watches), changed = 0;
    struct source_change *changes = arena_calloc(arena, watched, sizeof *changes);
    for (size_t i = 0; i < watched; i++) {
        struct error err = { 0 };
        struct source_change *change = &changes[changed];
        if (!find_new(artifacts, &watches[i], arena, &change->revision, &err)) {
            if (err.code != ERR_NOT_FOUND &&
                !buckets_has(artifacts_buckets(artifacts), watches[i].store))
                log_event(log, LOG_WARNING, "a source cannot be read", "pipeline",
                          watches[i].pipeline, "cause", err.text, NULL);
            continue;
        }
        if (text_equal(change->revision.revision_id, watches[i].seen_revision_id)) continue;
        change->pipeline = arena_text(arena, watches[i].pipeline);
        change->action = arena_text(arena, watches[i].action);
        changed++;
    }
    *out = changes;
    return changed;
}

static struct failure no_revision(struct arena *arena, const struct source_watch *watch,
                                  const char *version_id, const struct error *err)
{
    return (struct failure){
        .code = err->code,
        .what = version_id[0] ? arena_format(arena, "there is no revision %s of %s/%s", version_id,
                                             watch->store, watch->key)
                              : arena_format(arena, "the source %s/%s has no revision yet",
                                             watch->store, watch->key),
        .cause = arena_text(arena, err->text),
        .fix = arena_format(arena, "meridian push FILE s3://%s/%s", watch->store, watch->key)
    };
}

static const struct source_override *override_of(const struct run_request *run, const char *action)
{
    for (size_t i = 0; i < run->override_count; i++)
        if (text_equal(run->overrides[i].action, action)) return &run->overrides[i];
    return NULL;
}

/* Each is of a source action of the pipeline, and of one only. */
NODISCARD static bool overrides_valid(const struct run_request *run,
                                      const struct source_watch *watches, size_t watched,
                                      struct arena *arena, struct failure *failure)
{
    for (size_t i = 0; i < run->override_count; i++) {
        const struct source_override *at = &run->overrides[i];
        const struct source_watch *watch = NULL;
        const char *names = "", *why = NULL;
        for (size_t w = 0; w < watched; w++) {
            if (!text_equal(watches[w].pipeline, run->pipeline)) continue;
            names = arena_format(arena, "%s%s%s", names, names[0] ? ", " : "", watches[w].action);
            if (text_equal(watches[w].action, at->action)) watch = &watches[w];
        }
        if (!names[0]) return true; /* the core says that there is no such pipeline */
        if (!watch)
            why = arena_format(arena, "ActionNotFoundException: there is no source action '%s'",
                               at->action);
        else if (override_of(run, at->action) != at || run->revision[0])
            why = arena_format(arena, "ValidationException: the revision of %s is given twice",
                               at->action);
        else if (at->key[0] && !watch->key_free)
            why = arena_format(arena,
                               "ValidationException: source action %s does not say "
                               "AllowOverrideForS3ObjectKey",
                               at->action);
        if (!why) continue;
        *failure = (struct failure){ ERR_INVALID, "the execution was not started", why,
                                     arena_format(arena, "the source actions are: %s", names) };
        return false;
    }
    return true;
}

bool sources_resolve(const struct artifacts *artifacts, const struct coordinator *core,
                     const struct run_request *run, struct arena *arena,
                     const struct revision **out, size_t *count, struct failure *failure)
{
    const struct source_watch *watches = NULL;
    size_t watched = coordinator_view_sources(core, arena, &watches), found = 0;
    struct revision *revisions = arena_calloc(arena, watched, sizeof *revisions);
    if (!overrides_valid(run, watches, watched, arena, failure)) return false;
    for (size_t i = 0; i < watched; i++) {
        struct error err = { 0 };
        if (!text_equal(watches[i].pipeline, run->pipeline)) continue;
        struct source_watch watch = watches[i];
        const struct source_override *other = override_of(run, watch.action);
        const char *version_id = other ? other->version_id : run->revision;
        if (other && other->key[0]) watch.key = other->key;
        if (!sources_find(artifacts, &watch, version_id, arena, &revisions[found], &err)) {
            *failure = no_revision(arena, &watch, version_id, &err);
            return false;
        }
        found++;
    }
    *out = revisions;
    *count = found;
    return true;
}
