/* The document reader: what people write, and where they went wrong. */
#include "io/doc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static struct doc *parse_limited(const char *text, const struct doc_limits *limits)
{
    struct error err = { 0 };
    struct doc *doc = NULL;
    if (!doc_parse("f.yml", bytes_of_text(text), limits, &doc, &err)) fail_msg("%s", err.text);
    return doc;
}

static struct doc *parse(const char *text)
{
    return parse_limited(text, NULL);
}

static void refuses_limited(const char *text, size_t len, const struct doc_limits *limits,
                            const char *expected)
{
    struct error err = { 0 };
    struct doc *doc = NULL;
    assert_false(doc_parse("f.yml", bytes_of(text, len), limits, &doc, &err));
    assert_null(doc);
    assert_int_equal(err.code, ERR_INVALID);
    if (!strstr(err.text, expected)) fail_msg("'%s' lacks '%s'", err.text, expected);
}

static void refuses(const char *text, const char *expected)
{
    refuses_limited(text, strlen(text), NULL, expected);
}

static void malformed_text_names_line_and_column(void **state)
{
    (void)state;
    refuses("a: [\n\t- b\n", "f.yml:");
    refuses("a:\n\t- b\n", "f.yml:2:1: found character that cannot start any token (a tab");
    refuses("a: b: c\n", "f.yml:1:5: mapping values are not allowed");
    refuses("a: 'b\n", "f.yml:");
    refuses("{\"a\": 1,, \"b\"}", "f.yml:1:");
    refuses("a: b\n c\nd", "f.yml:");
    refuses("\xff\xfe", "UTF-8");
    refuses("a: \"\\xg\"", "f.yml:1:");
    refuses("a: *nothing", "f.yml:1:4: this alias names no anchor");
    refuses("a: &x [*x]", "f.yml:1:8: this alias stands inside its own anchor");
    refuses("? [a]\n: b", "f.yml:1:3: a key must be a single text");
    refuses("a: \"b\\0c\"", "f.yml:1:4: a NUL character");
    refuses("<<: 3", "merges a mapping");
    refuses("<<: [3]", "merges a mapping");
}

static void every_limit_is_kept(void **state)
{
    (void)state;
    struct doc_limits l = { .bytes_max = 100, .nodes_max = 5, .depth_max = 3, .expanded_max = 4 };
    char big[102];
    memset(big, 'a', sizeof big);
    refuses_limited(big, 101, &l, "larger than 100 bytes");
    const char *many = "[1, 2, 3, 4, 5]";
    refuses_limited(many, strlen(many), &l, "too many values");
    const char *deep = "[[[[]]]]";
    refuses_limited(deep, strlen(deep), &l, "nested too deeply");
    l.nodes_max = 100;
    l.depth_max = 9;
    const char *bomb = "a: &a [1, 1]\nb: &b [*a]\nc: [*b]";
    refuses_limited(bomb, strlen(bomb), &l, "aliases expand to too many values");
    doc_free(parse_limited("[1, 2, [3]]", &l));
}

static void a_billion_laughs_end_at_the_limit(void **state)
{
    (void)state;
    char text[4096] = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
    for (int i = 1; i < 20; i++) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof text - len,
                 "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1, i - 1,
                 i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    }
    refuses(text, "aliases expand to too many values");
}

static void an_alias_may_not_make_the_tree_deeper_than_allowed(void **state)
{
    (void)state;
    char text[4096] = "a0: &a0 [x]\n";
    for (int i = 1; i < 100; i++) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    }
    refuses(text, "nested too deeply");
}

static void an_empty_stream_is_one_null_document(void **state)
{
    (void)state;
    const char *const texts[] = { "", "# only a comment\n", "\xef\xbb\xbf", "---\n", "~" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct doc *doc = parse(texts[i]);
        assert_int_equal(doc_count(doc), 1);
        assert_true(doc_is_null(doc_root(doc, 0)));
        doc_free(doc);
    }
    doc_free(NULL);
}

static void no_bytes_need_no_address(void **state)
{
    (void)state;
    struct error err = { 0 };
    struct doc *doc = NULL;
    assert_true(doc_parse("f.yml", (struct bytes){ NULL, 0 }, NULL, &doc, &err));
    assert_true(doc_is_null(doc_root(doc, 0)));
    doc_free(doc);
}

static void a_stream_may_hold_several_documents(void **state)
{
    (void)state;
    struct doc *doc = parse("a: 1\n---\n{\"b\": 2}\n--- c\n...\n");
    assert_int_equal(doc_count(doc), 3);
    assert_string_equal(doc_get(doc_root(doc, 0), "a")->text, "1");
    assert_string_equal(doc_get(doc_root(doc, 1), "b")->text, "2");
    assert_string_equal(doc_root(doc, 2)->text, "c");
    doc_free(doc);
}

