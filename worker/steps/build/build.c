#include "steps/build/build.h"

#include "io/clock.h"
#include "steps/fetch/retention.h"

#include <stdlib.h>
#include <string.h>

/* Of what has to be done once before and after the phases of the buildspec. */
enum { PHASES_TOTAL = BUILDSPEC_PHASE_COUNT + 2 };

static const enum lifecycle_event phase_events[BUILDSPEC_PHASE_COUNT] = {
    [BUILDSPEC_INSTALL] = EVENT_PHASE_INSTALL,
    [BUILDSPEC_PRE_BUILD] = EVENT_PHASE_PRE_BUILD,
    [BUILDSPEC_BUILD] = EVENT_PHASE_BUILD,
    [BUILDSPEC_POST_BUILD] = EVENT_PHASE_POST_BUILD,
};

/* ---- the report ---- */

static void phase_begin(struct build *build, enum lifecycle_event event)
{
    struct step_report *report = build->report;
    step_progress(build->step, report->phase_count, PHASES_TOTAL, "phases");
    report->phases[report->phase_count++] = (struct lifecycle_report){
        .event = event, .status = STATUS_IN_PROGRESS, .started_ms = clock_wall_ms()
    };
    scriptlog_entry(&build->log, "Phase - %s", lifecycle_event_name(event));
}

static void phase_end(struct build *build, enum status status)
{
    struct lifecycle_report *phase = &build->report->phases[build->report->phase_count - 1];
    phase->status = status;
    phase->ended_ms = clock_wall_ms();
    scriptlog_entry(&build->log, "Phase complete - %s %s (%llu ms)",
                    lifecycle_event_name(phase->event), status_name(status),
                    (unsigned long long)(phase->ended_ms - phase->started_ms));
}

static enum status stop_status(const struct build *build)
{
    if (build->step->stop == STEP_CANCELLED) return STATUS_STOPPED;
    return build->step->stop == STEP_LEASE_LOST ? STATUS_UNKNOWN : STATUS_FAILED;
}

static void put_text(const struct build *build, char *out, size_t size, const char *text)
{
    size_t len = strlen(text);
    if (len >= size) len = size - 1;
    memcpy(out, text, len);
    len = redact_apply(&build->redact, (uint8_t *)out, len);
    out[len] = '\0';
}

/* The first failure is the one that is told. */
static void keep_failure(struct build *build, enum lifecycle_error code, const char *what,
                         const char *message)
{
    struct step_report *report = build->report;
    if (report->code != LIFECYCLE_SUCCESS) return;
    report->code = code;
    report->status = stop_status(build);
    put_text(build, report->script, sizeof report->script, what);
    put_text(build, report->message, sizeof report->message, message);
    scriptlog_tail(&build->log, report->log_tail);
}

/* ---- phases of the buildspec ---- */

NODISCARD static bool run_list(struct build *build, const struct buildspec_commands *commands,
                               const char *user, bool *good, struct error *err)
{
    for (size_t i = 0; i < commands->count; i++) {
        struct script_end end;
        char label[BUILD_LABEL_SIZE];
        if (!step_continues(build->step, err) ||
            !build_run_command(build, commands->list[i], user, &end, err))
            return false;
        if (end.code == LIFECYCLE_SUCCESS) continue;
        *good = false;
        build_label(commands->list[i], label);
        keep_failure(build, end.code, label, end.message);
        scriptlog_entry(&build->log, "Meridian - %s", end.message);
        return true; /* the rest of the list is left out */
    }
    return true;
}

/* *good: every command succeeded. False: the build cannot go on at all. */
NODISCARD static bool run_phase(struct build *build, enum buildspec_phase_kind kind, bool *good,
                                struct error *err)
{
    const struct buildspec_phase *phase = &build->spec->phases[kind];
    const char *user = phase->runas ? phase->runas : build->spec->runas;
    phase_begin(build, phase_events[kind]);
    *good = true;
    bool ok = run_list(build, &phase->commands, user, good, err);
    if (ok && build->step->stop == STEP_GOES_ON)
        ok = run_list(build, &phase->finally, user, good, err);
    if (!ok || build->step->stop != STEP_GOES_ON) *good = false;
    phase_end(build, *good ? STATUS_SUCCEEDED : stop_status(build));
    return ok;
}

