#include "steps/hook/hook.h"

#include "bundle/appspec.h"
#include "steps/hook/environment.h"
#include "steps/hook/ledger.h"
#include "steps/hook/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ADVICE_SIZE = 300, VARIABLES_MAX = 16 };

/* Whose scripts an event runs. */
enum root { ROOT_CURRENT, ROOT_LAST_SUCCESSFUL, ROOT_RECENT };

static enum root root_of(const struct step *step)
{
    const struct step_spec *spec = step->spec;
    bool block =
        spec->event == EVENT_BEFORE_BLOCK_TRAFFIC || spec->event == EVENT_AFTER_BLOCK_TRAFFIC;
    if (!block && spec->event != EVENT_APPLICATION_STOP) return ROOT_CURRENT;
    if (fs_exists(step->host.archive)) return ROOT_CURRENT;
    return block && spec->run_root_scripts_from_current ? ROOT_RECENT : ROOT_LAST_SUCCESSFUL;
}

/* The deployment folder that the last download named in GROUP_most_recent_install. */
static bool recent_archive(const struct step *step, char out[FS_PATH_MAX], struct error *err)
{
    struct buf text AUTO(buf_deinit) = { .max = 0 };
    buf_init(&text, FS_PATH_MAX - 64);
    if (!fs_read_file(step->host.recent, &text, err) || !buf_append(&text, "", 1, err))
        return false;
    return fs_join(out, (const char *)text.data, "deployment-archive", err);
}

/* *found is false when no revision applies: the event has nothing to do. */
static bool find_revision(const struct step *step, char out[FS_PATH_MAX], bool *found,
                          struct error *err)
{
    const struct id *last = &step->spec->last_successful;
    *found = true;
    switch (root_of(step)) {
    case ROOT_CURRENT: return host_archive(&step->host, step->spec->job.deployment.text, out, err);
    case ROOT_RECENT:
        *found = fs_exists(step->host.recent);
        return !*found || recent_archive(step, out, err);
    case ROOT_LAST_SUCCESSFUL:
        *found = last->text[0] != '\0';
        return !*found || host_archive(&step->host, last->text, out, err);
    }
    return true;
}

/* A broken old revision must never hold a host for ever. */
static void give_advice(const struct step *step, char out[ADVICE_SIZE])
{
    const struct step_spec *spec = step->spec;
    bool recent = root_of(step) == ROOT_RECENT;
    snprintf(out, ADVICE_SIZE,
             "%s runs from %s%.60s, which is at fault: to deploy without it: %s%.100s "
             "--ignore-application-stop-failures",
             lifecycle_event_name(spec->event),
             recent ? "the most recent deployment" : "the last successful deployment ",
             recent ? "" : spec->last_successful.text,
             spec->job.pipeline[0] ? "meridian run " : "meridian-worker deploy-local",
             spec->job.pipeline);
}

/* What a failed script of an old revision says more. */
static void blame_old_revision(const struct step *step, struct step_report *report)
{
    char said[ERROR_TEXT_SIZE], advice[ADVICE_SIZE];
    if (root_of(step) == ROOT_CURRENT || report->status != STATUS_FAILED) return;
    memcpy(said, report->message, sizeof said);
    give_advice(step, advice);
    snprintf(report->message, sizeof report->message, "%.200s; %s", said, advice);
}

static bool load_appspec(const struct step *step, const char *revision, struct appspec **out,
                         struct error *err)
{
    const struct step_spec *spec = step->spec;
    const char *name = spec->appspec_filename[0] ? spec->appspec_filename : NULL;
    if (appspec_load(revision, name, out, err)) return true;
    if (root_of(step) == ROOT_CURRENT) return false;
    char advice[ADVICE_SIZE];
    give_advice(step, advice);
    return error_set(err, ERR_INVALID, "%.250s; %s", err->text, advice);
}

static void hook_environment(struct environment *e, const struct step_spec *spec)
{
    const struct job *job = &spec->job;
    environment_init(e, VARIABLES_MAX);
    environment_put(e, "LIFECYCLE_EVENT", lifecycle_event_name(spec->event));
    environment_put(e, "DEPLOYMENT_ID", job->deployment.text);
    environment_put(e, "APPLICATION_NAME", job->application);
    environment_put(e, "DEPLOYMENT_GROUP_NAME", job->deployment_group);
    environment_put(e, "DEPLOYMENT_GROUP_ID", job->deployment_group_id);
    if (job->input.store[0] == '\0' || spec->local_bundle[0] != '\0') return;
    environment_put(e, "BUNDLE_BUCKET", job->input.store);
    environment_put(e, "BUNDLE_KEY", job->input.key);
    environment_put(e, "BUNDLE_VERSION", job->input.version_id);
    environment_put(e, "BUNDLE_ETAG", job->input.etag);
    /* Meridian's own: what is equal on every host of the execution, whatever its region. */
    environment_put(e, "MERIDIAN_REVISION", job->revision);
    environment_put(e, "MERIDIAN_REGION", job->region);
    environment_put(e, "MERIDIAN_EXECUTION_ID", job->execution.text);
}

struct event {
    struct step *step;
    const char *revision;
    const struct appspec_hook *hook;
    struct scriptlog log;
    struct ledger ledger;
};

