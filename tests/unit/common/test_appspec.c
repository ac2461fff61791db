/* appspec.yml: every rule of the recorded agent, and the listed differences. */
#include "bundle/appspec.h"
#include "io/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define HEAD       "version: 0.0\nos: linux\n"
#define PERMISSION HEAD "permissions:\n  - object: /app\n    "
#define SCRIPT     HEAD "hooks:\n  AfterInstall:\n    - location: h.sh\n      "

static struct appspec *parse(const char *text)
{
    struct error err = { 0 };
    struct appspec *spec = NULL;
    if (!appspec_parse("appspec.yml", bytes_of_text(text), &spec, &err)) fail_msg("%s", err.text);
    return spec;
}

static void accepts(const char *text)
{
    appspec_free(parse(text));
}

static void refuses(const char *text, const char *expected)
{
    struct error err = { 0 };
    struct appspec *spec = NULL;
    if (appspec_parse("appspec.yml", bytes_of_text(text), &spec, &err))
        fail_msg("accepted: %s", text);
    assert_null(spec);
    assert_int_equal(err.code, ERR_INVALID);
    if (!strstr(err.text, expected)) fail_msg("'%s' lacks '%s'", err.text, expected);
    if (strncmp(err.text, "appspec.yml:", 12) != 0) fail_msg("no place in '%s'", err.text);
}

static void an_empty_or_malformed_file_is_refused(void **state)
{
    (void)state;
    refuses("", "the file is empty");
    refuses("# version: 0.0\n", "the file is empty");
    refuses("version: 0.0\nos: linux\nfiles: [\n\t- source: a\n", "appspec.yml:4:");
    refuses("version", "must be a mapping");
    refuses("- version: 0.0\n", "must be a mapping");
}

static void the_version_is_the_number_zero(void **state)
{
    (void)state;
    refuses("os: linux\n", "write \"version: 0.0\"");
    refuses("version: \"0.0\"\nos: linux\n", "appspec.yml:1:10: version: the version must be a "
                                             "number: write 0.0 without quotes");
    refuses("version: 0.1\nos: linux\n", "version: the only version is 0.0");
    refuses("version:\nos: linux\n", "write \"version: 0.0\"");
    refuses("version: [0.0]\nos: linux\n", "the only version is 0.0");
    refuses("version: .\nos: linux\n", "the only version is 0.0");
    accepts("version: 0\nos: linux\n");
    accepts("version: 0.00\nos: \"linux\"\n");
}

static void the_operating_system_is_linux(void **state)
{
    (void)state;
    refuses("version: 0.0\n", "write \"os: linux\"");
    refuses("version: 0.0\nos: windows\n", "appspec.yml:2:5: os: ");
    refuses("version: 0.0\nos: Linux\n", "os: linux");
    refuses("version: 0.0\nos: {a: b}\n", "os: linux");
}

static void scripts_need_a_location_inside_the_revision(void **state)
{
    (void)state;
    refuses(HEAD "hooks:\n  AfterInstall:\n    - timeout: 10\n",
            "appspec.yml:5:7: hooks.AfterInstall[0]: no location");
    refuses(HEAD "hooks:\n  AfterInstall:\n    - location:\n", "no location");
    refuses(HEAD "hooks:\n  AfterInstall:\n    - location: \"  \"\n", "no location");
    refuses(HEAD "hooks:\n  AfterInstall:\n    - location: [a]\n", "must be a text");
    refuses(HEAD "hooks:\n  AfterInstall:\n    - h.sh\n", "must be a mapping with a location");
    refuses(HEAD "hooks:\n  AfterInstall: h.sh\n", "must be a list of scripts");
    refuses(HEAD "hooks:\n  AfterInstall:\n    location: h.sh\n", "must be a list of scripts");
    refuses(HEAD "hooks:\n  - AfterInstall\n", "must be a mapping");
    refuses(HEAD "hooks:\n  AfterInstall:\n    - location: ../h.sh\n", "leads out of the revision");
    refuses(HEAD "hooks:\n  AfterInstall:\n    - location: a/../../h\n", "leads out of the");
}

