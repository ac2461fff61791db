#include "shell/replay_command.h"

#include "core/journal.h"
#include "shell/turn_log.h"
#include "wire/wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    RECORD_TEXT_MAX = 8 << 20,
    ROUNDS_MAX = 1000 /* looks at a state that changes between any two */
};

/* ---- what is wanted ---- */

struct point {
    const struct replay *replay; /* so far */
    uint64_t seq, time_ms;       /* the last that is wanted */
};

static bool number_of(const char *text, uint64_t *out)
{
    char *end;
    if (text[0] < '0' || text[0] > '9') return false;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return !*end && !errno;
}

/* A whole second is meant to its end, because that is how times are shown. */
static bool time_of(const char *text, uint64_t *out)
{
    struct tm when = { 0 };
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &when);
    uint64_t ms = 999;
    if (rest && rest[0] == '.') {
        size_t digits = strspn(rest + 1, "0123456789");
        if (digits != 3) return false;
        ms = strtoull(rest + 1, NULL, 10);
        rest += 1 + digits;
    }
    time_t seconds = timegm(&when);
    if (!rest || !text_equal(rest, "Z") || seconds < 0) return false;
    *out = (uint64_t)seconds * 1000 + ms;
    return true;
}

NODISCARD static bool point_of(const struct replay_wish *wish, struct point *out, struct error *err)
{
    out->seq = out->time_ms = UINT64_MAX;
    if (wish->until && wish->at)
        return error_set(err, ERR_INVALID, "--until and --at together: give one of them");
    if (wish->until && (!number_of(wish->until, &out->seq) || out->seq == 0))
        return error_set(err, ERR_INVALID, "--until '%.80s': give the number of a turn, from 1",
                         wish->until);
    if (wish->at && !time_of(wish->at, &out->time_ms))
        return error_set(err, ERR_INVALID,
                         "--at '%.80s': give a time as 2026-11-24T18:00:00Z, always UTC", wish->at);
    return true;
}

/* A turn is seen as a whole or not at all, as the store had it. */
static bool point_wants(void *owner, const struct turn_record *turn)
{
    const struct point *point = owner;
    return point->replay->more || (turn->seq <= point->seq && turn->time_ms <= point->time_ms);
}

static bool first_key(void *owner, const char *key, struct bytes value)
{
    char *out = owner;
    (void)value;
    snprintf(out, RECORD_KEY_SIZE, "%s", key);
    return false;
}

/* "turn/EXECUTION/SEQ" */
static bool execution_of_turn(const char *key, struct id *out)
{
    char text[ID_SIZE] = "";
    const char *from = strchr(key, '/'), *end = from ? strchr(from + 1, '/') : NULL;
    size_t len = end ? (size_t)(end - from) - 1 : 0;
    if (!end || len >= sizeof text) return false;
    memcpy(text, from + 1, len);
    return id_parse(text, out);
}

NODISCARD static bool find_log(struct store *store, const char *text, struct id *out,
                               struct error *err)
{
    char prefix[RECORD_KEY_SIZE], first[RECORD_KEY_SIZE] = "", last[RECORD_KEY_SIZE] = "";
    struct id other;
    snprintf(prefix, sizeof prefix, "turn/%.*s", (int)ID_SIZE, text);
    struct store_page page = { .prefix = prefix, .limit = 1 };
    if (!store_each_page(store, &page, first_key, first, err)) return false;
    page.backward = true;
    if (!store_each_page(store, &page, first_key, last, err)) return false;
    if (!id_parse(text, out) || !first[0] || !execution_of_turn(first, out) ||
        !execution_of_turn(last, &other))
        return error_set(
            err, ERR_NOT_FOUND,
            "no log of execution '%.80s' is kept: it must be an id or the beginning of "
            "one, and of a pipeline's ended executions the newest %d keep theirs",
            text, (int)TURN_LOGS_MAX);
    if (!id_equal(out, &other))
        return error_set(err, ERR_INVALID, "several executions begin with '%.80s'", text);
    return true;
}

/* ---- comparing ---- */

/* "status: SUCCEEDED" of the line where the texts part. */
static void line_of(const char *text, size_t at, char *out, size_t size)
{
    while (at > 0 && text[at - 1] != '\n') at--;
    at += strspn(text + at, " ");
    snprintf(out, size, "%.*s", (int)strcspn(text + at, "\n"), text + at);
}

NODISCARD static bool text_of(const char *key, struct bytes value, struct buf *out,
                              struct error *err)
{
    return wire_record_dump(key, value, out, err) && buf_append(out, "", 1, err);
}