static void places_count_from_one_and_paths_are_readable(void **state)
{
    (void)state;
    struct doc *doc = parse(
        "\xef\xbb\xbfpipeline:\n  stages:\n    - name: a\n    - actions:\n      - runOrder: x\n");
    const struct doc_node *stages = doc_get(doc_get(doc_root(doc, 0), "pipeline"), "stages");
    const struct doc_node *order =
        doc_get(doc_get(stages->first->next, "actions")->first, "runOrder");
    struct error err = { 0 };
    uint64_t n = 7;
    assert_false(doc_unsigned(order, 1, 999, &n, &err));
    assert_string_equal(err.text, "f.yml:5:19: pipeline.stages[1].actions[0].runOrder: "
                                  "must be a whole number from 1 to 999, not x");
    assert_int_equal(n, 7);
    assert_int_equal(stages->key_line, 2);
    assert_int_equal(stages->key_column, 3);
    char path[8];
    doc_path(doc_root(doc, 0), path, sizeof path);
    assert_string_equal(path, "");
    doc_free(doc);
}

static void json_is_read_whole(void **state)
{
    (void)state;
    struct doc *doc = parse("{\t\"a\":\"x\\u00e9\\/\\\"\\\\\",\n\t\"b\":[1,2.5,-3,true,null,\"\"],"
                            "\"c\":\"\\ud83d\\ude00\\\\ud83d\",\"d\":{}}\n");
    const struct doc_node *root = doc_root(doc, 0);
    assert_string_equal(doc_get(root, "a")->text, "x\xc3\xa9/\"\\");
    assert_int_equal(doc_get(root, "b")->count, 6);
    assert_string_equal(doc_get(root, "c")->text, "\xf0\x9f\x98\x80\\ud83d");
    assert_int_equal(doc_get(root, "d")->kind, DOC_MAPPING);
    assert_null(doc_get(root, "e"));
    doc_free(doc);
    refuses("{\"a\":\"\\ud83d\"}", "f.yml:1:");
    refuses("{\"a\":\"\\ude00\\ud83d\"}", "f.yml:1:");
}

static void null_is_only_null_when_plain(void **state)
{
    (void)state;
    struct doc *doc = parse("a: ~\nb: null\nc:\nd: \"null\"\ne: ''\nf: |\n  null\ng: !!str null\n");
    const char *const null_keys[] = { "a", "b", "c" }, *const text_keys[] = { "d", "e", "f" };
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(doc_get(doc_root(doc, 0), null_keys[i])->kind, DOC_NULL);
        assert_int_equal(doc_get(doc_root(doc, 0), text_keys[i])->kind, DOC_SCALAR);
        assert_true(doc_get(doc_root(doc, 0), text_keys[i])->quoted);
    }
    assert_true(doc_get(doc_root(doc, 0), "g")->quoted);
    assert_int_equal(doc_get(doc_root(doc, 0), "g")->kind, DOC_SCALAR);
    assert_true(doc_is_null(NULL));
    doc_free(doc);
}

static void the_last_of_equal_keys_wins_and_all_are_listed(void **state)
{
    (void)state;
    struct doc *doc = parse("b: 1\na: 1\na: 2\nc: 1\na: 3\n");
    struct error err = { 0 };
    assert_int_equal(doc_root(doc, 0)->count, 3);
    assert_string_equal(doc_get(doc_root(doc, 0), "a")->text, "3");
    assert_int_equal(doc_duplicate_count(doc), 2);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(doc_duplicate(doc, i)->winner->key, "a");
        assert_int_equal(doc_duplicate(doc, i)->winner->line, 5);
        assert_int_equal(doc_duplicate(doc, i)->line, i ? 2 : 3);
    }
    assert_false(doc_no_duplicates(doc, &err));
    assert_non_null(strstr(err.text, "f.yml:5:4: a: the key \"a\" stands here and in line 3"));
    doc_free(doc);
    doc = parse("a: {x: 1}\nb: {x: 1}\n");
    assert_true(doc_no_duplicates(doc, &err));
    doc_free(doc);
}

static void aliases_are_copies_with_their_own_paths(void **state)
{
    (void)state;
    struct doc *doc = parse("a: &h [{location: x}]\nb: *h\n");
    const struct doc_node *b = doc_get(doc_root(doc, 0), "b");
    char path[32];
    doc_path(doc_get(b->first, "location"), path, sizeof path);
    assert_string_equal(path, "b[0].location");
    assert_string_equal(doc_get(b->first, "location")->text, "x");
    assert_int_equal(b->first->line, 1);
    doc_free(doc);
}

