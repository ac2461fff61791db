#include "io/clock.h"
#include "io/digest.h"
#include "io/dirstore.h"
#include "io/random.h"
#include "swarm.h"

#include <stdio.h>
#include <string.h>

enum { LINE_SIZE = 128, REGISTRY_MAX = 1 << 20 };

static FILE *open_in(const char *dir, const char *name, const char *mode)
{
    char path[FS_PATH_MAX];
    struct error err = { 0 };
    if (!fs_join(path, dir, name, &err)) bench_die("path", &err);
    FILE *file = fopen(path, mode);
    if (!file) bench_die(path, NULL);
    return file;
}

/* `meridian keys worker` locks, reads, checks and syncs the registry for each single worker: a
 * thousand of them are written here at once, as a configuration management would. */
static void registry(const char *dir, size_t count)
{
    struct keys_pair pair;
    FILE *secrets = open_in(dir, "swarm.keys", "we");
    FILE *file = open_in(dir, "keys/registry.yml", "we");
    keys_pair_new(&pair);
    fprintf(secrets, "%s %s\n", pair.public_z85, pair.secret_z85);
    fprintf(file, "clients:\n- name: 'operator'\n  role: 'admin'\n  key: '%s'\n%s", pair.public_z85,
            count ? "workers:\n" : "workers: []\n");
    for (size_t i = 0; i < count; i++) {
        keys_pair_new(&pair);
        fprintf(secrets, "%s %s\n", pair.public_z85, pair.secret_z85);
        fprintf(file, "- name: 'sim-%zu'\n  region: 'us-west-2'\n  key: '%s'\n", i,
                pair.public_z85);
    }
    if (fclose(file) || fclose(secrets)) bench_die("the registry cannot be written", NULL);
}

static void object(const char *dir, const char *key)
{
    static const char text[] = "not a bundle: no worker of the swarm opens it\n";
    struct dirstore store;
    struct error err = { 0 };
    char folder[FS_PATH_MAX], path[FS_PATH_MAX];
    struct prng random;
    random_seed(&random);
    struct id upload = id_new_uuid(&random);
    struct dirstore_object object = { .version_id = id_new_version(&random),
                                      .size = sizeof text - 1,
                                      .modified_ms = clock_wall_ms(),
                                      .summary = "bench" };
    digest_sha256(bytes_of(text, sizeof text - 1), object.sha256);
    if (!fs_join(folder, dir, "store", &err) ||
        !dirstore_open(&store, folder, clock_wall_ms(), &err) ||
        !dirstore_upload_path(&store, &upload, path, &err))
        bench_die("the store cannot be made", &err);
    FILE *file = fopen(path, "we");
    if (!file || fputs(text, file) < 0 || fclose(file)) bench_die(path, NULL);
    if (!dirstore_put(&store, key, &upload, &object, &err)) bench_die("put", &err);
}

void prepare(const char *dir, size_t count, const char *key)
{
    char keys[FS_PATH_MAX];
    struct error err = { 0 };
    if (!fs_join(keys, dir, "keys", &err) || !keys_init(keys, &err)) bench_die("keys", &err);
    registry(dir, count);
    object(dir, key);
}

void prepare_load(const char *dir, struct keys_pair *pairs, size_t count)
{
    char line[LINE_SIZE];
    FILE *file = open_in(dir, "swarm.keys", "re");
    for (size_t i = 0; i < count; i++) {
        /* Two keys of 40 letters, a space between them. */
        if (!fgets(line, sizeof line, file) || strlen(line) < 2 * (KEYS_Z85_SIZE - 1) + 1)
            bench_die("swarm.keys is short", NULL);
        memcpy(pairs[i].public_z85, line, KEYS_Z85_SIZE - 1);
        memcpy(pairs[i].secret_z85, line + KEYS_Z85_SIZE, KEYS_Z85_SIZE - 1);
    }
    fclose(file);
}
