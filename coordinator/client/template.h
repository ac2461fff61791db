/* template.h - the pipeline of a CloudFormation template as a definition.
 *
 * Resolved are Ref, Fn::GetAtt, Fn::FindInMap, Fn::Sub and Fn::Join, in their long and their short
 * form. They find parameters (given, else their Default), the pseudo parameters AWS::Region,
 * AWS::Partition, AWS::URLSuffix, AWS::StackName and AWS::AccountId (given, else 000000000000),
 * mappings, and other resources of the template: of a bucket its BucketName, of a role an ARN made
 * of its name; whatever else is asked of a resource is given by a parameter "RESOURCE" or
 * "RESOURCE.ATTRIBUTE". Nothing is guessed: what cannot be resolved is an error at its place.
 *
 * The shape becomes the API's: names begin with a small letter, the list ArtifactStores becomes a
 * map, numbers stay where the API has numbers. A property that no pipeline has is refused;
 * RestartExecutionOnUpdate, Tags and DisableInboundStageTransitions have no place in a definition:
 * they are left out and named in `notes`.
 */
#pragma once
#include "io/doc.h"
#include "wire/messages.h"

struct template_wishes {
    const char *region, *name;         /* name "": the template's, else the resource's */
    const struct variable *parameters; /* given */
    size_t parameter_count;
};

/* `out` has the JSON, `notes` the names of what was left out. ERR_INVALID, ERR_NOT_FOUND. */
NODISCARD bool template_import(const struct doc_node *root, const struct template_wishes *wishes,
                               struct buf *out, struct buf *notes, struct error *err);
