/* options.h - what was written on the command line, behind the subcommand and in front of it.
 *
 * One table names every option; a command says with a mask which of them it takes beside the
 * global ones, so that -f can be FILE here and "follow" there.
 *
 * Ownership: texts are borrowed from argv. Errors: ERR_INVALID, ready to be shown (exit 2).
 */
#pragma once
#include "base/arena.h"
#include <stdint.h>

/* X(ID, letter or 0, name, argument or NULL, help) */
#define OPTIONS_GLOBAL(X)                                                                          \
    X(OUTPUT, 'o', "output", "FORMAT", "table, wide, json, yaml, name or ndjson")                  \
    X(QUIET, 'q', "quiet", NULL, "no progress, no hints")                                          \
    X(NO_HEADERS, 0, "no-headers", NULL, "tables without their first line")                        \
    X(COLOR, 0, "color", "WHEN", "auto, always or never")                                          \
    X(PROGRESS, 0, "progress", "HOW", "auto, tty, plain or json")                                  \
    X(TIMEOUT, 0, "timeout", "TIME", "how long to wait, as 90s or 30m")                            \
    X(VERBOSE, 'v', "verbose", NULL, "request ids in errors")                                      \
    X(HELP, 'h', "help", NULL, "explain the command")                                              \
    X(CONFIG, 0, "config", "FILE", "instead of the usual configuration files")                     \
    X(COORDINATOR, 0, "coordinator", "ENDPOINT", "tcp://HOST:PORT")                                \
    X(COORDINATOR_KEY, 0, "coordinator-key", "FILE", "coordinator.pub")                            \
    X(KEY, 0, "key", "FILE", "client-NAME.key")
#define OPTIONS_OWN(X)                                                                             \
    X(FILE, 'f', "file", "FILE", "a pipeline definition, JSON or YAML; - reads it from stdin")     \
    X(DRY_RUN, 0, "dry-run", NULL, "check everything, change nothing")                             \
    X(SUMMARY, 0, "summary", "TEXT", "shown with the revision")                                    \
    X(REVISION, 0, "revision", "VERSION", "the source's version id instead of the newest")         \
    X(WATCH, 'w', "watch", NULL, "go on showing what happens")                                     \
    X(FOLLOW, 'f', "follow", NULL, "go on showing what is appended")                               \
    X(NUMBER, 'n', "number", "N", "at most so many")                                               \
    X(ABANDON, 0, "abandon", NULL, "end the steps that run, too")                                  \
    X(REASON, 'm', "message", "REASON", "kept with the execution")                                 \
    X(YES, 'y', "yes", NULL, "do not ask")                                                         \
    X(DIR, 0, "dir", "DIR", "the folder of the keys; default $MERIDIAN_KEYS, else ./keys")         \
    X(REGION, 0, "region", "REGION", "where the worker is")                                        \
    X(ROLE, 0, "role", "ROLE", "viewer, deployer, approver or admin")                              \
    X(TAG, 0, "tag", "KEY=VALUE", "of the worker; may be repeated")                                \
    X(CLIENT_ONLY, 0, "client", NULL, "do not ask the coordinator")                                \
    X(ACTION, 0, "action", "ACTION", "which of several that wait")                                 \
    X(TOKEN, 0, "token", "TOKEN", "of the question that is answered; it is refused for another")   \
    X(COMMENT, 'm', "comment", "TEXT", "kept with the answer")                                     \
    X(STAGE, 0, "stage", "STAGE", "instead of the one that failed")                                \
    X(ALL, 0, "all", NULL, "every action of the stage, not only the failed ones")                  \
    X(TO, 0, "to", "EXECUTION", "instead of the newest older one that succeeded there")            \
    X(WHY, 'm', "reason", "TEXT", "kept and shown beside the name of who did it")                  \
    X(IGNORE_STOP, 0, "ignore-application-stop-failures", NULL,                                    \
      "go on where a script of the old revision fails")                                            \
    X(HOST, 0, "host", "NAME", "only this host")                                                   \
    X(RERUN_STEP, 0, "rerun-step", NULL, "begin the interrupted script once more")                 \
    X(SKIP_STEP, 0, "skip-step", NULL, "leave the event as it is, go on with the next")            \
    X(OUTDATED, 0, "outdated-only", NULL, "leave hosts alone that have the revision already")      \
    X(AFTER, 0, "after", "SEQ", "only events with a greater number")                               \
    X(COMPARE, 0, "compare", "EXECUTION", "set it beside another one, or beside the newest")       \
    X(EXIT_CODE, 0, "detailed-exitcode", NULL, "2 when something would change")                    \
    X(VARIABLE, 0, "variable", "NAME=VALUE", "of the pipeline; may be repeated")                   \
    X(SOURCE_REVISION, 0, "source-revision", "ACTION=VERSION",                                     \
      "of one source instead of its newest; may be repeated")                                      \
    X(SOURCE_KEY, 0, "source-key", "ACTION=KEY", "another object of its store; may be repeated")   \
    X(REQUEST_TOKEN, 0, "client-request-token", "ID", "the same one starts one execution only")    \
    X(IF_VERSION, 0, "if-version", "N", "only when version N is in force")                         \
    X(AS_WRITTEN, 0, "as-written", NULL, "the file as it was applied instead of AWS's JSON")       \
    X(PARAMETER, 0, "parameter", "NAME=VALUE", "of the template; may be repeated")                 \
    X(RENAME, 0, "name", "NAME", "of the pipeline, where the template gives none")                 \
    X(FORCE, 0, "force", NULL, "also what executions and rollbacks still need")                    \
    X(QUERY, 0, "query", "NAME=VALUE", "of a queryable property; may be repeated")                 \
    X(OUTPUT_VARIABLE, 0, "output-variable", "NAME=VALUE", "that is given; may be repeated")       \
    X(CONTINUATION, 0, "continuation", "TOKEN", "it goes on: the next poll is given the token")    \
    X(PERCENT, 0, "percent", "N", "how much is done")                                              \
    X(EXTERNAL_ID, 0, "external-id", "ID", "how the job worker calls it")

