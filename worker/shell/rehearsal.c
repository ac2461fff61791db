#include "shell/rehearsal.h"

#include "io/clock.h"
#include "io/fs.h"
#include "io/random.h"
#include "shell/runtime.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { EXIT_USAGE = 2, EXIT_INTERRUPTED = 130, RESULT_MAX = 1 << 20, JOB_TIMEOUT_MS = 86400000 };

static const char usage[] =
    "usage: meridian-worker deploy-local [options] [BUNDLE]\n"
    "\n"
    "  -l, --bundle-location PATH       a folder, zip, tar, tgz or tar.zst (default: .)\n"
    "  -t, --type TYPE                  zip, tar, tgz or directory (default: detected)\n"
    "  -b, --file-exists-behavior WORD  DISALLOW, OVERWRITE or RETAIN\n"
    "  -g, --deployment-group ID        (default: default-local-deployment-group)\n"
    "  -d, --deployment-group-name NAME (default: LocalFleet)\n"
    "  -a, --application-name NAME      (default: the bundle's path)\n"
    "  -e, --events LIST                comma-separated lifecycle events, in order\n"
    "  -A, --appspec-filename NAME      (default: appspec.yml, then appspec.yaml)\n"
    "      --on-failure WORD            restore or leave what was installed (default: leave)\n"
    "      --ignore-application-stop-failures\n"
    "                                   also of the scripts that block traffic\n"
    "      --root-dir DIR               (default: /opt/meridian/deployment-root)\n"
    "      --deployment-id ID           (default: a new one)\n"
    "      --revisions N                kept on the host (default: 5)\n"
    "  -o, --output json                the result as JSON\n";

struct options {
    const char *bundle, *type, *group_id, *group, *application, *events, *appspec, *root_dir;
    const char *deployment;
    enum file_exists file_exists;
    enum on_failure on_failure;
    bool ignore_stop;
    uint32_t revisions_max;
    bool json;
};

enum {
    OPTION_ROOT_DIR = 256,
    OPTION_DEPLOYMENT,
    OPTION_REVISIONS,
    OPTION_ON_FAILURE,
    OPTION_IGNORE_STOP
};

static const struct option long_options[] = {
    { "bundle-location", required_argument, NULL, 'l' },
    { "type", required_argument, NULL, 't' },
    { "file-exists-behavior", required_argument, NULL, 'b' },
    { "deployment-group", required_argument, NULL, 'g' },
    { "deployment-group-name", required_argument, NULL, 'd' },
    { "application-name", required_argument, NULL, 'a' },
    { "events", required_argument, NULL, 'e' },
    { "appspec-filename", required_argument, NULL, 'A' },
    { "root-dir", required_argument, NULL, OPTION_ROOT_DIR },
    { "deployment-id", required_argument, NULL, OPTION_DEPLOYMENT },
    { "revisions", required_argument, NULL, OPTION_REVISIONS },
    { "on-failure", required_argument, NULL, OPTION_ON_FAILURE },
    { "ignore-application-stop-failures", no_argument, NULL, OPTION_IGNORE_STOP },
    { "output", required_argument, NULL, 'o' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 }
};

static bool complain(const char *what, const char *value)
{
    fprintf(stderr, "error: %s: %s\n  fix: meridian-worker deploy-local --help\n", what, value);
    return false;
}

static bool file_exists_parse(const char *text, enum file_exists *out)
{
    for (int i = 0; i < FILE_EXISTS_COUNT; i++)
        if (text_equal(file_exists_name((enum file_exists)i), text)) {
            *out = (enum file_exists)i;
            return true;
        }
    return complain("--file-exists-behavior is DISALLOW, OVERWRITE or RETAIN", text);
}

static bool on_failure_parse(const char *text, enum on_failure *out)
{
    for (int i = 0; i < ON_FAILURE_COUNT; i++)
        if (text_equal(on_failure_name((enum on_failure)i), text)) {
            *out = (enum on_failure)i;
            return true;
        }
    return complain("--on-failure is restore or leave", text);
}

