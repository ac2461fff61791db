/* replication.h - one copy of an artifact in each region that needs it.
 *
 * The origin (the source's bucket, in the coordinator's own region) is that region's copy. Any
 * other region gets one copy for an execution, made by a floating job of one of its workers; a
 * copy of the same bytes that an earlier execution has left in the same store is used again, and a
 * new one is told by an older revision there, where that is possible (delta.h).
 */
#pragma once
#include "core/model.h"

/* The copy of an input that the action needs, begun when it is missing; its index. */
size_t replication_want(struct coordinator *c, struct model_execution *e, size_t stage,
                        size_t action, const char *artifact);
/* Where the artifact comes from: the source's object, or what a build of this execution has put.
 * NULL while that is not known. */
const struct artifact_ref *replication_origin(const struct model_execution *e,
                                              const char *artifact);
/* The source revision that the artifact is made of, in the end. */
const struct revision *replication_revision(const struct model_execution *e, const char *artifact);
/* In words for those who wait for it; "" when it is there. */
/* Of all inputs: the copy of one that cannot be had, or -1 when all are in the region of the action
 * or on their way. */
long replication_want_inputs(struct coordinator *c, struct model_execution *e, size_t stage,
                             size_t action);
const char *replication_cause(struct coordinator *c, const struct model_execution *e, size_t copy);
/* A new key "<pipeline>/<artifact><kind>/<random>", as AWS names artifacts (kind ""). */
const char *replication_key(struct coordinator *c, const struct model_execution *e,
                            const char *artifact, const char *kind);
/* Why there is no copy there and will be none. */
const char *replication_failure(struct coordinator *c, const struct model_execution *e, size_t at);
/* The replication's job has ended for good. */
void replication_ended(struct coordinator *c, struct model_job *job, const struct result *result);
/* The region of the action that gives the artifact; NULL when there is none. */
const char *replication_region(const struct model_execution *e, const char *artifact);
/* Until when somebody waits for the artifact in that region, wall clock; 0 when nobody does. */
uint64_t replication_wanted(const struct model_execution *e, const char *artifact,
                            const char *region);
/* Until when somebody waits for what this job brings, wall clock; 0 when nobody does any more. */
uint64_t replication_deadline(const struct model_job *job);
/* A retry wants what could not be copied to that region. */
void replication_again(struct coordinator *c, struct model_execution *e, const char *region);