static void timeouts_are_read_as_ruby_reads_them(void **state)
{
    (void)state;
    const struct {
        const char *text;
        unsigned seconds;
    } cases[] = { { "10", 10 },     { "\"10\"", 10 },  { "5m", 5 },
                  { "1.9", 1 },     { "1_000", 1000 }, { "999999999999", APPSPEC_TIMEOUT_MAX_S },
                  { "+7", 7 },      { "1:30", 90 },    { "\"1:30\"", 1 },
                  { "null", 3600 }, { "\" 7 \"", 7 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text, SCRIPT "timeout: %s\n", cases[i].text);
        struct appspec *spec = parse(text);
        assert_int_equal(spec->hooks[0].scripts[0].timeout_s, cases[i].seconds);
        appspec_free(spec);
    }
    refuses(SCRIPT "timeout: 0\n", "appspec.yml:6:16: hooks.AfterInstall[0].timeout: ");
    refuses(SCRIPT "timeout: -5\n", "whole number of seconds above 0");
    refuses(SCRIPT "timeout: soon\n", "not \"soon\"");
    refuses(SCRIPT "timeout: 0.5\n", "above 0");
    refuses(SCRIPT "timeout: [5]\n", "must be a text");
    struct appspec *spec = parse(SCRIPT "timeout: 5m\n");
    assert_int_equal(spec->warning_count, 1);
    assert_non_null(strstr(spec->warnings[0], "counts as 5 seconds"));
    appspec_free(spec);
}

static void sudo_and_rerun_take_only_their_words(void **state)
{
    (void)state;
    refuses(SCRIPT "sudo: \"false\"\n", "write false without quotes");
    refuses(SCRIPT "sudo: maybe\n", "must be true or false");
    refuses(SCRIPT "rerun: yes\n", "write \"rerun: safe\"");
    struct appspec *spec = parse(SCRIPT "sudo: true\n      runas: \" ec2-user \"\n      "
                                        "rerun: safe\n");
    const struct appspec_script *s = &spec->hooks[0].scripts[0];
    assert_true(s->sudo);
    assert_true(s->rerun_safe);
    assert_string_equal(s->runas, "ec2-user");
    appspec_free(spec);
    spec = parse(SCRIPT "sudo:\n      runas: ~\n");
    assert_false(spec->hooks[0].scripts[0].sudo);
    assert_null(spec->hooks[0].scripts[0].runas);
    appspec_free(spec);
}

static void hooks_keep_order_names_and_places(void **state)
{
    (void)state;
    struct appspec *spec = parse(HEAD "hooks:\n  ValidateService:\n    - location: /a//./b.sh\n"
                                      "    - location: \" c d.sh \"\n  AfterInstal:\n"
                                      "    - location: x\n  BeforeInstall:\n  AfterInstall: []\n");
    assert_int_equal(spec->hook_count, 4);
    const struct appspec_hook *hook = appspec_hook(spec, "ValidateService");
    assert_int_equal(hook->script_count, 2);
    assert_string_equal(hook->scripts[0].location, "/a//./b.sh");
    assert_string_equal(hook->scripts[0].path, "a/b.sh");
    assert_string_equal(hook->scripts[1].location, "c d.sh");
    assert_int_equal(hook->scripts[1].timeout_s, 3600);
    assert_int_equal(hook->scripts[1].line, 6);
    assert_int_equal(appspec_hook(spec, "BeforeInstall")->script_count, 0);
    assert_int_equal(appspec_hook(spec, "AfterInstall")->script_count, 0);
    assert_null(appspec_hook(spec, "ApplicationStop"));
    assert_int_equal(appspec_hook(spec, "AfterInstal")->script_count, 1);
    assert_int_equal(spec->warning_count, 1);
    assert_non_null(strstr(spec->warnings[0], "did you mean AfterInstall?"));
    appspec_free(spec);
}

