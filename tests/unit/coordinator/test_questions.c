/* What an answer from outside means for a rule. */
#include "fixture.h"
#include "io/http.h"
#include "shell/questions.h"

#include <string.h>

static void an_answer_is_judged_by_its_status_or_its_result(void **state)
{
    (void)state;
    static const struct {
        long status;
        const char *cause, *body; /* NULL: plain HTTP */
        enum answer_verdict verdict;
        const char *says;
    } rows[] = {
        { 0, "Connection refused", NULL, ANSWER_NONE, "Connection refused" },
        { 200, "the body is too long", NULL, ANSWER_GOOD, "the answer is 200" },
        { 500, "the body is too long", NULL, ANSWER_BAD, "the answer is 500" },
        { 200, "the body is too long", "{}", ANSWER_NONE, "the body is too long" },
        { 301, "", NULL, ANSWER_NONE, "the answer is 301" },
        { 404, "", NULL, ANSWER_BAD, "the answer is 404" },
        { 503, "", NULL, ANSWER_BAD, "the answer is 503" },
        { 200, "", NULL, ANSWER_GOOD, "the answer is 200" },
        { 204, "", NULL, ANSWER_GOOD, "the answer is 204" },
        { 502, "", "<html>", ANSWER_NONE, "no status success" },
        { 200, "", "{", ANSWER_NONE, "the answer" },
        { 200, "", "[]", ANSWER_NONE, "no status success" },
        { 200, "", "{\"status\": [1]}", ANSWER_NONE, "no status success" },
        { 400, "", "{\"status\": \"error\", \"error\": \"parse error\"}", ANSWER_NONE,
          "Prometheus: parse error" },
        { 200, "", "{\"status\": \"success\"}", ANSWER_NONE, "no vector" },
        { 200, "",
          "{\"status\": \"success\", \"data\": {\"resultType\": \"scalar\", \"result\": [1, "
          "\"1\"]}}",
          ANSWER_NONE, "no vector" },
        { 200, "",
          "{\"status\": \"success\", \"data\": {\"resultType\": \"vector\", \"result\": {}}}",
          ANSWER_NONE, "no vector" },
        { 200, "",
          "{\"status\": \"success\", \"data\": {\"resultType\": \"vector\", \"result\": []}}",
          ANSWER_GOOD, "no result" },
        { 200, "",
          "{\"status\": \"success\", \"data\": {\"resultType\": \"vector\", \"result\": "
          "[{\"metric\": {}, \"value\": [1.5, \"1\"]}]}}",
          ANSWER_BAD, "the query has a result: 1 sample" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[400];
        const char *body = rows[i].body ? rows[i].body : "";
        const struct http_answer answer = { .status = rows[i].status,
                                            .cause = rows[i].cause,
                                            .body = bytes_of_text(body) };
        enum answer_verdict verdict =
            question_judge(&answer, rows[i].body != NULL, text, sizeof text);
        if (verdict != rows[i].verdict || !strstr(text, rows[i].says))
            fail_msg("row %zu: %d %s", i, (int)verdict, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_judged_by_its_status_or_its_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