static bool run_script(struct event *event, size_t index, struct script_end *end, struct error *err)
{
    const struct appspec_script *spec = &event->hook->scripts[index];
    struct environment environment AUTO(environment_deinit);
    hook_environment(&environment, event->step->spec);
    bool interrupted = event->ledger.interrupted && event->ledger.done == index;
    if (spec->rerun_safe || interrupted) {
        char attempt[16];
        snprintf(attempt, sizeof attempt, "%u", event->step->spec->run);
        environment_put(&environment, "ATTEMPT", attempt);
        environment_put(&environment, "RESUMED", interrupted ? "true" : "false");
    }
    char path[FS_PATH_MAX];
    const struct script script = { .spec = spec,
                                   .path = path,
                                   .environment = environment.entries,
                                   .log = &event->log,
                                   .ledger = &event->ledger,
                                   .number = index,
                                   .step = event->step };
    if (!fs_join(path, event->revision, spec->path, err)) return false;
    if (!ledger_begin(&event->ledger, index, spec->rerun_safe, err)) return false;
    scriptlog_entry(&event->log, "Script - %s", spec->location);
    script_run(&script, end);
    return end->code != LIFECYCLE_SUCCESS || ledger_done(&event->ledger, index, err);
}

static bool run_scripts(struct event *event, struct step_report *report, struct error *err)
{
    for (size_t i = 0; i < event->hook->script_count; i++) {
        struct script_end end;
        if (i < event->ledger.done) {
            if (!ledger_done(&event->ledger, i, err)) return false;
            continue;
        }
        if (!step_continues(event->step, err) || !run_script(event, i, &end, err)) return false;
        if (end.code == LIFECYCLE_SUCCESS) continue;
        scriptlog_tail(&event->log, report->log_tail); /* the script's last words, not ours */
        scriptlog_entry(&event->log, "Meridian - %s", end.message);
        report->code = end.code;
        report->status = STATUS_FAILED;
        if (event->step->stop == STEP_CANCELLED) report->status = STATUS_STOPPED;
        if (event->step->stop == STEP_LEASE_LOST) report->status = STATUS_UNKNOWN;
        memcpy(report->message, end.message, sizeof report->message);
        snprintf(report->script, sizeof report->script, "%s", event->hook->scripts[i].location);
        return true;
    }
    return true;
}

/* What had begun may begin once more when the appspec says so, or when the operator has said so
 * since. Otherwise nothing begins: the outcome tells what is known, and the operator decides. */
static bool may_go_on(const struct event *event)
{
    const struct ledger *ledger = &event->ledger;
    if (!ledger->interrupted || ledger->done >= event->hook->script_count) return true;
    if (event->hook->scripts[ledger->done].rerun_safe) return true;
    return ledger->begun_run < event->step->spec->ordered_run;
}

static void report_interrupted(struct event *event, bool ended, struct step_report *report)
{
    const struct ledger *ledger = &event->ledger;
    char date[32] = "";
    const char *script = event->hook->scripts[ledger->done].location;
    const time_t begun = (time_t)(ledger->begun_ms / 1000);
    struct tm parts;
    if (!gmtime_r(&begun, &parts) || strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        date[0] = '\0';
    report->status = STATUS_UNKNOWN;
    report->interrupted = true;
    report->code = LIFECYCLE_FAILED_AFTER_RESTART;
    snprintf(report->script, sizeof report->script, "%s", script);
    snprintf(report->message, sizeof report->message,
             "its script %.100s had begun at %s (boot %s) and left no result, and it is not "
             "declared `rerun: safe`%s",
             script, date, ledger->begun_boot,
             ended ? "; its processes still ran and were ended" : "");
    scriptlog_recall(&event->log);
    scriptlog_tail(&event->log, report->log_tail);
    scriptlog_entry(&event->log, "Meridian - interrupted: %s", report->message);
}

static void log_warnings(struct scriptlog *log, const struct appspec *appspec)
{
    for (size_t i = 0; i < appspec->warning_count; i++)
        scriptlog_entry(log, "Meridian - warning: %s", appspec->warnings[i]);
}

bool hook_run(struct step *step, struct step_report *report, struct error *err)
{
    char revision[FS_PATH_MAX];
    bool found;
    struct appspec *appspec AUTO(appspec_free_at) = NULL;
    if (!find_revision(step, revision, &found, err)) return false;
    if (found && !load_appspec(step, revision, &appspec, err)) return false;
    const char *name = lifecycle_event_name(step->spec->event);
    const struct appspec_hook *hook = appspec ? appspec_hook(appspec, name) : NULL;
    report->noop = !hook || hook->script_count == 0;
    if (report->noop) return true;
    struct event event = { .step = step, .revision = revision, .hook = hook };
    struct ledger *ledger = &event.ledger;
    ledger->fd = -1;
    bool ok = scriptlog_open(&event.log, step->host.logs, err) && ledger_open(ledger, step, err);
    if (ok) {
        bool ended = ledger_end_orphans(ledger, step);
        if (may_go_on(&event)) {
            scriptlog_entry(&event.log, "LifecycleEvent - %s", name);
            log_warnings(&event.log, appspec);
            ok = run_scripts(&event, report, err);
            if (ok) blame_old_revision(step, report);
        } else {
            report_interrupted(&event, ended, report);
        }
        if (report->log_tail[0] == '\0') scriptlog_tail(&event.log, report->log_tail);
    }
    scriptlog_close(&event.log);
    ledger_close(ledger);
    return ok;
}
