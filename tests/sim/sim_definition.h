/* sim_definition.h - a template as the definition that the shell would have read. */
#pragma once
#include "core/group.h"
#include "core/pipeline.h"
#include "template.h"

extern const char *const sim_regions[SIM_REGIONS_MAX];
struct pipeline *sim_pipeline(const struct template *t);
/* The deployment group app/group0. */
struct deploy_resource *sim_group(const struct options *o);
