/* The workspace of a build: folders, sources, variables. */
#include "io/clock.h"
#include "io/digest.h"
#include "steps/account.h"
#include "steps/build/build.h"
#include "steps/fetch/fetch.h"
#include "steps/fetch/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- folders ---- */

static void auto_fts(FTS **walk)
{
    if (*walk) fts_close(*walk);
}

NODISCARD static bool give(const char *folder, const struct account *user, struct error *err)
{
    char copy[FS_PATH_MAX];
    bool fits = text_copy(copy, sizeof copy, folder);
    char *const roots[] = { copy, NULL };
    AUTO(auto_fts) FTS *walk = fits ? fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL) : NULL;
    if (!walk) return fs_error(err, "read folder", folder);
    for (FTSENT *at; (at = fts_read(walk));) {
        if (at->fts_info == FTS_DP) continue;
        if (lchown(at->fts_accpath, user->uid, user->gid) < 0)
            return fs_error(err, "chown", at->fts_path);
    }
    return true;
}

/* The one user beside the worker's own whose commands may write into the workspace. */
NODISCARD static bool find_user(struct build *build, struct account *out, struct error *err)
{
    const char *names[BUILDSPEC_PHASE_COUNT + 1] = { build->spec->runas };
    for (size_t i = 0; i < BUILDSPEC_PHASE_COUNT; i++) names[i + 1] = build->spec->phases[i].runas;
    for (size_t i = 0; i <= BUILDSPEC_PHASE_COUNT; i++) {
        struct account found;
        if (!names[i]) continue;
        if (!account_load(names[i], &found, err)) return error_wrap(err, "run-as");
        if (found.uid == geteuid() || (build->has_user && found.uid == out->uid)) continue;
        if (build->has_user)
            return error_set(err, ERR_INVALID,
                             "run-as: a build has one user beside the worker's own, not '%s' and "
                             "'%s'",
                             build->user, names[i]);
        *out = found;
        build->has_user = true;
        build->user = names[i];
    }
    return true;
}

NODISCARD static bool make_folder(const struct build *build, const char *name, mode_t mode,
                                  char out[FS_PATH_MAX], struct error *err)
{
    if (!fs_join(out, build->workspace, name, err)) return false;
    if (mkdir(out, mode) < 0) return fs_error(err, "make folder", out);
    return true;
}

/* ---- sources ---- */

