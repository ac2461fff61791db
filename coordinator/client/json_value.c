#include "client/json_value.h"

#include "io/yaml_write.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

json_t *json_text_value(const char *text, size_t len)
{
    json_t *value = json_stringn(text, len);
    if (value) return value;
    /* Each byte outside ASCII becomes the replacement character. */
    AUTO(auto_free) char *copy = xcalloc(len * 3 + 1, 1);
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < 0x80) {
            copy[used++] = text[i];
        } else {
            copy[used++] = '\xef';
            copy[used++] = '\xbf';
            copy[used++] = '\xbd';
        }
    }
    return json_stringn(copy, used);
}

void json_put(json_t *object, const char *name, json_t *value)
{
    (void)json_object_set_new(object, name, value);
}

void json_put_text(json_t *object, const char *name, const char *text)
{
    if (text[0]) json_put(object, name, json_text_value(text, strlen(text)));
}

void json_put_number(json_t *object, const char *name, uint64_t number)
{
    json_put(object, name, json_integer((json_int_t)number));
}

void json_put_time(json_t *object, const char *name, uint64_t wall_ms)
{
    char text[PRINT_TIME_SIZE];
    print_rfc3339(wall_ms, text);
    json_put_text(object, name, text);
}

void json_put_variables(json_t *object, const char *name, const struct variable *list, size_t count)
{
    json_t *all = count ? json_object() : NULL;
    for (size_t i = 0; i < count; i++)
        json_put(all, list[i].name, json_text_value(list[i].value, strlen(list[i].value)));
    if (all) json_put(object, name, all);
}

void json_put_error(json_t *object, const char *name, const char *code, const char *message)
{
    if (!code[0] && !message[0]) return;
    json_t *error = json_object();
    json_put_text(error, "code", code);
    json_put_text(error, "message", message);
    json_put(object, name, error);
}

void json_write(struct print *out, json_t *value, bool line)
{
    if (out->mode.yaml) {
        yaml_write(&out->text, value, line);
        json_decref(value);
        return;
    }
    size_t flags = line ? JSON_COMPACT : JSON_INDENT(2);
    char *text = json_dumps(value, flags);
    assert(text);
    print_raw(out, text);
    print_raw(out, "\n");
    free(text);
    json_decref(value);
}
