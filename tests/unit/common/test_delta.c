#include "base/prng.h"
#include "bundle/delta_format.h"
#include "io/fs.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
/* cmocka needs those before it. */
#include <cmocka.h>

enum { PAIRS = 40, LENGTH_MAX = 100000, DAMAGES = 100, FILE_MAX = 1 << 24 };

struct place {
    char folder[64], old[80], new[80], delta[80], rebuilt[80];
    struct prng random;
};

static int set_up(void **state)
{
    struct place *p = xcalloc(1, sizeof *p);
    snprintf(p->folder, sizeof p->folder, "/tmp/meridian-delta-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    snprintf(p->old, sizeof p->old, "%s/old", p->folder);
    snprintf(p->new, sizeof p->new, "%s/new", p->folder);
    snprintf(p->delta, sizeof p->delta, "%s/delta", p->folder);
    snprintf(p->rebuilt, sizeof p->rebuilt, "%s/rebuilt", p->folder);
    prng_init_number(&p->random, 20261123);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    struct error err;
    bool removed = fs_remove_tree(p->folder, &err);
    free(p);
    return removed ? 0 : -1;
}

static void write_file(const char *path, const void *data, size_t len)
{
    struct error err = { 0 };
    AUTO(auto_close) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_true(fs_write_all(fd, bytes_of(data, len), &err));
}

static void read_file(const char *path, struct buf *out)
{
    struct error err = { 0 };
    buf_init(out, FILE_MAX);
    assert_true(fs_read_file(path, out, &err));
}

static struct delta_job making(const struct place *p)
{
    return (struct delta_job){ .old_path = p->old,
                               .new_path = p->new,
                               .delta_path = p->delta,
                               .scratch = p->folder,
                               .memory_max = DELTA_MEMORY_DEFAULT,
                               .unpacked_max = FILE_MAX };
}

static struct delta_job applying(const struct place *p)
{
    struct delta_job job = making(p);
    job.new_path = p->rebuilt;
    return job;
}

static struct delta_made made_of(const struct place *p)
{
    const struct delta_job job = making(p);
    struct delta_made made = { 0 };
    struct error err = { 0 };
    struct stat info;
    if (!delta_make(&job, &made, &err)) fail_msg("%s", err.text);
    assert_int_equal(stat(p->delta, &info), 0);
    assert_int_equal(info.st_size, made.size);
    return made;
}

static void assert_rebuilt(const struct place *p)
{
    const struct delta_job job = applying(p);
    struct error err = { 0 };
    AUTO(buf_deinit) struct buf expected = { 0 };
    AUTO(buf_deinit) struct buf found = { 0 };
    if (!delta_apply(&job, &err)) fail_msg("%s", err.text);
    read_file(p->new, &expected);
    read_file(p->rebuilt, &found);
    assert_true(bytes_equal(buf_bytes(&expected), buf_bytes(&found)));
}

static void assert_refused(const struct place *p)
{
    const struct delta_job job = applying(p);
    struct error err = { 0 };
    assert_false(delta_apply(&job, &err));
    assert_int_not_equal(err.code, ERR_NONE);
    assert_false(fs_exists(p->rebuilt));
}

static size_t below(struct place *p, size_t bound)
{
    return (size_t)(prng_next(&p->random) % bound);
}

/* Half noise, half of few different bytes, so that blocks are equal at many places. */
static uint8_t *noise(struct place *p, size_t len)
{
    uint8_t *data = xcalloc(1, len + 1);
    uint8_t mask = below(p, 2) ? 0xff : 0x03;
    for (size_t i = 0; i < len; i++) {
        if (i % 1000 == 0) mask = below(p, 2) ? 0xff : 0x03;
        data[i] = (uint8_t)(prng_next(&p->random) & mask);
    }
    return data;
}

/* Pieces of the old file in any order, some with single bytes changed, and fresh ones between. */
static size_t edited(struct place *p, const uint8_t *old, size_t len, uint8_t *out)
{
    size_t made = 0;
    for (size_t pieces = below(p, 12); pieces > 0; pieces--) {
        size_t from = len ? below(p, len) : 0, count = len ? below(p, len - from) : 0;
        if (made + count + 400 > 2 * (size_t)LENGTH_MAX) break;
        memcpy(out + made, old + from, count);
        for (size_t i = below(p, 50); i < count && below(p, 2); i += 1 + below(p, 500))
            out[made + i]++;
        made += count;
        for (size_t fresh = below(p, 400); fresh > 0; fresh--)
            out[made++] = (uint8_t)prng_next(&p->random);
    }
    return made;
}

/* A tree of headers and files in miniature that deflates to about a half. */
static size_t text_of(struct place *p, char *out, size_t len)
{
    size_t made = 0;
    while (made + 40 < len)
        made += (size_t)snprintf(out + made, 40, "file %zu holds %zu\n", below(p, 5000),
                                 below(p, 1000000));
    return made;
}

static size_t gzipped(const void *data, size_t len, int level, int memory_level, uint8_t *out)
{
    z_stream z = { 0 };
    assert_int_equal(
        deflateInit2(&z, level, Z_DEFLATED, MAX_WBITS + 16, memory_level, Z_DEFAULT_STRATEGY),
        Z_OK);
    z.next_in = (Bytef *)(uintptr_t)data;
    z.avail_in = (uInt)len;
    z.next_out = out;
    z.avail_out = (uInt)(len + 4096);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t size = (size_t)z.total_out;
    deflateEnd(&z);
    return size;
}

/* Two revisions of a text, packed. */
static void write_gzip_pair(struct place *p, int level, int memory_level)
{
    size_t len = LENGTH_MAX;
    AUTO(auto_free) char *text = xcalloc(1, len);
    AUTO(auto_free) uint8_t *packed = xcalloc(1, len + 4096);
    len = text_of(p, text, len);
    write_file(p->old, packed, gzipped(text, len, level, memory_level, packed));
    memcpy(text + len / 3, "another content", 15);
    write_file(p->new, packed, gzipped(text, len, level, memory_level, packed));
}

static void a_file_that_is_no_delta_is_refused(void **state)
{
    struct place *p = *state;
    uint8_t header[DELTA_HEADER_SIZE] = "MDLT";
    write_file(p->old, "old", 3);
    write_file(p->delta, "", 0);
    assert_refused(p);
    write_file(p->delta, header, sizeof header);
    assert_refused(p);
    memset(header, 'x', sizeof header);
    write_file(p->delta, header, sizeof header);
    assert_refused(p);
}

static void a_delta_for_another_old_file_is_refused(void **state)
{
    struct place *p = *state;
    AUTO(auto_free) uint8_t *old = noise(p, 5000);
    write_file(p->old, old, 5000);
    write_file(p->new, old + 100, 4000);
    made_of(p);
    write_file(p->old, old, 4999);
    assert_refused(p);
    old[1000]++;
    write_file(p->old, old, 5000);
    assert_refused(p);
}

static void a_damaged_or_cut_delta_is_refused_or_makes_the_right_file(void **state)
{
    struct place *p = *state;
    AUTO(auto_free) uint8_t *old = noise(p, 20000);
    AUTO(auto_free) uint8_t *new = xcalloc(1, 2 * (size_t)LENGTH_MAX);
    AUTO(buf_deinit) struct buf delta = { 0 };
    write_file(p->old, old, 20000);
    write_file(p->new, new, edited(p, old, 20000, new));
    made_of(p);
    read_file(p->delta, &delta);
    for (size_t i = 0; i < DAMAGES; i++) {
        size_t at = below(p, delta.len), len = delta.len;
        uint8_t bit = (uint8_t)(1U << below(p, 8));
        const struct delta_job job = applying(p);
        struct error err = { 0 };
        delta.data[at] ^= bit;
        if (i % 5 == 0) len = at; /* cut */
        write_file(p->delta, delta.data, len);
        if (delta_apply(&job, &err))
            assert_rebuilt(p);
        else
            assert_false(fs_exists(p->rebuilt));
        unlink(p->rebuilt);
        delta.data[at] ^= bit;
    }
}

static void a_pair_beyond_the_memory_allowed_is_left_to_the_next_way(void **state)
{
    struct place *p = *state;
    struct delta_job job = making(p);
    struct delta_made made;
    struct error err = { 0 };
    write_file(p->old, "old", 3);
    write_file(p->new, "new", 3);
    job.memory_max = DELTA_MEMORY_MIN - 1;
    assert_false(delta_make(&job, &made, &err));
    assert_int_equal(err.code, ERR_NO_SPACE);
    assert_false(fs_exists(p->delta));
}

static void a_delta_that_would_unpack_beyond_the_limit_is_refused(void **state)
{
    struct place *p = *state;
    struct error err = { 0 };
    write_gzip_pair(p, 6, 8);
    made_of(p);
    struct delta_job job = applying(p);
    job.unpacked_max = 1000;
    assert_false(delta_apply(&job, &err));
    assert_int_equal(err.code, ERR_NO_SPACE);
}

static bool never(void *owner, uint64_t done, uint64_t total)
{
    (void)owner;
    (void)done;
    (void)total;
    return false;
}

static void whoever_asked_may_end_it(void **state)
{
    struct place *p = *state;
    AUTO(auto_free) uint8_t *data = noise(p, LENGTH_MAX);
    struct delta_job job = making(p);
    struct delta_made made;
    struct error err = { 0 };
    write_file(p->old, data, LENGTH_MAX);
    write_file(p->new, data, LENGTH_MAX);
    job.go_on = never;
    assert_false(delta_make(&job, &made, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_false(fs_exists(p->delta));
}

static void any_pair_is_rebuilt(void **state)
{
    struct place *p = *state;
    AUTO(auto_free) uint8_t *new = xcalloc(1, 2 * (size_t)LENGTH_MAX);
    for (size_t i = 0; i < PAIRS; i++) {
        size_t len = i < 10 ? i : below(p, LENGTH_MAX);
        AUTO(auto_free) uint8_t *old = noise(p, len);
        write_file(p->old, old, len);
        write_file(p->new, new, edited(p, old, len, new));
        made_of(p);
        assert_rebuilt(p);
    }
}

static void what_did_not_change_costs_nearly_nothing(void **state)
{
    struct place *p = *state;
    AUTO(auto_free) uint8_t *data = noise(p, LENGTH_MAX);
    write_file(p->old, data, LENGTH_MAX);
    data[777]++;
    write_file(p->new, data, LENGTH_MAX);
    assert_true(made_of(p).size < 300);
    assert_rebuilt(p);
    write_file(p->new, data + LENGTH_MAX / 3, LENGTH_MAX / 2); /* moved */
    assert_true(made_of(p).size < 300);
    assert_rebuilt(p);
}

static void a_gzip_file_of_zlib_is_compared_unpacked(void **state)
{
    static const int levels[][2] = { { 6, 8 }, { 9, 8 }, { 1, 8 }, { 6, 9 }, { 4, 9 } };
    struct place *p = *state;
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        write_gzip_pair(p, levels[i][0], levels[i][1]);
        struct delta_made made = made_of(p);
        assert_int_equal(made.packer, DELTA_ZLIB);
        assert_true(made.size < 1000);
        assert_rebuilt(p);
    }
}

static void a_gzip_file_follows_from_one_that_was_not_packed(void **state)
{
    struct place *p = *state;
    AUTO(auto_free) char *text = xcalloc(1, LENGTH_MAX);
    AUTO(auto_free) uint8_t *packed = xcalloc(1, LENGTH_MAX + 4096);
    size_t len = text_of(p, text, LENGTH_MAX);
    write_file(p->old, text, len);
    write_file(p->new, packed, gzipped(text, len, 6, 8, packed));
    assert_true(made_of(p).size < 300);
    assert_rebuilt(p);
}

static void a_gzip_file_of_two_members_is_compared_as_it_is(void **state)
{
    struct place *p = *state;
    AUTO(auto_free) uint8_t *packed = xcalloc(2, 8192);
    size_t len = gzipped("one", 3, 6, 8, packed);
    write_file(p->old, packed, len);
    len += gzipped("two", 3, 6, 8, packed + len);
    write_file(p->new, packed, len);
    assert_int_equal(made_of(p).packer, DELTA_PLAIN);
    assert_rebuilt(p);
}

static void nothing_is_left_in_the_scratch_folder(void **state)
{
    struct place *p = *state;
    char path[96];
    write_gzip_pair(p, 6, 8);
    made_of(p);
    assert_rebuilt(p);
    snprintf(path, sizeof path, "%s/delta.old", p->folder);
    assert_false(fs_exists(path));
    snprintf(path, sizeof path, "%s/delta.new", p->folder);
    assert_false(fs_exists(path));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_that_is_no_delta_is_refused),
        TEST(a_delta_for_another_old_file_is_refused),
        TEST(a_damaged_or_cut_delta_is_refused_or_makes_the_right_file),
        TEST(a_pair_beyond_the_memory_allowed_is_left_to_the_next_way),
        TEST(a_delta_that_would_unpack_beyond_the_limit_is_refused),
        TEST(whoever_asked_may_end_it),
        TEST(any_pair_is_rebuilt),
        TEST(what_did_not_change_costs_nearly_nothing),
        TEST(a_gzip_file_of_zlib_is_compared_unpacked),
        TEST(a_gzip_file_follows_from_one_that_was_not_packed),
        TEST(a_gzip_file_of_two_members_is_compared_as_it_is),
        TEST(nothing_is_left_in_the_scratch_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