static bool option_take(struct options *o, int c, char *value)
{
    switch (c) {
    case 'l': o->bundle = value; return true;
    case 't': o->type = value; return true;
    case 'b': return file_exists_parse(value, &o->file_exists);
    case 'g': o->group_id = value; return true;
    case 'd': o->group = value; return true;
    case 'a': o->application = value; return true;
    case 'e': o->events = value; return true;
    case 'A': o->appspec = value; return true;
    case OPTION_ROOT_DIR: o->root_dir = value; return true;
    case OPTION_DEPLOYMENT: o->deployment = value; return true;
    case OPTION_REVISIONS:
        o->revisions_max = (uint32_t)strtoul(value, NULL, 10);
        return (o->revisions_max >= 1 && o->revisions_max <= 1000) ||
               complain("--revisions is a number from 1 to 1000", value);
    case OPTION_ON_FAILURE: return on_failure_parse(value, &o->on_failure);
    case OPTION_IGNORE_STOP: o->ignore_stop = true; return true;
    case 'o':
        o->json = text_equal(value, "json");
        return o->json || complain("--output knows json only", value);
    default: return false;
    }
}

static bool options_parse(struct options *o, int argc, char **argv, int *status)
{
    *o = (struct options){ .bundle = ".",
                           .type = "",
                           .group_id = "default-local-deployment-group",
                           .group = "LocalFleet",
                           .events = "",
                           .appspec = "",
                           .root_dir = "/opt/meridian/deployment-root",
                           .deployment = "",
                           .revisions_max = 5 };
    *status = EXIT_USAGE;
    for (int c; (c = getopt_long(argc, argv, "l:t:b:g:d:a:e:A:o:h", long_options, NULL)) != -1;) {
        if (c == 'h') {
            fputs(usage, stdout);
            *status = EXIT_SUCCESS;
            return false;
        }
        if (!option_take(o, c, optarg)) return false;
    }
    if (optind < argc) o->bundle = argv[optind++];
    if (optind < argc) return complain("too many arguments", argv[optind]);
    if (!o->application) o->application = o->bundle;
    return true;
}

/* "A,B,C"; codedeploy-local's default runs the scripts around traffic as well. */
static bool events_parse(const char *list, enum lifecycle_event out[WIRE_EVENTS_MAX], size_t *count)
{
    static const enum lifecycle_event usual[] = {
        EVENT_BEFORE_BLOCK_TRAFFIC, EVENT_AFTER_BLOCK_TRAFFIC, EVENT_APPLICATION_STOP,
        EVENT_DOWNLOAD_BUNDLE,      EVENT_BEFORE_INSTALL,      EVENT_INSTALL,
        EVENT_AFTER_INSTALL,        EVENT_APPLICATION_START,   EVENT_VALIDATE_SERVICE,
        EVENT_BEFORE_ALLOW_TRAFFIC, EVENT_AFTER_ALLOW_TRAFFIC
    };
    *count = 0;
    if (!list[0]) {
        memcpy(out, usual, sizeof usual);
        *count = sizeof usual / sizeof *usual;
        return true;
    }
    while (*list) {
        char name[64] = "";
        size_t len = strcspn(list, ",");
        if (len == 0 || len >= sizeof name || *count == WIRE_EVENTS_MAX)
            return complain("--events is a list like BeforeInstall,Install", list);
        memcpy(name, list, len);
        if (!lifecycle_event_parse(name, &out[(*count)++]))
            return complain("there is no such lifecycle event", name);
        if (*count > 1 && out[*count - 1] <= out[*count - 2])
            return complain("--events stand in the order of a deployment, so this one comes too "
                            "late",
                            name);
        list += len + (list[len] == ',');
    }
    return true;
}

static struct job make_job(const struct options *o, struct prng *random)
{
    uint64_t now = clock_wall_ms();
    struct job job = { .id = id_new_uuid(random),
                       .attempt = 1,
                       .fence = { .epoch = 1, .seq = now },
                       .kind = JOB_DEPLOY,
                       .worker = "local",
                       .issued_ms = now,
                       .expires_ms = now + JOB_TIMEOUT_MS,
                       .timeout_ms = JOB_TIMEOUT_MS,
                       .target = "deploy-local",
                       .execution = id_new_uuid(random),
                       .action_execution = id_new_uuid(random),
                       .deployment = id_new_deployment(random),
                       .pipeline = "",
                       .stage = "",
                       .action = "",
                       .region = "local",
                       .application = o->application,
                       .deployment_group = o->group,
                       .deployment_group_id = o->group_id,
                       .file_exists = o->file_exists,
                       .on_failure = o->on_failure,
                       .ignore_application_stop_failures = o->ignore_stop,
                       .bundle_type = o->type,
                       .buildspec = "",
                       .revision = "",
                       .read = { .url = "", .pin = "" },
                       .write = { .url = "", .pin = "" } };
    job.input = job.output =
        (struct artifact_ref){ .store = "", .key = "", .version_id = "", .etag = "" };
    return job;
}