static void merges_add_only_what_is_absent(void **state)
{
    (void)state;
    struct doc *doc = parse("a: &a {x: 1, y: 1}\nc: &c {y: 2, z: 2}\nb:\n  <<: [*a, *c]\n  x: 0\n"
                            "d: {\"<<\": 1}\n");
    const struct doc_node *b = doc_get(doc_root(doc, 0), "b");
    assert_int_equal(b->count, 3);
    assert_string_equal(doc_get(b, "x")->text, "0");
    assert_string_equal(doc_get(b, "y")->text, "1");
    assert_string_equal(doc_get(b, "z")->text, "2");
    assert_string_equal(doc_get(doc_get(doc_root(doc, 0), "d"), "<<")->text, "1");
    doc_free(doc);
}

static void a_quoted_merge_key_is_a_key_and_may_come_twice(void **state)
{
    (void)state;
    struct doc *doc = parse("a: {<<: {x: 1}, \"<<\": 2}\nb: {<<: {x: 1}, <<: {y: 2}}\n");
    const struct doc_node *a = doc_get(doc_root(doc, 0), "a"), *b = doc_get(doc_root(doc, 0), "b");
    assert_string_equal(doc_get(a, "<<")->text, "2");
    assert_int_equal(a->count, 1);
    assert_string_equal(doc_get(b, "y")->text, "2");
    assert_int_equal(b->count, 1);
    assert_int_equal(doc_duplicate_count(doc), 2);
    assert_int_equal(doc_duplicate(doc, 0)->line, 1);
    doc_free(doc);
}

static void getters_refuse_wrong_shapes(void **state)
{
    (void)state;
    struct doc *doc = parse("t: x\nl: [1]\nm: {k: v}\nn:\nq: '5'\nbig: 99999999999999999999\n"
                            "e: \"\"\ny: \"yes\"\nneg: -1\n");
    const struct doc_node *root = doc_root(doc, 0), *node = NULL;
    struct error err = { 0 };
    const char *text = "kept";
    uint64_t n = 7;
    bool b = true;
    assert_false(doc_get_text(root, "absent", DOC_REQUIRED, &text, &err));
    assert_string_equal(err.text, "f.yml:1:1: the key \"absent\" is missing");
    assert_false(doc_get_text(root, "n", DOC_REQUIRED, &text, &err));
    assert_false(doc_get_text(root, "e", DOC_REQUIRED, &text, &err));
    assert_false(doc_get_text(root, "l", DOC_OPTIONAL, &text, &err));
    assert_false(doc_get_unsigned(root, "q", DOC_REQUIRED, 1, 9, &n, &err));
    assert_non_null(strstr(err.text, "not \"5\" in quotes"));
    assert_false(doc_get_unsigned(root, "big", DOC_REQUIRED, 0, UINT64_MAX, &n, &err));
    assert_false(doc_get_unsigned(root, "neg", DOC_REQUIRED, 0, 9, &n, &err));
    assert_false(doc_get_unsigned(root, "m", DOC_REQUIRED, 0, 9, &n, &err));
    assert_false(doc_get_bool(root, "y", DOC_REQUIRED, &b, &err));
    assert_non_null(strstr(err.text, "write true without quotes"));
    assert_false(doc_get_bool(root, "t", DOC_REQUIRED, &b, &err));
    assert_false(doc_get_list(root, "m", DOC_OPTIONAL, &node, &err));
    assert_false(doc_get_map(root, "l", DOC_OPTIONAL, &node, &err));
    assert_string_equal(err.text, "f.yml:2:4: l: must be a mapping, not a list");
    assert_string_equal(text, "kept");
    assert_int_equal(n, 7);
    assert_null(node);
    doc_free(doc);
}

static void getters_read_values_and_leave_absent_ones(void **state)
{
    (void)state;
    struct doc *doc =
        parse("t: x\nl: [1]\nm: {k: v}\nn:\nu: 999\nb: Off\nmax: 18446744073709551600\n");
    const struct doc_node *root = doc_root(doc, 0), *list = NULL, *map = NULL;
    struct error err = { 0 };
    const char *text = NULL, *kept = "kept";
    uint64_t n = 0;
    bool b = true;
    assert_true(doc_get_text(root, "t", DOC_REQUIRED, &text, &err));
    assert_string_equal(text, "x");
    assert_true(doc_get_text(root, "n", DOC_OPTIONAL, &kept, &err));
    assert_true(doc_get_text(root, "absent", DOC_OPTIONAL, &kept, &err));
    assert_string_equal(kept, "kept");
    assert_true(doc_get_unsigned(root, "u", DOC_REQUIRED, 1, 999, &n, &err));
    assert_int_equal(n, 999);
    assert_true(doc_get_unsigned(root, "max", DOC_REQUIRED, 0, UINT64_MAX, &n, &err));
    assert_true(n == UINT64_C(18446744073709551600));
    assert_true(doc_get_bool(root, "b", DOC_REQUIRED, &b, &err));
    assert_false(b);
    assert_true(doc_get_list(root, "l", DOC_REQUIRED, &list, &err));
    assert_true(doc_get_map(root, "m", DOC_REQUIRED, &map, &err));
    size_t count = 0;
    doc_for_each (item, list) count++;
    assert_int_equal(count, 1);
    assert_true(doc_is_plain(doc_get(map, "k"), "v"));
    doc_for_each (nothing, doc_get(root, "absent")) fail();
    doc_free(doc);
}

