/* raw - the floors on this machine, now: what ZeroMQ and LMDB cost without anything of ours.
 *
 *     bench_raw echo N SECONDS      ROUTER/DEALER with CURVE on loopback, N peers in one process,
 * the echo in another: round trip of 200 bytes (N = 1) and the pipelined rate of round trips
 *     bench_raw commits DIR PUTS N  N durable LMDB commits of PUTS puts of 300 bytes each
 */
#include "bench.h"

#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

enum {
    ECHO_BYTES = 200,
    ECHO_ROUND_TRIPS = 5000,
    ECHO_IN_FLIGHT = 5000, /* over all peers ... */
    ECHO_DEPTH_MAX = 100,  /* ... and of one */
    ECHO_DEADLINE_MS = 30000,
    SOCKETS_OF_CONTEXT = 500,
    PUT_BYTES = 300,
    KEY_SIZE = 32
};

struct curve {
    char public_z85[41], secret_z85[41];
};

static void zmq_check(int failed, const char *what)
{
    if (!failed) return;
    fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
    bench_die(what, NULL);
}

static void zmq_number(void *socket, int option, int value)
{
    zmq_check(zmq_setsockopt(socket, option, &value, sizeof value), "option");
}

static void zmq_text(void *socket, int option, const char *text)
{
    zmq_check(zmq_setsockopt(socket, option, text, strlen(text)), "option");
}

/* ---- the echo ---- */

/* Two frames, the peer's and the bytes, go back as they came. */
static void echo_once(void *router)
{
    zmq_msg_t part;
    int more;
    do {
        zmq_msg_init(&part);
        if (zmq_msg_recv(&part, router, 0) < 0) bench_die("receive", NULL);
        more = zmq_msg_more(&part);
        if (zmq_msg_send(&part, router, more ? ZMQ_SNDMORE : 0) < 0) bench_die("send", NULL);
    } while (more);
}