static void files_need_source_and_destination(void **state)
{
    (void)state;
    refuses(HEAD "files:\n  - destination: /app\n", "appspec.yml:4:5: files[0]: no source");
    refuses(HEAD "files:\n  - source: a\n", "files[0]: no destination");
    refuses(HEAD "files:\n  - source: ~\n    destination: /app\n", "no source");
    refuses(HEAD "files:\n  - source: [a]\n    destination: /app\n", "must be a text");
    refuses(HEAD "files:\n  source: a\n  destination: /app\n", "must be a list");
    refuses(HEAD "files:\n  - a\n", "must be a mapping");
    refuses(HEAD "files:\n  - source: ../a\n    destination: /app\n", "leads out of the revision");
    struct appspec *spec = parse(HEAD "files:\n  - source: /\n    destination: /app\n"
                                      "  - source: a/../b/\n    destination: x\n"
                                      "  - {source: 12, destination: 2024-01-01}\n");
    assert_int_equal(spec->file_count, 3);
    assert_string_equal(spec->files[0].path, ".");
    assert_string_equal(spec->files[0].source, "/");
    assert_string_equal(spec->files[1].path, "b");
    assert_string_equal(spec->files[2].path, "12");
    assert_string_equal(spec->files[2].destination, "2024-01-01");
    appspec_free(spec);
}

/* As with the agent, where these fail when the files are to be copied. */
static void files_that_only_install_can_refuse_carry_their_trouble(void **state)
{
    (void)state;
    struct appspec *spec = parse(HEAD "files:\n"
                                      "  - {source: 12, destination: /app}\n"
                                      "  - {source: a, destination: -1.5}\n"
                                      "  - {source: a, destination: Yes}\n"
                                      "  - {source: a, destination: ''}\n"
                                      "  - {source: '12', destination: /app}\n"
                                      "  - {source: 1.2.3, destination: x1}\n"
                                      "  - {source: '.', destination: .}\n");
    assert_int_equal(spec->file_count, 7);
    assert_string_equal(spec->files[0].trouble, "12 is no text: write \"12\" in quotes");
    assert_string_equal(spec->files[1].trouble, "-1.5 is no text: write \"-1.5\" in quotes");
    assert_string_equal(spec->files[2].trouble, "Yes is no text: write \"Yes\" in quotes");
    assert_non_null(strstr(spec->files[3].trouble, "the destination is empty"));
    for (size_t i = 4; i < 7; i++) assert_null(spec->files[i].trouble);
    appspec_free(spec);
}

static void file_exists_behavior_is_one_of_three_words(void **state)
{
    (void)state;
    refuses(HEAD "file_exists_behavior: overwrite\n", "appspec.yml:3:23: file_exists_behavior: ");
    refuses(HEAD "file_exists_behavior: [RETAIN]\n", "DISALLOW, OVERWRITE or RETAIN");
    struct appspec *spec = parse(HEAD "file_exists_behavior: RETAIN\n");
    assert_int_equal(spec->file_exists_behavior, APPSPEC_EXISTS_RETAIN);
    appspec_free(spec);
    spec = parse(HEAD "file_exists_behavior:\nfiles:\nhooks: ~\npermissions: null\n");
    assert_int_equal(spec->file_exists_behavior, APPSPEC_EXISTS_UNSET);
    appspec_free(spec);
}

static void the_first_error_in_the_agents_order_wins(void **state)
{
    (void)state;
    refuses("os: windows\nversion: 1\n", "version");
    refuses("file_exists_behavior: x\npermissions: x\nfiles: x\nhooks: x\nos: x\nversion: 0\n",
            "os: ");
    refuses(HEAD "file_exists_behavior: x\npermissions: x\nfiles: x\nhooks: x\n", "hooks: ");
    refuses(HEAD "file_exists_behavior: x\npermissions: x\nfiles: x\n", "files: ");
    refuses(HEAD "file_exists_behavior: x\npermissions: x\n", "permissions: ");
    refuses(PERMISSION "mode: 9\n    type: [x]\n", "type must be file");
    refuses(PERMISSION "mode: 9\n    acls: [x]\n", "mode");
    refuses(PERMISSION "acls: [x]\n    context: {}\n", "ACL");
}