static void print_json(const struct result *result)
{
    const struct diagnostics *d = &result->diagnostics;
    json_t *events = json_array();
    for (size_t i = 0; i < result->event_count; i++) {
        const struct lifecycle_report *report = &result->events[i];
        if (report->status == STATUS_SKIPPED) continue;
        json_t *event = json_pack("{s:s, s:s}", "event", lifecycle_event_name(report->event),
                                  "status", status_name(report->status));
        if (report->status != STATUS_SUCCEEDED && report->event == result->failed_event)
            json_object_set_new(event, "diagnostics",
                                json_pack("{s:i, s:s%, s:s%, s:s%}", "error_code", (int)d->code,
                                          "script_name", d->script, strlen(d->script), "message",
                                          d->message, strlen(d->message), "log", d->log_tail,
                                          strlen(d->log_tail)));
        json_array_append_new(events, event);
    }
    json_t *whole =
        json_pack("{s:s, s:o}", "result", status_name(result->status), "events", events);
    json_dumpf(whole, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(whole);
}

static void print_table(const struct result *result, const struct id *deployment)
{
    for (size_t i = 0; i < result->event_count; i++) {
        const struct lifecycle_report *report = &result->events[i];
        uint64_t took =
            report->ended_ms > report->started_ms ? report->ended_ms - report->started_ms : 0;
        printf("%s  %-19s %-10s %6.1fs\n", deployment->text, lifecycle_event_name(report->event),
               status_name(report->status), (double)took / 1000);
    }
    if (result->status == STATUS_SUCCEEDED) return;
    fflush(stdout);
    fprintf(stderr, "error: %s: %s\n  cause: %s\n", lifecycle_event_name(result->failed_event),
            status_name(result->status), result->diagnostics.message);
    if (result->diagnostics.log_tail[0])
        fprintf(stderr, "  log:\n%s\n", result->diagnostics.log_tail);
}

NODISCARD static bool absolute(const char *path, char out[FS_PATH_MAX], struct error *err)
{
    AUTO(auto_free) char *resolved = realpath(path, NULL);
    if (!resolved || !text_copy(out, FS_PATH_MAX, resolved)) return fs_error(err, "find", path);
    return true;
}

static int deploy(const struct options *o, const char *step_program)
{
    struct error err = { 0 };
    struct prng random;
    struct log log;
    struct result result;
    enum lifecycle_event events[WIRE_EVENTS_MAX];
    size_t event_count = 0;
    char bundle[FS_PATH_MAX], root[FS_PATH_MAX], state[FS_PATH_MAX];
    AUTO(arena_deinit) struct arena arena;
    arena_init(&arena, RESULT_MAX);
    random_seed(&random);
    log_init(&log, LOG_WARNING);
    if (!events_parse(o->events, events, &event_count)) return EXIT_USAGE;
    struct job job = make_job(o, &random);
    if (o->deployment[0] && !id_parse(o->deployment, &job.deployment))
        return complain("--deployment-id", o->deployment), EXIT_USAGE;
    /* Two local deployments at once would be two openers of one store: the second is refused. */
    if (!absolute(o->bundle, bundle, &err) || !fs_make_folders(o->root_dir, 0755, &err) ||
        !absolute(o->root_dir, root, &err) || !fs_join(state, root, ".local", &err)) {
        fprintf(stderr, "error: the deployment cannot begin\n  cause: %s\n", err.text);
        return EXIT_FAILURE;
    }
    const char *target = arena_format(&arena, "deploy:%s", o->group_id);
    job.target = target;
    const struct local_deployment deployment = { .state = state,
                                                 .root_dir = root,
                                                 .bundle = bundle,
                                                 .appspec_filename = o->appspec,
                                                 .revisions_max = o->revisions_max,
                                                 .job = &job,
                                                 .events = events,
                                                 .event_count = event_count };
    if (!runtime_deploy_local(&deployment, step_program, &log, &arena, &result, &err)) {
        fprintf(stderr, "error: the deployment did not end\n  cause: %s\n", err.text);
        return err.code == ERR_CONFLICT ? EXIT_INTERRUPTED : EXIT_FAILURE;
    }
    if (o->json)
        print_json(&result);
    else
        print_table(&result, &job.deployment);
    return result.status == STATUS_SUCCEEDED ? EXIT_SUCCESS : EXIT_FAILURE;
}

int rehearsal_main(int argc, char **argv, const char *step_program)
{
    struct options options;
    int status = EXIT_USAGE;
    if (!options_parse(&options, argc, argv, &status)) return status;
    return deploy(&options, step_program);
}
