/* The HTTPS server and the transfer client against each other, on loopback. The client runs in
 * a child process; this program also serves as the server's `verify-upload` child. */
#include "io/clock.h"
#include "io/digest.h"
#include "io/keys.h"
#include "io/transfer.h"
#include "shell/artifact_server.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEADLINE_MS = 60000, ARENA_MAX = 1 << 20 };

static const char key[] = "a b/c+d%.zip"; /* letters that an address must encode */

struct fixture {
    char folder[64], pin[KEYS_PIN_SIZE], url[64];
    struct log log;
    struct loop *loop;
    struct artifacts *artifacts; /* what the server serves */
    struct artifacts *grants;    /* the same stores and secret, with the real port in the address */
    struct artifact_server *server;
    struct arena arena;
};

static void path_in(const struct fixture *f, const char *name, char out[FS_PATH_MAX])
{
    snprintf(out, FS_PATH_MAX, "%s/%s", f->folder, name);
}

static struct artifacts *open_artifacts(const struct fixture *f)
{
    struct error err = { 0 };
    struct artifacts *artifacts = NULL;
    char store[FS_PATH_MAX];
    path_in(f, "store", store);
    const struct artifact_store stores[] = {
        { .name = "bucket", .region = "us-west-2", .path = store }
    };
    const struct artifacts_config config = { .stores = stores,
                                             .store_count = 1,
                                             .base_url = f->url,
                                             .pin = f->pin,
                                             .secret = bytes_of_text("0123456789abcdef") };
    assert_true(artifacts_open(&config, clock_wall_ms(), &artifacts, &err));
    return artifacts;
}

