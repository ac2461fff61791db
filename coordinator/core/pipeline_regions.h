/* pipeline_regions.h - what a stage says about its regions, and places in documents.
 * Included through core/pipeline.h.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct position {
    uint32_t line, column; /* 1-based */
};

/* What a failure in one region means for the others of the stage. */
enum regions_failure {
    REGIONS_DEFAULT, /* nothing new begins, nothing goes back */
    REGIONS_ALL,     /* every region that had begun goes back */
    REGIONS_LOCAL,   /* the regions that failed go back */
    REGIONS_CONTINUE /* the others go on */
};

struct pipeline_wave {
    const char *const *regions;
    size_t region_count;
    uint32_t bake_minutes; /* after it, before the next one */
    struct position at;
};

/* Of a stage, under its key `meridian`; see wave.h and barrier.h. */
struct pipeline_regions {
    const struct pipeline_wave *waves;
    size_t wave_count;
    uint32_t max_parallel; /* regions at work at once; 0 any number */
    enum regions_failure on_failure;
    bool barrier;
    struct position at;
};

const char *regions_failure_name(enum regions_failure failure); /* "all" ...; "" the default */
