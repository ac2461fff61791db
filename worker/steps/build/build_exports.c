/* Exported variables: what the commands have left in them becomes what the action gives. */
#include "bundle/appspec_reader.h"
#include "steps/build/build.h"
#include "wire/wire_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COMMAND_MAX = 32 << 10 };

/* One more command, after the last phase, sees the variables as a command would. */
NODISCARD static bool write_values(struct build *build, struct error *err)
{
    AUTO(buf_deinit) struct buf text;
    struct script_end end;
    char line[512];
    buf_init(&text, COMMAND_MAX);
    if (!buf_append_text(&text, ": exported variables\n", err)) return false;
    for (size_t i = 0; i < build->spec->exported_count; i++) {
        const char *name = build->spec->exported[i];
        snprintf(line, sizeof line,
                 "if test \"${%s+set}\"; then printf %%s \"$%s\" > \"$meridian_state/value-%zu\"; "
                 "fi\n",
                 name, name, i);
        if (!buf_append_text(&text, line, err)) return false;
    }
    if (!buf_append(&text, "", 1, err) ||
        !build_run_command(build, (const char *)text.data, build->spec->runas, &end, err))
        return false;
    return end.code == LIFECYCLE_SUCCESS ||
           error_set(err, ERR_INVALID, "the exported variables cannot be read: %s", end.message);
}

/* False in *set when the command has left no value. The file is the build user's: no link of it is
 * followed, and nothing but a file is read. */
NODISCARD static bool read_value(const struct build *build, size_t at, char *out, bool *set,
                                 struct error *err)
{
    AUTO(auto_close) int fd = -1;
    struct error why = { ERR_NONE, "" };
    struct stat st;
    char name[32];
    size_t len = 0;
    snprintf(name, sizeof name, "value-%zu", at);
    *set = appspec_open_beneath(build->state, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, &fd, &why);
    if (!*set) return true;
    if (fstat(fd, &st) < 0) return fs_error(err, "stat", name);
    if (!S_ISREG(st.st_mode) || st.st_size > WIRE_VARIABLE_MAX)
        return error_set(err, ERR_INVALID, "the exported variable %s has more than %d bytes",
                         build->spec->exported[at], WIRE_VARIABLE_MAX);
    if (!fs_read_full(fd, out, WIRE_VARIABLE_MAX, &len, err)) return false;
    len = redact_apply(&build->redact, (uint8_t *)out, len);
    out[len] = '\0';
    if (wire_text_valid(out, len) == len) return true;
    return error_set(err, ERR_INVALID, "the exported variable %s is not UTF-8",
                     build->spec->exported[at]);
}

static bool is_secret(const struct build *build, const char *name)
{
    const struct job *job = &build->step->spec->job;
    for (size_t i = 0; i < job->variable_count; i++)
        if (job->variables[i].secret && text_equal(job->variables[i].name, name)) return true;
    return false;
}

bool build_export_variables(struct build *build, struct error *err)
{
    struct step_report *report = build->report;
    const struct buildspec *spec = build->spec;
    if (spec->exported_count == 0) return true;
    for (size_t i = 0; i < spec->exported_count; i++)
        if (is_secret(build, spec->exported[i]))
            return error_set(err, ERR_INVALID, "%s is a secret: it cannot be exported",
                             spec->exported[i]);
    if (!write_values(build, err)) return false;
    for (size_t i = 0; i < spec->exported_count; i++) {
        size_t to = report->variable_count;
        bool set = false;
        char *name = report->variable_names[to];
        if (!read_value(build, i, report->variable_values[to], &set, err)) return false;
        if (!set || !text_copy(name, sizeof report->variable_names[0], spec->exported[i])) {
            scriptlog_entry(&build->log, "Meridian - the exported variable %s is not set",
                            spec->exported[i]);
            continue;
        }
        report->variables[to] = (struct variable){ name, report->variable_values[to] };
        report->variable_count++;
    }
    return true;
}
