/* A file with several documents. */
#include "client/documents.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { MOST = 4 };

static void expect(const char *text, const char *const *parts)
{
    struct documents documents = documents_of(bytes_of_text(text));
    struct buf out AUTO(buf_deinit);
    size_t count = 0;
    buf_init(&out, strlen(text) + 1);
    for (; documents_next(&documents, &out); count++) {
        assert_non_null(parts[count]);
        assert_int_equal(out.len, strlen(parts[count]));
        assert_memory_equal(out.data ? out.data : (const void *)"", parts[count], out.len);
    }
    assert_null(parts[count]);
    assert_int_equal(documents_count(bytes_of_text(text)), count);
}

static void a_file_without_any_document_is_one(void **state)
{
    (void)state;
    expect("", (const char *[MOST]){ "" });
    expect("# nothing\n---\n", (const char *[MOST]){ "# nothing\n---\n" });
}

static void marks_within_a_line_or_longer_than_marks_divide_nothing(void **state)
{
    (void)state;
    expect("a: x --- y\n----\n ---\n", (const char *[MOST]){ "a: x --- y\n----\n ---\n" });
    expect("{\"a\":\n \"---\"}", (const char *[MOST]){ "{\"a\":\n \"---\"}" });
}

static void documents_keep_the_lines_they_stand_on(void **state)
{
    (void)state;
    expect("a: 1\n---\nb: 2\n--- {c: 3}",
           (const char *[MOST]){ "a: 1\n", "\n---\nb: 2\n", "\n\n\n--- {c: 3}" });
}

static void what_holds_comments_and_directives_alone_belongs_to_the_next_or_is_none(void **state)
{
    (void)state;
    expect("# two\n%YAML 1.1\n---\r\na: 1\r\n---\n# end\n",
           (const char *[MOST]){ "# two\n%YAML 1.1\n---\r\na: 1\r\n" });
    expect("---\n---\na: 1\n---\n\n---\nb: 2\n---",
           (const char *[MOST]){ "---\n---\na: 1\n", "\n\n\n---\n\n---\nb: 2\n" });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_without_any_document_is_one),
        cmocka_unit_test(marks_within_a_line_or_longer_than_marks_divide_nothing),
        cmocka_unit_test(documents_keep_the_lines_they_stand_on),
        cmocka_unit_test(what_holds_comments_and_directives_alone_belongs_to_the_next_or_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