static void unknown_keys_are_named_with_the_nearest_known_one(void **state)
{
    (void)state;
    static const char *const known[] = { "runOrder", "name", NULL };
    struct doc *doc = parse("- {name: a, runorder: 1}\n- {name: a, zzz: 1, yyy: 2}\n- x\n- {}\n");
    const struct doc_node *list = doc_root(doc, 0);
    struct error err = { 0 };
    assert_false(doc_only(list->first, known, &err));
    assert_string_equal(err.text,
                        "f.yml:1:23: [0].runorder: unknown key: did you mean \"runOrder\"?");
    assert_false(doc_only(list->first->next, known, &err));
    assert_non_null(strstr(err.text, "[1].zzz: unknown key: known are runOrder, name"));
    const struct doc_node *unknown = doc_first_unknown(list->first->next, known);
    assert_string_equal(unknown->key, "zzz");
    unknown = doc_first_unknown_after(unknown, known);
    assert_string_equal(unknown->key, "yyy");
    assert_null(doc_first_unknown_after(unknown, known));
    assert_false(doc_only(list->first->next->next, known, &err));
    assert_true(doc_only(list->first->next->next->next, known, &err));
    doc_free(doc);
}

static void long_paths_keep_their_end(void **state)
{
    (void)state;
    char key[400], text[4000] = "";
    memset(key, 'k', sizeof key);
    key[300] = '\0';
    for (int i = 0; i < 5; i++) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "{%s: ", key);
    }
    strncat(text, "end}}}}}", sizeof text - strlen(text) - 1);
    struct doc *doc = parse(text);
    const struct doc_node *node = doc_root(doc, 0);
    while (node->first) node = node->first;
    char path[64];
    doc_path(node, path, sizeof path);
    assert_int_equal(strlen(path), 63);
    struct error err = { 0 };
    doc_error(node, &err, "wrong");
    assert_true(strlen(err.text) < sizeof err.text);
    doc_free(doc);
}

static void a_file_is_loaded_under_its_path(void **state)
{
    (void)state;
    char path[] = "/tmp/meridian-doc-XXXXXX";
    struct error err = { 0 };
    struct doc *doc = NULL;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a: [", 4), 4);
    assert_false(doc_load(path, NULL, &doc, &err));
    assert_true(strncmp(err.text, path, strlen(path)) == 0);
    assert_int_equal(write(fd, "1]\n", 3), 3);
    assert_true(doc_load(path, NULL, &doc, &err));
    assert_string_equal(doc_name(doc), path);
    doc_free(doc);
    doc = NULL;
    struct doc_limits small = { .bytes_max = 6, .nodes_max = 9, .depth_max = 9 };
    assert_false(doc_load(path, &small, &doc, &err));
    assert_int_equal(err.code, ERR_INVALID);
    close(fd);
    unlink(path);
    assert_false(doc_load(path, NULL, &doc, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_text_names_line_and_column),
        cmocka_unit_test(every_limit_is_kept),
        cmocka_unit_test(a_billion_laughs_end_at_the_limit),
        cmocka_unit_test(an_alias_may_not_make_the_tree_deeper_than_allowed),
        cmocka_unit_test(an_empty_stream_is_one_null_document),
        cmocka_unit_test(no_bytes_need_no_address),
        cmocka_unit_test(a_stream_may_hold_several_documents),
        cmocka_unit_test(places_count_from_one_and_paths_are_readable),
        cmocka_unit_test(json_is_read_whole),
        cmocka_unit_test(null_is_only_null_when_plain),
        cmocka_unit_test(the_last_of_equal_keys_wins_and_all_are_listed),
        cmocka_unit_test(aliases_are_copies_with_their_own_paths),
        cmocka_unit_test(merges_add_only_what_is_absent),
        cmocka_unit_test(a_quoted_merge_key_is_a_key_and_may_come_twice),
        cmocka_unit_test(getters_refuse_wrong_shapes),
        cmocka_unit_test(getters_read_values_and_leave_absent_ones),
        cmocka_unit_test(unknown_keys_are_named_with_the_nearest_known_one),
        cmocka_unit_test(long_paths_keep_their_end),
        cmocka_unit_test(a_file_is_loaded_under_its_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
