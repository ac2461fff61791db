/* template.h - the pipelines of a world, as plain numbers; sim_coordinator.c makes definitions of
 * them. A definition's text is the template's index, so that a record leads back to its template.
 */
#pragma once
#include "options.h"

enum {
    SIM_TEMPLATES_MAX = 8,
    TEMPLATE_STAGES_MAX = 3,
    TEMPLATE_ACTIONS_MAX = 4,
    TEMPLATE_CONDITIONS = 3
};

/* Open in even minutes; an address, for a minute; commands on the artifact, in
 * the region of the first action. */
enum { ASKED_WINDOW = 1, ASKED_OUTSIDE, ASKED_COMMANDS };

enum { REGION_ALL = 1, REGION_LOCAL, REGION_CONTINUE }; /* enum regions_failure of the core */

struct template_action {
    uint32_t region, run_order;
    uint32_t group; /* deployment group */
    bool approval;  /* a person decides instead */
};

struct template_stage {
    struct template_action actions[TEMPLATE_ACTIONS_MAX];
    uint32_t action_count;
    uint32_t on_failure, retry_mode; /* enum failure_result of the core, enum retry_mode */
    bool restore,
        traffic;    /* of its deployments: what a failure leaves, the events around traffic */
    uint32_t waves; /* 0 none; else the region of number r is in wave 1 + wave[r] */
    uint32_t wave[SIM_REGIONS_MAX], bake[SIM_REGIONS_MAX]; /* minutes */
    uint32_t max_parallel, region_failure;
    bool barrier;
    uint32_t asked[TEMPLATE_CONDITIONS];  /* by enum condition_type: 0 nothing, else ASKED_... */
    uint32_t result[TEMPLATE_CONDITIONS]; /* enum failure_result */
    bool build; /* one action, which builds; later stages deploy what it made */
};

struct template
{ /* stage 0, the source, is always there and not listed */
    uint32_t pipeline;
    uint32_t mode; /* enum execution_mode */
    struct template_stage stages[TEMPLATE_STAGES_MAX];
    uint32_t stage_count;
};
