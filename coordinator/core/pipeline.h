/* pipeline.h - a pipeline's definition as plain data, and the structural rules.
 *
 * The shell reads CodePipeline JSON or YAML into this structure (shell/definition.c) with a
 * position for everything; pipeline_check() applies every structural rule of the AWS user guide
 * (pipeline.md b1) and names the place of each violation. Fields that have no meaning here
 * (roleArn, encryptionKey ...) stay in the definition's text only, which export gives back.
 *
 * Ownership: everything a pipeline points to lies in its own arena; pipeline_free() ends it.
 */
#pragma once
#include "core/pipeline_commands.h"
#include "core/pipeline_condition.h"
#include "core/pipeline_regions.h"
#include "core/window.h"
#include "wire/messages.h"

enum action_category {
    CATEGORY_SOURCE,
    CATEGORY_BUILD,
    CATEGORY_DEPLOY,
    CATEGORY_TEST,
    CATEGORY_INVOKE,
    CATEGORY_APPROVAL,
    CATEGORY_COMPUTE,
    CATEGORY_RULE /* of a condition */
};

enum action_owner { OWNER_AWS, OWNER_THIRD_PARTY, OWNER_CUSTOM };

struct pipeline_setting { /* one key of `configuration` */
    const char *key, *value;
    struct position at;
};

struct pipeline_variable {
    const char *name;
    const char *value; /* NULL: without a default, each execution must be given one */
    const char *description;
    struct position at;
};

/* Of a CodeDeploy action, under its key `meridian`. */
struct pipeline_deploy {
    enum file_exists file_exists;
    enum on_failure on_failure;
    bool traffic_control, ignore_application_stop_failures;
};

struct pipeline_action {
    const char *name;
    enum action_category category;
    enum action_owner owner;
    const char *provider, *version;
    uint32_t run_order; /* 1 to 999 */
    const struct pipeline_setting *configuration;
    size_t configuration_count;
    const char *const *inputs; /* artifact names */
    size_t input_count;
    const char *const *outputs;
    size_t output_count;
    const struct job_variable *variables; /* of a build's environment */
    size_t variable_count;
    struct pipeline_commands commands;
    const char *region; /* "" the pipeline's own */
    const char *namespace;
    uint32_t timeout_minutes; /* 0 none given */
    struct pipeline_deploy deploy;
    struct position at, name_at, region_at;
};

struct pipeline_rule {
    struct pipeline_action action; /* CATEGORY_RULE; its runOrder says what has ended before it */
    enum rule_kind kind;
    enum condition_type condition;
    struct window window; /* RULE_WINDOW */
    struct window_zone zone;
    uint32_t wait_minutes; /* WaitTime: how long it has to be well */
};

struct pipeline_stage {
    const char *name;
    struct pipeline_condition conditions[CONDITION_TYPE_COUNT];
    const struct pipeline_rule *rules; /* of all its conditions, by type */
    size_t rule_count;
    enum failure_result on_failure;
    enum retry_mode retry_mode; /* of FAILURE_RETRY */
    struct pipeline_regions regions;
    const struct pipeline_action *actions;
    size_t action_count;
    struct position at, name_at;
};

struct pipeline_store {
    const char *region, *location; /* region "" for the single artifactStore */
    struct position at;
};

struct pipeline {
    struct arena arena;
    const char *name;
    uint32_t version;             /* as written; the coordinator counts for itself */
    uint8_t meaning[SHA256_SIZE]; /* equal when two documents say the same */
    enum execution_mode mode;
    struct position mode_at;
    const struct pipeline_store *stores;
    size_t store_count;
    bool stores_is_map; /* artifactStores rather than artifactStore */
    const struct pipeline_stage *stages;
    size_t stage_count;
    const struct pipeline_variable *variables;
    size_t variable_count;
    struct position at, name_at, stores_at;
    const struct problem *unsupported; /* known fields that this version does not run yet: each
                                          is a problem, never ignored */
    size_t unsupported_count;
};

struct pipeline *pipeline_new(void);
void pipeline_free(struct pipeline *pipeline);
/* Do both say the same, in the fields that are only kept for export as well? */
bool pipeline_same(const struct pipeline *a, const struct pipeline *b);

/* Every violated rule, in document order, in `arena`. `region` is the coordinator's own. */
size_t pipeline_check(const struct pipeline *pipeline, const char *region, struct arena *arena,
                      const struct problem **out);

/* Build and Test actions of CodeBuild, and what is of provider Commands. */
bool pipeline_builds(const struct pipeline_action *action);
/* By deployments to hosts. */
bool pipeline_deploys(const struct pipeline_action *action);
const char *action_category_name(enum action_category category); /* as AWS writes it */
/* The action that makes this artifact; NULL when none does. */
const struct pipeline_action *pipeline_producer(const struct pipeline *pipeline,
                                                const char *artifact);
/* From an action's begin until it fails, when nothing else is configured: its own timeoutInMinutes
 * or the default of AWS's table of limits. */
uint64_t pipeline_timeout_ms(const struct pipeline_action *action);
/* Its own; else a window may be far away, and what is watched has an hour beside WaitTime. */
uint64_t pipeline_rule_timeout_ms(const struct pipeline_rule *rule);
/* 1, 2, ... ; 0 when the stage has no waves or the region is in none. `region` is the action's, or
 * the pipeline's own. An approval whose region is in no wave belongs to the first. */
uint32_t pipeline_wave_of(const struct pipeline_stage *stage, const struct pipeline_action *action,
                          const char *region);
/* "" when the action has no such key. */
const char *pipeline_setting_get(const struct pipeline_action *action, const char *key);
/* The bucket that serves as artifact store in `region`; NULL when none is declared. */
const char *pipeline_store_of(const struct pipeline *pipeline, const char *region);
