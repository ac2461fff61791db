/* buildspec.h - buildspec.yml (version 0.2) as a validated plain plan.
 *
 * Calling sequence: buildspec_load() on the unpacked source, or buildspec_parse() on a text; read
 * the fields; buildspec_free(). The first error is the one returned, with file, line, column and
 * what to write instead. Keys are CodeBuild's; a key that would change what is built and has no
 * meaning here is refused, as every unknown one; `cache` and `reports` only give a warning.
 *
 *     version: 0.2
 *     run-as: USER                                  (also written `runas`)
 *     env:
 *       shell: sh | bash
 *       variables: { NAME: value }
 *       secrets-manager: { NAME: file }             a file of the worker's secrets folder
 *       exported-variables: [ NAME ]                what the action gives to later ones
 *     phases:
 *       install | pre_build | build | post_build:
 *         run-as: USER
 *         on-failure: ABORT | CONTINUE
 *         commands: [ ... ]
 *         finally: [ ... ]
 *     artifacts:
 *       files: [ patterns ]                         *, ?, [...] within a name, ** for any folders
 *       exclude-paths: [ patterns ]
 *       base-directory: FOLDER
 *       discard-paths: yes | no
 *       secondary-artifacts: { NAME: { files ... } }
 *
 * Ownership: the buildspec owns all texts and arrays. Errors: ERR_NOT_FOUND (no buildspec in the
 * source), ERR_INVALID (all the rules).
 */
#pragma once
#include "base/bytes.h"

enum {
    BUILDSPEC_BYTES_MAX = 256 << 10,
    BUILDSPEC_COMMANDS_MAX = 1000, /* of one list */
    BUILDSPEC_FILES_MAX = 1000,
    BUILDSPEC_VARIABLES_MAX = 500,
    BUILDSPEC_EXPORTED_MAX = 50
};

enum buildspec_phase_kind {
    BUILDSPEC_INSTALL,
    BUILDSPEC_PRE_BUILD,
    BUILDSPEC_BUILD,
    BUILDSPEC_POST_BUILD
};
#define BUILDSPEC_PHASE_COUNT (BUILDSPEC_POST_BUILD + 1)

/* What follows a phase that failed. By default a failed build is followed by post_build, and any
 * other failed phase by nothing. */
enum buildspec_on_failure {
    BUILDSPEC_ON_FAILURE_DEFAULT,
    BUILDSPEC_ON_FAILURE_ABORT,   /* nothing */
    BUILDSPEC_ON_FAILURE_CONTINUE /* the next phase; the build has failed all the same */
};

struct buildspec_commands {
    const char *const *list;
    size_t count;
};

struct buildspec_phase {
    bool present;
    const char *runas; /* NULL: as the whole build */
    enum buildspec_on_failure on_failure;
    struct buildspec_commands commands, finally;
};

struct buildspec_variable {
    const char *name;
    const char *value; /* of a secret: the file's name */
    bool secret;
};

struct buildspec_artifacts {
    const char *name; /* "" for those of the key `artifacts` itself */
    const char *const *files;
    size_t file_count;
    const char *const *excluded;
    size_t excluded_count;
    const char *base; /* within the source, normalised; "." the source itself */
    bool discard_paths;
};

struct buildspec {
    const char *name;  /* the file, as in errors */
    const char *shell; /* "sh" or "bash" */
    const char *runas; /* NULL: as the worker */
    const struct buildspec_variable *variables;
    size_t variable_count;
    const char *const *exported; /* names; none of them is of a secret here */
    size_t exported_count;
    struct buildspec_phase phases[BUILDSPEC_PHASE_COUNT];
    const struct buildspec_artifacts *artifacts; /* the one without a name first */
    size_t artifact_count;
    const char *const *warnings; /* one line each: for the build's log */
    size_t warning_count;
    struct buildspec_memory *memory;
};

NODISCARD bool buildspec_parse(const char *name, struct bytes text, struct buildspec **out,
                               struct error *err);
/* Reads buildspec.yml, else buildspec.yaml, at the top of the folder. */
NODISCARD bool buildspec_load(const char *source, struct buildspec **out, struct error *err);
void buildspec_free(struct buildspec *spec); /* accepts NULL */
void buildspec_free_at(struct buildspec **place);

/* How the phase is called in the file. */
const char *buildspec_phase_name(enum buildspec_phase_kind phase);
/* NULL when there are none under that name; "" names the ones of the key itself. */
const struct buildspec_artifacts *buildspec_artifacts(const struct buildspec *spec,
                                                      const char *name);
/* A letter or _, then letters, digits and _. */
bool buildspec_variable_valid(const char *name);
/* Does the path ("a/b/c", no leading '/') fit the pattern? `**` stands for any number of whole
 * names, none included; the other signs stay within one name. */
bool buildspec_match(const char *pattern, const char *path);
