/* swarm - a real coordinator under the load of many workers and one client.
 *
 *     bench_swarm prepare DIR N
 *     bench_swarm round-trip DIR N WORKERS CLIENTS RUNS PIPELINE.json
 *     bench_swarm rate DIR N WORKERS CLIENTS SECONDS PIPELINE.json...
 *
 * WORKERS and CLIENTS are the endpoints of the running coordinator. Every PIPELINE is applied,
 * which starts its first execution; measured are the executions after it. round-trip: one RUN after
 * another; from sending it to reading the execution's end from the EVENTS long poll that waits all
 * the time, and the parts of that. rate:       every pipeline always has one execution running;
 * jobs of the executions that ended, per second.
 */
#include "swarm.h"

#include "io/fs.h"
#include "io/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIPELINES_MAX = 8,
    RUNS_MAX = 10000,
    POLL_WAIT_MS = 10000,
    ARENA_MAX = 16 << 20,
    DEADLINE_S = 120
};

struct load {
    char name[WIRE_NAME_MAX + 1];
    uint64_t ended; /* executions */
};

struct bench {
    struct swarm swarm;
    struct arena arena;
    struct prng random;
    uint64_t token, seen; /* of the last request; newest event that was read */
    bool answered;
    struct load loads[PIPELINES_MAX];
    size_t load_count;
};

static void send_request(struct bench *b, struct request *request)
{
    const struct message message = { .type = MESSAGE_REQUEST, .request = *request };
    buf_clear(&b->swarm.frame);
    wire_encode(&message, ++b->swarm.sequence, &b->swarm.frame);
    if (link_peer_send(b->swarm.client, buf_bytes(&b->swarm.frame)) != LINK_SENT)
        bench_die("the client's request is not sent", NULL);
}

/* Token 0 is the long poll's. */
static void poll_events(struct bench *b)
{
    struct request request = { .kind = REQUEST_EVENTS,
                               .events = { .after = b->seen,
                                           .pipeline = "",
                                           .execution = "",
                                           .wait_ms = POLL_WAIT_MS,
                                           .max = WIRE_LIST_MAX } };
    send_request(b, &request);
}

static void on_event(struct bench *b, const struct event_record *event)
{
    if (!text_equal(event->what, "pipeline") || !status_ended(event->status)) return;
    if (event->status != STATUS_SUCCEEDED) bench_die(event->detail, NULL);
    for (size_t i = 0; i < b->load_count; i++)
        if (text_equal(b->loads[i].name, event->pipeline)) b->loads[i].ended++;
}

static void on_reply(struct bench *b, const struct reply *reply)
{
    if (reply->failure.code != ERR_NONE) {
        for (size_t i = 0; i < reply->problem_count; i++)
            fprintf(stderr, "%s: %s\n", reply->problems[i].path, reply->problems[i].text);
        fprintf(stderr, "%s: %s\n", reply->failure.what, reply->failure.cause);
        bench_die("a request is refused", NULL);
    }
    if (reply->token) {
        b->answered = reply->token == b->token;
        return;
    }
    for (size_t i = 0; i < reply->event_count; i++) on_event(b, &reply->events[i]);
    b->seen = reply->seq;
    poll_events(b);
}

static void run_once(struct bench *b)
{
    struct bytes payload;
    bool busy = swarm_run(&b->swarm);
    while (link_peer_receive(b->swarm.client, &payload)) {
        struct error err = { 0 };
        struct message message;
        arena_reset(&b->arena);
        if (!wire_decode(payload, &b->arena, &message, &err)) bench_die("reply", &err);
        if (message.type != MESSAGE_REPLY) bench_die("not a reply", NULL);
        on_reply(b, &message.reply);
        busy = true;
    }
    if (!busy) swarm_wait(&b->swarm);
}

static uint64_t deadline(void)
{
    return bench_now() + DEADLINE_S * UINT64_C(1000000000);
}

static void ask(struct bench *b, struct request *request)
{
    uint64_t until = deadline();
    request->token = ++b->token;
    b->answered = false;
    send_request(b, request);
    while (!b->answered) {
        run_once(b);
        if (bench_now() > until) bench_die("no answer", NULL);
    }
}

static void start(struct bench *b, const struct load *load)
{
    struct request request = {
        .kind = REQUEST_RUN,
        .run = { .submission = id_new_uuid(&b->random), .pipeline = load->name, .revision = "" }
    };
    ask(b, &request);
}

static void await_end(struct bench *b, const struct load *load, uint64_t ended)
{
    uint64_t until = deadline();
    while (load->ended < ended) {
        run_once(b);
        if (bench_now() > until) bench_die("an execution does not end", NULL);
    }
}

/* ---- opening ---- */

static uint64_t connect_all(struct bench *b)
{
    uint64_t begun = bench_now(), until = deadline();
    while (b->swarm.welcomed < b->swarm.count ||
           link_peer_state(b->swarm.client) != LINK_CONNECTED) {
        if (!swarm_run(&b->swarm)) swarm_wait(&b->swarm);
        if (bench_now() > until) bench_die("not all workers are welcomed", NULL);
    }
    return bench_now() - begun;
}

