/* The hooks of an appspec: events, and for each the scripts with their timeouts. */
#include "bundle/appspec_reader.h"

#include <string.h>

enum { SEXAGESIMAL = 60 };

/* Events that scripts may hang on; a NULL ends the list. */
static const char *const events[] = { "BeforeBlockTraffic", "AfterBlockTraffic",
                                      "ApplicationStop",    "BeforeInstall",
                                      "AfterInstall",       "ApplicationStart",
                                      "ValidateService",    "BeforeAllowTraffic",
                                      "AfterAllowTraffic",  NULL };
/* Events that are the machine's own. */
static const char *const reserved[] = {
    "Start", "DownloadBundle", "Install", "BlockTraffic", "AllowTraffic", "End", NULL
};

static bool listed(const char *name, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(name, *list) == 0) return true;
    return false;
}

static void warn_of_event(struct appspec_reader *r, const struct doc_node *node)
{
    if (listed(node->key, events)) return;
    if (listed(node->key, reserved)) {
        appspec_warn(r, node, "this event takes no scripts: they never run");
        return;
    }
    const char *nearest = doc_nearest(node->key, events);
    appspec_warn(r, node, "there is no such lifecycle event: its scripts never run%s%s%s",
                 nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

/* Digits as Ruby's to_i takes them from the front of a text: "5m" is 5, "soon" is 0. *rest is
 * what follows them. Single underscores may stand between digits. */
static uint64_t leading_number(const char *text, const char **rest)
{
    uint64_t value = 0;
    bool any = false;
    for (;; text++) {
        bool digit = *text >= '0' && *text <= '9';
        bool joint = *text == '_' && any && text[1] >= '0' && text[1] <= '9';
        if (!digit && !joint) break;
        if (!digit) continue;
        any = true;
        value = value * 10 + (uint64_t)(*text - '0');
        if (value > APPSPEC_TIMEOUT_MAX_S) value = APPSPEC_TIMEOUT_MAX_S;
    }
    *rest = text;
    return value;
}

/* YAML 1.1 reads an unquoted 1:30 as ninety. */
static void sexagesimal(const char *rest, uint64_t *value)
{
    uint64_t sum = *value;
    while (*rest == ':') {
        const char *end;
        uint64_t part = leading_number(rest + 1, &end);
        if (end == rest + 1 || part >= SEXAGESIMAL) return;
        sum = sum * SEXAGESIMAL + part;
        if (sum > APPSPEC_TIMEOUT_MAX_S) sum = APPSPEC_TIMEOUT_MAX_S;
        rest = end;
    }
    if (!*rest) *value = sum;
}

static bool read_timeout(struct appspec_reader *r, const struct doc_node *node, uint32_t *out)
{
    if (doc_is_null(node)) return true;
    const char *text, *rest;
    struct error why;
    if (!doc_text(node, &text, &why)) return appspec_complain_of(r, &why);
    text += strspn(text, " \t\n\v\f\r");
    if (*text == '+') text++;
    uint64_t value = leading_number(text, &rest);
    if (*rest == ':' && !node->quoted) sexagesimal(rest, &value);
    if (value == 0)
        return appspec_complain(r, node,
                                "the timeout must be a whole number of seconds above 0, "
                                "not \"%.60s\"",
                                node->text);
    if (*rest) {
        appspec_warn(r, node, "the timeout \"%.60s\" counts as %u seconds: write %u", node->text,
                     (unsigned)value, (unsigned)value);
    }
    *out = (uint32_t)value;
    return true;
}

static bool read_rerun(struct appspec_reader *r, const struct doc_node *node, bool *out)
{
    if (doc_is_null(node)) return true;
    if (node->kind != DOC_SCALAR || strcmp(node->text, "safe") != 0)
        return appspec_complain(r, node,
                                "write \"rerun: safe\" if the script may run again after an "
                                "interruption, or leave the key out");
    *out = true;
    return true;
}

static bool read_options(struct appspec_reader *r, const struct doc_node *node,
                         struct appspec_script *out)
{
    const struct doc_node *runas = doc_get(node, "runas"), *sudo = doc_get(node, "sudo");
    struct error why;
    if (!doc_is_null(runas) && !appspec_stripped(r, runas, &out->runas)) return false;
    if (out->runas && !*out->runas) out->runas = NULL;
    if (!doc_is_null(sudo) && !doc_bool(sudo, &out->sudo, &why) && !appspec_complain_of(r, &why))
        return false;
    return read_timeout(r, doc_get(node, "timeout"), &out->timeout_s) &&
           read_rerun(r, doc_get(node, "rerun"), &out->rerun_safe);
}

static bool read_script(struct appspec_reader *r, const struct doc_node *node,
                        struct appspec_script *out)
{
    static const char no_location[] =
        "no location is given: name the script's file within the revision";
    *out = (struct appspec_script){ .timeout_s = APPSPEC_TIMEOUT_DEFAULT_S,
                                    .line = node->line,
                                    .column = node->column };
    if (node->kind != DOC_MAPPING)
        return appspec_complain(r, node, "must be a mapping with a location");
    const struct doc_node *location = doc_get(node, "location");
    if (doc_is_null(location))
        return appspec_complain(r, location ? location : node, "%s", no_location);
    const char *text = NULL;
    if (!appspec_stripped(r, location, &text)) return false;
    if (!text) return true; /* complained of already */
    if (!*text) return appspec_complain(r, location, "%s", no_location);
    if (!read_options(r, node, out)) return false;
    const char *path = appspec_path(r->arena, text);
    if (!path)
        return appspec_complain(r, location,
                                "\"%.200s\" leads out of the revision or is too long: name a "
                                "file inside it",
                                text);
    out->location = text;
    out->path = path;
    return true;
}

/* AWS's service refuses events of more than an hour; only those who validate want to know. */
static void warn_of_sum(struct appspec_reader *r, const struct doc_node *node,
                        const struct appspec_hook *hook)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < hook->script_count; i++) sum += hook->scripts[i].timeout_s;
    if (r->problems && sum > APPSPEC_EVENT_TIMEOUT_MAX_S)
        appspec_warn(r, node,
                     "the timeouts of this event add up to %llu seconds; AWS CodeDeploy allows %d",
                     (unsigned long long)sum, APPSPEC_EVENT_TIMEOUT_MAX_S);
}

