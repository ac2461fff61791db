/* script.h - one script of a hook from its first check to its end.
 *
 * script_run() makes it executable if needed, starts it in a process group of its own, copies its
 * output into the log and waits, as the agent does (shared design, worker.md section 5), with these
 * differences: a timeout, a cancel or the end of the lease takes the whole tree of processes down
 * (TERM, after STEP_KILL_MS KILL); a script that ended while another process holds its output has
 * ended: after SCRIPT_GRACE_MS the holders are named in the log and a small process of ours goes on
 * reading for them, so that a daemon started by a hook neither hangs the deployment nor dies of
 * SIGPIPE.
 *
 * runas takes the user's ids and groups without a shell, and sets HOME, SHELL, USER and LOGNAME
 * as su does; a user whose shell forbids logins is refused as by su.
 */
#pragma once
#include "bundle/appspec.h"
#include "steps/hook/scriptlog.h"
#include "steps/step.h"

enum {
    SCRIPT_GRACE_MS = 1000,
    SCRIPT_DRAIN_MAX = 64 << 20,
    SCRIPT_VARIABLES_SPARE = 4 /* free places at the end of the environment */
};

struct ledger;

struct script {
    const struct appspec_script *spec;
    const char *path; /* absolute */
    char **environment;
    struct scriptlog *log;
    struct ledger *ledger; /* its process is noted there; NULL nowhere */
    struct step *step;
    unsigned long number; /* in the step, for its cgroup */
    const char *noun;     /* what errors call it; NULL: "script" */
    uint64_t memory_max;  /* bytes of data of each process; 0: no bound */
};

struct script_end {
    enum lifecycle_error code; /* LIFECYCLE_SUCCESS ... LIFECYCLE_UNKNOWN_ERROR */
    char message[ERROR_TEXT_SIZE];
};

/* When step->stop is set afterwards the script was ended because of it. */
void script_run(const struct script *script, struct script_end *out);
