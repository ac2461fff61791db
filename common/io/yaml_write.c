#include "io/yaml_write.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

static int append(void *owner, unsigned char *text, size_t len)
{
    struct error ignored;
    return buf_append(owner, text, len, &ignored);
}

/* libyaml fails without memory, and when the output is cut. */
static void emit(yaml_emitter_t *emitter, yaml_event_t *event)
{
    (void)yaml_emitter_emit(emitter, event);
}

/* Letters first, nothing in it that any version of YAML gives a meaning, no word of YAML 1.1. */
static bool is_plain(const char *text)
{
    static const char *const words[] = { "y",     "n",  "yes", "no",   "true",
                                         "false", "on", "off", "null", NULL };
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./";
    bool letter = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z');
    if (!letter || text[strspn(text, safe)] != '\0') return false;
    for (size_t i = 0; words[i]; i++)
        if (strcasecmp(words[i], text) == 0) return false;
    return true;
}

static void emit_scalar(yaml_emitter_t *emitter, const char *text, bool quoted)
{
    yaml_event_t event;
    yaml_scalar_style_t style = quoted ? YAML_DOUBLE_QUOTED_SCALAR_STYLE : YAML_PLAIN_SCALAR_STYLE;
    (void)yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text,
                                       (int)strlen(text), 1, 1, style);
    emit(emitter, &event);
}

static void emit_value(yaml_emitter_t *emitter, const json_t *value);

static void emit_object(yaml_emitter_t *emitter, const json_t *object)
{
    yaml_event_t event;
    (void)yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE);
    emit(emitter, &event);
    json_t *all = (json_t *)object; /* jansson's iterators take no constant */
    for (void *at = json_object_iter(all); at; at = json_object_iter_next(all, at)) {
        const char *key = json_object_iter_key(at);
        emit_scalar(emitter, key, !is_plain(key));
        emit_value(emitter, json_object_iter_value(at));
    }
    (void)yaml_mapping_end_event_initialize(&event);
    emit(emitter, &event);
}

static void emit_array(yaml_emitter_t *emitter, const json_t *array)
{
    yaml_event_t event;
    (void)yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE);
    emit(emitter, &event);
    for (size_t i = 0; i < json_array_size(array); i++)
        emit_value(emitter, json_array_get(array, i));
    (void)yaml_sequence_end_event_initialize(&event);
    emit(emitter, &event);
}

static void emit_value(yaml_emitter_t *emitter, const json_t *value)
{
    if (json_is_object(value)) {
        emit_object(emitter, value);
    } else if (json_is_array(value)) {
        emit_array(emitter, value);
    } else if (json_is_string(value)) {
        emit_scalar(emitter, json_string_value(value), !is_plain(json_string_value(value)));
    } else {
        char *text = json_dumps(value, JSON_ENCODE_ANY);
        assert(text);
        emit_scalar(emitter, text, false);
        free(text);
    }
}

void yaml_write(struct buf *out, const json_t *value, bool line)
{
    yaml_emitter_t emitter;
    yaml_event_t event;
    int ready = yaml_emitter_initialize(&emitter);
    assert(ready);
    yaml_emitter_set_output(&emitter, append, out);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, INT_MAX);
    (void)yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING);
    emit(&emitter, &event);
    (void)yaml_document_start_event_initialize(&event, NULL, NULL, NULL, !line);
    emit(&emitter, &event);
    emit_value(&emitter, value);
    (void)yaml_document_end_event_initialize(&event, 1);
    emit(&emitter, &event);
    (void)yaml_stream_end_event_initialize(&event);
    emit(&emitter, &event);
    yaml_emitter_delete(&emitter);
}