static bool read_event(struct appspec_reader *r, const struct doc_node *node,
                       struct appspec_hook *out)
{
    *out = (struct appspec_hook){ .event = node->key,
                                  .line = node->key_line,
                                  .column = node->key_column };
    warn_of_event(r, node);
    if (doc_is_null(node)) return true;
    if (node->kind != DOC_SEQUENCE)
        return appspec_complain(r, node,
                                "must be a list of scripts: write \"- location: ...\" below it");
    struct appspec_script *scripts = arena_calloc(r->arena, node->count, sizeof *scripts);
    out->scripts = scripts;
    doc_for_each (item, node) {
        if (!read_script(r, item, &scripts[out->script_count])) return false;
        if (scripts[out->script_count].location) out->script_count++;
    }
    warn_of_sum(r, node, out);
    return true;
}

bool appspec_read_hooks(struct appspec_reader *r, const struct doc_node *hooks)
{
    if (doc_is_null(hooks)) return true;
    if (hooks->kind != DOC_MAPPING)
        return appspec_complain(r, hooks,
                                "must be a mapping: write \"AfterInstall:\" and the like below "
                                "\"hooks:\"");
    struct appspec_hook *list = arena_calloc(r->arena, hooks->count, sizeof *list);
    r->spec->hooks = list;
    doc_for_each (node, hooks) {
        if (!read_event(r, node, &list[r->spec->hook_count])) return false;
        r->spec->hook_count++;
    }
    return true;
}
