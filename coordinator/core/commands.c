#include "core/commands.h"

#include "core/reference.h"

#include <string.h>

bool commands_of(const struct pipeline_action *action)
{
    return action->owner == OWNER_AWS && text_equal(action->provider, "Commands") &&
           (action->category == CATEGORY_COMPUTE || action->category == CATEGORY_RULE);
}

/* ---- the buildspec ---- */

static size_t list_size(const char *const *list, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) size += 2 * strlen(list[i]) + sizeof "'', ";
    return size;
}

static char *put(char *at, const char *text)
{
    while (*text) *at++ = *text++;
    return at;
}

/* As YAML's single-quoted texts, in which nothing but ' has a meaning. */
static char *put_list(char *at, const char *const *list, size_t count)
{
    *at++ = '[';
    for (size_t i = 0; i < count; i++) {
        at = put(at, i ? ", '" : "'");
        for (const char *from = list[i]; *from; from++) {
            if (*from == '\'') *at++ = '\'';
            *at++ = *from;
        }
        *at++ = '\'';
    }
    return put(at, "]");
}

const char *commands_buildspec(const struct pipeline_action *action, struct arena *arena)
{
    static const char *const all[] = { "**/*" };
    static const char head[] = "version: 0.2\nenv: { exported-variables: ",
                      phase[] = " }\nphases: { build: { commands: ", mid[] = " } }\n",
                      artifacts[] = "artifacts: { files: ", tail[] = " }\n";
    const struct pipeline_commands *c = &action->commands;
    const char *const *files = c->file_count ? c->files : all;
    size_t file_count = c->file_count ? c->file_count : 1;
    if (!commands_of(action)) return "";
    char *text =
        arena_calloc(arena,
                     sizeof head + sizeof phase + sizeof mid + sizeof artifacts + sizeof tail +
                         3 * sizeof "[]" + list_size(c->given, c->given_count) +
                         list_size(c->list, c->count) + list_size(files, file_count),
                     1);
    char *at = put_list(put(text, head), c->given, c->given_count);
    at = put(put_list(put(at, phase), c->list, c->count), mid);
    if (action->output_count) put(put_list(put(at, artifacts), files, file_count), tail);
    return text;
}

/* ---- the rules ---- */

struct subject {
    struct findings *f;
    const struct pipeline_action *action;
    const char *path;
};

static void say(const struct subject *s, const char *key, size_t index, const char *text)
{
    check_say(s->f, s->action->at, s->action->at,
              arena_format(s->f->arena, "%s.%s[%zu]", s->path, key, index), "%s", text);
}

static const char *line_flaw(const char *text, size_t max)
{
    if (!text[0] || strlen(text) > max) return "is 1 to 1000 characters long";
    for (const char *at = text; *at; at++)
        if ((unsigned char)*at < ' ' && *at != '\t')
            return "is one line: write several as several commands, or as a script of the artifact";
    return NULL;
}

static void check_line(const struct subject *s, size_t index)
{
    const char *text = s->action->commands.list[index], *flaw = line_flaw(text, COMMAND_SIZE_MAX);
    if (flaw) say(s, "commands", index, arena_format(s->f->arena, "a command %s", flaw));
    if (reference_in(text))
        say(s, "commands", index,
            "a command has no reference: give it an environmentVariable whose value is the "
            "reference, and write $NAME");
}

static bool name_valid(const char *name)
{
    return check_word(name, 1, COMMANDS_GIVEN_SIZE, "_") && !(name[0] >= '0' && name[0] <= '9');
}

static void check_elsewhere(const struct subject *s)
{
    const struct pipeline_commands *c = &s->action->commands;
    static const char where[] = "belongs to provider Commands only: remove it";
    if (c->count) say(s, "commands", 0, where);
    if (c->given_count) say(s, "outputVariables", 0, where);
    if (c->file_count) say(s, "outputArtifacts[0].files", 0, where);
}

void commands_check(struct findings *f, const struct pipeline_action *action, const char *path)
{
    const struct subject s = { f, action, path };
    const struct pipeline_commands *c = &action->commands;
    if (!commands_of(action)) {
        check_elsewhere(&s);
        return;
    }
    if (c->count == 0)
        check_say(f, action->at, action->at, arena_format(f->arena, "%s.commands", path),
                  "1 to 50 commands are missing here");
    for (size_t i = 0; i < c->count; i++) check_line(&s, i);
    for (size_t i = 0; i < c->file_count; i++)
        if (line_flaw(c->files[i], COMMANDS_FILE_MAX))
            say(&s, "outputArtifacts[0].files", i,
                "a file's pattern is 1 to 128 characters, one line");
    for (size_t i = 0; i < c->given_count; i++)
        if (!name_valid(c->given[i]))
            say(&s, "outputVariables", i,
                "a variable's name is a letter or _ and then letters, digits and _, 100 at most");
}