static void modes_are_read_as_written(void **state)
{
    (void)state;
    const struct {
        const char *text;
        unsigned mode;
    } cases[] = { { "0644", 0644 }, { "644", 0644 },   { "\"0644\"", 0644 },
                  { "0755", 0755 }, { "4755", 04755 }, { "7", 07 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text, PERMISSION "mode: %s\n", cases[i].text);
        struct appspec *spec = parse(text);
        assert_true(spec->permissions[0].has_mode);
        assert_int_equal(spec->permissions[0].mode, cases[i].mode);
        appspec_free(spec);
    }
    refuses(PERMISSION "mode: 689\n", "appspec.yml:5:11: permissions[0].mode: the mode \"689\"");
    refuses(PERMISSION "mode: 00644\n", "longer than four digits");
    refuses(PERMISSION "mode: rwx\n", "digits from 0 to 7");
    refuses(PERMISSION "mode: [6]\n", "must be a text");
}

static void permissions_need_an_object_and_known_types(void **state)
{
    (void)state;
    refuses(HEAD "permissions:\n  - mode: 644\n", "no object");
    refuses(HEAD "permissions:\n  - object: \" \"\n", "no object");
    refuses(HEAD "permissions:\n  - /app\n", "must be a mapping");
    refuses(PERMISSION "type: file\n", "must be a list");
    refuses(PERMISSION "type: [link]\n", "permissions[0].type[0]: the type must be file");
    refuses(PERMISSION "except: a\n", "must be a list");
    refuses(PERMISSION "pattern: [a]\n", "must be a text");
    refuses(PERMISSION "acls: u:a:r\n", "must be a list");
    struct appspec *spec = parse(PERMISSION "type: [file]\n    except: [a, 1]\n    owner: 0\n"
                                            "    pattern: \"*.sh\"\n");
    const struct appspec_permission *p = &spec->permissions[0];
    assert_int_equal(p->types, APPSPEC_TYPE_FILE);
    assert_int_equal(p->except_count, 2);
    assert_string_equal(p->except[1], "1");
    assert_string_equal(p->pattern, "*.sh");
    assert_string_equal(p->owner, "0");
    assert_null(p->group);
    assert_false(p->has_mode);
    appspec_free(spec);
    spec = parse(PERMISSION "group: g\n");
    assert_int_equal(spec->permissions[0].types, APPSPEC_TYPE_FILE | APPSPEC_TYPE_DIRECTORY);
    assert_string_equal(spec->permissions[0].pattern, "**");
    appspec_free(spec);
}

static void wrong_acl_entries_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = { "rw",       "a:b:c:d:e", "x:u:a:r",  "d:d:a:r",
                                         "z:a:r",    "mask:a:r",  "m:mask:r", "other:a:r",
                                         "user::rw", "group::rw", "other:r",  "other::r",
                                         "u:a:rq",   "u:a:8",     "u:a:77",   ":r" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[256];
        snprintf(text, sizeof text, PERMISSION "acls: [\"%s\"]\n", wrong[i]);
        refuses(text, "the ACL entry \"");
    }
}

