/* One command of a buildspec: a script around it carries variables and folder to the next. */
#include "io/clock.h"
#include "steps/build/build.h"

#include <stdio.h>
#include <string.h>

enum { SCRIPT_TEXT_MAX = 512 << 10 };

/* `set -a`: a variable that a command sets is seen by the next one, exported or not. Secrets come
 * with the environment each time and are not written down. */
static const char head[] = "#!/usr/bin/env %s\n"
                           "meridian_state=%s\n"
                           "if test -f \"$meridian_state/variables\"; then"
                           " . \"$meridian_state/variables\"; fi\n"
                           "export CODEBUILD_BUILD_SUCCEEDING=%d\n"
                           "meridian_folder=$(cat \"$meridian_state/folder\" 2>/dev/null)\n"
                           "test -n \"$meridian_folder\" &&"
                           " cd \"$meridian_folder\" 2>/dev/null || cd %s || exit 126\n"
                           "meridian_keep() {\n"
                           "meridian_status=$?\n"
                           "trap - EXIT\n"
                           "set +a\n"
                           "{ pwd > \"$meridian_state/folder.new\" &&"
                           " mv -f \"$meridian_state/folder.new\" \"$meridian_state/folder\"; }"
                           " 2>/dev/null\n"
                           "unset PWD OLDPWD";
static const char tail[] = "\n"
                           "{ export -p > \"$meridian_state/variables.new\" &&"
                           " mv -f \"$meridian_state/variables.new\""
                           " \"$meridian_state/variables\"; } 2>/dev/null\n"
                           "exit $meridian_status\n"
                           "}\n"
                           "trap meridian_keep EXIT\n"
                           "set -a\n"
                           ". \"$meridian_state/command\"\n";

/* 'text' for a shell. */
static const char *quoted(struct arena *arena, const char *text)
{
    const char *out = "'";
    for (const char *end; (end = strchr(text, '\'')); text = end + 1)
        out = arena_format(arena, "%s%.*s'\\''", out, (int)(end - text), text);
    return arena_format(arena, "%s%s'", out, text);
}

NODISCARD static bool put_secrets(const struct build *build, struct buf *text, struct error *err)
{
    const struct job *job = &build->step->spec->job;
    for (size_t i = 0; i < build->spec->variable_count; i++)
        if (build->spec->variables[i].secret &&
            (!buf_append_text(text, " ", err) ||
             !buf_append_text(text, build->spec->variables[i].name, err)))
            return false;
    for (size_t i = 0; i < job->variable_count; i++)
        if (job->variables[i].secret && (!buf_append_text(text, " ", err) ||
                                         !buf_append_text(text, job->variables[i].name, err)))
            return false;
    return true;
}

NODISCARD static bool write_files(struct build *build, const char *command,
                                  char script[FS_PATH_MAX], struct error *err)
{
    char path[FS_PATH_MAX];
    AUTO(buf_deinit) struct buf text;
    AUTO(arena_deinit) struct arena arena;
    arena_init(&arena, SCRIPT_TEXT_MAX);
    buf_init(&text, SCRIPT_TEXT_MAX);
    const char *begin = arena_format(&arena, head, build->spec->shell, quoted(&arena, build->state),
                                     build->failed ? 0 : 1, quoted(&arena, build->source));
    if (!fs_join(path, build->state, "command", err) ||
        !fs_join(script, build->state, "script", err) || !buf_append_text(&text, command, err) ||
        !buf_append_text(&text, "\n", err) || !fs_write_atomic(path, buf_bytes(&text), 0644, err))
        return false;
    buf_clear(&text);
    return buf_append_text(&text, begin, err) && put_secrets(build, &text, err) &&
           buf_append_text(&text, tail, err) &&
           fs_write_atomic(script, buf_bytes(&text), 0755, err);
}

void build_label(const char *command, char out[BUILD_LABEL_SIZE])
{
    command += strspn(command, " \t\n");
    size_t len = strcspn(command, "\n");
    bool cut = command[len] != '\0' && command[len + 1] != '\0';
    if (len > BUILD_LABEL_SIZE - 8) {
        len = BUILD_LABEL_SIZE - 8;
        while (len > 0 && ((unsigned char)command[len] & 0xc0u) == 0x80u) len--;
        cut = true;
    }
    snprintf(out, BUILD_LABEL_SIZE, "%.*s%s", (int)len, command, cut ? " ..." : "");
}

bool build_run_command(struct build *build, const char *command, const char *user,
                       struct script_end *end, struct error *err)
{
    char label[BUILD_LABEL_SIZE], path[FS_PATH_MAX];
    uint64_t now_ms = clock_boot_ms();
    uint64_t left_ms = build->deadline_ms > now_ms ? build->deadline_ms - now_ms : 0;
    build_label(command, label);
    if (!write_files(build, command, path, err)) return false;
    const struct appspec_script spec = { .location = label,
                                         .timeout_s = (uint32_t)(left_ms / 1000 + 1),
                                         .runas = user };
    const struct script script = { .spec = &spec,
                                   .path = path,
                                   .environment = build->environment.entries,
                                   .log = &build->log,
                                   .step = build->step,
                                   .number = build->commands++,
                                   .noun = "command",
                                   .memory_max = build->step->spec->build_memory_max };
    scriptlog_entry(&build->log, "Command - %s", label);
    script_run(&script, end);
    return true;
}
