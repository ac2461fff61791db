/* check.h - the parts of pipeline_check(), which applies the rules of pipeline.md b1.
 *
 * A rule that needs one action only lies in check_action.c, those of variables and references in
 * check_variables.c, those of waves in check_wave.c, of conditions in check_condition.c, what else
 * joins several in check.c.
 */
#pragma once
#include "core/pipeline.h"

enum { CHECK_PROBLEMS_MAX = 200 }; /* of one definition; more are not looked for */

struct findings {
    const struct pipeline *pipeline;
    const char *region; /* the pipeline's: the coordinator's own */
    struct arena *arena;
    struct problem *at;
    size_t count;
};

/* `path` follows "pipeline"; a place that the file does not have (line 0) becomes `near`. */
void check_say(struct findings *f, struct position at, struct position near, const char *path,
               const char *format, ...) PRINTF_LIKE(5, 6);
/* [A-Za-z0-9] and the characters of `also`, `min` to `max` of them. */
bool check_word(const char *text, size_t min, size_t max, const char *also);
void check_action(struct findings *f, size_t stage, size_t action);
void check_variables(struct findings *f);
/* `#{...}` in the settings of an action or a rule, whose path is `base`. */
void check_references(struct findings *f, size_t stage, const struct pipeline_action *action,
                      const char *base);
/* The stage's key `meridian`. */
void check_regions(struct findings *f, size_t stage);
/* beforeEntry, onSuccess and onFailure. */
void check_conditions(struct findings *f, size_t stage);
/* Does an action of that stage or an earlier one make the artifact? */
bool check_produced(const struct pipeline *pipeline, const char *artifact, size_t stage);
/* What a setting of the action must be, when `value` is not that; NULL when it is right. */
const char *check_setting(const struct pipeline_action *action, const char *key, const char *value);
