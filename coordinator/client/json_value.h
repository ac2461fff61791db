/* json_value.h - replies' members as JSON values: what json.c and json_ask.c are made of.
 *
 * jansson's answers are not looked at: it fails only without memory and on texts that are not
 * UTF-8, and those are repaired here. A field that has no value is left out.
 */
#pragma once
#include "client/print.h"

#include <jansson.h>

void json_put(json_t *object, const char *name, json_t *value); /* takes the value */
void json_put_text(json_t *object, const char *name, const char *text);
void json_put_number(json_t *object, const char *name, uint64_t number);
void json_put_time(json_t *object, const char *name, uint64_t wall_ms);
/* A mapping; left out when there are none. */
void json_put_variables(json_t *object, const char *name, const struct variable *list,
                        size_t count);
/* Takes the value. */
void json_write(struct print *out, json_t *value, bool line);
json_t *json_text_value(const char *text, size_t len);
/* {"code", "message"}; left out when there is neither. */
void json_put_error(json_t *object, const char *name, const char *code, const char *message);
/* What list-pipeline-executions has of an execution. */
json_t *json_summary(const struct execution *e);
/* A host of a deployment, with its lifecycle events. */
json_t *json_target(const struct job_state *job);
