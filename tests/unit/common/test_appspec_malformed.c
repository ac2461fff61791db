/* Malformed appspecs, each with the whole of what is said of it: line, column, what to write. */
#include "bundle/appspec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define HEAD "version: 0.0\nos: linux\n"

static const struct {
    const char *text, *said; /* behind "appspec.yml:" */
} malformed[] = {
    { "", "1:1: the file is empty: write at least \"version: 0.0\" and \"os: linux\"" },
    { "# version: 0.0\n",
      "1:1: the file is empty: write at least \"version: 0.0\" and \"os: linux\"" },
    { "version", "1:1: must be a mapping that begins with \"version: 0.0\"" },
    { "- version: 0.0\n", "1:1: must be a mapping that begins with \"version: 0.0\"" },
    { "os: linux\n", "1:1: no version is given: write \"version: 0.0\"" },
    { "version: '0.0'\nos: linux\n",
      "1:10: version: the version must be a number: write 0.0 without quotes" },
    { "version: 0.1\nos: linux\n",
      "1:10: version: the only version is 0.0: write \"version: 0.0\"" },
    { "version: [0.0]\nos: linux\n",
      "1:10: version: the only version is 0.0: write \"version: 0.0\"" },
    { "version: 0.0\n", "1:1: no operating system is given: write \"os: linux\"" },
    { "version: 0.0\nos: windows\n",
      "2:5: os: the operating system must be linux: write \"os: linux\"" },
    { "version: 0.0\nos: [linux]\n",
      "2:5: os: the operating system must be linux: write \"os: linux\"" },
    { HEAD "files: [\n\t- source: a\n", "4:2: did not find expected node content" },
    { HEAD "files: {\n", "4:1: did not find expected node content" },
    { HEAD "files: \"a\n",
      "4:1: found unexpected end of stream, while scanning a quoted scalar that begins in line 3" },
    { HEAD "  files: a\n", "3:8: mapping values are not allowed in this context" },
    { HEAD "files: a\n", "3:8: files: must be a list: write \"- source: ...\" below \"files:\"" },
    { HEAD "files:\n  source: a\n",
      "4:3: files: must be a list: write \"- source: ...\" below \"files:\"" },
    { HEAD "files:\n  - a\n", "4:5: files[0]: must be a mapping with source and destination" },
    { HEAD "files:\n  - destination: /a\n", "4:5: files[0]: no source is given: name a file or "
                                            "folder of the revision, \"source: /\" for all of it" },
    { HEAD "files:\n  - source: a\n",
      "4:5: files[0]: no destination is given: name the folder to install into" },
    { HEAD "files:\n  - {source: ~, destination: /a}\n",
      "4:14: files[0].source: no source is given: name a file or folder of the revision, \"source: "
      "/\" for all of it" },
    { HEAD "files:\n  - {source: [a], destination: /a}\n",
      "4:14: files[0].source: must be a text, not a list" },
    { HEAD "files:\n  - {source: ../a, destination: /a}\n",
      "4:14: files[0].source: \"../a\" leads out of the revision or is too long: name a file or "
      "folder inside it" },
    { HEAD "files:\n  - {source: a/../../b, destination: /a}\n",
      "4:14: files[0].source: \"a/../../b\" leads out of the revision or is too long: name a file "
      "or folder inside it" },
    { HEAD "hooks:\n  - AfterInstall\n",
      "4:3: hooks: must be a mapping: write \"AfterInstall:\" and the like below \"hooks:\"" },
    { HEAD "hooks:\n  AfterInstall: h.sh\n",
      "4:17: hooks.AfterInstall: must be a list of scripts: write \"- location: ...\" below it" },
    { HEAD "hooks:\n  AfterInstall:\n    location: h.sh\n",
      "5:5: hooks.AfterInstall: must be a list of scripts: write \"- location: ...\" below it" },
    { HEAD "hooks:\n  AfterInstall:\n    - h.sh\n",
      "5:7: hooks.AfterInstall[0]: must be a mapping with a location" },
    { HEAD "hooks:\n  AfterInstall:\n    - timeout: 3\n",
      "5:7: hooks.AfterInstall[0]: no location is given: name the script's file within the "
      "revision" },
    { HEAD "hooks:\n  AfterInstall:\n    - location: ''\n",
      "5:17: hooks.AfterInstall[0].location: no location is given: name the script's file within "
      "the revision" },
    { HEAD "hooks:\n  AfterInstall:\n    - location: ../h.sh\n",
      "5:17: hooks.AfterInstall[0].location: \"../h.sh\" leads out of the revision or is too long: "
      "name a file inside it" },
    { HEAD "hooks:\n  AfterInstall:\n    - location: h.sh\n      timeout: 0\n",
      "6:16: hooks.AfterInstall[0].timeout: the timeout must be a whole number of seconds above 0, "
      "not \"0\"" },
    { HEAD "hooks:\n  AfterInstall:\n    - location: h.sh\n      timeout: soon\n",
      "6:16: hooks.AfterInstall[0].timeout: the timeout must be a whole number of seconds above 0, "
      "not \"soon\"" },
    { HEAD "hooks:\n  AfterInstall:\n    - location: h.sh\n      timeout: -1\n",
      "6:16: hooks.AfterInstall[0].timeout: the timeout must be a whole number of seconds above 0, "
      "not \"-1\"" },
    { HEAD "hooks:\n  AfterInstall:\n    - location: h.sh\n      sudo: 'false'\n",
      "6:13: hooks.AfterInstall[0].sudo: write false without quotes: \"false\" is a text" },
    { HEAD "hooks:\n  AfterInstall:\n    - location: h.sh\n      sudo: 1\n",
      "6:13: hooks.AfterInstall[0].sudo: must be true or false, not \"1\"" },
    { HEAD "hooks:\n  AfterInstall:\n    - location: h.sh\n      rerun: always\n",
      "6:14: hooks.AfterInstall[0].rerun: write \"rerun: safe\" if the script may run again after "
      "an interruption, or leave the key out" },
    { HEAD "permissions:\n  - object: /app\n    mode: 10755\n",
      "5:11: permissions[0].mode: the mode \"10755\" is longer than four digits: write 644 or "
      "\"0644\"" },
    { HEAD "permissions:\n  - object: /app\n    mode: 689\n",
      "5:11: permissions[0].mode: the mode \"689\" must consist of digits from 0 to 7: write 644 "
      "or \"0644\"" },
    { HEAD "permissions:\n  - object: /app\n    mode: u+x\n",
      "5:11: permissions[0].mode: the mode \"u+x\" must consist of digits from 0 to 7: write 644 "
      "or \"0644\"" },
    { HEAD "permissions:\n  - object: /app\n    type: file\n",
      "5:11: permissions[0].type: must be a list: write \"[file]\", \"[directory]\" or \"[file, "
      "directory]\"" },
    { HEAD "permissions:\n  - object: /app\n    type: [socket]\n",
      "5:12: permissions[0].type[0]: the type must be file or directory" },
    { HEAD "permissions:\n  - object: /app\n    except: '*.sh'\n",
      "5:13: permissions[0].except: must be a list: write \"[NAME, ...]\"" },
    { HEAD "permissions:\n  - object: /app\n    acls: 'u:a:r'\n",
      "5:11: permissions[0].acls: must be a list: write \"- user:NAME:rw-\" below \"acls:\"" },
    { HEAD "permissions:\n  - object: /app\n    acls: [rwx]\n",
      "5:12: permissions[0].acls[0]: the ACL entry \"rwx\" must have two to four fields: write "
      "\"user:NAME:rw-\" or \"default:user:NAME:rw-\"" },
    { HEAD "permissions:\n  - object: /app\n    acls: ['x:a:r']\n",
      "5:12: permissions[0].acls[0]: the ACL entry \"x:a:r\" must begin with user, group, mask, "
      "other or default" },
    { HEAD "permissions:\n  - object: /app\n    acls: ['mask:a:r']\n",
      "5:12: permissions[0].acls[0]: the ACL entry \"mask:a:r\" must not name anybody: mask and "
      "other have no name" },
    { HEAD "permissions:\n  - object: /app\n    acls: ['u::r']\n",
      "5:12: permissions[0].acls[0]: the ACL entry \"u::r\" names nobody: owner, group and other "
      "are set by \"mode\"" },
    { HEAD "permissions:\n  - object: /app\n    acls: ['u:a:rz']\n",
      "5:12: permissions[0].acls[0]: the ACL entry \"u:a:rz\" must end in one digit from 0 to 7 or "
      "in r, w, x and -" },
    { HEAD "permissions:\n  - object: /app\n    context: t\n",
      "5:14: permissions[0].context: must be a mapping with name, type and range" },
    { HEAD "permissions:\n  - object: /app\n    context: {name: u}\n",
      "5:14: permissions[0].context: the SELinux context has no type: write \"type: NAME_t\"" },
    { HEAD "permissions:\n  - object: /app\n    context: {type: t, range: s3-s1}\n",
      "5:31: permissions[0].context.range: \"s3-s1\" is no SELinux range: write it as s0, s0-s3 or "
      "s0:c1,c3.c5, the lower one first" },
    { HEAD "permissions:\n  object: /a\n",
      "4:3: permissions: must be a list: write \"- object: ...\" below it" },
    { HEAD "permissions:\n  - mode: 644\n",
      "4:5: permissions[0]: no object is given: name the file or folder as installed" },
    { HEAD "file_exists_behavior: overwrite\n",
      "3:23: file_exists_behavior: must be DISALLOW, OVERWRITE or RETAIN in capital letters" },
    { HEAD "file_exists_behavior: [RETAIN]\n",
      "3:23: file_exists_behavior: must be DISALLOW, OVERWRITE or RETAIN in capital letters" },
    { HEAD "a: &a [*a]\n", "3:8: this alias stands inside its own anchor" },
};

static void every_malformed_appspec_is_refused_at_its_place(void **state)
{
    (void)state;
    static const char name[] = "appspec.yml:";
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        struct appspec *spec = NULL;
        struct error err = { .code = ERR_NONE };
        assert_false(appspec_parse("appspec.yml", bytes_of_text(malformed[i].text), &spec, &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_memory_equal(err.text, name, sizeof name - 1);
        assert_string_equal(err.text + sizeof name - 1, malformed[i].said);
    }
}

/* Who validates sees at least the same. */
static void validate_says_it_too(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        struct appspec_problems problems = { .count = 0 };
        struct error err = { .code = ERR_NONE };
        bool read = appspec_validate("appspec.yml", bytes_of_text(malformed[i].text), NULL,
                                     &problems, &err);
        bool said = !read && strstr(err.text, malformed[i].said);
        for (size_t k = 0; k < problems.count; k++)
            if (strstr(problems.list[k].text, malformed[i].said)) said = true;
        if (!said) fail_msg("validate does not say '%s'", malformed[i].said);
        appspec_problems_deinit(&problems);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_malformed_appspec_is_refused_at_its_place),
        cmocka_unit_test(validate_says_it_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
