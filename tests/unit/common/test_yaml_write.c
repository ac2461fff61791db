/* -o yaml: what another reader of YAML takes for the same values. */
#include "io/yaml_write.h"

#include "io/doc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { ROOM = 1 << 16 };

static void texts_stay_texts_whatever_they_look_like(void **state)
{
    static const char *const texts[] = { "",
                                         "true",
                                         "No",
                                         "null",
                                         "~",
                                         "12",
                                         "1.5e3",
                                         "0x1f",
                                         "y",
                                         "- a",
                                         "a: b",
                                         "#x",
                                         "two\nrows",
                                         " a ",
                                         "*x",
                                         "&x",
                                         "!x",
                                         "2026-11-23",
                                         "gr\xc3\xbc\xc3\x9f",
                                         "\"",
                                         "'",
                                         "\\",
                                         "%x",
                                         "@x" };
    (void)state;
    json_t *all = json_array();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        json_array_append_new(all, json_string(texts[i]));
    struct buf out AUTO(buf_deinit);
    buf_init(&out, ROOM);
    yaml_write(&out, all, false);
    json_decref(all);
    AUTO(doc_free_at) struct doc *doc = NULL;
    struct error err = { 0 };
    if (!doc_parse("y", buf_bytes(&out), NULL, &doc, &err)) fail_msg("%s", err.text);
    size_t i = 0;
    doc_for_each (item, doc_root(doc, 0)) {
        assert_int_equal(item->kind, DOC_SCALAR);
        assert_true(item->quoted);
        assert_string_equal(item->text, texts[i++]);
    }
    assert_int_equal(i, sizeof texts / sizeof *texts);
}

static void numbers_names_and_nesting_are_written_plainly(void **state)
{
    static const char *const wanted = "---\n"
                                      "name: web-1\n"
                                      "count: 3\n"
                                      "done: true\n"
                                      "none: null\n"
                                      "list:\n"
                                      "- a.b/c_d\n"
                                      "- inner: InProgress\n"
                                      "empty: []\n"
                                      "nothing: {}\n";
    (void)state;
    json_t *all =
        json_pack("{s:s, s:i, s:b, s:n, s:[s, {s:s}], s:[], s:{}}", "name", "web-1", "count", 3,
                  "done", 1, "none", "list", "a.b/c_d", "inner", "InProgress", "empty", "nothing");
    struct buf out AUTO(buf_deinit);
    buf_init(&out, ROOM);
    yaml_write(&out, all, true);
    assert_true(bytes_equal(buf_bytes(&out), bytes_of_text(wanted)));
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_stay_texts_whatever_they_look_like),
        cmocka_unit_test(numbers_names_and_nesting_are_written_plainly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
