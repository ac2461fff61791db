#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct item {
    int number;
    struct list link;
};

static void assert_order(const struct list *head, const int *want, size_t count)
{
    size_t i = 0;
    list_for_each (link, head) {
        assert_true(i < count);
        assert_int_equal(list_entry(link, struct item, link)->number, want[i++]);
    }
    assert_int_equal(i, count);
    assert_int_equal(list_count(head), count);
}

static void empty_list_has_no_ends(void **state)
{
    (void)state;
    struct list head;
    list_init(&head);
    assert_true(list_empty(&head));
    assert_null(list_first(&head));
    assert_null(list_last(&head));
    assert_null(list_take_first(&head));
    assert_int_equal(list_count(&head), 0);
}

static void append_and_prepend_keep_the_order(void **state)
{
    (void)state;
    struct list head;
    struct item items[3] = { { .number = 1 }, { .number = 2 }, { .number = 3 } };
    list_init(&head);
    list_append(&head, &items[1].link);
    list_append(&head, &items[2].link);
    list_prepend(&head, &items[0].link);
    assert_order(&head, (const int[]){ 1, 2, 3 }, 3);
    assert_ptr_equal(list_first(&head), &items[0].link);
    assert_ptr_equal(list_last(&head), &items[2].link);
}

static void removing_twice_is_harmless(void **state)
{
    (void)state;
    struct list head;
    struct item items[3] = { { .number = 1 }, { .number = 2 }, { .number = 3 } };
    list_init(&head);
    for (size_t i = 0; i < 3; i++) list_append(&head, &items[i].link);
    list_remove(&items[1].link);
    list_remove(&items[1].link);
    assert_order(&head, (const int[]){ 1, 3 }, 2);
    assert_ptr_equal(list_take_first(&head), &items[0].link);
    assert_ptr_equal(list_take_first(&head), &items[2].link);
    assert_true(list_empty(&head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_list_has_no_ends),
        cmocka_unit_test(append_and_prepend_keep_the_order),
        cmocka_unit_test(removing_twice_is_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
