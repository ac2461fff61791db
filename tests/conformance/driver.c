/* driver.c - conformance_driver STEP-PROGRAM REQUEST.json RESPONSE.json
 *
 * One deployment of a conformance case that `deploy-local` cannot say (see adapter): composes the
 * spec of every step, runs the step program as the worker would, and writes what the corpus' runner
 * wants to know. It keeps what the worker's core keeps, the last successful deployment, in a file
 * of the deployment root.
 */
#include "bundle/appspec.h"
#include "io/child.h"
#include "io/clock.h"
#include "io/fs.h"
#include "wire/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

extern char **environ;

struct driver {
    const char *program;
    json_t *request, *events;
    struct arena arena;
    const char *root, *group, *deployment, *last_path;
    char last[ID_SIZE];
};

static const char *text_of(const struct driver *d, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(d->request, key));
    return text ? text : otherwise;
}

/* As the agent: upper-cased; a word that it does not know forbids what exists. */
static enum file_exists behavior_of(const char *text)
{
    for (int i = 0; i < FILE_EXISTS_COUNT; i++) {
        if (strcasecmp(text, file_exists_name((enum file_exists)i)) == 0)
            return (enum file_exists)i;
    }
    return FILE_EXISTS_DISALLOW;
}

static enum step_kind kind_of(enum lifecycle_event event)
{
    if (event == EVENT_DOWNLOAD_BUNDLE) return STEP_DOWNLOAD;
    return event == EVENT_INSTALL ? STEP_INSTALL : STEP_HOOK;
}

static const char *kind_name(enum step_kind kind)
{
    return kind == STEP_DOWNLOAD ? "download" : kind == STEP_INSTALL ? "install" : "hook";
}

static void compose(const struct driver *d, enum lifecycle_event event, struct step_spec *out)
{
    uint64_t now_ms = clock_wall_ms();
    bool roll_back = text_equal(text_of(d, "deployment_creator", ""), "codeDeployRollback") &&
                     text_equal(text_of(d, "deployment_type", ""), "BLUE_GREEN");
    const struct artifact_ref nowhere = { .store = "", .key = "", .version_id = "", .etag = "" };
    *out = (struct step_spec){
        .kind = kind_of(event),
        .event = event,
        .run = 1,
        .root_dir = d->root,
        .revisions_max = (uint32_t)json_integer_value(json_object_get(d->request, "max_revisions")),
        .local_bundle = text_of(d, "location", ""),
        .appspec_filename = text_of(d, "appspec_filename", ""),
        .run_root_scripts_from_current = roll_back,
        .job = { .attempt = 1,
                 .fence = { 1, 1 },
                 .kind = JOB_DEPLOY,
                 .worker = "conformance",
                 .issued_ms = now_ms,
                 .expires_ms = now_ms + 3600000,
                 .timeout_ms = 3600000,
                 .target = "conformance",
                 .pipeline = "",
                 .stage = "",
                 .action = "",
                 .region = "local",
                 .application = text_of(d, "application_name", ""),
                 .deployment_group = text_of(d, "deployment_group_name", ""),
                 .deployment_group_id = d->group,
                 .file_exists = behavior_of(text_of(d, "file_exists_behavior", "DISALLOW")),
                 .bundle_type = text_of(d, "bundle_type", ""),
                 .buildspec = "",
                 .revision = "",
                 .input = nowhere,
                 .output = nowhere,
                 .read = { .url = "", .pin = "" },
                 .write = { .url = "", .pin = "" } },
    };
    snprintf(out->last_successful.text, ID_SIZE, "%s", d->last);
    snprintf(out->job.deployment.text, ID_SIZE, "%s", d->deployment);
    snprintf(out->job.id.text, ID_SIZE, "00000000-0000-4000-8000-000000000000");
    out->job.incarnation = out->job.execution = out->job.action_execution = out->job.id;
}

static bool run_program(const struct driver *d, const char *kind, const char *folder,
                        struct error *err)
{
    const char *const argv[] = { d->program, kind, folder, NULL };
    const struct child_spec spec = { .path = d->program,
                                     .argv = argv,
                                     .env = (const char *const *)environ,
                                     .stdout_fd = STDOUT_FILENO,
                                     .stderr_fd = STDERR_FILENO };
    struct child child;
    struct child_end end = { .state = CHILD_RUNNING };
    if (!child_spawn(&spec, &child, err)) return false;
    while (end.state == CHILD_RUNNING) {
        struct pollfd ended = { .fd = child.pidfd, .events = POLLIN };
        (void)poll(&ended, 1, -1);
        if (!child_reap(&child, &end, err)) return false;
    }
    child_close(&child);
    return true;
}

static bool run_step(struct driver *d, size_t number, const struct step_spec *spec,
                     struct step_outcome *out, struct error *err)
{
    const char *folder =
        arena_format(&d->arena, "%s/.conformance/%s/%zu-1", d->root, d->deployment, number);
    struct buf bytes AUTO(buf_deinit) = { .max = 0 }, ended AUTO(buf_deinit) = { .max = 0 };
    buf_init(&bytes, WIRE_FRAME_MAX);
    buf_init(&ended, WIRE_FRAME_MAX);
    wire_step_spec_encode(spec, &bytes);
    if (!fs_make_folders(folder, 0700, err)) return false;
    if (!fs_write_atomic(arena_format(&d->arena, "%s/spec", folder), buf_bytes(&bytes), 0600, err))
        return false;
    if (!run_program(d, kind_name(spec->kind), folder, err)) return false;
    if (!fs_read_file(arena_format(&d->arena, "%s/outcome", folder), &ended, err)) return false;
    return wire_step_outcome_decode(arena_bytes(&d->arena, buf_bytes(&ended)), &d->arena, out, err);
}