static void apply(struct bench *b, const char *file)
{
    struct error err = { 0 };
    AUTO(buf_deinit) struct buf text;
    buf_init(&text, WIRE_DOCUMENT_MAX);
    if (!fs_read_file(file, &text, &err)) bench_die(file, &err);
    if (b->load_count == PIPELINES_MAX) bench_die("too many pipelines", NULL);
    struct load *load = &b->loads[b->load_count++];
    const char *slash = strrchr(file, '/');
    char *name = xstrdup(slash ? slash + 1 : file);
    if (!text_ends(name, ".json")) bench_die("not a .json", NULL);
    name[strlen(name) - strlen(".json")] = '\0';
    if (!text_copy(load->name, sizeof load->name, name)) bench_die("name", NULL);
    free(name);
    struct request request = {
        .kind = REQUEST_APPLY,
        .apply = { .submission = id_new_uuid(&b->random), .file = file, .text = buf_bytes(&text) }
    };
    ask(b, &request);
    await_end(b, load, 1);
}

static uint64_t bench_open(struct bench *b, char **arguments, char **files)
{
    *b = (struct bench){ .token = 0 };
    random_seed(&b->random);
    arena_init(&b->arena, ARENA_MAX);
    swarm_open(&b->swarm, arguments[0], bench_count(arguments[1]), arguments[2], arguments[3]);
    uint64_t connected_ns = connect_all(b);
    poll_events(b);
    for (; *files; files++) apply(b, *files);
    return connected_ns;
}

static void bench_close(struct bench *b)
{
    swarm_close(&b->swarm);
    arena_deinit(&b->arena);
}

/* ---- the two measurements ---- */

struct parts {
    uint64_t whole[RUNS_MAX], offer[RUNS_MAX], worker[RUNS_MAX], seen[RUNS_MAX];
};

static double us(uint64_t *samples, size_t count, unsigned permille)
{
    return (double)bench_quantile(samples, count, permille) / 1e3;
}

static void round_trip_main(char **arguments)
{
    static struct parts parts;
    struct bench b;
    size_t runs = bench_count(arguments[4]);
    if (runs > RUNS_MAX) bench_die("too many runs", NULL);
    bench_open(&b, arguments, arguments + 5);
    struct load *load = &b.loads[0];
    for (size_t i = 0; i < runs; i++) {
        uint64_t begun = bench_now(), ended = load->ended + 1;
        start(&b, load);
        await_end(&b, load, ended);
        uint64_t now = bench_now();
        parts.whole[i] = now - begun;
        parts.offer[i] = b.swarm.offer_ns - begun;
        parts.worker[i] = b.swarm.result_ns - b.swarm.offer_ns;
        parts.seen[i] = now - b.swarm.result_ns;
    }
    printf(
        "{\"runs\": %zu, \"round_trip_us\": %.1f, \"p99_us\": %.1f, \"submit_to_offer_us\": %.1f, "
        "\"worker_us\": %.1f, \"result_to_seen_us\": %.1f}\n",
        runs, us(parts.whole, runs, 500), us(parts.whole, runs, 990), us(parts.offer, runs, 500),
        us(parts.worker, runs, 500), us(parts.seen, runs, 500));
    bench_close(&b);
}

static void rate_main(char **arguments)
{
    struct bench b;
    uint64_t started[PIPELINES_MAX], executions = 0;
    uint64_t connected_ns = bench_open(&b, arguments, arguments + 5);
    /* Its commits would be the limit of the whole swarm. */
    store_close(b.swarm.store);
    b.swarm.store = NULL;
    uint64_t begun = bench_now();
    uint64_t until = begun + bench_count(arguments[4]) * UINT64_C(1000000000);
    uint64_t offered = b.swarm.offered, messages = b.swarm.messages, events = b.seen;
    for (size_t i = 0; i < b.load_count; i++) started[i] = b.loads[i].ended;
    for (bool running = true; running;) {
        running = false;
        bool more = bench_now() < until;
        for (size_t i = 0; i < b.load_count; i++) {
            bool idle = b.loads[i].ended == started[i];
            if (idle && more) {
                started[i]++;
                executions++;
                start(&b, &b.loads[i]);
            }
            running = running || !idle || more;
        }
        run_once(&b);
        if (bench_now() > until + DEADLINE_S * UINT64_C(1000000000))
            bench_die("an execution does not end", NULL);
    }
    double seconds = (double)(bench_now() - begun) / 1e9;
    double jobs = (double)(b.swarm.offered - offered);
    printf("{\"workers\": %zu, \"connect_s\": %.3f, \"executions\": %llu, \"jobs\": %.0f, "
           "\"jobs_per_s\": %.0f, \"messages_per_job\": %.2f, \"events_per_job\": %.2f}\n",
           b.swarm.count, (double)connected_ns / 1e9, (unsigned long long)executions, jobs,
           jobs / seconds, (double)(b.swarm.messages - messages) / jobs,
           (double)(b.seen - events) / jobs);
    bench_close(&b);
}

int main(int argc, char **argv)
{
    bench_raise_limits();
    if (argc == 4 && strcmp(argv[1], "prepare") == 0)
        prepare(argv[2], bench_count(argv[3]), "app.zip");
    else if (argc == 8 && strcmp(argv[1], "round-trip") == 0)
        round_trip_main(argv + 2);
    else if (argc >= 8 && strcmp(argv[1], "rate") == 0)
        rate_main(argv + 2);
    else
        bench_die("usage: see the head of swarm.c", NULL);
    return 0;
}