/* A rehearsal brings its own source. */
NODISCARD static bool unpack(struct build *build, const char *bundle, const char *folder,
                             struct error *err)
{
    AUTO(auto_close) int source = open(bundle, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (source < 0) return fs_error(err, "open", bundle);
    return step_continues(build->step, err) &&
           unpack_bundle(build->step, source, ARCHIVE_KIND_AUTO, folder, err);
}

NODISCARD static bool bring(struct build *build, size_t index, struct error *err)
{
    const struct job_artifact *input = &build->step->spec->job.inputs[index];
    char bundle[FS_PATH_MAX], name[FS_PATH_MAX], folder[FS_PATH_MAX];
    uint64_t bytes = 0;
    int len = index == 0 ? snprintf(name, sizeof name, "src")
                         : snprintf(name, sizeof name, "src-%s", input->name);
    if (len < 0 || (size_t)len >= sizeof name || strchr(name, '/'))
        return error_set(err, ERR_INVALID, "artifact '%.100s' cannot name a folder", input->name);
    const char *local = build->step->spec->local_bundle;
    if (!fs_join(bundle, build->workspace, "bundle", err) ||
        !fs_join(folder, build->workspace, name, err))
        return false;
    if (local[0]) return unpack(build, local, folder, err);
    if (!fetch_artifact(build->step, &input->ref, &input->grant, bundle, &bytes, err)) return false;
    build->report->bytes += bytes;
    if (!unpack(build, bundle, folder, err))
        return error_wrap(err, "unpack artifact '%s'", input->name);
    scriptlog_entry(&build->log, "Meridian - artifact %s version %s unpacked", input->name,
                    input->ref.version_id);
    return fs_remove_tree(bundle, err);
}

/* So that retention counts the folder among the group's. */
NODISCARD static bool mark(const struct build *build, struct error *err)
{
    char path[FS_PATH_MAX];
    return fs_join(path, build->step->host.deployment, "build", err) &&
           fs_write_atomic(path, bytes_of("", 0), 0644, err);
}

NODISCARD static bool load(struct build *build, struct error *err)
{
    const char *text = build->step->spec->job.buildspec;
    return text[0] ? buildspec_parse("commands", bytes_of_text(text), &build->spec, err)
                   : buildspec_load(build->source, &build->spec, err);
}

bool build_open_workspace(struct build *build, struct error *err)
{
    char temporary[FS_PATH_MAX];
    struct account user = { .name = "" };
    const struct job *job = &build->step->spec->job;
    bool nothing = job->input_count == 0; /* commands of a rule may need no artifact */
    if (nothing && !job->buildspec[0])
        return error_set(err, ERR_INVALID, "the job names no source");
    if (!fs_join(build->workspace, build->step->host.deployment, "workspace", err) ||
        !fs_remove_tree(build->workspace, err) || !fs_make_folders(build->workspace, 0700, err) ||
        !mark(build, err))
        return false;
    for (size_t i = 0; i < job->input_count; i++)
        if (!bring(build, i, err)) return false;
    if (nothing && !make_folder(build, "src", 0700, build->source, err)) return false;
    if (!fs_join(build->source, build->workspace, "src", err) || !load(build, err) ||
        !find_user(build, &user, err) || !make_folder(build, "state", 0700, build->state, err) ||
        !make_folder(build, "tmp", 0700, temporary, err))
        return false;
    return !build->has_user || give(build->workspace, &user, err);
}

bool build_close_workspace(struct build *build, struct error *err)
{
    return !build->workspace[0] || fs_remove_tree(build->workspace, err);
}

/* ---- variables ---- */

NODISCARD static bool put_secret(struct build *build, const char *name, const char *file,
                                 struct error *err)
{
    const char *folder = build->step->spec->secrets_dir;
    char path[FS_PATH_MAX];
    AUTO(buf_deinit) struct buf value;
    buf_init(&value, BUILD_SECRET_MAX + 2);
    if (!folder[0])
        return error_set(err, ERR_NOT_FOUND,
                         "variable %s wants the secret '%.100s', but this worker has no folder of "
                         "secrets: write `secrets: FOLDER` into its configuration",
                         name, file);
    if (!file[0] || file[0] == '.' || strchr(file, '/') || strlen(file) > 200)
        return error_set(err, ERR_INVALID, "the secret '%.100s' of variable %s is no file's name",
                         file, name);
    if (!fs_join(path, folder, file, err) || !fs_read_file(path, &value, err))
        return error_wrap(err, "the secret of variable %s", name);
    if (value.len > 0 && value.data[value.len - 1] == '\n') value.len--;
    if (memchr(value.data ? value.data : (const uint8_t *)"", '\0', value.len))
        return error_set(err, ERR_INVALID, "the secret '%.100s' holds a NUL byte", file);
    if (!buf_append(&value, "", 1, err)) return false;
    if (!redact_add(&build->redact, file, (const char *)value.data, err)) return false;
    environment_put(&build->environment, name, (const char *)value.data);
    digest_cleanse(value.data, value.len);
    return true;
}

NODISCARD static bool put_declared(struct build *build, struct error *err)
{
    const struct job *job = &build->step->spec->job;
    for (size_t i = 0; i < build->spec->variable_count; i++) {
        const struct buildspec_variable *v = &build->spec->variables[i];
        if (!v->secret)
            environment_put(&build->environment, v->name, v->value);
        else if (!put_secret(build, v->name, v->value, err))
            return false;
    }
    for (size_t i = 0; i < job->variable_count; i++) {
        const struct job_variable *v = &job->variables[i];
        if (!buildspec_variable_valid(v->name))
            return error_set(err, ERR_INVALID, "'%.60s' cannot name a variable", v->name);
        if (!v->secret)
            environment_put(&build->environment, v->name, v->value);
        else if (!put_secret(build, v->name, v->value, err))
            return false;
    }
    return true;
}

/* CODEBUILD_SRC_DIR_NAME; a '-' of the artifact's name cannot stand in a variable's. */
static void put_sources(struct build *build)
{
    const struct job *job = &build->step->spec->job;
    struct environment *e = &build->environment;
    environment_put(e, "CODEBUILD_SRC_DIR", build->source);
    for (size_t i = 1; i < job->input_count; i++) {
        char *name = arena_format(&e->arena, "CODEBUILD_SRC_DIR_%s", job->inputs[i].name);
        for (char *at = name; *at; at++)
            if (*at == '-') *at = '_';
        environment_put(e, name,
                        arena_format(&e->arena, "%s-%s", build->source, job->inputs[i].name));
    }
}

bool build_set_variables(struct build *build, struct error *err)
{
    const struct job *job = &build->step->spec->job;
    struct environment *e = &build->environment;
    if (!put_declared(build, err)) return false;
    put_sources(build);
    environment_put(e, "CI", "true");
    environment_put(e, "CODEBUILD_CI", "true");
    environment_put(e, "CODEBUILD_BUILD_ID",
                    arena_format(&e->arena, "%s:%s", job->application, job->deployment.text));
    environment_put(e, "CODEBUILD_BUILD_NUMBER",
                    arena_format(&e->arena, "%u", (unsigned)job->attempt));
    environment_put(e, "CODEBUILD_INITIATOR",
                    arena_format(&e->arena, "codepipeline/%s", job->pipeline));
    environment_put(e, "CODEBUILD_RESOLVED_SOURCE_VERSION", job->revision);
    if (job->input_count)
        environment_put(e, "CODEBUILD_SOURCE_VERSION", job->inputs[0].ref.version_id);
    environment_put(e, "CODEBUILD_START_TIME",
                    arena_format(&e->arena, "%llu", (unsigned long long)clock_wall_ms()));
    environment_put(e, "AWS_REGION", job->region);
    environment_put(e, "AWS_DEFAULT_REGION", job->region);
    environment_put(e, "MERIDIAN_REGION", job->region);
    environment_put(e, "MERIDIAN_REVISION", job->revision);
    environment_put(e, "MERIDIAN_EXECUTION_ID", job->execution.text);
    environment_put(e, "MERIDIAN_PIPELINE", job->pipeline);
    environment_put(e, "MERIDIAN_STAGE", job->stage);
    environment_put(e, "MERIDIAN_ACTION", job->action);
    environment_put(e, "TMPDIR", arena_format(&e->arena, "%s/tmp", build->workspace));
    return true;
}
