/* build.h - one build: a clean workspace, the commands of buildspec.yml, artifacts into the store.
 *
 *     ROOT/build-.../DEPLOYMENT/workspace/src        the first input artifact; CODEBUILD_SRC_DIR
 *                                        /src-NAME   the others; CODEBUILD_SRC_DIR_NAME
 *                                        /state      what one command leaves for the next
 *                                        /tmp        TMPDIR
 *     ROOT/build-.../DEPLOYMENT/logs/scripts.log
 *
 * The workspace is removed before and after, whatever happened: a run that was interrupted is run
 * again from the beginning. Phases follow each other as in CodeBuild: a failed install or
 * pre_build ends the build, a failed build is followed by post_build, which learns of it from
 * CODEBUILD_BUILD_SUCCEEDING. Only a build whose every phase succeeded leaves artifacts.
 *
 * Commands are run one after another, each by a shell of its own that begins with the variables and
 * the folder that the one before has left, as if one shell ran them all. Secrets are files of the
 * worker's secrets folder: they reach commands as variables, and logs as "***".
 *
 *   build.c          the phases                    build_workspace.c  sources, folders, variables
 *   build_command.c  one command                   build_outputs.c    artifacts
 *   build_exports.c  exported variables
 */
#pragma once
#include "bundle/buildspec.h"
#include "steps/hook/environment.h"
#include "steps/hook/script.h"

enum { BUILD_VARIABLES_SPARE = 64, BUILD_LABEL_SIZE = 128, BUILD_SECRET_MAX = REDACT_MAX };

struct build {
    struct step *step;
    struct step_report *report;
    struct buildspec *spec;
    struct scriptlog log;
    struct redact redact;
    struct environment environment;
    uint64_t deadline_ms;   /* boot clock */
    unsigned long commands; /* begun so far */
    bool failed;            /* one of the phases */
    bool has_user;          /* the workspace belongs to it */
    const char *user;
    char workspace[FS_PATH_MAX], source[FS_PATH_MAX], state[FS_PATH_MAX];
};

NODISCARD bool build_run(struct step *step, struct step_report *report, struct error *err);

/* A new workspace with all inputs unpacked and the buildspec read. */
NODISCARD bool build_open_workspace(struct build *build, struct error *err);
/* Variables of the build, of its buildspec and of its action; the latter win. */
NODISCARD bool build_set_variables(struct build *build, struct error *err);
NODISCARD bool build_close_workspace(struct build *build, struct error *err);

/* False in `end` (code) when the command failed; step->stop as after script_run(). */
NODISCARD bool build_run_command(struct build *build, const char *command, const char *user,
                                 struct script_end *end, struct error *err);
/* Its first line, cut. */
void build_label(const char *command, char out[BUILD_LABEL_SIZE]);

/* Reads the exported variables as the commands have left them; one that is not set is left out. */
NODISCARD bool build_export_variables(struct build *build, struct error *err);

/* Packs and puts every output artifact of the job. */
NODISCARD bool build_put_outputs(struct build *build, struct error *err);