static void acl_entries_are_read_as_the_agent_reads_them(void **state)
{
    (void)state;
    const struct {
        const char *text, *name;
        enum appspec_acl_kind kind;
        bool is_default;
        unsigned perms;
    } cases[] = { { "u:alice:rw-", "alice", APPSPEC_ACL_USER, false, 6 },
                  { "alice:5", "alice", APPSPEC_ACL_USER, false, 5 },
                  { "group:adm:x", "adm", APPSPEC_ACL_GROUP, false, 1 },
                  { "m::rx", "", APPSPEC_ACL_MASK, false, 5 },
                  { "mask:r", "", APPSPEC_ACL_MASK, false, 4 },
                  { "d:u::7", "", APPSPEC_ACL_USER, true, 7 },
                  { "default:o::---", "", APPSPEC_ACL_OTHER, true, 0 },
                  { "d:u:rw", "u", APPSPEC_ACL_USER, true, 6 },
                  { "d:m:r", "", APPSPEC_ACL_MASK, true, 4 },
                  { "u:mask:r", "mask", APPSPEC_ACL_USER, false, 4 },
                  { "u:m:r", "mask", APPSPEC_ACL_USER, false, 4 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text, PERMISSION "acls: [\"%s\"]\n", cases[i].text);
        struct appspec *spec = parse(text);
        const struct appspec_acl *acl = &spec->permissions[0].acls[0];
        assert_string_equal(acl->name, cases[i].name);
        assert_int_equal(acl->kind, cases[i].kind);
        assert_int_equal(acl->is_default, cases[i].is_default);
        assert_int_equal(acl->perms, cases[i].perms);
        assert_string_equal(acl->text, cases[i].text);
        appspec_free(spec);
    }
}

static void contexts_need_a_type_and_a_rising_range(void **state)
{
    (void)state;
    static const char *const wrong[] = { "s3-s1",       "s",        "x0",       "s0-",
                                         "s0:",         "s0:c2000", "s0:c3.c1", "s0:c1,c1",
                                         "s0:c1.c3,c2", "s0 ",      "s0:c1,",   "s999999999999" };
    static const char *const right[] = { "s0",    "s0-s3",          "s2-s2",
                                         "s0:c1", "s0-s1:c0.c1023", "s0:c1,c3.c5" };
    char text[256];
    refuses(PERMISSION "context: {name: u}\n", "has no type");
    refuses(PERMISSION "context: etc_t\n", "must be a mapping");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(text, sizeof text, PERMISSION "context: {type: t, range: \"%s\"}\n", wrong[i]);
        refuses(text, "is no SELinux range");
    }
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        snprintf(text, sizeof text, PERMISSION "context: {type: t, range: \"%s\"}\n", right[i]);
        accepts(text);
    }
    struct appspec *spec = parse(PERMISSION "context: {type: t, name: u}\n");
    assert_true(spec->permissions[0].context.present);
    assert_null(spec->permissions[0].context.range);
    assert_string_equal(spec->permissions[0].context.user, "u");
    appspec_free(spec);
}

static void what_the_agents_yaml_reader_refuses_is_accepted(void **state)
{
    (void)state;
    accepts("\xef\xbb\xbf" HEAD);
    accepts("version: 0.0\r\nos: linux\r\nhooks:\r\n  AfterInstall:\r\n    - location: a\r\n");
    accepts(HEAD "built: 2024-01-01\nbranch_config: {main: 1}\nfiles:\n  - source: x\n    "
                 "destination: /app\n    overwrite: yes\n");
    struct appspec *spec = parse(HEAD "hooks:\n  BeforeInstall: &h\n    - location: a\n"
                                      "  AfterInstall: *h\n");
    assert_string_equal(appspec_hook(spec, "AfterInstall")->scripts[0].location, "a");
    appspec_free(spec);
}

static void duplicate_keys_warn_and_the_last_wins(void **state)
{
    (void)state;
    const char *text = HEAD "hooks:\n  AfterInstall: [{location: a}]\n"
                            "  AfterInstall: [{location: b}]\n";
    struct appspec *spec = parse(text);
    assert_int_equal(spec->hook_count, 1);
    assert_string_equal(spec->hooks[0].scripts[0].location, "b");
    assert_int_equal(spec->warning_count, 1);
    assert_non_null(strstr(spec->warnings[0], "appspec.yml:5:17: hooks.AfterInstall: the key"));
    appspec_free(spec);
    struct appspec_problems problems = { 0 };
    struct error err = { 0 };
    assert_true(appspec_validate("appspec.yml", bytes_of_text(text), NULL, &problems, &err));
    assert_int_equal(problems.error_count, 1);
    appspec_problems_deinit(&problems);
}