static bool lists(json_t *names, const char *event)
{
    json_t *name;
    size_t i;
    json_array_foreach(names, i, name)
    {
        if (text_equal(json_string_value(name), event)) return true;
    }
    return false;
}

/* Of what the caller lists, an event that is not the service's own must have its scripts. */
static bool check_custom(json_t *known, const struct appspec *appspec, struct error *err)
{
    json_t *name;
    size_t i;
    json_array_foreach(known, i, name)
    {
        enum lifecycle_event event;
        const char *text = json_string_value(name);
        if (!text || lifecycle_event_parse(text, &event) || appspec_hook(appspec, text)) continue;
        return error_set(err, ERR_INVALID, "%s has no scripts for the event '%s'", appspec->name,
                         text);
    }
    return true;
}

/* The agent's own check at Install, when the caller names all events that there are: its own nine
 * and the appspec's must be among them. */
static bool check_events(const struct driver *d, struct error *err)
{
    static const char *const own[] = { "BeforeBlockTraffic", "AfterBlockTraffic",
                                       "ApplicationStop",    "BeforeInstall",
                                       "AfterInstall",       "ApplicationStart",
                                       "ValidateService",    "BeforeAllowTraffic",
                                       "AfterAllowTraffic" };
    json_t *known = json_object_get(d->request, "all_possible_lifecycle_events");
    struct appspec *appspec AUTO(appspec_free_at) = NULL;
    char revision[FS_PATH_MAX];
    if (!json_is_array(known)) return true;
    snprintf(revision, sizeof revision, "%s/%s/%s/deployment-archive", d->root, d->group,
             d->deployment);
    const char *filename = text_of(d, "appspec_filename", NULL);
    if (!appspec_load(revision, filename, &appspec, err)) return false;
    for (size_t k = 0; k < appspec->hook_count; k++) {
        if (!lists(known, appspec->hooks[k].event))
            return error_set(err, ERR_INVALID, "%s:%u:%u: '%s' is no lifecycle event",
                             appspec->name, appspec->hooks[k].line, appspec->hooks[k].column,
                             appspec->hooks[k].event);
    }
    for (size_t k = 0; k < sizeof own / sizeof *own; k++) {
        if (!lists(known, own[k]))
            return error_set(err, ERR_INVALID, "the event '%s' is not listed", own[k]);
    }
    return check_custom(known, appspec, err);
}

static void add_event(struct driver *d, const char *name, const struct step_outcome *outcome)
{
    bool ok = outcome->status == STATUS_SUCCEEDED;
    json_t *event = json_pack("{s:s, s:b, s:s}", "event", name, "is_noop", outcome->noop ? 1 : 0,
                              "status", ok ? "Succeeded" : "Failed");
    if (!ok)
        json_object_set_new(
            event, "diagnostics",
            json_pack("{s:i, s:s, s:s, s:s}", "error_code", (int)outcome->diagnostics.code,
                      "script_name", outcome->diagnostics.script, "message",
                      outcome->diagnostics.message, "log", outcome->diagnostics.log_tail));
    json_array_append_new(d->events, event);
}

static bool run_event(struct driver *d, size_t number, const char *name, bool *ok,
                      struct error *err)
{
    enum lifecycle_event event;
    struct step_spec spec;
    struct step_outcome outcome = { .status = STATUS_FAILED };
    struct error why = { .code = ERR_NONE };
    *ok = false;
    if (!lifecycle_event_parse(name, &event))
        return error_set(err, ERR_INVALID, "'%s' is no lifecycle event", name);
    compose(d, event, &spec);
    if (event == EVENT_INSTALL && !check_events(d, &why)) {
        outcome.diagnostics = (struct diagnostics){
            .code = LIFECYCLE_UNKNOWN_ERROR, .script = "", .message = why.text, .log_tail = ""
        };
    } else if (!run_step(d, number, &spec, &outcome, err)) {
        return false;
    }
    add_event(d, name, &outcome);
    *ok = outcome.status == STATUS_SUCCEEDED;
    return true;
}

static bool deploy(struct driver *d, struct error *err)
{
    json_t *name;
    size_t i;
    bool ok = true;
    struct buf last AUTO(buf_deinit) = { .max = 0 };
    struct error ignored;
    buf_init(&last, sizeof d->last - 1);
    if (fs_read_file(d->last_path, &last, &ignored)) memcpy(d->last, last.data, last.len);
    json_array_foreach(json_object_get(d->request, "events"), i, name)
    {
        if (!run_event(d, i, json_string_value(name), &ok, err)) return false;
        if (!ok) return true;
    }
    return fs_write_atomic(d->last_path, bytes_of_text(d->deployment), 0644, err);
}

int main(int argc, char **argv)
{
    struct error err = { .code = ERR_NONE };
    json_error_t json_err;
    if (argc != 4) return 2;
    struct driver d = { .program = argv[1], .request = json_load_file(argv[2], 0, &json_err) };
    if (!d.request) return 2;
    arena_init(&d.arena, 64 << 20);
    d.events = json_array();
    d.root = text_of(&d, "root_dir", "");
    d.group = text_of(&d, "deployment_group_id", "");
    d.deployment = text_of(&d, "deployment_id", "");
    d.last_path = arena_format(&d.arena, "%s/.conformance-%s", d.root, d.group);
    bool ok = deploy(&d, &err);
    if (!ok) fprintf(stderr, "conformance_driver: %s\n", err.text);
    json_t *response = json_pack("{s:O}", "events", d.events);
    if (json_dump_file(response, argv[3], 0) != 0) ok = false;
    json_decref(response);
    json_decref(d.events);
    json_decref(d.request);
    arena_deinit(&d.arena);
    return ok ? 0 : 1;
}
