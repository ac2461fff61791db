#include "io/child.h"
#include "io/fs.h"
#include "io/keys.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[FS_PATH_MAX]; /* of the running test */

static int folder_make(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/keys-XXXXXX", tmp ? tmp : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state)
{
    (void)state;
    struct error err = { 0 };
    return fs_remove_tree(folder, &err) ? 0 : -1;
}

static const char *in_folder(const char *name)
{
    static char path[FS_PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static mode_t mode_of(const char *name)
{
    struct stat at;
    assert_int_equal(stat(in_folder(name), &at), 0);
    return at.st_mode & 07777;
}

/* The whole content, for comparisons. */
static char *content_of(const char *name)
{
    struct error err = { 0 };
    struct buf text;
    buf_init(&text, KEYS_REGISTRY_MAX);
    assert_true(fs_read_file(in_folder(name), &text, &err));
    assert_true(buf_append(&text, "", 1, &err));
    return (char *)text.data;
}

static void write_file(const char *name, const char *text)
{
    struct error err = { 0 };
    assert_true(fs_write_atomic(in_folder(name), bytes_of_text(text), 0644, &err));
}

static void make_keys(void)
{
    struct error err = { 0 };
    assert_true(keys_init(folder, &err));
    assert_true(keys_add_worker(folder, "oregon-1", "us-west-2", NULL, 0, &err));
    assert_true(keys_add_client(folder, "alice", KEYS_ADMIN, &err));
}

static struct keys_registry *parsed(const char *text, struct error *err)
{
    struct keys_registry *r = NULL;
    return keys_registry_parse(bytes_of_text(text), &r, err) ? r : NULL;
}

static void names_and_regions_are_checked(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",      ".x",
        "-x",    "a/b",
        "a b",   "..",
        "a\n",   "\xc3\xa9",
        "x\x7f", "0123456789012345678901234567890123456789012345678901234567890123"
    };
    struct error err = { 0 };
    assert_true(keys_init(folder, &err));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(keys_add_worker(folder, bad[i], "us-west-2", NULL, 0, &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_false(keys_add_client(folder, bad[i], KEYS_VIEWER, &err));
        assert_int_equal(err.code, ERR_INVALID);
    }
    static const char *const bad_regions[] = {
        "", "US-west", "a b", "-x", "us_west", "a-region-name-longer-than-thirty"
    };
    for (size_t i = 0; i < sizeof bad_regions / sizeof *bad_regions; i++) {
        assert_false(keys_add_worker(folder, "w", bad_regions[i], NULL, 0, &err));
        assert_int_equal(err.code, ERR_INVALID);
    }
    assert_false(keys_add_client(folder, "c", KEYS_NO_ROLE, &err));
    assert_true(keys_name_valid("A.b_c-9"));
    assert_true(keys_region_valid("ap-southeast-2"));
}

static void a_second_init_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static const char *const files[] = { "coordinator.key", "coordinator.pub", "https.key",
                                         "https.crt", "registry.yml" };
    char *before[5];
    struct error err = { 0 };
    make_keys();
    for (size_t i = 0; i < 5; i++) before[i] = content_of(files[i]);
    assert_false(keys_init(folder, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    for (size_t i = 0; i < 5; i++) {
        AUTO(auto_free) char *after = content_of(files[i]);
        assert_string_equal(before[i], after);
        free(before[i]);
    }
    assert_int_equal(mode_of("coordinator.key"), 0600);
    assert_int_equal(mode_of("https.key"), 0600);
    assert_int_equal(mode_of("coordinator.pub"), 0644);
}

static void an_init_that_was_cut_off_is_finished_by_the_next(void **state)
{
    (void)state;
    struct error err = { 0 };
    static const char *const later[] = { "coordinator.pub", "registry.yml", "https.crt",
                                         "https.key" };
    assert_true(keys_init(folder, &err));
    AUTO(auto_free) char *secret = content_of("coordinator.key");
    AUTO(auto_free) char *public_key = content_of("coordinator.pub");
    for (size_t cut = 1; cut <= 4; cut++) {
        for (size_t i = 0; i < cut; i++) assert_int_equal(unlink(in_folder(later[i])), 0);
        assert_true(keys_init(folder, &err));
        AUTO(auto_free) char *again = content_of("coordinator.pub");
        assert_string_equal(public_key, again);
    }
    AUTO(auto_free) char *same = content_of("coordinator.key");
    assert_string_equal(secret, same);
}

static void a_lost_secret_is_not_replaced_behind_the_public_key(void **state)
{
    (void)state;
    struct error err = { 0 };
    assert_true(keys_init(folder, &err));
    assert_int_equal(unlink(in_folder("coordinator.key")), 0);
    assert_false(keys_init(folder, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_non_null(strstr(err.text, "coordinator.pub"));
    assert_false(fs_exists(in_folder("coordinator.key")));
}

static void coordinator_keys_come_back_as_they_were_made(void **state)
{
    (void)state;
    struct error err = { 0 };
    struct keys_coordinator secret = { 0 };
    struct keys_coordinator_public known = { 0 };
    make_keys();
    assert_true(keys_load_coordinator(folder, &secret, &err));
    assert_true(keys_load_coordinator_public(in_folder("coordinator.pub"), &known, &err));
    assert_string_equal(secret.curve.public_z85, known.curve_z85);
    assert_memory_equal(&secret.dispatch_public, &known.dispatch_public,
                        sizeof known.dispatch_public);
    uint8_t zero[KEYS_RAW_SIZE] = { 0 };
    assert_memory_not_equal(secret.store_secret, zero, sizeof zero);
    keys_coordinator_wipe(&secret);
}

static void key_files_open_to_others_are_refused_with_the_chmod(void **state)
{
    (void)state;
    struct error err = { 0 };
    struct keys_coordinator secret = { 0 };
    struct keys_peer peer = { 0 };
    make_keys();
    assert_int_equal(chmod(in_folder("coordinator.key"), 0640), 0);
    assert_false(keys_load_coordinator(folder, &secret, &err));
    assert_int_equal(err.code, ERR_DENIED);
    assert_non_null(strstr(err.text, "chmod 600"));
    assert_int_equal(chmod(in_folder("worker-oregon-1.key"), 0604), 0);
    assert_false(keys_load_peer(in_folder("worker-oregon-1.key"), &peer, &err));
    assert_int_equal(err.code, ERR_DENIED);
    assert_int_equal(chmod(in_folder("registry.yml"), 0664), 0);
    struct keys_registry *r = NULL;
    assert_false(keys_registry_load(folder, &r, &err));
    assert_int_equal(err.code, ERR_DENIED);
    assert_non_null(strstr(err.text, "chmod go-w"));
}

static void broken_key_files_are_refused(void **state)
{
    (void)state;
    struct error err = { 0 };
    struct keys_peer peer = { 0 };
    make_keys();
    AUTO(auto_free) char *good = content_of("client-alice.key");
    const char *path = in_folder("bad.key");
    static const char *const bad[] = { "",           "kind: client\n",
                                       "[]",         "kind: client\nname: x\nother: y\n",
                                       "kind: {}\n", "\xff\xfe" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_true(fs_write_atomic(path, bytes_of_text(bad[i]), 0600, &err));
        assert_false(keys_load_peer(path, &peer, &err));
    }
    /* Each prefix of a good file is a bad one, and so is a changed key. */
    size_t len = strlen(good);
    for (size_t cut = 0; cut + 2 < len; cut++) {
        assert_true(fs_write_atomic(path, bytes_of(good, cut), 0600, &err));
        assert_false(keys_load_peer(path, &peer, &err));
    }
    char *key = strstr(good, "curve-public: '");
    assert_non_null(key);
    key[20] = key[20] == 'a' ? 'b' : 'a';
    assert_true(fs_write_atomic(path, bytes_of_text(good), 0600, &err));
    assert_false(keys_load_peer(path, &peer, &err));
    assert_false(keys_load_peer(folder, &peer, &err));
    assert_false(keys_load_peer(in_folder("none.key"), &peer, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void the_registry_finds_by_key_and_name_of_the_right_kind(void **state)
{
    (void)state;
    struct error err = { 0 };
    struct keys_peer worker = { 0 };
    AUTO(keys_registry_free) struct keys_registry *r = NULL;
    const struct keys_tag tags[] = { { "Name", "it's #1: \"web\"" }, { "- empty", "" } };
    make_keys();
    assert_true(keys_add_worker(folder, "sydney.1", "ap-southeast-2", tags, 2, &err));
    assert_true(keys_load_peer(in_folder("worker-sydney.1.key"), &worker, &err));
    assert_true(keys_registry_load(folder, &r, &err));
    assert_int_equal(keys_registry_count(r), 3);
    const struct keys_principal *p = keys_registry_by_z85(r, KEYS_WORKER, worker.curve.public_z85);
    assert_non_null(p);
    assert_string_equal(p->name, "sydney.1");
    assert_string_equal(p->region, "ap-southeast-2");
    assert_int_equal(p->tag_count, 2);
    assert_string_equal(p->tags[0].value, "it's #1: \"web\"");
    assert_string_equal(p->tags[1].key, "- empty");
    assert_string_equal(p->tags[1].value, "");
    assert_ptr_equal(keys_registry_by_key(r, KEYS_WORKER, p->key), p);
    assert_null(keys_registry_by_key(r, KEYS_CLIENT, p->key));
    assert_null(keys_registry_by_z85(r, KEYS_WORKER, "nobody"));
    assert_null(keys_registry_by_name(r, KEYS_WORKER, "alice"));
    p = keys_registry_by_name(r, KEYS_CLIENT, "alice");
    assert_non_null(p);
    assert_int_equal(p->role, KEYS_ADMIN);
}

static void an_existing_name_is_refused(void **state)
{
    (void)state;
    struct error err = { 0 };
    make_keys();
    AUTO(auto_free) char *key = content_of("worker-oregon-1.key");
    AUTO(auto_free) char *registry = content_of("registry.yml");
    assert_false(keys_add_worker(folder, "oregon-1", "us-east-1", NULL, 0, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    AUTO(auto_free) char *key_after = content_of("worker-oregon-1.key");
    AUTO(auto_free) char *registry_after = content_of("registry.yml");
    assert_string_equal(key, key_after);
    assert_string_equal(registry, registry_after);
    /* The same name among the clients is somebody else. */
    assert_true(keys_add_client(folder, "oregon-1", KEYS_VIEWER, &err));
}

static void a_key_file_without_its_entry_is_finished_by_the_same_command(void **state)
{
    (void)state;
    struct error err = { 0 };
    struct keys_peer peer = { 0 };
    AUTO(keys_registry_free) struct keys_registry *r = NULL;
    assert_true(keys_init(folder, &err));
    AUTO(auto_free) char *before = content_of("registry.yml");
    assert_true(keys_add_worker(folder, "w", "us-west-2", NULL, 0, &err));
    AUTO(auto_free) char *key = content_of("worker-w.key");
    write_file("registry.yml", before); /* as if the crash had come before the entry */
    assert_true(keys_add_worker(folder, "w", "us-west-2", NULL, 0, &err));
    AUTO(auto_free) char *same = content_of("worker-w.key");
    assert_string_equal(key, same);
    assert_true(keys_load_peer(in_folder("worker-w.key"), &peer, &err));
    assert_true(keys_registry_load(folder, &r, &err));
    assert_non_null(keys_registry_by_z85(r, KEYS_WORKER, peer.curve.public_z85));
}

static void a_revoked_key_is_not_admitted_again_under_its_name(void **state)
{
    (void)state;
    struct error err = { 0 };
    struct keys_peer stolen = { 0 };
    AUTO(keys_registry_free) struct keys_registry *r = NULL;
    make_keys();
    assert_true(keys_load_peer(in_folder("worker-oregon-1.key"), &stolen, &err));
    assert_false(keys_revoke(folder, KEYS_CLIENT, "oregon-1", &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_true(keys_revoke(folder, KEYS_WORKER, "oregon-1", &err));
    assert_true(keys_add_worker(folder, "oregon-1", "us-west-2", NULL, 0, &err));
    assert_true(keys_registry_load(folder, &r, &err));
    assert_null(keys_registry_by_z85(r, KEYS_WORKER, stolen.curve.public_z85));
    assert_non_null(keys_registry_by_name(r, KEYS_WORKER, "oregon-1"));
}

static void commands_at_the_same_time_are_told_to_wait(void **state)
{
    (void)state;
    struct error err = { 0 };
    make_keys();
    AUTO(auto_close) int lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(flock(lock, LOCK_EX | LOCK_NB), 0);
    assert_false(keys_add_client(folder, "bob", KEYS_VIEWER, &err));
    assert_int_equal(err.code, ERR_RETRY);
    assert_false(fs_exists(in_folder("client-bob.key")));
}

#define KEY_A "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
#define KEY_B "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"

static void bad_registries_are_refused_whole(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "workers: 1\n",
        "people: []\n",
        "workers: []\nworkers: []\n",
        "workers: []\n---\nclients: []\n",
        "workers:\n- name: a\n",
        "workers:\n- name: a\n  region: r\n  key: short\n",
        "workers:\n- name: a\n  region: R\n  key: '" KEY_A "'\n",
        "workers:\n- name: a/b\n  region: r\n  key: '" KEY_A "'\n",
        "workers:\n- name: a\n  region: r\n  role: admin\n  key: '" KEY_A "'\n",
        "workers:\n- name: a\n  region: r\n  key: '" KEY_A "'\n  tags: [x]\n",
        "workers:\n- name: a\n  region: r\n  key: '" KEY_A "'\n  tags: {x: \"a\\nb\"}\n",
        "clients:\n- name: a\n  key: '" KEY_A "'\n",
        "clients:\n- name: a\n  role: root\n  key: '" KEY_A "'\n",
        "clients:\n- name: a\n  role: none\n  key: '" KEY_A "'\n",
        "clients:\n- &a\n  name: a\n  role: admin\n  key: '" KEY_A "'\n- *a\n",
        /* One name twice; one key twice; one key for a worker and a client. */
        "clients:\n- {name: a, role: admin, key: '" KEY_A
        "'}\n- {name: a, role: admin, key: '" KEY_B "'}\n",
        "clients:\n- {name: a, role: admin, key: '" KEY_A
        "'}\n- {name: b, role: admin, key: '" KEY_A "'}\n",
        "clients:\n- {name: a, role: admin, key: '" KEY_A
        "'}\nworkers:\n- {name: b, region: r, key: '" KEY_A "'}\n",
        /* The greatest group of five letters stands for more than 32 bits. */
        "clients:\n- {name: a, role: admin, key: '########################################'}\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct error err = { 0 };
        struct keys_registry *r = parsed(bad[i], &err);
        if (r) fail_msg("accepted: %s", bad[i]);
        assert_int_equal(err.code, ERR_INVALID);
    }
    struct error err = { 0 };
    AUTO(keys_registry_free) struct keys_registry *none = parsed("workers: []\nclients:\n", &err);
    assert_non_null(none);
    assert_int_equal(keys_registry_count(none), 0);
    assert_null(keys_registry_by_z85(none, KEYS_WORKER, KEY_A));
}

static void reload_takes_a_changed_file_whole_or_not_at_all(void **state)
{
    (void)state;
    struct error err = { 0 };
    bool changed = true;
    AUTO(keys_registry_free) struct keys_registry *r = NULL;
    make_keys();
    assert_true(keys_registry_load(folder, &r, &err));
    assert_true(keys_registry_reload(r, &changed, &err));
    assert_false(changed);

    AUTO(auto_free) char *good = content_of("registry.yml");
    write_file("registry.yml", "clients:\n- {name: a, role: admin, key: '" KEY_A "'}\n- broken\n");
    assert_false(keys_registry_reload(r, &changed, &err));
    assert_false(changed);
    assert_non_null(keys_registry_by_name(r, KEYS_CLIENT, "alice"));
    assert_null(keys_registry_by_name(r, KEYS_CLIENT, "a"));
    assert_int_equal(unlink(in_folder("registry.yml")), 0);
    assert_false(keys_registry_reload(r, &changed, &err));
    assert_non_null(keys_registry_by_name(r, KEYS_CLIENT, "alice"));

    write_file("registry.yml", good);
    assert_true(keys_registry_reload(r, &changed, &err));
    assert_true(changed);
    assert_true(keys_revoke(folder, KEYS_CLIENT, "alice", &err));
    assert_true(keys_registry_reload(r, &changed, &err));
    assert_true(changed);
    assert_null(keys_registry_by_name(r, KEYS_CLIENT, "alice"));
}

/* Runs a shell command in the folder; false when it fails. */
static bool shell(const char *command)
{
    const char *const argv[] = { "sh", "-ec", command, NULL };
    const char *const env[] = { "PATH=/usr/bin:/bin", NULL };
    const struct child_spec spec = { .path = "/bin/sh",
                                     .argv = argv,
                                     .env = env,
                                     .folder = folder,
                                     .stdout_fd = -1,
                                     .stderr_fd = -1 };
    struct child child;
    struct child_end end = { 0 };
    struct error err = { 0 };
    assert_true(child_spawn(&spec, &child, &err));
    struct pollfd ended = { .fd = child.pidfd, .events = POLLIN };
    assert_int_equal(poll(&ended, 1, 20000), 1);
    assert_true(child_reap(&child, &end, &err));
    child_close(&child);
    return end.state == CHILD_EXITED && end.status == 0;
}

static void the_pin_is_the_one_that_openssl_computes(void **state)
{
    (void)state;
    struct error err = { 0 };
    char pin[KEYS_PIN_SIZE];
    assert_false(keys_https_pin(in_folder("https.crt"), pin, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_true(keys_init(folder, &err));
    assert_false(keys_https_pin(in_folder("coordinator.pub"), pin, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_true(keys_https_pin(in_folder("https.crt"), pin, &err));
    assert_int_equal(strlen(pin), 8 + 44);
    if (!shell("openssl version")) {
        print_message("skipped: no openssl command\n");
        skip();
    }
    assert_true(shell("openssl x509 -in https.crt -noout -pubkey | "
                      "openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | "
                      "openssl base64 -A > pin"));
    AUTO(auto_free) char *theirs = content_of("pin");
    assert_string_equal(pin + 8, theirs);
    /* Key and certificate belong together, and it verifies under itself for years. */
    assert_true(shell("openssl verify -CAfile https.crt https.crt && "
                      "openssl x509 -in https.crt -noout -checkend 300000000 && "
                      "openssl pkey -in https.key -pubout > a && "
                      "openssl x509 -in https.crt -noout -pubkey > b && cmp a b"));
}

#define in_a_folder(test) cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_a_folder(names_and_regions_are_checked),
        in_a_folder(a_second_init_is_refused_and_changes_nothing),
        in_a_folder(an_init_that_was_cut_off_is_finished_by_the_next),
        in_a_folder(a_lost_secret_is_not_replaced_behind_the_public_key),
        in_a_folder(coordinator_keys_come_back_as_they_were_made),
        in_a_folder(key_files_open_to_others_are_refused_with_the_chmod),
        in_a_folder(broken_key_files_are_refused),
        in_a_folder(the_registry_finds_by_key_and_name_of_the_right_kind),
        in_a_folder(an_existing_name_is_refused),
        in_a_folder(a_key_file_without_its_entry_is_finished_by_the_same_command),
        in_a_folder(a_revoked_key_is_not_admitted_again_under_its_name),
        in_a_folder(commands_at_the_same_time_are_told_to_wait),
        cmocka_unit_test(bad_registries_are_refused_whole),
        in_a_folder(reload_takes_a_changed_file_whole_or_not_at_all),
        in_a_folder(the_pin_is_the_one_that_openssl_computes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