_Noreturn static void echo_serve(const struct curve *server, int report)
{
    char endpoint[128];
    size_t size = sizeof endpoint;
    /* It ends with the program that measures. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL)) bench_die("prctl", NULL);
    void *router = zmq_socket(zmq_ctx_new(), ZMQ_ROUTER);
    zmq_number(router, ZMQ_CURVE_SERVER, 1);
    zmq_text(router, ZMQ_CURVE_SECRETKEY, server->secret_z85);
    zmq_number(router, ZMQ_BACKLOG, 1024);
    zmq_check(zmq_bind(router, "tcp://127.0.0.1:*"), "bind");
    zmq_check(zmq_getsockopt(router, ZMQ_LAST_ENDPOINT, endpoint, &size), "endpoint");
    if (write(report, endpoint, size) != (ssize_t)size) bench_die("report", NULL);
    for (;;) echo_once(router);
}

struct echo {
    pid_t server;
    size_t count;
    void **sockets;
    zmq_pollitem_t *items;
    void **contexts;
    uint64_t connect_ns, received;
};

static void echo_connect(struct echo *e, const char *endpoint, const struct curve *server)
{
    struct curve own;
    zmq_check(zmq_curve_keypair(own.public_z85, own.secret_z85), "keys");
    for (size_t i = 0; i < e->count; i++) {
        if (i % SOCKETS_OF_CONTEXT == 0) e->contexts[i / SOCKETS_OF_CONTEXT] = zmq_ctx_new();
        void *socket = zmq_socket(e->contexts[i / SOCKETS_OF_CONTEXT], ZMQ_DEALER);
        zmq_number(socket, ZMQ_LINGER, 0);
        zmq_text(socket, ZMQ_CURVE_SERVERKEY, server->public_z85);
        zmq_text(socket, ZMQ_CURVE_PUBLICKEY, own.public_z85);
        zmq_text(socket, ZMQ_CURVE_SECRETKEY, own.secret_z85);
        zmq_check(zmq_connect(socket, endpoint), "connect");
        e->sockets[i] = socket;
        e->items[i] = (zmq_pollitem_t){ .socket = socket, .events = ZMQ_POLLIN };
    }
}

static void echo_send(struct echo *e, size_t peer)
{
    static const char payload[ECHO_BYTES] = "echo";
    if (zmq_send(e->sockets[peer], payload, sizeof payload, 0) < 0) bench_die("send", NULL);
}

/* One answer, if there is one. */
static bool echo_take(struct echo *e, size_t peer)
{
    char answer[ECHO_BYTES];
    if (zmq_recv(e->sockets[peer], answer, sizeof answer, ZMQ_DONTWAIT) < 0) return false;
    e->received++;
    return true;
}

static void echo_wait(struct echo *e)
{
    if (zmq_poll(e->items, (int)e->count, ECHO_DEADLINE_MS) <= 0) bench_die("no echo", NULL);
}

/* Every peer has had one answer. */
static void echo_greet(struct echo *e)
{
    for (size_t i = 0; i < e->count; i++) echo_send(e, i);
    while (e->received < e->count) {
        echo_wait(e);
        for (size_t i = 0; i < e->count; i++)
            for (bool more = true; more;) more = echo_take(e, i);
    }
}

static void echo_open(struct echo *e, size_t count)
{
    struct curve server;
    char endpoint[128] = "";
    int pipes[2];
    *e = (struct echo){ .count = count };
    e->sockets = xcalloc(count, sizeof *e->sockets);
    e->items = xcalloc(count, sizeof *e->items);
    e->contexts = xcalloc(count / SOCKETS_OF_CONTEXT + 1, sizeof *e->contexts);
    zmq_check(zmq_curve_keypair(server.public_z85, server.secret_z85), "keys");
    if (pipe(pipes)) bench_die("pipe", NULL);
    e->server = fork();
    if (e->server < 0) bench_die("fork", NULL);
    if (e->server == 0) echo_serve(&server, pipes[1]);
    if (read(pipes[0], endpoint, sizeof endpoint - 1) <= 0) bench_die("no server", NULL);
    uint64_t begun = bench_now();
    echo_connect(e, endpoint, &server);
    echo_greet(e);
    e->connect_ns = bench_now() - begun;
}

static void echo_close(struct echo *e)
{
    for (size_t i = 0; i < e->count; i++) zmq_close(e->sockets[i]);
    for (size_t i = 0; i <= (e->count - 1) / SOCKETS_OF_CONTEXT; i++) zmq_ctx_term(e->contexts[i]);
    kill(e->server, SIGKILL);
    waitpid(e->server, NULL, 0);
    free(e->sockets);
    free(e->items);
    free(e->contexts);
}

static void echo_round_trips(struct echo *e, uint64_t samples[ECHO_ROUND_TRIPS])
{
    for (size_t i = 0; i < ECHO_ROUND_TRIPS; i++) {
        uint64_t begun = bench_now();
        echo_send(e, 0);
        while (!echo_take(e, 0)) echo_wait(e);
        samples[i] = bench_now() - begun;
    }
}

static double echo_rate(struct echo *e, size_t seconds)
{
    size_t depth = ECHO_IN_FLIGHT / e->count;
    if (depth > ECHO_DEPTH_MAX) depth = ECHO_DEPTH_MAX;
    if (depth == 0) depth = 1;
    for (size_t d = 0; d < depth; d++)
        for (size_t i = 0; i < e->count; i++) echo_send(e, i);
    uint64_t begun = bench_now(), until = begun + seconds * UINT64_C(1000000000);
    e->received = 0;
    while (bench_now() < until) {
        uint64_t before = e->received;
        for (size_t i = 0; i < e->count; i++)
            while (echo_take(e, i)) echo_send(e, i);
        if (e->received == before) echo_wait(e);
    }
    return (double)e->received * 1e9 / (double)(bench_now() - begun);
}

static void echo_main(size_t peers, size_t seconds)
{
    static uint64_t samples[ECHO_ROUND_TRIPS];
    struct echo echo;
    echo_open(&echo, peers);
    echo_round_trips(&echo, samples);
    double rate = echo_rate(&echo, seconds);
    printf("{\"peers\": %zu, \"connect_s\": %.3f, \"round_trip_us\": %.1f, \"p99_us\": %.1f, "
           "\"per_s\": %.0f}\n",
           peers, (double)echo.connect_ns / 1e9,
           (double)bench_quantile(samples, ECHO_ROUND_TRIPS, 500) / 1e3,
           (double)bench_quantile(samples, ECHO_ROUND_TRIPS, 990) / 1e3, rate);
    echo_close(&echo);
}

/* ---- commits ---- */

static void mdb_check(int code, const char *what)
{
    if (!code) return;
    fprintf(stderr, "%s: %s\n", what, mdb_strerror(code));
    bench_die(what, NULL);
}

static void commit_once(MDB_env *env, MDB_dbi dbi, size_t puts, uint64_t *number)
{
    static char value[PUT_BYTES];
    MDB_txn *txn = NULL;
    mdb_check(mdb_txn_begin(env, NULL, 0, &txn), "begin");
    for (size_t i = 0; i < puts; i++) {
        char key[KEY_SIZE];
        int len = snprintf(key, sizeof key, "event/%016llx", (unsigned long long)++*number);
        MDB_val k = { .mv_size = (size_t)len, .mv_data = key };
        MDB_val v = { .mv_size = sizeof value, .mv_data = value };
        mdb_check(mdb_put(txn, dbi, &k, &v, 0), "put");
    }
    mdb_check(mdb_txn_commit(txn), "commit");
}

static void commits_main(const char *dir, size_t puts, size_t commits)
{
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi dbi;
    uint64_t number = 0, *samples = xcalloc(commits, sizeof *samples);
    mdb_check(mdb_env_create(&env), "create");
    mdb_check(mdb_env_set_mapsize(env, (size_t)1 << 30), "map");
    mdb_check(mdb_env_open(env, dir, 0, 0600), dir);
    mdb_check(mdb_txn_begin(env, NULL, 0, &txn), "begin");
    mdb_check(mdb_dbi_open(txn, NULL, 0, &dbi), "database");
    mdb_check(mdb_txn_commit(txn), "commit");
    uint64_t begun = bench_now();
    for (size_t i = 0; i < commits; i++) {
        uint64_t at = bench_now();
        commit_once(env, dbi, puts, &number);
        samples[i] = bench_now() - at;
    }
    double seconds = (double)(bench_now() - begun) / 1e9;
    printf("{\"puts\": %zu, \"commit_us\": %.1f, \"p99_us\": %.1f, \"puts_per_s\": %.0f}\n", puts,
           (double)bench_quantile(samples, commits, 500) / 1e3,
           (double)bench_quantile(samples, commits, 990) / 1e3, (double)(commits * puts) / seconds);
    mdb_env_close(env);
    free(samples);
}

int main(int argc, char **argv)
{
    bench_raise_limits();
    if (argc == 4 && strcmp(argv[1], "echo") == 0)
        echo_main(bench_count(argv[2]), bench_count(argv[3]));
    else if (argc == 5 && strcmp(argv[1], "commits") == 0)
        commits_main(argv[2], bench_count(argv[3]), bench_count(argv[4]));
    else
        bench_die("usage: bench_raw echo N SECONDS | commits DIR PUTS COMMITS", NULL);
    return 0;
}
