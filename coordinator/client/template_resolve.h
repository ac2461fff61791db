/* template_resolve.h - the functions of a CloudFormation template, see template.h. */
#pragma once
#include "client/template.h"

enum { TEMPLATE_ARENA_MAX = 64 << 20, TEMPLATE_DEPTH_MAX = 50, TEMPLATE_TEXT_MAX = 16 << 10 };

struct template
{
    const struct doc_node *root;
    const struct template_wishes *wishes;
    struct arena arena;
    unsigned depth; /* of texts that are found through others */
};

/* "Ref", "GetAtt" ... and its argument, written !Ref X or {"Ref": X}; NULL when it is none. */
const char *template_function(const struct doc_node *node, const struct doc_node **argument);
/* The text of a scalar or of a function; NULL after an error at its place. */
const char *template_text(struct template *t, const struct doc_node *node, struct error *err);