static void validate_lists_every_problem_at_once(void **state)
{
    (void)state;
    const char *text = "version: '0.0'\nos: windows\nfile_exists_behavior: x\nhooks:\n"
                       "  AfterInstall:\n    - timeout: 5\n    - location: a\n      timeout: 0\n"
                       "      sudo: 'true'\n    - location: b\n      timeout: 3601\n"
                       "files:\n  - source: a\n  - {source: b, destination: /c}\n"
                       "permissions:\n  - object: x\n    mode: 999\n    acls: [a, b]\n";
    struct appspec_problems problems = { 0 };
    struct error err = { 0 };
    assert_true(appspec_validate("appspec.yml", bytes_of_text(text), NULL, &problems, &err));
    assert_int_equal(problems.error_count, 10);
    assert_int_equal(problems.count, 11); /* and the sum of the timeouts */
    appspec_problems_deinit(&problems);
    assert_false(appspec_validate("appspec.yml", bytes_of_text("a: ["), NULL, &problems, &err));
    appspec_problems_deinit(NULL);
}

struct folder {
    char path[64];
};

static void put(const struct folder *f, const char *name, const char *text, mode_t mode)
{
    char path[FS_PATH_MAX];
    struct error err;
    snprintf(path, sizeof path, "%s/%s", f->path, name);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_true(fs_make_folders(path, 0755, &err));
    *slash = '/';
    assert_true(fs_write_atomic(path, bytes_of_text(text), mode, &err));
}

static void folder_make(struct folder *f)
{
    snprintf(f->path, sizeof f->path, "/tmp/meridian-appspec-XXXXXX");
    assert_non_null(mkdtemp(f->path));
}

static void folder_remove(const struct folder *f)
{
    struct error err;
    assert_true(fs_remove_tree(f->path, &err));
}

static bool has_problem(const struct appspec_problems *p, bool is_warning, const char *text)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->list[i].is_warning == is_warning && strstr(p->list[i].text, text)) return true;
    return false;
}

static void validate_looks_at_the_unpacked_tree(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    put(&f, "ok.sh", "#!/bin/sh\n", 0755);
    put(&f, "plain.sh", "#!/bin/sh\n", 0644);
    put(&f, "dos.sh", "#!/bin/sh\r\n", 0755);
    put(&f, "web/a", "x", 0644);
    put(&f, "other/a", "x", 0644);
    put(&f, "b", "x", 0644);
    char link[FS_PATH_MAX];
    snprintf(link, sizeof link, "%s/out.sh", f.path);
    assert_int_equal(symlink("/bin/sh", link), 0);
    const char *text = HEAD "files:\n  - {source: web, destination: /app/}\n"
                            "  - {source: other, destination: //app}\n"
                            "  - {source: b, destination: rel}\n"
                            "  - {source: gone, destination: /app}\n"
                            "hooks:\n  AfterInstall:\n    - location: ok.sh\n"
                            "    - location: plain.sh\n    - location: dos.sh\n"
                            "    - location: gone.sh\n    - location: web\n"
                            "    - location: out.sh\n"
                            "permissions:\n  - {object: /app/a, pattern: '*', acls: ['d:a:r']}\n";
    struct appspec_problems p = { 0 };
    struct error err = { 0 };
    assert_true(appspec_validate("appspec.yml", bytes_of_text(text), f.path, &p, &err));
    assert_true(has_problem(&p, true, "'plain.sh' is not executable"));
    assert_true(has_problem(&p, false, "'dos.sh' has Windows line ends"));
    assert_true(has_problem(&p, false, "the script 'gone.sh' is not in the revision"));
    assert_true(has_problem(&p, false, "'web' is not a file"));
    assert_true(has_problem(&p, false, "leads out of the revision"));
    assert_true(has_problem(&p, false, "the source 'gone' is not in the revision"));
    assert_true(has_problem(&p, false, "would both become '/app/a'"));
    assert_true(has_problem(&p, true, "the destination is not absolute"));
    assert_true(has_problem(&p, false, "leave pattern and except out"));
    assert_true(has_problem(&p, false, "default ACL entries are for folders only"));
    assert_int_equal(p.error_count, 8);
    appspec_problems_deinit(&p);
    folder_remove(&f);
}