static void read_pem(const struct fixture *f, const char *name, struct buf *out)
{
    struct error err = { 0 };
    char path[FS_PATH_MAX];
    path_in(f, name, path);
    buf_init(out, 1 << 16);
    assert_true(fs_read_file(path, out, &err));
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    struct error err = { 0 };
    char path[FS_PATH_MAX], program[FS_PATH_MAX] = "";
    AUTO(buf_deinit) struct buf certificate;
    AUTO(buf_deinit) struct buf secret;
    snprintf(f->folder, sizeof f->folder, "/tmp/meridian-artifacts-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    arena_init(&f->arena, ARENA_MAX);
    path_in(f, "keys", path);
    assert_true(keys_init(path, &err));
    read_pem(f, "keys/https.crt", &certificate);
    read_pem(f, "keys/https.key", &secret);
    path_in(f, "keys/https.crt", path);
    assert_true(keys_https_pin(path, f->pin, &err));
    assert_true(readlink("/proc/self/exe", program, sizeof program - 1) > 0);
    log_init(&f->log, LOG_ERROR);
    assert_true(loop_open(&f->loop, &err));
    f->artifacts = open_artifacts(f);
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const struct artifact_server_config config = { .listen = "127.0.0.1:0",
                                                   .address = (const struct sockaddr *)&address,
                                                   .certificate_pem = buf_bytes(&certificate),
                                                   .key_pem = buf_bytes(&secret),
                                                   .program = program,
                                                   .connections_max = 16 };
    assert_true(artifact_server_open(&config, f->artifacts, f->loop, &f->log, &f->server, &err));
    snprintf(f->url, sizeof f->url, "https://127.0.0.1:%u",
             (unsigned)artifact_server_port(f->server));
    f->grants = open_artifacts(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    artifact_server_close(f->server);
    artifacts_close(f->artifacts);
    artifacts_close(f->grants);
    loop_close(f->loop);
    arena_deinit(&f->arena);
    assert_true(fs_remove_tree(f->folder, &err));
    free(f);
    return 0;
}

typedef int (*client_fn)(const struct transfer *t);

/* Runs `client` in a child process while this one serves; returns its exit status. */
static int with_client(struct fixture *f, client_fn client, const struct transfer *t)
{
    struct error err = { 0 };
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) _exit(client(t));
    uint64_t deadline = clock_boot_ms() + DEADLINE_MS;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        assert_true(clock_boot_ms() < deadline);
        uint64_t due = artifact_server_deadline(f->server), soon = clock_boot_ms() + 20;
        assert_true(loop_wait(f->loop, due < soon ? due : soon, &err));
        artifact_server_run(f->server);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static int client_get(const struct transfer *t)
{
    struct error err = { 0 };
    uint64_t bytes = 0;
    return transfer_get(t, &bytes, &err) ? 0 : (int)err.code;
}

static int client_put(const struct transfer *t)
{
    struct error err = { 0 };
    uint64_t bytes = 0;
    char version[TRANSFER_VERSION_SIZE];
    return transfer_put(t, version, &bytes, &err) ? 0 : (int)err.code;
}

struct object {
    char path[FS_PATH_MAX];
    uint64_t size;
    uint8_t sha256[SHA256_SIZE];
};

static struct object object_make(const struct fixture *f, size_t size)
{
    struct object o = { .size = size };
    struct error err = { 0 };
    uint8_t *data = xcalloc(size, 1);
    for (size_t i = 0; i < size; i++) data[i] = (uint8_t)(i * 2654435761u >> 13);
    path_in(f, "in", o.path);
    assert_true(fs_write_atomic(o.path, bytes_of(data, size), 0600, &err));
    digest_sha256(bytes_of(data, size), o.sha256);
    free(data);
    return o;
}

static uint64_t in_a_minute(void)
{
    return clock_wall_ms() + DEADLINE_MS;
}

static struct transfer put_of(struct fixture *f, const struct object *o, const char *upload,
                              uint64_t expires_ms)
{
    struct error err = { 0 };
    struct grant grant;
    struct upload u = { .size = o->size, .summary = "a \"summary\" & more" };
    assert_true(id_parse(upload, &u.id));
    memcpy(u.sha256, o->sha256, sizeof u.sha256);
    assert_true(
        artifacts_grant_write(f->grants, "bucket", key, &u, expires_ms, &f->arena, &grant, &err));
    return (struct transfer){
        .url = grant.url, .pin = grant.pin, .path = o->path, .size = o->size, .sha256 = o->sha256
    };
}

static int push(struct fixture *f, const struct object *o, const char *upload)
{
    struct transfer t = put_of(f, o, upload, in_a_minute());
    return with_client(f, client_put, &t);
}

static struct transfer get_of(struct fixture *f, const struct object *o, const char *path)
{
    struct error err = { 0 };
    struct grant grant;
    struct dirstore_object newest;
    assert_true(dirstore_head(artifacts_store(f->artifacts, "bucket"), key, "", &newest, &err));
    const struct artifact_ref ref = { .store = "bucket",
                                      .key = key,
                                      .version_id = newest.version_id.text };
    assert_true(artifacts_grant_read(f->grants, &ref, in_a_minute(), &f->arena, &grant, &err));
    return (struct transfer){
        .url = grant.url, .pin = grant.pin, .path = path, .size = o->size, .sha256 = o->sha256
    };
}

static void a_wrong_or_expired_signature_is_refused(void **state)
{
    struct fixture *f = *state;
    struct object o = object_make(f, 1000);
    struct transfer t = put_of(f, &o, "u1", clock_wall_ms() - 1);
    assert_int_equal(with_client(f, client_put, &t), ERR_DENIED);
    t = put_of(f, &o, "u1", in_a_minute());
    char *url = arena_text(&f->arena, t.url);
    url[strlen(url) - 1] = url[strlen(url) - 1] == '0' ? '1' : '0';
    t.url = url;
    assert_int_equal(with_client(f, client_put, &t), ERR_DENIED);
}

static void a_server_with_another_key_is_refused(void **state)
{
    struct fixture *f = *state;
    struct object o = object_make(f, 10);
    struct transfer t = put_of(f, &o, "u1", in_a_minute());
    t.pin = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    assert_int_equal(with_client(f, client_put, &t), ERR_DENIED);
}

static void an_upload_with_the_wrong_digest_is_dropped(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    struct dirstore_object newest;
    struct object o = object_make(f, 5000);
    o.sha256[0] ^= 1;
    assert_int_equal(push(f, &o, "u1"), ERR_CORRUPT);
    assert_false(dirstore_head(artifacts_store(f->artifacts, "bucket"), key, "", &newest, &err));
    o.sha256[0] ^= 1;
    assert_int_equal(push(f, &o, "u1"), 0);
}

static void what_was_put_comes_back_the_same(void **state)
{
    struct fixture *f = *state;
    static const size_t sizes[] = { 0, 1, 4096, 3000001 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char upload[8], path[FS_PATH_MAX];
        snprintf(upload, sizeof upload, "u%zu", i);
        struct object o = object_make(f, sizes[i]);
        assert_int_equal(push(f, &o, upload), 0);
        path_in(f, upload, path);
        struct transfer t = get_of(f, &o, path);
        assert_int_equal(with_client(f, client_get, &t), 0);
    }
}

static void a_get_goes_on_where_it_was_cut(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    struct object o = object_make(f, 100000);
    char path[FS_PATH_MAX];
    AUTO(buf_deinit) struct buf data;
    buf_init(&data, 1 << 20);
    assert_int_equal(push(f, &o, "u1"), 0);
    path_in(f, "out", path);
    assert_true(fs_read_file(o.path, &data, &err));
    assert_true(fs_write_atomic(path, bytes_of(data.data, 40000), 0600, &err));
    struct transfer t = get_of(f, &o, path);
    assert_int_equal(with_client(f, client_get, &t), 0);
    /* A first part that is wrong is noticed at the end, and the whole is fetched again. */
    AUTO(buf_deinit) struct buf got;
    buf_init(&got, 1 << 20);
    data.data[0] ^= 1;
    assert_true(fs_write_atomic(path, bytes_of(data.data, 40000), 0600, &err));
    assert_int_equal(with_client(f, client_get, &t), 0);
    data.data[0] ^= 1;
    assert_true(fs_read_file(path, &got, &err));
    assert_true(bytes_equal(buf_bytes(&got), buf_bytes(&data)));
}

static void a_put_goes_on_where_it_was_cut_and_happens_once(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    struct object o = object_make(f, 100000);
    const struct dirstore *store = artifacts_store(f->artifacts, "bucket");
    const struct id upload = { .text = "u1" };
    struct dirstore_object first, second;
    char path[FS_PATH_MAX];
    AUTO(buf_deinit) struct buf data;
    buf_init(&data, 1 << 20);
    assert_true(dirstore_upload_path(store, &upload, path, &err));
    assert_true(fs_read_file(o.path, &data, &err));
    assert_true(fs_write_atomic(path, bytes_of(data.data, 60000), 0600, &err));
    assert_int_equal(push(f, &o, "u1"), 0);
    assert_true(dirstore_head(store, key, "", &first, &err));
    assert_int_equal(push(f, &o, "u1"), 0);
    assert_true(dirstore_head(store, key, "", &second, &err));
    assert_string_equal(first.version_id.text, second.version_id.text);
    assert_int_equal(second.number, 1);
    assert_string_equal(second.summary, "a \"summary\" & more");
    assert_int_equal(push(f, &o, "u2"), 0);
    assert_true(dirstore_head(store, key, "", &second, &err));
    assert_int_equal(second.number, 2);
}

/* The coordinator was ended between the last byte and the check. */
static void a_put_of_which_every_byte_is_held_is_finished(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    struct object o = object_make(f, 100000);
    const struct dirstore *store = artifacts_store(f->artifacts, "bucket");
    const struct id upload = { .text = "u1" };
    struct dirstore_object stored;
    char path[FS_PATH_MAX];
    AUTO(buf_deinit) struct buf data;
    buf_init(&data, 1 << 20);
    assert_true(dirstore_upload_path(store, &upload, path, &err));
    assert_true(fs_read_file(o.path, &data, &err));
    assert_true(fs_write_atomic(path, buf_bytes(&data), 0600, &err));
    assert_int_equal(push(f, &o, "u1"), 0);
    assert_true(dirstore_head(store, key, "", &stored, &err));
    assert_int_equal(stored.size, 100000);
}

static int push_open(struct fixture *f, const struct object *o, uint64_t max, const char *size)
{
    struct error err = { 0 };
    struct grant grant;
    struct id upload;
    char hex[DIGEST_HEX_SIZE];
    assert_true(id_parse("build-1", &upload));
    assert_true(artifacts_grant_write_open(f->grants, "bucket", key, &upload, max, in_a_minute(),
                                           &f->arena, &grant, &err));
    hex_format(o->sha256, sizeof o->sha256, hex);
    struct transfer t = { .pin = grant.pin,
                          .path = o->path,
                          .size = o->size,
                          .sha256 = o->sha256,
                          .url = arena_format(&f->arena, "%s&size=%s&sha256=%s", grant.url, size,
                                              hex) };
    return with_client(f, client_put, &t);
}

static size_t versions_of(struct fixture *f)
{
    struct error err = { 0 };
    struct dirstore_object newest;
    const struct dirstore *store = artifacts_store(f->artifacts, "bucket");
    return dirstore_head(store, key, "", &newest, &err) ? (size_t)newest.number : 0;
}

static void an_open_grant_is_for_any_content_within_its_bound(void **state)
{
    struct fixture *f = *state;
    struct object o = object_make(f, 5000);
    assert_int_equal(push_open(f, &o, 4999, "5000"), ERR_DENIED);
    assert_int_equal(push_open(f, &o, 5000, "nonsense"), ERR_INVALID);
    assert_int_equal(versions_of(f), 0);
    assert_int_equal(push_open(f, &o, 5000, "5000"), 0);
    assert_int_equal(push_open(f, &o, 5000, "5000"), 0); /* once more: the same version */
    assert_int_equal(versions_of(f), 1);
    struct object other = object_make(f, 4000); /* another run of the same build */
    assert_int_equal(push_open(f, &other, 5000, "4000"), 0);
    assert_int_equal(versions_of(f), 2);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "verify-upload") == 0) {
        struct error err = { 0 };
        if (artifact_verify(argv[2], argv[3], argv[4], &err)) return VERIFY_OK;
        return err.code == ERR_CORRUPT ? VERIFY_WRONG : VERIFY_FAILED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_wrong_or_expired_signature_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_server_with_another_key_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(an_upload_with_the_wrong_digest_is_dropped, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_was_put_comes_back_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(a_get_goes_on_where_it_was_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(a_put_goes_on_where_it_was_cut_and_happens_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_open_grant_is_for_any_content_within_its_bound, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_put_of_which_every_byte_is_held_is_finished, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