static bool differs(const char *key, struct bytes log, struct bytes state, struct error *err)
{
    char left[120] = "", right[120] = "";
    AUTO(buf_deinit) struct buf a;
    AUTO(buf_deinit) struct buf b;
    buf_init(&a, RECORD_TEXT_MAX);
    buf_init(&b, RECORD_TEXT_MAX);
    if (text_of(key, log, &a, err) && text_of(key, state, &b, err)) {
        const char *x = (const char *)a.data, *y = (const char *)b.data;
        size_t at = 0;
        while (x[at] && x[at] == y[at]) at++;
        line_of(x, at, left, sizeof left);
        line_of(y, at, right, sizeof right);
        return error_set(err, ERR_CORRUPT, "'%s': the log comes to '%s', the state has '%s'", key,
                         left, right);
    }
    return error_set(err, ERR_CORRUPT, "'%s': the state has something that cannot be read", key);
}

struct comparison {
    const struct replay *replay;
    size_t count;
    struct error *err;
    bool failed;
};

static bool compare_one(void *owner, const char *key, struct bytes value)
{
    struct comparison *c = owner;
    const struct replay_record *made = replay_find(c->replay, key);
    c->count++;
    if (!made)
        c->failed = !error_set(c->err, ERR_CORRUPT, "'%s': the log does not know it", key);
    else if (!bytes_equal(buf_bytes(&made->value), value))
        c->failed = !differs(key, buf_bytes(&made->value), value, c->err);
    return !c->failed;
}

NODISCARD static bool compare(struct store *store, const struct replay *replay, struct error *err)
{
    struct comparison c = { .replay = replay, .err = err };
    char jobs[RECORD_KEY_SIZE];
    snprintf(jobs, sizeof jobs, "job/%s/", replay->execution.text);
    for (size_t i = 0; i < replay->count && !c.failed; i++)
        if (!text_starts(replay->at[i].key, "job/") &&
            !store_each(store, replay->at[i].key, compare_one, &c, err))
            return false;
    if (!c.failed && !store_each(store, jobs, compare_one, &c, err)) return false;
    if (c.failed || c.count == replay->count) return !c.failed;
    return error_set(err, ERR_CORRUPT, "the log comes to %zu records, the state has %zu of them",
                     replay->count, c.count);
}

/* The log and the records are read one after the other: as long as there are new turns, these are
 * the difference. */
NODISCARD static bool read_and_compare(struct store *store, struct replay *replay,
                                       struct error *err)
{
    struct point end = { .replay = replay, .seq = UINT64_MAX, .time_ms = UINT64_MAX };
    for (int i = 0; i < ROUNDS_MAX; i++) {
        uint64_t before = replay->seq;
        struct error found = { 0 };
        if (!turn_log_read(store, replay, point_wants, &end, err)) return false;
        if (i > 0 && replay->seq == before) return false;
        if (compare(store, replay, &found)) return true;
        *err = found;
    }
    return error_set(err, ERR_RETRY, "the execution changes all the time: try again");
}

/* ---- telling ---- */

NODISCARD static bool print_records(const struct replay *replay, struct error *err)
{
    AUTO(buf_deinit) struct buf text;
    buf_init(&text, RECORD_TEXT_MAX);
    for (size_t i = 0; i < replay->count; i++) {
        buf_clear(&text);
        if (!wire_record_dump(replay->at[i].key, buf_bytes(&replay->at[i].value), &text, err))
            return false;
        if (fwrite(text.data, 1, text.len, stdout) != text.len)
            return error_set(err, ERR_FATAL, "standard output: %s", strerror(errno));
    }
    return true;
}

NODISCARD static bool print_point(struct store *store, const struct id *execution,
                                  struct point *point, struct error *err)
{
    char when[JOURNAL_TIME_SIZE];
    struct replay *then = replay_new(execution);
    point->replay = then;
    bool ok = turn_log_read(store, then, point_wants, point, err);
    if (ok && then->seq == 0)
        ok = error_set(err, ERR_NOT_FOUND, "execution %s had not begun then", execution->text);
    if (ok) {
        printf("after turn %llu, %s\n", (unsigned long long)then->seq,
               journal_time(then->time_ms, when));
        ok = print_records(then, err);
    }
    replay_free(then);
    return ok;
}

bool replay_command(const char *state, const struct replay_wish *wish, struct error *err)
{
    AUTO(auto_store_close) struct store *store = NULL;
    struct point point = { 0 };
    struct id execution;
    char when[JOURNAL_TIME_SIZE];
    if (!point_of(wish, &point, err) || !store_open_read(&store, state, err) ||
        !find_log(store, wish->execution, &execution, err))
        return false;
    if ((wish->until || wish->at) && !print_point(store, &execution, &point, err)) return false;
    struct replay *replay = replay_new(&execution);
    bool ok = read_and_compare(store, replay, err);
    if (ok)
        printf("execution %s: %llu turns, the last at %s, make %zu records: "
               "they are those of the state, bit for bit\n",
               execution.text, (unsigned long long)replay->seq, journal_time(replay->time_ms, when),
               replay->count);
    else
        error_wrap(err, "execution %s, after turn %llu", execution.text,
                   (unsigned long long)replay->seq);
    replay_free(replay);
    return ok;
}
