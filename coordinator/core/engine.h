/* engine.h - executions, their stages and their actions.
 *
 * engine_reconcile() is the one deciding function of the core: it looks at every live execution
 * and does what is missing, until nothing changes. Rules (pipeline.md, "Execution rules"): a
 * stage is locked by one execution; of those that wait to enter it only the newest stays; equal
 * runOrder runs in parallel, greater ones follow; a failed action lets the running ones end.
 */
#pragma once
#include "core/model.h"

struct beginning {
    const struct revision *revisions; /* one for each source action */
    size_t revision_count;
    enum trigger trigger;
    const char *detail;
    const struct variable *variables; /* other values than the definition's */
    size_t variable_count;
};

/* The execution begins with its source stage already succeeded. False with `failure` filled
 * (texts from the actions' arena or constant) when a bound or its variables forbid it. */
NODISCARD bool engine_start(struct coordinator *c, struct model_pipeline *p,
                            const struct beginning *from, struct id *execution,
                            struct failure *failure);
void engine_reconcile(struct coordinator *c);

/* The only places that write these statuses; each change is journalled and told once. */
void engine_set_execution(struct coordinator *c, struct model_execution *e, enum status status);
void engine_set_stage(struct coordinator *c, struct model_execution *e, size_t stage,
                      enum status status);
/* The texts may be "". */
void engine_begin_action(struct coordinator *c, struct model_execution *e, size_t stage,
                         size_t action);
void engine_end_action(struct coordinator *c, struct model_execution *e, size_t stage,
                       size_t action, enum status status, const char *code, const char *message);

/* The stage failed or was stopped, or is about to fail: it and its execution go on, its actions as
 * retry.c has left them. */
void engine_reopen(struct coordinator *c, struct model_execution *e, size_t stage);
/* Begins a ROLLBACK execution: what `target` had in `stage`, by its definition and revisions.
 * `skip` (NULL: none) says of each action of the stage whether it is left out. */
NODISCARD bool engine_start_rollback(struct coordinator *c, const struct model_execution *target,
                                     size_t stage, const bool *skip, enum trigger trigger,
                                     const char *detail, struct id *execution,
                                     struct failure *failure);

/* Wants a tick at that time of the BOOTTIME, or of the wall clock. */
void engine_wake_boot(struct coordinator *c, uint64_t boot_ms);
void engine_wake_wall(struct coordinator *c, uint64_t wall_ms);