enum option_id {
#define X(id, letter, name, argument, help) OPTION_##id,
    OPTIONS_GLOBAL(X) OPTIONS_OWN(X)
#undef X
};
enum { OPTION_GLOBAL_COUNT = OPTION_KEY + 1, OPTION_COUNT = OPTION_EXTERNAL_ID + 1 };
#define OPTION_BIT(id) (UINT64_C(1) << OPTION_##id)

enum output { OUTPUT_TABLE, OUTPUT_WIDE, OUTPUT_JSON, OUTPUT_NAME, OUTPUT_NDJSON };
#define OUTPUT_BIT(id) (1u << OUTPUT_##id)
enum when { WHEN_AUTO, WHEN_ALWAYS, WHEN_NEVER };
enum progress_how { PROGRESS_AUTO, PROGRESS_TTY, PROGRESS_PLAIN, PROGRESS_JSON };

enum { OPTION_TAGS_MAX = 50, OPTION_PAIRS_MAX = 200, OPTION_NUMBER_MAX = 1000 };

/* One of an option that may be repeated. */
struct option_pair {
    enum option_id id;
    const char *text;
};

struct options {
    enum output output;
    enum when color;
    enum progress_how progress;
    uint64_t timeout_ms; /* 0: none given */
    uint64_t number;     /* 0: none given */
    uint64_t version;    /* of --if-version; 0: none given */
    bool yaml;           /* OUTPUT_JSON, written as YAML */
    uint64_t given;      /* OPTION_BITs */
    const char *text[OPTION_COUNT];
    const char *tags[OPTION_TAGS_MAX];
    size_t tag_count;
    struct option_pair pairs[OPTION_PAIRS_MAX]; /* NAME=VALUE, in order */
    size_t pair_count;
};

/* Reads the options in argv[1...] of `mask` and the global ones; the others stay, in order, from
 * argv[*next] on. With `leading` only up to the first word that is no option. */
NODISCARD bool options_parse(int argc, char **argv, uint64_t mask, bool leading,
                             struct options *options, int *next, struct error *err);
static inline bool options_given(const struct options *options, enum option_id id)
{
    return (options->given & (UINT64_C(1) << id)) != 0;
}

struct option_row {
    char letter;
    const char *name, *argument, *help;
};
extern const struct option_row option_rows[OPTION_COUNT];
const char *output_name(enum output output);
/* The next NAME=VALUE of that option from *at on; name and value lie in `arena`. False when there
 * is none. */
bool options_pair(const struct options *options, enum option_id id, size_t *at, struct arena *arena,
                  const char **name, const char **value);
