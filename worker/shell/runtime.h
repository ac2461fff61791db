/* runtime.h - the worker's turn: gather, step, commit, perform.
 *
 * The same shape as the coordinator's: bounded batches of events from the connection, the step
 * processes and the core's deadline; one commit; then messages leave and steps start. A failed
 * commit ends the process: the next one starts from the disk. Steps go on meanwhile.
 */
#pragma once
#include "io/log.h"
#include "shell/settings.h"
#include "wire/messages.h"

struct runtime;

/* `step_program` is the path of meridian-step. */
NODISCARD bool runtime_open(const struct settings *settings, const char *step_program,
                            const struct log *log, struct runtime **out, struct error *err);
/* Until SIGTERM or SIGINT (true), or an error that only a restart repairs. */
NODISCARD bool runtime_run(struct runtime *runtime, struct error *err);
void runtime_close(struct runtime *runtime); /* accepts NULL */

/* ---- deploy-local: the same core, store and steps without a coordinator ---- */

struct local_deployment {
    const char *state, *root_dir;
    const char *bundle;           /* file or folder */
    const char *appspec_filename; /* "" for the usual ones */
    uint32_t revisions_max;
    const struct job *job;              /* id, deployment, application, group ... */
    const enum lifecycle_event *events; /* in order; 0: all of a deployment without traffic */
    size_t event_count;
};

/* Runs the deployment to its end; `result` lies in `arena`. ERR_CONFLICT when interrupted by a
 * signal: the step that runs goes on, and the same call finds it again. */
NODISCARD bool runtime_deploy_local(const struct local_deployment *deployment,
                                    const char *step_program, const struct log *log,
                                    struct arena *arena, struct result *result, struct error *err);
