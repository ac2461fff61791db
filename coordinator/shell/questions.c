#include "shell/questions.h"

#include "io/clock.h"
#include "io/doc.h"
#include "io/http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_SIZE = 400 };

struct question {
    struct questions *all;
    struct id rule; /* "" a free place */
    bool listed, busy, query, answered;
    uint64_t due_boot_ms;
    enum answer_verdict verdict;
    char text[TEXT_SIZE];
};

struct questions {
    struct http *http;
    struct question at[VIEW_QUESTIONS_MAX];
};

bool questions_open(struct loop *loop, struct questions **out, struct error *err)
{
    struct questions *q = xcalloc(1, sizeof *q);
    if (!http_open(loop, &q->http, err)) {
        free(q);
        return false;
    }
    *out = q;
    return true;
}

void questions_close(struct questions *questions)
{
    if (!questions) return;
    http_close(questions->http);
    free(questions);
}

/* ---- what an answer says ---- */

/* The result of a query: a vector or matrix is a list of samples; a scalar is [time, "value"]. */
static enum answer_verdict judge_result(const struct doc_node *data, char *text, size_t size)
{
    const struct doc_node *type = data ? doc_get(data, "resultType") : NULL;
    const struct doc_node *result = data ? doc_get(data, "result") : NULL;
    bool list = type && type->kind == DOC_SCALAR &&
                (text_equal(type->text, "vector") || text_equal(type->text, "matrix"));
    if (!list || !result || result->kind != DOC_SEQUENCE) {
        snprintf(text, size, "the query's result is no vector: write a comparison (expr > 0)");
        return ANSWER_NONE;
    }
    snprintf(text, size, result->count ? "the query has a result: %zu sample%s" : "no result",
             result->count, result->count == 1 ? "" : "s");
    return result->count ? ANSWER_BAD : ANSWER_GOOD;
}

static enum answer_verdict judge_query(struct bytes body, char *text, size_t size)
{
    static const struct doc_limits limits = { QUESTION_ANSWER_MAX, 20000, 32, 0 };
    struct error err;
    AUTO(doc_free_at) struct doc *doc = NULL;
    if (!doc_parse("the answer", body, &limits, &doc, &err)) {
        snprintf(text, size, "%.300s", err.text);
        return ANSWER_NONE;
    }
    const struct doc_node *root = doc_root(doc, 0);
    const struct doc_node *status = root ? doc_get(root, "status") : NULL;
    if (status && status->kind == DOC_SCALAR && text_equal(status->text, "success"))
        return judge_result(doc_get(root, "data"), text, size);
    const struct doc_node *error = root ? doc_get(root, "error") : NULL;
    snprintf(text, size, "Prometheus: %.300s",
             error && error->kind == DOC_SCALAR ? error->text : "the answer has no status success");
    return ANSWER_NONE;
}

enum answer_verdict question_judge(const struct http_answer *answer, bool query, char *text,
                                   size_t size)
{
    if (answer->status == 0 || (query && answer->cause[0])) {
        snprintf(text, size, "%.300s", answer->cause);
        return ANSWER_NONE;
    }
    if (query) return judge_query(answer->body, text, size);
    snprintf(text, size, "the answer is %ld", answer->status);
    if (answer->status >= 300 && answer->status < 400) return ANSWER_NONE;
    return answer->status >= 200 && answer->status < 300 ? ANSWER_GOOD : ANSWER_BAD;
}

/* ---- asking ---- */

static void came(void *owner, const struct http_answer *answer)
{
    struct question *q = owner;
    q->busy = false;
    q->answered = true;
    q->verdict = question_judge(answer, q->query, q->text, sizeof q->text);
}

/* "http://HOST:9090" and an expression become a request of the query API. */
static const char *url_of(const struct rule_question *question, struct arena *arena)
{
    if (!question->query[0]) return question->url;
    char *escaped = curl_easy_escape(NULL, question->query, 0);
    size_t len = strlen(question->url);
    while (len > 0 && question->url[len - 1] == '/') len--;
    const char *url = arena_format(arena, "%.*s/api/v1/query?query=%s", (int)len, question->url,
                                   escaped ? escaped : "");
    curl_free(escaped);
    return url;
}

static void ask(struct question *q, const struct rule_question *question, struct arena *arena)
{
    struct error err;
    q->due_boot_ms = clock_boot_ms() + RULE_ASK_MS;
    q->query = question->query[0];
    const struct http_request request = { .method = "GET",
                                          .url = url_of(question, arena),
                                          .body_max = QUESTION_ANSWER_MAX,
                                          .plain = true,
                                          .timeout_ms = QUESTION_TIMEOUT_MS,
                                          .fn = came,
                                          .owner = q };
    q->busy = http_start(q->all->http, &request, &err);
    if (q->busy) return;
    q->answered = true;
    q->verdict = ANSWER_NONE;
    snprintf(q->text, sizeof q->text, "%.300s", err.text);
}

/* The place of that rule, or a free one; NULL when all are taken. */
static struct question *place_of(struct questions *questions, const struct id *rule)
{
    struct question *free_place = NULL;
    for (size_t i = 0; i < VIEW_QUESTIONS_MAX; i++) {
        struct question *q = &questions->at[i];
        if (id_equal(&q->rule, rule)) return q;
        if (id_empty(&q->rule) && !q->busy && !free_place) free_place = q;
    }
    if (free_place) *free_place = (struct question){ .all = questions, .rule = *rule };
    return free_place;
}

void questions_ask(struct questions *questions, const struct rule_question *list, size_t count,
                   struct arena *arena)
{
    http_run(questions->http);
    for (size_t i = 0; i < VIEW_QUESTIONS_MAX; i++) questions->at[i].listed = false;
    for (size_t i = 0; i < count; i++) {
        struct question *q = place_of(questions, &list[i].rule);
        if (!q) continue;
        q->listed = true;
        if (!q->busy && clock_boot_ms() >= q->due_boot_ms) ask(q, &list[i], arena);
    }
    for (size_t i = 0; i < VIEW_QUESTIONS_MAX; i++)
        if (!questions->at[i].listed) questions->at[i].rule = (struct id){ "" };
}

bool questions_next(struct questions *questions, struct coordinator_event *event)
{
    for (size_t i = 0; i < VIEW_QUESTIONS_MAX; i++) {
        struct question *q = &questions->at[i];
        if (!q->answered || id_empty(&q->rule)) continue;
        q->answered = false;
        *event = (struct coordinator_event){ .type = COORDINATOR_ANSWER };
        event->answer.rule = q->rule;
        event->answer.verdict = q->verdict;
        event->answer.text = q->text;
        return true;
    }
    return false;
}

uint64_t questions_deadline(const struct questions *questions)
{
    uint64_t due = http_deadline(questions->http);
    for (size_t i = 0; i < VIEW_QUESTIONS_MAX; i++) {
        const struct question *q = &questions->at[i];
        if (!id_empty(&q->rule) && !q->busy && q->due_boot_ms < due) due = q->due_boot_ms;
    }
    return due;
}
