/* sigv4_driver.c - signs and verifies what the script `sigv4` asks, one JSON object a line.
 *
 *     {"do": "sign" | "presign" | "verify", "method", "path", "query": [[name, value]...] or, for
 *      verify, "queryText", "headers": [[name, value]...], "payload", "region", "service",
 *      "access", "secret", "token" or null, "now", "expires"}
 *
 * answers {"headers": {...}}, {"query": "..."} or {"ok": bool}, and {"error": "..."} beside it.
 */
#include "io/sigv4.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA = 16 << 20 };

static const char *text_of(const json_t *asked, const char *key)
{
    const char *text = json_string_value(json_object_get(asked, key));
    return text ? text : "";
}

static const struct sigv4_pair *pairs_of(const json_t *asked, const char *key, struct arena *arena,
                                         size_t *count)
{
    const json_t *list = json_object_get(asked, key);
    *count = json_array_size(list);
    struct sigv4_pair *out = arena_calloc(arena, *count + 1, sizeof *out);
    for (size_t i = 0; i < *count; i++) {
        const json_t *pair = json_array_get(list, i);
        out[i].name = json_string_value(json_array_get(pair, 0));
        out[i].value = json_string_value(json_array_get(pair, 1));
    }
    return out;
}

static bool find(void *owner, const char *access_key, char secret[SIGV4_SECRET_MAX])
{
    const json_t *asked = owner;
    return text_equal(access_key, text_of(asked, "access")) &&
           text_copy(secret, SIGV4_SECRET_MAX, text_of(asked, "secret"));
}

static bool answer(json_t *asked, struct arena *arena, json_t *out, struct error *err)
{
    const char *token = json_string_value(json_object_get(asked, "token")), *query, *who;
    const struct sigv4_credentials credentials = { text_of(asked, "access"),
                                                   text_of(asked, "secret"), token };
    const struct sigv4_scope scope = { text_of(asked, "region"), text_of(asked, "service") };
    struct sigv4_request request = { .method = text_of(asked, "method"),
                                     .path = text_of(asked, "path"),
                                     .payload = text_of(asked, "payload") };
    uint64_t now = (uint64_t)json_integer_value(json_object_get(asked, "now"));
    uint32_t expires = (uint32_t)json_integer_value(json_object_get(asked, "expires"));
    request.headers = pairs_of(asked, "headers", arena, &request.header_count);
    request.query = pairs_of(asked, "query", arena, &request.query_count);
    if (text_equal(text_of(asked, "do"), "verify")) {
        const struct sigv4_check check = { scope, now, find, asked };
        bool ok = sigv4_parse_query(text_of(asked, "queryText"), arena, &request.query,
                                    &request.query_count, err) &&
                  sigv4_verify(&check, &request, arena, &who, err);
        json_object_set_new(out, "ok", json_boolean(ok));
        return ok;
    }
    if (text_equal(text_of(asked, "do"), "presign"))
        return sigv4_presign(&credentials, &scope, &request, now, expires, arena, &query, err) &&
               json_object_set_new(out, "query", json_string(query)) == 0;
    const struct sigv4_pair *added = NULL;
    size_t count = 0;
    if (!sigv4_sign(&credentials, &scope, &request, now, arena, &added, &count, err)) return false;
    json_t *headers = json_object();
    for (size_t i = 0; i < count; i++)
        json_object_set_new(headers, added[i].name, json_string(added[i].value));
    return json_object_set_new(out, "headers", headers) == 0;
}

int main(void)
{
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        struct arena arena;
        struct error err = { 0 };
        json_t *asked = json_loads(line, 0, NULL), *out = json_object();
        arena_init(&arena, ARENA);
        if (!asked) return EXIT_FAILURE;
        if (!answer(asked, &arena, out, &err))
            json_object_set_new(out, "error", json_string(err.text));
        json_dumpf(out, stdout, JSON_COMPACT);
        puts("");
        fflush(stdout);
        json_decref(out);
        json_decref(asked);
        arena_deinit(&arena);
    }
    free(line);
    return EXIT_SUCCESS;
}
