#include "shell/definition_deploy.h"

#include <stdio.h>

NODISCARD static bool read_on_failure(const struct doc_node *map, enum on_failure *out,
                                      struct error *err)
{
    const char *text = NULL;
    if (!doc_get_text(map, "onFailure", DOC_OPTIONAL, &text, err)) return false;
    for (int i = 0; text && i < ON_FAILURE_COUNT; i++) {
        if (!text_equal(on_failure_name((enum on_failure)i), text)) continue;
        *out = (enum on_failure)i;
        return true;
    }
    return !text || error_set(err, ERR_INVALID, "onFailure is restore or leave, not '%.60s'", text);
}

NODISCARD static bool read_file_exists(const struct doc_node *map, enum file_exists *out,
                                       struct error *err)
{
    const char *text = NULL;
    if (!doc_get_text(map, "fileExistsBehavior", DOC_OPTIONAL, &text, err)) return false;
    for (int i = 0; text && i < FILE_EXISTS_COUNT; i++) {
        if (!text_equal(file_exists_name((enum file_exists)i), text)) continue;
        *out = (enum file_exists)i;
        return true;
    }
    return !text ||
           error_set(err, ERR_INVALID,
                     "fileExistsBehavior is DISALLOW, OVERWRITE or RETAIN, not '%.60s'", text);
}

NODISCARD static bool read_all(const struct doc_node *map, struct pipeline_deploy *out,
                               struct error *err)
{
    static const char *const known[] = { "onFailure", "trafficControl", "fileExistsBehavior",
                                         "ignoreApplicationStopFailures", NULL };
    return doc_only(map, known, err) && read_on_failure(map, &out->on_failure, err) &&
           read_file_exists(map, &out->file_exists, err) &&
           doc_get_bool(map, "trafficControl", DOC_OPTIONAL, &out->traffic_control, err) &&
           doc_get_bool(map, "ignoreApplicationStopFailures", DOC_OPTIONAL,
                        &out->ignore_application_stop_failures, err);
}

bool definition_deploy(const struct doc_node *action_node, struct pipeline_action *action,
                       struct definition_trouble *trouble)
{
    struct error err = { 0 };
    const struct doc_node *map = doc_get(action_node, "meridian");
    if (!map || doc_is_null(map)) return true;
    trouble->node = map;
    bool deploys =
        action->category == CATEGORY_DEPLOY && text_equal(action->provider, "CodeDeploy");
    bool good = deploys ? read_all(map, &action->deploy, &err)
                        : error_set(&err, ERR_INVALID, "only CodeDeploy actions have this key");
    if (!good) snprintf(trouble->text, sizeof trouble->text, "%.250s", err.text);
    return good;
}
