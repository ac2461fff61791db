/* main.c - meridian-coordinator: started by operators in the primary region.
 *
 *     meridian-coordinator --config FILE        run until SIGTERM
 *     meridian-coordinator check --config FILE  read the configuration, say what is wrong, end
 *     meridian-coordinator dump --config FILE   every record of the state as text
 *     meridian-coordinator replay --config FILE EXECUTION [--until TURN | --at TIME]
 *                                               what an execution was, told by its log
 */
#include "io/log.h"
#include "io/store.h"
#include "shell/artifact_server.h"
#include "shell/replay_command.h"
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
    "usage: meridian-coordinator --config FILE        run until SIGTERM\n"
    "       meridian-coordinator check --config FILE  check the configuration and end\n"
    "       meridian-coordinator dump --config FILE   print the records of the state\n"
    "       meridian-coordinator replay --config FILE EXECUTION [--until TURN | --at TIME]\n"
    "                                                 how it was then; is the state what the log "
    "comes to?\n"
    "       meridian-coordinator --version\n";

static int complain(const char *what, const struct error *err)
{
    fprintf(stderr, "error: %s\n  cause: %s\n", what, err->text);
    return EXIT_FAILURE;
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
    AUTO(auto_store_close) struct store *store = NULL;
    if (!store_open_read(&store, settings->state, &err) ||
        !store_each(store, "", print_record, &err, &err) || err.code != ERR_NONE)
        return complain("the state cannot be read", &err);
    return EXIT_SUCCESS;
}

static int replay(const struct settings *settings, const struct replay_wish *wish)
{
    struct error err = { 0 };
    if (replay_command(settings->state, wish, &err)) return EXIT_SUCCESS;
    fflush(stdout);
    complain("the log cannot be replayed", &err);
    return err.code == ERR_INVALID ? EXIT_USAGE : EXIT_FAILURE;
}

static int run(const struct settings *settings)
{
    struct error err = { 0 };
    struct log log;
    struct runtime *runtime = NULL;
    char program[FS_PATH_MAX] = "";
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    log_init(&log, settings->log);
    if (len < 0) return complain("the program does not find itself", &err);
    if (!runtime_open(settings, program, &log, &runtime, &err)) {
        log_failure(&log, LOG_ERROR, "the coordinator cannot start", &err);
        return EXIT_FAILURE;
    }
    bool ok = runtime_run(runtime, &err);
    if (!ok) log_failure(&log, LOG_ERROR, "the coordinator ends and must be started again", &err);
    runtime_close(runtime);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The child that checks an upload (artifact_server.h). */
static int verify_upload(char **argv)
{
    struct error err = { 0 };
    if (artifact_verify(argv[2], argv[3], argv[4], &err)) return VERIFY_OK;
    if (err.code == ERR_CORRUPT) return VERIFY_WRONG;
    return err.code == ERR_NO_SPACE ? VERIFY_NO_SPACE : VERIFY_FAILED;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' }, { "until", required_argument, NULL, 'u' },
        { "at", required_argument, NULL, 'a' },     { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },      { NULL, 0, NULL, 0 }
    };
    const char *file = NULL;
    struct replay_wish wish = { 0 };
    if (argc == 5 && strcmp(argv[1], "verify-upload") == 0) return verify_upload(argv);
    for (int c; (c = getopt_long(argc, argv, "c:hV", options, NULL)) != -1;) {
        switch (c) {
        case 'c': file = optarg; break;
        case 'u': wish.until = optarg; break;
        case 'a': wish.at = optarg; break;
        case 'h': return fputs(usage, stdout) < 0;
        case 'V': return puts("meridian-coordinator " MERIDIAN_VERSION) < 0;
        default: return fputs(usage, stderr), EXIT_USAGE;
        }
    }
    const char *command = optind < argc ? argv[optind] : "run";
    bool replays = strcmp(command, "replay") == 0;
    if (replays && optind + 1 < argc) wish.execution = argv[optind + 1];
    if (!file || optind + 1 + replays < argc || replays != (wish.execution != NULL) ||
        (!replays && (wish.until || wish.at)))
        return fputs(usage, stderr), EXIT_USAGE;
    struct error err = { 0 };
    struct settings settings;
    int status = EXIT_USAGE;
    if (!settings_load(file, &settings, &err))
        return complain("the configuration cannot be used", &err);
    if (strcmp(command, "run") == 0)
        status = run(&settings);
    else if (strcmp(command, "dump") == 0)
        status = dump(&settings);
    else if (replays)
        status = replay(&settings, &wish);
    else if (strcmp(command, "check") == 0)
        status = printf("%s: ok\n", file) > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    else
        fputs(usage, stderr);
    settings_deinit(&settings);
    return status;
}
