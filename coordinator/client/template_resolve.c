#include "client/template_resolve.h"

#include <string.h>

const char *template_function(const struct doc_node *node, const struct doc_node **argument)
{
    *argument = node;
    if (node->tag && node->tag[0] == '!' && node->tag[1] != '!' && node->tag[1])
        return node->tag + 1;
    if (node->kind != DOC_MAPPING || node->count != 1) return NULL;
    *argument = node->first;
    if (text_equal(node->first->key, "Ref")) return "Ref";
    return text_starts(node->first->key, "Fn::") ? node->first->key + 4 : NULL;
}

/* ---- what names stand for; NULL without an error when they stand for nothing ---- */

static const char *parameter(const struct template *t, const char *name)
{
    for (size_t i = 0; i < t->wishes->parameter_count; i++)
        if (text_equal(t->wishes->parameters[i].name, name)) return t->wishes->parameters[i].value;
    const struct doc_node *declared = doc_get(doc_get(t->root, "Parameters"), name);
    const struct doc_node *preset = declared ? doc_get(declared, "Default") : NULL;
    return preset && preset->kind == DOC_SCALAR ? preset->text : NULL;
}

static const char *pseudo(const struct template *t, const char *name)
{
    static const char *const names[][2] = { { "AWS::Partition", "aws" },
                                            { "AWS::URLSuffix", "amazonaws.com" },
                                            { "AWS::StackName", "meridian" },
                                            { "AWS::AccountId", "000000000000" } };
    if (text_equal(name, "AWS::Region")) return t->wishes->region;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_equal(name, names[i][0])) return names[i][1];
    return NULL;
}

static const char *value_of_name(struct template *t, const struct doc_node *at, const char *name,
                                 struct error *err)
{
    const char *value = parameter(t, name);
    if (!value) value = pseudo(t, name);
    if (value) return value;
    const struct doc_node *resource = doc_get(doc_get(t->root, "Resources"), name);
    const struct doc_node *bucket =
        resource ? doc_get(doc_get(resource, "Properties"), "BucketName") : NULL;
    if (bucket) return template_text(t, bucket, err);
    bool declared = doc_get(doc_get(t->root, "Parameters"), name);
    (void)doc_error(at, err,
                    declared ? "parameter %.100s has no Default: give it with --parameter"
                             : "nothing is called %.100s here: give it with --parameter",
                    name);
    return NULL;
}

static const char *value_of_attribute(struct template *t, const struct doc_node *at,
                                      const char *resource, const char *attribute,
                                      struct error *err)
{
    const char *name = arena_format(&t->arena, "%s.%s", resource, attribute);
    const char *value = parameter(t, name);
    if (value) return value;
    const struct doc_node *found = doc_get(doc_get(t->root, "Resources"), resource);
    const struct doc_node *type = found ? doc_get(found, "Type") : NULL;
    const struct doc_node *own = found ? doc_get(doc_get(found, "Properties"), "RoleName") : NULL;
    bool arn = type && text_equal(attribute, "Arn");
    if (arn && text_equal(type->text, "AWS::IAM::Role")) {
        const char *role = own ? template_text(t, own, err) : resource;
        const char *account = value_of_name(t, at, "AWS::AccountId", err);
        return role ? arena_format(&t->arena, "arn:aws:iam::%s:role/%s", account, role) : NULL;
    }
    if (arn && text_equal(type->text, "AWS::S3::Bucket")) {
        const char *bucket = value_of_name(t, at, resource, err);
        return bucket ? arena_format(&t->arena, "arn:aws:s3:::%s", bucket) : NULL;
    }
    (void)doc_error(at, err, "%.100s is not known before it is made: give it with --parameter",
                    name);
    return NULL;
}

/* ---- functions ---- */

static const struct doc_node *child(const struct doc_node *list, size_t at)
{
    const struct doc_node *node = list->kind == DOC_SEQUENCE ? list->first : NULL;
    while (node && at-- > 0) node = node->next;
    return node;
}

/* The short form of a function of texts only carries the tag itself. */
static const char *plain_text(struct template *t, const struct doc_node *node,
                              const struct doc_node *tagged, struct error *err)
{
    if (node && node == tagged && node->kind == DOC_SCALAR) return node->text;
    return template_text(t, node, err);
}

static const char *get_att(struct template *t, const struct doc_node *at,
                           const struct doc_node *argument, struct error *err)
{
    if (argument->kind == DOC_SEQUENCE) {
        const char *resource = template_text(t, child(argument, 0), err);
        const char *attribute = resource ? template_text(t, child(argument, 1), err) : NULL;
        return attribute ? value_of_attribute(t, at, resource, attribute, err) : NULL;
    }
    const char *dot = strchr(argument->text, '.');
    if (!dot) {
        (void)doc_error(at, err, "Fn::GetAtt needs RESOURCE.ATTRIBUTE");
        return NULL;
    }
    const char *resource = arena_text_of(&t->arena, argument->text, (size_t)(dot - argument->text));
    return value_of_attribute(t, at, resource, dot + 1, err);
}

