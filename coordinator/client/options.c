#include "client/options.h"

#include "base/number.h"
#include "io/config.h"

#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

const struct option_row option_rows[OPTION_COUNT] = {
#define X(id, letter, name, argument, help) { letter, name, argument, help },
    OPTIONS_GLOBAL(X) OPTIONS_OWN(X)
#undef X
};

static const char *const output_names[] = {
    "table", "wide", "json", "name", "ndjson", "yaml", NULL
};

const char *output_name(enum output output)
{
    return output_names[output];
}

/* The index of a word in a list, or an error that shows the list. */
NODISCARD static bool choose(enum option_id id, const char *const *words, const char *written,
                             unsigned *out, struct error *err)
{
    for (unsigned i = 0; words[i]; i++) {
        if (!text_equal(words[i], written)) continue;
        *out = i;
        return true;
    }
    char all[128] = "";
    size_t used = 0;
    for (unsigned i = 0; words[i] && used < sizeof all; i++)
        used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", words[i]);
    return error_set(err, ERR_INVALID, "--%s '%s': must be one of %s", option_rows[id].name,
                     written, all);
}

NODISCARD static bool take_output(struct options *options, const char *value, struct error *err)
{
    unsigned at = 0;
    if (!choose(OPTION_OUTPUT, output_names, value, &at, err)) return false;
    options->yaml = at > OUTPUT_NDJSON; /* JSON that is written otherwise */
    options->output = options->yaml ? OUTPUT_JSON : (enum output)at;
    return true;
}

static bool repeats(enum option_id id)
{
    return id == OPTION_VARIABLE || id == OPTION_SOURCE_REVISION || id == OPTION_SOURCE_KEY ||
           id == OPTION_PARAMETER || id == OPTION_QUERY || id == OPTION_OUTPUT_VARIABLE;
}

NODISCARD static bool take_pair(struct options *options, enum option_id id, const char *value,
                                struct error *err)
{
    const char *equals = strchr(value, '=');
    if (!equals || equals == value)
        return error_set(err, ERR_INVALID, "--%s '%s': write %s", option_rows[id].name, value,
                         option_rows[id].argument);
    if (options->pair_count == OPTION_PAIRS_MAX)
        return error_set(err, ERR_INVALID, "--%s: at most %d", option_rows[id].name,
                         OPTION_PAIRS_MAX);
    options->pairs[options->pair_count++] = (struct option_pair){ id, value };
    return true;
}

bool options_pair(const struct options *options, enum option_id id, size_t *at, struct arena *arena,
                  const char **name, const char **value)
{
    while (*at < options->pair_count && options->pairs[*at].id != id) (*at)++;
    if (*at == options->pair_count) return false;
    const char *text = options->pairs[(*at)++].text, *equals = strchr(text, '=');
    *name = arena_text_of(arena, text, (size_t)(equals - text));
    *value = equals + 1;
    return true;
}

NODISCARD static bool take(struct options *options, enum option_id id, const char *value,
                           struct error *err)
{
    static const char *const colors[] = { "auto", "always", "never", NULL };
    static const char *const ways[] = { "auto", "tty", "plain", "json", NULL };
    unsigned at = 0;
    options->given |= UINT64_C(1) << id;
    options->text[id] = value;
    if (id == OPTION_OUTPUT) return take_output(options, value, err);
    if (repeats(id)) return take_pair(options, id, value, err);
    if (id == OPTION_COLOR) {
        if (!choose(id, colors, value, &at, err)) return false;
        options->color = (enum when)at;
    } else if (id == OPTION_PROGRESS) {
        if (!choose(id, ways, value, &at, err)) return false;
        options->progress = (enum progress_how)at;
    } else if (id == OPTION_TIMEOUT) {
        if (!config_duration_parse(value, &options->timeout_ms) || options->timeout_ms == 0)
            return error_set(err, ERR_INVALID, "--timeout '%s': must be a time as 90s, 30m or 2h",
                             value);
    } else if (id == OPTION_IF_VERSION) {
        if (!number_parse(value, UINT32_MAX, &options->version) || options->version == 0)
            return error_set(err, ERR_INVALID, "--if-version '%s': must be a version, 1 or more",
                             value);
    } else if (id == OPTION_NUMBER) {
        if (!number_parse(value, OPTION_NUMBER_MAX, &options->number) || options->number == 0)
            return error_set(err, ERR_INVALID, "-n '%s': must be a number from 1 to %d", value,
                             OPTION_NUMBER_MAX);
    } else if (id == OPTION_TAG) {
        if (options->tag_count == OPTION_TAGS_MAX)
            return error_set(err, ERR_INVALID, "--tag: at most %d", OPTION_TAGS_MAX);
        options->tags[options->tag_count++] = value;
    }
    return true;
}