NODISCARD static bool run_phases(struct build *build, struct error *err)
{
    for (size_t i = 0; i < BUILDSPEC_PHASE_COUNT; i++) {
        const struct buildspec_phase *phase = &build->spec->phases[i];
        bool good = true;
        if (!phase->present) continue;
        if (!run_phase(build, (enum buildspec_phase_kind)i, &good, err)) return false;
        if (good) continue;
        build->failed = true;
        bool on = phase->on_failure == BUILDSPEC_ON_FAILURE_CONTINUE ||
                  (phase->on_failure == BUILDSPEC_ON_FAILURE_DEFAULT && i == BUILDSPEC_BUILD);
        if (!on || build->step->stop != STEP_GOES_ON) return true;
    }
    return true;
}

/* ---- the whole ---- */

NODISCARD static bool source_phase(struct build *build, struct error *err)
{
    phase_begin(build, EVENT_PHASE_SOURCE);
    bool ok = build_open_workspace(build, err) && build_set_variables(build, err);
    for (size_t i = 0; ok && i < build->spec->warning_count; i++)
        scriptlog_entry(&build->log, "Meridian - warning: %s", build->spec->warnings[i]);
    phase_end(build, ok ? STATUS_SUCCEEDED : stop_status(build));
    return ok;
}

NODISCARD static bool artifacts_phase(struct build *build, struct error *err)
{
    if (build->step->spec->job.output_count == 0) return true;
    phase_begin(build, EVENT_PHASE_ARTIFACTS);
    bool ok = build_put_outputs(build, err);
    phase_end(build, ok ? STATUS_SUCCEEDED : stop_status(build));
    return ok;
}

NODISCARD static bool run_all(struct build *build, struct error *err)
{
    if (!source_phase(build, err) || !run_phases(build, err)) return false;
    if (build->failed) return true;
    return build_export_variables(build, err) && artifacts_phase(build, err);
}

static void build_deinit(struct build *build)
{
    scriptlog_close(&build->log);
    redact_deinit(&build->redact);
    environment_deinit(&build->environment);
    buildspec_free(build->spec);
}

bool build_run(struct step *step, struct step_report *report, struct error *err)
{
    AUTO(auto_free) struct build *memory = xcalloc(1, sizeof *memory);
    struct build *build = memory;
    const struct job *job = &step->spec->job;
    *build = (struct build){ .step = step, .report = report, .log = { .fd = -1 } };
    build->deadline_ms = clock_boot_ms() + job->timeout_ms;
    environment_init(&build->environment,
                     BUILD_VARIABLES_SPARE + WIRE_VARIABLES_MAX + BUILDSPEC_VARIABLES_MAX);
    uint32_t keep = step->spec->revisions_max > 0 ? step->spec->revisions_max : 1;
    bool ok = fs_make_folders(step->host.deployment, 0755, err) &&
              scriptlog_open(&build->log, step->host.logs, err) &&
              retention_prune(&step->host, job->deployment.text, "", keep, err);
    build->log.redact = &build->redact;
    if (ok && step->spec->run > 1)
        scriptlog_entry(&build->log, "Meridian - run %u: the one before was interrupted",
                        (unsigned)step->spec->run);
    ok = ok && run_all(build, err);
    if (!ok) keep_failure(build, LIFECYCLE_UNKNOWN_ERROR, "", err->text);
    if (!ok) scriptlog_entry(&build->log, "Meridian - %s", err->text);
    struct error why = { .code = ERR_NONE };
    if (!build_close_workspace(build, &why))
        scriptlog_entry(&build->log, "Meridian - the workspace is left: %s", why.text);
    if (report->log_tail[0] == '\0') scriptlog_tail(&build->log, report->log_tail);
    build_deinit(build);
    return true; /* the report says it */
}