static const char *find_in_map(struct template *t, const struct doc_node *at,
                               const struct doc_node *argument, struct error *err)
{
    const struct doc_node *node = doc_get(t->root, "Mappings");
    for (size_t i = 0; i < 3; i++) {
        const char *key = template_text(t, child(argument, i), err);
        if (!key) return NULL;
        node = node ? doc_get(node, key) : NULL;
        if (node) continue;
        (void)doc_error(at, err, "the template's Mappings have no '%.100s' there", key);
        return NULL;
    }
    return template_text(t, node, err);
}

static const char *join(struct template *t, const struct doc_node *at,
                        const struct doc_node *argument, struct error *err)
{
    const struct doc_node *list = child(argument, 1);
    const char *between = template_text(t, child(argument, 0), err), *text = "";
    if (!between) return NULL;
    if (!list || list->kind != DOC_SEQUENCE) {
        (void)doc_error(at, err, "Fn::Join needs a text and a list");
        return NULL;
    }
    doc_for_each (item, list) {
        const char *part = template_text(t, item, err);
        if (!part) return NULL;
        text = arena_format(&t->arena, "%s%s%s", text, item->index ? between : "", part);
        if (strlen(text) > TEMPLATE_TEXT_MAX) {
            (void)doc_error(at, err, "the text becomes too long");
            return NULL;
        }
    }
    return text;
}

/* ${NAME}, ${RESOURCE.ATTRIBUTE}; ${!NAME} is ${NAME} itself. */
static const char *sub_value(struct template *t, const struct doc_node *at, const char *name,
                             const struct doc_node *own, struct error *err)
{
    const struct doc_node *given = own ? doc_get(own, name) : NULL;
    const char *dot = strchr(name, '.');
    if (given) return template_text(t, given, err);
    if (name[0] == '!') return arena_format(&t->arena, "${%s}", name + 1);
    if (!dot) return value_of_name(t, at, name, err);
    return value_of_attribute(t, at, arena_text_of(&t->arena, name, (size_t)(dot - name)), dot + 1,
                              err);
}

static const char *sub(struct template *t, const struct doc_node *at,
                       const struct doc_node *argument, struct error *err)
{
    const struct doc_node *own = child(argument, 1);
    const char *from = argument->kind == DOC_SEQUENCE ? template_text(t, child(argument, 0), err)
                                                      : plain_text(t, argument, argument, err);
    const char *text = "";
    if (!from) return NULL;
    for (const char *begin; (begin = strstr(from, "${"));) {
        const char *end = strchr(begin, '}');
        if (!end || strlen(text) > TEMPLATE_TEXT_MAX) {
            (void)doc_error(at, err, end ? "the text becomes too long" : "a '}' is missing");
            return NULL;
        }
        const char *name = arena_text_of(&t->arena, begin + 2, (size_t)(end - begin - 2));
        const char *value = sub_value(t, at, name, own, err);
        if (!value) return NULL;
        text = arena_format(&t->arena, "%s%.*s%s", text, (int)(begin - from), from, value);
        from = end + 1;
    }
    return arena_format(&t->arena, "%s%s", text, from);
}

static const char *apply(struct template *t, const struct doc_node *node, const char *function,
                         const struct doc_node *argument, struct error *err)
{
    if (text_equal(function, "Ref") && argument->kind == DOC_SCALAR)
        return value_of_name(t, node, argument->text, err);
    if (text_equal(function, "GetAtt")) return get_att(t, node, argument, err);
    if (text_equal(function, "FindInMap")) return find_in_map(t, node, argument, err);
    if (text_equal(function, "Join")) return join(t, node, argument, err);
    if (text_equal(function, "Sub")) return sub(t, node, argument, err);
    (void)doc_error(node, err,
                    "the function %.60s is not known: write Ref, Fn::GetAtt, Fn::FindInMap, "
                    "Fn::Sub, Fn::Join or the value",
                    function);
    return NULL;
}

const char *template_text(struct template *t, const struct doc_node *node, struct error *err)
{
    const struct doc_node *argument = NULL;
    if (!node) {
        error_set(err, ERR_INVALID, "a function of the template lacks an argument");
        return NULL;
    }
    const char *function = template_function(node, &argument), *text = NULL;
    if (!function && node->kind == DOC_SCALAR) return node->text;
    if (!function || t->depth >= TEMPLATE_DEPTH_MAX) {
        (void)doc_error(node, err,
                        function ? "functions within functions, too deep"
                                 : "must be a text or a function that makes one");
        return NULL;
    }
    t->depth++;
    text = apply(t, node, function, argument, err);
    t->depth--;
    return text;
}