static void loading_takes_yml_then_yaml_then_nothing(void **state)
{
    (void)state;
    struct folder f;
    struct error err = { 0 };
    struct appspec *spec = NULL;
    folder_make(&f);
    assert_false(appspec_load(f.path, NULL, &spec, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    put(&f, "appspec.yaml", HEAD "file_exists_behavior: RETAIN\n", 0644);
    assert_true(appspec_load(f.path, NULL, &spec, &err));
    assert_string_equal(spec->name, "appspec.yaml");
    appspec_free(spec);
    spec = NULL;
    put(&f, "appspec.yml", HEAD, 0644);
    assert_true(appspec_load(f.path, NULL, &spec, &err));
    assert_int_equal(spec->file_exists_behavior, APPSPEC_EXISTS_UNSET);
    appspec_free(spec);
    spec = NULL;
    assert_false(appspec_load(f.path, "other.yml", &spec, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    put(&f, "deploy/other.yml", HEAD, 0644);
    assert_true(appspec_load(f.path, "deploy/other.yml", &spec, &err));
    appspec_free(spec);
    folder_remove(&f);
}

static void an_appspec_that_is_a_link_out_of_the_revision_is_refused(void **state)
{
    (void)state;
    struct folder f;
    struct error err = { 0 };
    struct appspec *spec = NULL;
    char path[FS_PATH_MAX];
    folder_make(&f);
    snprintf(path, sizeof path, "%s/appspec.yml", f.path);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_false(appspec_load(f.path, NULL, &spec, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0755), 0);
    assert_false(appspec_load(f.path, NULL, &spec, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(appspec_load(f.path, NULL, &spec, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_int_equal(unlink(path), 0);
    put(&f, "deploy.yml", HEAD, 0644);
    assert_int_equal(symlink("deploy.yml", path), 0);
    assert_true(appspec_load(f.path, NULL, &spec, &err));
    appspec_free(spec);
    appspec_free(NULL);
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_or_malformed_file_is_refused),
        cmocka_unit_test(the_version_is_the_number_zero),
        cmocka_unit_test(the_operating_system_is_linux),
        cmocka_unit_test(scripts_need_a_location_inside_the_revision),
        cmocka_unit_test(timeouts_are_read_as_ruby_reads_them),
        cmocka_unit_test(sudo_and_rerun_take_only_their_words),
        cmocka_unit_test(hooks_keep_order_names_and_places),
        cmocka_unit_test(files_need_source_and_destination),
        cmocka_unit_test(files_that_only_install_can_refuse_carry_their_trouble),
        cmocka_unit_test(file_exists_behavior_is_one_of_three_words),
        cmocka_unit_test(the_first_error_in_the_agents_order_wins),
        cmocka_unit_test(modes_are_read_as_written),
        cmocka_unit_test(permissions_need_an_object_and_known_types),
        cmocka_unit_test(wrong_acl_entries_are_refused),
        cmocka_unit_test(acl_entries_are_read_as_the_agent_reads_them),
        cmocka_unit_test(contexts_need_a_type_and_a_rising_range),
        cmocka_unit_test(what_the_agents_yaml_reader_refuses_is_accepted),
        cmocka_unit_test(duplicate_keys_warn_and_the_last_wins),
        cmocka_unit_test(validate_lists_every_problem_at_once),
        cmocka_unit_test(validate_looks_at_the_unpacked_tree),
        cmocka_unit_test(loading_takes_yml_then_yaml_then_nothing),
        cmocka_unit_test(an_appspec_that_is_a_link_out_of_the_revision_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
