/* main.c - meridian-worker: one or more in each region, on the hosts that are deployed to.
 *
 *     meridian-worker --config FILE          run until SIGTERM; running steps go on
 *     meridian-worker check --config FILE    read the configuration, say what is wrong, end
 *     meridian-worker dump --config FILE     every record of the state as text
 *     meridian-worker deploy-local ...       a deployment without a coordinator (rehearsal.h)
 */
#include "io/fs.h"
#include "io/log.h"
#include "io/store.h"
#include "shell/rehearsal.h"
#include "shell/runtime.h"
#include "wire/wire.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, DUMP_RECORD_MAX = 8 << 20 };

static const char usage[] =
    "usage: meridian-worker --config FILE            run until SIGTERM\n"
    "       meridian-worker check --config FILE      check the configuration and end\n"
    "       meridian-worker dump --config FILE       print the records of the state\n"
    "       meridian-worker deploy-local [BUNDLE]    deploy on this host, without a coordinator\n"
    "       meridian-worker --version\n";

static int complain(const char *what, const struct error *err)
{
    fprintf(stderr, "error: %s\n  cause: %s\n", what, err->text);
    return EXIT_FAILURE;
}

/* meridian-step lies beside this program, wherever it was installed or built. */
NODISCARD static bool find_step_program(char out[FS_PATH_MAX], struct error *err)
{
    char own[FS_PATH_MAX] = "";
    ssize_t len = readlink("/proc/self/exe", own, sizeof own - 1);
    if (len <= 0) return fs_error(err, "find", "/proc/self/exe");
    char *slash = strrchr(own, '/');
    if (!slash) return error_set(err, ERR_FATAL, "'%s' is no path", own);
    *slash = '\0';
    return fs_join(out, own, "meridian-step", err);
}

static bool print_record(void *owner, const char *key, struct bytes value)
{
    AUTO(buf_deinit) struct buf text;
    buf_init(&text, DUMP_RECORD_MAX);
    if (!wire_record_dump(key, value, &text, owner)) return false;
    if (fwrite(text.data, 1, text.len, stdout) == text.len) return true;
    return error_set(owner, ERR_FATAL, "standard output: %s", strerror(errno));
}

static int dump(const struct settings *settings)
{
    struct error err = { 0 };
    char path[FS_PATH_MAX];
    AUTO(auto_store_close) struct store *store = NULL;
    if (!fs_join(path, settings->state, "db", &err) || !store_open_read(&store, path, &err) ||
        !store_each(store, "", print_record, &err, &err) || err.code != ERR_NONE)
        return complain("the state cannot be read", &err);
    return EXIT_SUCCESS;
}

static int run(const struct settings *settings, const char *step_program)
{
    struct error err = { 0 };
    struct log log;
    struct runtime *runtime = NULL;
    log_init(&log, settings->log);
    if (!runtime_open(settings, step_program, &log, &runtime, &err)) {
        log_failure(&log, LOG_ERROR, "the worker cannot start", &err);
        return EXIT_FAILURE;
    }
    bool ok = runtime_run(runtime, &err);
    if (!ok) log_failure(&log, LOG_ERROR, "the worker ends and must be started again", &err);
    runtime_close(runtime);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int command(const char *name, const struct settings *settings, const char *file,
                   const char *step_program)
{
    if (strcmp(name, "run") == 0) return run(settings, step_program);
    if (strcmp(name, "dump") == 0) return dump(settings);
    if (strcmp(name, "check") == 0) return printf("%s: ok\n", file) < 0;
    return fputs(usage, stderr), EXIT_USAGE;
}

int main(int argc, char **argv)
{
    static const struct option options[] = { { "config", required_argument, NULL, 'c' },
                                             { "help", no_argument, NULL, 'h' },
                                             { "version", no_argument, NULL, 'V' },
                                             { NULL, 0, NULL, 0 } };
    const char *file = NULL;
    struct error err = { 0 };
    char step_program[FS_PATH_MAX];
    if (!find_step_program(step_program, &err)) return complain("meridian-step is missing", &err);
    if (argc > 1 && strcmp(argv[1], "deploy-local") == 0)
        return rehearsal_main(argc - 1, argv + 1, step_program);
    for (int c; (c = getopt_long(argc, argv, "c:hV", options, NULL)) != -1;) {
        switch (c) {
        case 'c': file = optarg; break;
        case 'h': return fputs(usage, stdout) < 0;
        case 'V': return puts("meridian-worker " MERIDIAN_VERSION) < 0;
        default: return fputs(usage, stderr), EXIT_USAGE;
        }
    }
    if (!file || optind + 1 < argc) return fputs(usage, stderr), EXIT_USAGE;
    struct settings settings;
    if (!settings_load(file, &settings, &err))
        return complain("the configuration cannot be used", &err);
    int status = command(optind < argc ? argv[optind] : "run", &settings, file, step_program);
    settings_deinit(&settings);
    return status;
}