struct tables {
    struct option longs[OPTION_COUNT + 1];
    char shorts[2 * OPTION_COUNT + 3];
    enum option_id by_letter[256];
};

static void tables_fill(struct tables *tables, uint64_t mask, bool leading)
{
    size_t count = 0, used = 0;
    *tables = (struct tables){ .shorts = "" };
    /* '+' ends at the first word; ':' tells a missing argument from an unknown option. */
    if (leading) tables->shorts[used++] = '+';
    tables->shorts[used++] = ':';
    for (unsigned id = 0; id < OPTION_COUNT; id++) {
        const struct option_row *row = &option_rows[id];
        if (id >= OPTION_GLOBAL_COUNT && !(mask & (UINT64_C(1) << id))) continue;
        /* Behind the letters, so that both kinds come back as one number. */
        tables->longs[count++] =
            (struct option){ row->name, row->argument ? required_argument : no_argument, NULL,
                             256 + (int)id };
        if (!row->letter) continue;
        tables->by_letter[(unsigned char)row->letter] = (enum option_id)id;
        tables->shorts[used++] = row->letter;
        if (row->argument) tables->shorts[used++] = ':';
    }
}

static bool complain(int answer, char **argv, const struct tables *tables, struct error *err)
{
    const char *word = optind > 0 ? argv[optind - 1] : "";
    if (answer == ':') {
        for (unsigned id = 0; id < OPTION_COUNT; id++) {
            const struct option_row *row = &option_rows[id];
            if (optopt == 256 + (int)id || (row->letter && optopt == row->letter &&
                                            tables->by_letter[optopt] == (enum option_id)id))
                return error_set(err, ERR_INVALID, "%s needs %s", word, row->argument);
        }
        return error_set(err, ERR_INVALID, "%s needs a value", word);
    }
    if (optopt >= 256)
        return error_set(err, ERR_INVALID, "--%s takes no value", option_rows[optopt - 256].name);
    if (optopt > 0) return error_set(err, ERR_INVALID, "there is no option -%c here", optopt);
    for (unsigned id = 0; id < OPTION_COUNT; id++)
        if (text_starts(word, "--") && text_equal(word + 2, option_rows[id].name))
            return error_set(err, ERR_INVALID, "%s does not belong to this command", word);
    return error_set(err, ERR_INVALID, "there is no option %s", word);
}

bool options_parse(int argc, char **argv, uint64_t mask, bool leading, struct options *options,
                   int *next, struct error *err)
{
    struct tables tables;
    tables_fill(&tables, mask, leading);
    opterr = 0;
    optind = 0; /* GNU: begin anew */
    int answer;
    while ((answer = getopt_long(argc, argv, tables.shorts, tables.longs, NULL)) != -1) {
        if (answer == '?' || answer == ':') return complain(answer, argv, &tables, err);
        enum option_id id =
            answer >= 256 ? (enum option_id)(answer - 256) : tables.by_letter[answer];
        if (!take(options, id, optarg, err)) return false;
    }
    *next = optind;
    return true;
}
