"""The cases of `recorded`: name (of the shared design's facts) to steps.

A step: appspec (text), files (of the revision), bundle (directory, tar, tgz, zip, dos-zip, missing), declared
(type, if another), before (made below @ROOT@ first), request (more of the service's options), fails
(event, code, words of the message ...), or nothing: it succeeds; tree (what is then below @ROOT@: text, None
for nothing there, "dir", "link:TARGET", or a pair with the mode and owner), trace (lines of the hooks), later (what is heard
of a daemon when all is over), acl."""

HEAD = "version: 0.0\nos: linux\n"
ONE = HEAD + "files:\n- {source: f, destination: @ROOT@/app}\n"
DIR = HEAD + "files:\n- {source: d, destination: @ROOT@/app}\n"


def hooks(*events, **keys):
    """Each event runs s.sh with those keys."""
    more = "".join("      %s: %s\n" % pair for pair in keys.items())
    return HEAD + "hooks:\n" + "".join("  %s:\n    - location: s.sh\n%s" % (event, more) for event in events)


def says(text, *more):
    return ("#!/bin/sh\necho %s >>@TRACE@\n%s\n" % (text, "\n".join(more)), 0o755)


def refused(appspec, *words, **keys):
    """An appspec that no event gets past: nothing is installed."""
    step = {"appspec": appspec, "files": {"f": "1"}, "fails": ("BeforeInstall", 5) + words, "tree": {"app": None}}
    step.update(keys)
    return [step]


def accepted(appspec, tree=None, **keys):
    step = {"appspec": appspec, "files": {"f": "1", "d/a.sh": "a", "d/b": "b", "d/s/c.sh": "c"}, "tree": tree or {}}
    step.update(keys)
    return [step]


def permission(text):
    return DIR + "permissions:\n" + text


def file_entry(text):
    return HEAD + "files:\n- " + text + "\n"


APPSPEC = {
    "a02-empty": refused("", "empty"),
    "a03-comment": refused("# nothing\n", "empty"),
    "a07-version-0": accepted("version: 0\nos: linux\n"),
    "a08-os-missing": refused("version: 0.0\n", "os: linux"),
    "a10-os-capital": refused("version: 0.0\nos: Linux\n", "os: linux"),
    "a11-version-1": refused("version: 1.0\nos: linux\n", "0.0"),
    "a12-hooks-list": refused(HEAD + "hooks:\n- AfterInstall:\n", "mapping"),
    "a14-no-destination": refused(file_entry("{source: f}"), "destination"),
    "a14b-null-destination": refused(file_entry("{source: f, destination: ~}"), "destination"),
    "a15-event-map": refused(HEAD + "hooks:\n  AfterInstall:\n    location: s.sh\n", "list"),
    "a16b-empty-location": refused(HEAD + "hooks:\n  AfterInstall:\n  - location: ' '\n", "location"),
    "a18-timeout-text": refused(hooks("AfterInstall", timeout="soon"), "timeout"),
    "a18b-timeout-negative": refused(hooks("AfterInstall", timeout="-5"), "timeout"),
    "a19-timeout-5m": accepted(hooks("AfterInstall", timeout="5m"), files={"s.sh": says("ran")}, trace=["ran"]),
    "a19b-timeout-1.9": accepted(hooks("AfterInstall", timeout="1.9"), files={"s.sh": says("ran")}, trace=["ran"]),
    "a20-timeout-huge": accepted(hooks("AfterInstall", timeout="7200"), files={"s.sh": says("ran")}, trace=["ran"]),
    "a21-type-text": refused(permission("- {object: @ROOT@/app, mode: 600, type: file}\n"), "list"),
    "a21b-type-unknown": refused(permission("- {object: @ROOT@/app, mode: 600, type: [socket]}\n"), "file or directory"),
    "a22-files-map": refused(HEAD + "files:\n  source: f\n  destination: /x\n", "list"),
    "a23-nulls": accepted(HEAD + "files:\npermissions:\nhooks:\n  AfterInstall:\n  BeforeInstall: []\n"),
    "a23b-hooks-null": accepted(HEAD + "hooks:\nfile_exists_behavior:\n"),
    "a26-unknown-event-listed": accepted(
        ONE + "hooks:\n  AfterInstal:\n  - location: s.sh\n",
        request={"all_possible_lifecycle_events": [
            "BeforeBlockTraffic", "AfterBlockTraffic", "ApplicationStop", "DownloadBundle", "BeforeInstall", "Install",
            "AfterInstall", "ApplicationStart", "ValidateService", "BeforeAllowTraffic", "AfterAllowTraffic"]},
        fails=("Install", 5, "AfterInstal"), tree={"app/f": None}),
    "a26b-default-event-not-listed": accepted(
        ONE, request={"all_possible_lifecycle_events": ["BeforeInstall", "DownloadBundle", "Install"]},
        fails=("Install", 5, "not listed"), tree={"app/f": None}),
    "a28-behavior-unknown": refused(ONE + "file_exists_behavior: REPLACE\n", "DISALLOW"),
    "a29-object-missing": refused(permission("- {mode: 600}\n"), "object"),
    "a29b-object-empty": refused(permission("- {object: '', mode: 600}\n"), "object"),
    "a30-permissions-map": refused(permission("  object: @ROOT@/app\n"), "list"),
    "a31-mode-long": refused(permission("- {object: @ROOT@/app, mode: '10755'}\n"), "four"),
    "a33-mode-0755": accepted(permission("- {object: @ROOT@/app, mode: 0755, type: [file]}\n"),
                              {"app/b": ("b", "0755")}),
    "a35-mode-quoted": accepted(permission("- {object: @ROOT@/app, mode: '0640', type: [file]}\n"),
                                {"app/b": ("b", "0640")}),
    "a35b-mode-short": accepted(permission("- {object: @ROOT@/app, mode: 4, type: [file]}\n"), {"app/b": ("b", "0004")}),
    "a36-alias": accepted(HEAD + "h: &h\n- location: s.sh\nhooks:\n  AfterInstall: *h\n  ApplicationStart: *h\n",
                          files={"s.sh": says("$LIFECYCLE_EVENT")}, trace=["AfterInstall", "ApplicationStart"]),
    "a37-duplicate-key": accepted(HEAD + "files:\n- {source: d, destination: @ROOT@/app}\n"
                                  "files:\n- {source: f, destination: @ROOT@/app}\n", {"app/f": "1", "app/b": None}),
    "a39-yaml-only": accepted(ONE, {"app/f": "1"}, appspec_name="appspec.yaml"),
    "a40-both-names": accepted(ONE, {"app/f": "1"}, files={"f": "1", "appspec.yaml": "nonsense"}),
    "a41-other-name": accepted(ONE, {"app/f": "1"}, appspec_name="other.yml", request={"appspec_filename": "other.yml"}),
    "a41b-other-name-missing": [{"appspec": ONE, "files": {"f": "1"}, "request": {"appspec_filename": "other.yml"},
                                 "fails": ("BeforeInstall", 5, "other.yml"), "tree": {"app": None}}],
    "a42-acl-fields": refused(permission("- {object: @ROOT@/app, acls: ['rwx']}\n"), "two to four"),
    "a42b-acl-word": refused(permission("- {object: @ROOT@/app, acls: ['x:cdtest:r']}\n"), "begin with"),
    "a42c-acl-mask-name": refused(permission("- {object: @ROOT@/app, acls: ['mask:cdtest:r']}\n"), "no name"),
    "a43-acl-base": refused(permission("- {object: @ROOT@/app, acls: ['u::r']}\n"), "mode"),
    "a43b-acl-perms": refused(permission("- {object: @ROOT@/app, acls: ['u:cdtest:rz']}\n"), "r, w, x"),
    "a44-context-no-type": refused(permission("- {object: @ROOT@/app, context: {name: u, range: s0}}\n"), "type"),
    "a44b-range-falls": refused(permission("- {object: @ROOT@/app, context: {type: t, range: s3-s1}}\n"), "lower"),
    "a45-date": accepted(ONE + "released: 2026-01-31\n", {"app/f": "1"}),
    "a46-byte-order-mark": accepted("\ufeff" + ONE, {"app/f": "1"}),
    "a47-not-yaml-but-text": refused("hello\n"),
    "a48-numeric-source": accepted(file_entry("{source: 2024, destination: @ROOT@/app}"), {"app/2024": None},
                                   files={"2024": "x"}, fails=("Install", 5, '"2024"')),
    "a48b-numeric-destination": accepted(file_entry("{source: f, destination: 7}"), {"7": None},
                                         fails=("Install", 5, '"7"')),
    "a48c-quoted-number": accepted(file_entry("{source: '2024', destination: @ROOT@/app}"), {"app/2024": "x"},
                                   files={"2024": "x"}),
    "a48d-empty-destination": accepted(file_entry("{source: d, destination: ''}"), {"b": None}, fails=("Install", 5)),
    "a49-crlf": accepted(ONE.replace("\n", "\r\n"), {"app/f": "1"}),
}

V1 = {"files": {"f": "1"}, "appspec": ONE}
LINK = {"files": {"d/x": "link:../f", "f": "1"}, "appspec": DIR}

INSTALL = {
    "b02-missing-ancestors": accepted(file_entry("{source: /d/, destination: @ROOT@/p/q/r}"),
                                      {"p/q/r/s/c.sh": "c", "p/q": ("dir", "0755 root")}),
    "b05-file-to-file-name": accepted(file_entry("{source: f, destination: @ROOT@/new.txt}"), {"new.txt/f": "1"}),
    "b07-source-leaves": refused(file_entry("{source: ../../f, destination: @ROOT@/app}"), "leads out"),
    "b08-leading-slash": accepted(file_entry("{source: /f, destination: @ROOT@/app/}"), {"app/f": "1"}),
    "b10-file-onto-folder": [{
        "files": {"f/x": "1", "g/f": "2"}, "fails": ("Install", 5), "tree": {"app": None},
        "appspec": HEAD + "files:\n- {source: f, destination: @ROOT@/app/f}\n- {source: g/f, destination: @ROOT@/app}\n"}],
    "b11-folder-onto-file": [{
        "files": {"f/x": "1", "g/f": "2"}, "fails": ("Install", 5), "tree": {"app": None},
        "appspec": HEAD + "files:\n- {source: g/f, destination: @ROOT@/app}\n- {source: f, destination: @ROOT@/app/f}\n"}],
    "b15-option-lower-case": [dict(V1, before={"app/f": "mine"}, request={"file_exists_behavior": "overwrite"},
                                   tree={"app/f": "1"})],
    "b16-option-unknown": [dict(V1, before={"app/f": "mine"}, request={"file_exists_behavior": "REPLACE"},
                                fails=("Install", 5), tree={"app/f": "mine"})],
    "b17-option-unknown-unused": [dict(V1, request={"file_exists_behavior": "REPLACE"}, tree={"app/f": "1"})],
    "b21-link-onto-file": [dict(LINK, before={"app/x": "mine"}, request={"file_exists_behavior": "OVERWRITE"},
                                fails=("Install", 5), tree={"app/x": "mine"})],
    "b22-overwrite-through-link": [dict(V1, before={"real": "mine", "app/f": "link:@ROOT@/real"},
                                        request={"file_exists_behavior": "OVERWRITE"},
                                        tree={"app/f": "link:@ROOT@/real", "real": "1"})],
    "b23-dangling-link": [dict(V1, before={"app/f": "link:@ROOT@/away"},
                               tree={"app/f": "link:@ROOT@/away", "away": "1"})],
    "b24-retain-dangling": [dict(V1, before={"app/f": "link:@ROOT@/away"}, request={"file_exists_behavior": "RETAIN"},
                                 tree={"away": "1"})],
    "b26-link-to-folder": accepted(DIR, {"app/l/c.sh": "c", "app/l": "dir", "app/broken": "link:nowhere"},
                                   files={"d/l": "link:../other", "other/c.sh": "c", "d/broken": "link:nowhere"}),
    "b28-relative": accepted(file_entry("{source: d, destination: sub/./x/../y}"), {"sub/y/b": "b", "sub/x": "dir"}),
    "b29-tilde": accepted(file_entry("{source: d, destination: ~/app}"), fails=("Install", 5), tree={"app": None}),
    "b30-empty-folder": accepted(DIR, {"app/empty": "dir"}, files={"d/empty": "dir"}),
    "b31-dots-in-destination": accepted(file_entry("{source: f, destination: @ROOT@/a/../app}"), {"app": None, "a": None},
                                       fails=("Install", 5)),
    "b31b-dots-over-a-folder": accepted(file_entry("{source: f, destination: @ROOT@/a/../app}"), {"app/f": "1"},
                                        before={"a": "dir"}),
    "b32-doubled-slashes": accepted(file_entry("{source: //d//s, destination: @ROOT@//app//}"), {"app/c.sh": "c"}),
    "b35-source-without-text": accepted(file_entry("{source: '', destination: @ROOT@/app}"), {"app/f": "1"}),
    "b36-trailing-blank": [
        dict(appspec=DIR, files={"d/x ": "1"}, tree={"app/x ": "1"}),
        dict(appspec=DIR, files={"d/y": "2"}, tree={"app/x ": None, "app/y": "2"})],
    "b37-newline": [
        dict(appspec=DIR, files={"d/x\ny": "1"}, tree={"app/x\ny": "1"}),
        dict(appspec=DIR, files={"d/y": "2"}, tree={"app/x\ny": None, "app/y": "2"})],
}

PERMISSIONS = {
    "c06-type-directory": accepted(permission("- {object: @ROOT@/app, mode: 700, type: [directory]}\n"),
                                   {"app/s": ("dir", "0700"), "app/b": ("b", "0644"), "app": ("dir", "0755")}),
    "c08-missing-object-unknown-owner": accepted(permission("- {object: /nowhere/x, owner: nobody-here}\n"), {"app/b": "b"}),
    "c10-twice": accepted(permission("- {object: @ROOT@/app, mode: 600}\n- {object: @ROOT@/app/b, mode: 640}\n"),
                          {"app": None}, fails=("Install", 5, "name it once")),
    "c11-pattern-on-file": accepted(permission("- {object: @ROOT@/app/b, pattern: '*', mode: 640}\n"),
                                    {"app": None}, fails=("Install", 5, "pattern")),
    "c12-except-on-file": accepted(permission("- {object: @ROOT@/app/b, except: [x], mode: 640}\n"),
                                   {"app": None}, fails=("Install", 5, "except")),
    "c13-file-type-directory": accepted(permission("- {object: @ROOT@/app/b, type: [directory], mode: 640}\n"),
                                        {"app/b": ("b", "0644")}),
    "c14-only-what-is-deployed": accepted(permission("- {object: @ROOT@/app, mode: 600, type: [file]}\n"),
                                          {"app/mine": ("m", "0644"), "app/b": ("b", "0600")},
                                          before={"app/mine": ("m", 0o644)}),
    "c16-group": accepted(permission("- {object: @ROOT@/app, owner: cdtest, group: cdtest, type: [file]}\n"),
                          {"app/b": ("b", "0644 cdtest"), "app/s": ("dir", "0755 root")}),
    "c17-numeric-owner": accepted(permission("- {object: @ROOT@/app, owner: 1000, type: [file]}\n"),
                                  {"app/b": "b"}, fails=("Install", 5)),
    "c19-setuid-mode": accepted(permission("- {object: @ROOT@/app/b, mode: 4755}\n"), {"app/b": ("b", "4755")}),
    "c20-sticky-folder": accepted(permission("- {object: @ROOT@/app, type: [directory], mode: 1777}\n"),
                                  {"app/s": ("dir", "1777")}),
    "c21-object-slash": accepted(permission("- {object: @ROOT@/app/, mode: 600, type: [file]}\n"),
                                 {"app/b": ("b", "0600"), "app/s/c.sh": ("c", "0600")}),
    "c23-default-acl": accepted(permission("- {object: @ROOT@/app, type: [directory], acls: ['d:u:cdtest:rw']}\n"),
                                {"app/s": "dir"}),
    "c24-default-acl-on-file": accepted(permission("- {object: @ROOT@/app/b, acls: ['d:u:cdtest:rw']}\n"),
                                        {"app": None}, fails=("Install", 5, "default")),
    "c25-acl-unknown-user": accepted(permission("- {object: @ROOT@/app/b, acls: ['u:nobody-here:rw']}\n"),
                                     {"app/b": "b"}, fails=("Install", 5, "nobody-here")),
    "c27-acl-mask": accepted(permission("- {object: @ROOT@/app/b, mode: 640, acls: ['u:cdtest:rw', 'm::rw']}\n"),
                             acl={"app/b": "user::rw- user:cdtest:rw- group::r-- mask::rw- other::---"}),
    "c28-pattern-folder": accepted(permission("- {object: @ROOT@/app, pattern: 's*', mode: 700}\n"),
                                   {"app/s": ("dir", "0700"), "app/s/c.sh": ("c", "0644")}),
    "c29-through-link": accepted(permission("- {object: @ROOT@/app/l, mode: 600}\n"), {"app/b": ("b", "0600")},
                                 files={"d/b": "b", "d/l": "link:b"}),
    "c30-home-object": accepted(permission("- {object: ~/nothing, mode: 600}\n"), {"app/b": ("b", "0644")}),
    "c31-no-leak": accepted(
        permission("- {object: @ROOT@/app, type: [file], acls: ['u:cdtest:r']}\n"),
        files={"d/a": ("a", 0o600), "d/b": ("b", 0o640)},
        acl={"app/a": "user::rw- user:cdtest:r-- group::--- mask::--- other::---",
             "app/b": "user::rw- user:cdtest:r-- group::r-- mask::r-- other::---"}),
}

ENV = says('"$LIFECYCLE_EVENT $DEPLOYMENT_ID $APPLICATION_NAME $DEPLOYMENT_GROUP_NAME $DEPLOYMENT_GROUP_ID '
           '[$BUNDLE_BUCKET] $INHERITED"')


def scripts(script, *events, **keys):
    """One deployment with one script for those events (AfterInstall)."""
    step = {key: keys.pop(key) for key in ("fails", "tree", "trace", "later", "files") if key in keys}
    step["files"] = dict({"s.sh": script}, **step.get("files", {}))
    return [dict(step, appspec=hooks(*(events or ("AfterInstall",)), **keys))]


HOOKS = {
    "d05-absolute-location": [dict(appspec=HEAD + "hooks:\n  AfterInstall:\n  - location: /h/s.sh\n",
                                   files={"h/s.sh": says("ran")}, trace=["ran"])],
    "d06-no-arguments": [dict(appspec=HEAD + "hooks:\n  AfterInstall:\n  - location: s.sh now\n",
                              files={"s.sh": says("ran")}, fails=("AfterInstall", 1), trace=[])],
    "d07-location-with-a-space": [dict(appspec=HEAD + "hooks:\n  AfterInstall:\n  - location: my scripts/s.sh\n",
                                       files={"my scripts/s.sh": says("ran")}, trace=["ran"])],
    "d08-location-leaves": [dict(appspec=HEAD + "hooks:\n  AfterInstall:\n  - location: ../../s.sh\n"
                                 "files:\n- {source: f, destination: @ROOT@/app}\n",
                                 files={"f": "1"}, fails=("BeforeInstall", 5, "leads out"), tree={"app": None})],
    "d10-folder-as-script": [dict(appspec=hooks("AfterInstall"), files={"s.sh/x": "1"}, fails=("AfterInstall", 4))],
    "d11-no-first-line": scripts(("echo ran >>@TRACE@\n", 0o755), trace=["ran"]),
    "d13-wrong-interpreter": scripts(("#!/no/such/shell\n", 0o755), fails=("AfterInstall", 4)),
    "d14-signal": scripts(("#!/bin/sh\nkill -9 $$\n", 0o755), fails=("AfterInstall", 4)),
    "d16-ignores-term": scripts(says("began", "trap '' TERM", "while :; do sleep 0.2; done"), timeout=1,
                                fails=("AfterInstall", 3), trace=["began"]),
    "d17-timeout-per-script": [dict(
        appspec=HEAD + "hooks:\n  AfterInstall:\n" + "  - {location: s.sh, timeout: 2}\n" * 3,
        files={"s.sh": says("ran", "sleep 1")}, trace=["ran"] * 3)],
    "d19-daemon-lives": scripts(says("began", "(sleep 1; printf alive >@ROOT@/../later) >/dev/null 2>&1 &"),
                                later="alive", trace=["began"]),
    "d22-no-shell": [dict(appspec=hooks("AfterInstall", runas="nobody"), files={"s.sh": says("ran")},
                          fails=("AfterInstall", 4), trace=[])],
    "d24-sudo-quoted": refused(hooks("AfterInstall", sudo='"false"'), "write false without quotes"),
    "d25-sudo-and-runas": scripts(says('"$(id -un) [$DEPLOYMENT_ID]"'), sudo="true", runas="cdtest",
                                  trace=["cdtest []"]),
    "d26-runas-keeps-variables": scripts(says('"$(id -un) $DEPLOYMENT_ID $HOME"'), runas="cdtest",
                                         trace=["cdtest d-000000001 /home/cdtest"]),
    "d27-environment": scripts(ENV, "AfterInstall", "ValidateService",
                               trace=["AfterInstall d-000000001 App Group dg-1 [] yes",
                                      "ValidateService d-000000001 App Group dg-1 [] yes"]),
    "d28-stdin-and-folder": scripts(says('"$(cat) $(pwd) $(umask)"'), trace=[" @ROOT@ 0022"]),
    "d29-sudo-no": scripts(says('"[$DEPLOYMENT_ID]"'), sudo="no", trace=["[d-000000001]"]),
    "d31-long-line": scripts(("#!/bin/sh\nhead -c 5000 /dev/zero | tr '\\0' x; exit 3\n", 0o755),
                             fails=("AfterInstall", 4, "xxxxxxxx")),
    "d32-binary": scripts(("#!/bin/sh\nprintf 'bad \\377 byte\\n'; exit 3\n", 0o755),
                          fails=("AfterInstall", 4, "bad \\xff byte")),
    "d33-two-events-one-script": scripts(says("$LIFECYCLE_EVENT"), "BeforeInstall", "ApplicationStart",
                                         trace=["BeforeInstall", "ApplicationStart"]),
    "d34-null-runas": scripts(says("$(id -un)"), runas="~", sudo="~", timeout="~", trace=["root"]),
    "d35-numbers-as-location": [dict(appspec=HEAD + "hooks:\n  AfterInstall:\n  - location: 12\n",
                                     files={"12": says("ran")}, trace=["ran"])],
    "d36-blue-green-roll-back": [
        dict(appspec=hooks("BeforeBlockTraffic", "AfterAllowTraffic"), files={"s.sh": says("one")}),
        dict(appspec=hooks("BeforeBlockTraffic", "AfterAllowTraffic"), files={"s.sh": says("two")},
             events=["DownloadBundle", "Install"]),
        dict(appspec=hooks("BeforeBlockTraffic", "AfterAllowTraffic"), files={"s.sh": says("three")},
             events=["BeforeBlockTraffic", "DownloadBundle", "Install", "AfterAllowTraffic"],
             request={"deployment_creator": "codeDeployRollback", "deployment_type": "BLUE_GREEN"},
             trace=["two", "three"])],
}

SEQUENCE = {
    "e02-roll-back": [
        dict(appspec=DIR, files={"d/a": "1"}, tree={"app/a": "1"}),
        dict(appspec=DIR, files={"d/a": "2", "d/b": "2"}, tree={"app/a": "2", "app/b": "2"}),
        dict(appspec=DIR, files={"d/a": "1"}, tree={"app/a": "1", "app/b": None})],
    "e03-redeploy": [dict(appspec=DIR, files={"d/a": "1"})] * 2 + [
        dict(appspec=DIR, files={"d/a": "1"}, tree={"app/a": "1"})],
    "e08-user-removed-a-file": [
        dict(appspec=DIR, files={"d/a": "1", "d/b": "1"}),
        dict(appspec=DIR, files={"d/a": "2"}, remove=["root/app"], tree={"app/a": "2", "app/b": None})],
    "e11-stray-entries": [
        dict(appspec=DIR, files={"d/a": "1"}),
        dict(appspec=DIR, files={"d/a": "2"}, before={"../agent/dg-1/stray/x": "1"},
             tree={"../agent/dg-1/stray/x": "1", "../agent/dg-1/d-000000001/deployment-archive": "dir"})],
    "e12-groups-apart": [
        dict(appspec=DIR, files={"d/a": "1"}),
        dict(appspec=HEAD + "files:\n- {source: d, destination: @ROOT@/other}\n", files={"d/a": "2"},
             request={"deployment_group_id": "dg-2"}, tree={"app/a": "1", "other/a": "2"})],
    "e13-other-group-conflict": [
        dict(appspec=DIR, files={"d/a": "1"}),
        dict(appspec=DIR, files={"d/a": "2"}, request={"deployment_group_id": "dg-2"}, fails=("Install", 5),
             tree={"app/a": "1"})],
    "e14-folder-becomes-file": [
        dict(appspec=DIR, files={"d/x/y": "1"}, tree={"app/x/y": "1"}),
        dict(appspec=DIR, files={"d/x": "2"}, tree={"app/x": "2"})],
    "e16-user-file-in-folder": [
        dict(appspec=DIR, files={"d/x/y": "1"}),
        dict(appspec=DIR, files={"d/z": "2"}, before={"app/x/mine": "m"},
             tree={"app/x/mine": "m", "app/x/y": None, "app/z": "2"})],
    "e18-stop-comes-from-the-old": [
        dict(appspec=hooks("ApplicationStop"), files={"s.sh": says("one")}, trace=[]),
        dict(appspec=hooks("ApplicationStop"), files={"s.sh": says("two")}, trace=["one"]),
        dict(appspec=HEAD, trace=["two"])],
    "e19-stop-of-the-same-deployment": [
        dict(appspec=hooks("ApplicationStop"), files={"s.sh": says("one")}, trace=[]),
        dict(appspec=HEAD, id="d-000000009", events=["DownloadBundle"]),
        dict(appspec=HEAD, id="d-000000009", trace=[])],
    "e20-unknown-order": [dict(appspec=ONE, files={"f": "1"}, events=["DownloadBundle", "Install", "ApplicationStop"],
                               tree={"app/f": "1"})],
}

BUNDLES = {
    "f02-zip-without-modes": accepted(ONE, {"app/f": ("1", "0644")}, bundle="dos-zip"),
    "f04-tgz": accepted(DIR, {"app/s/c.sh": "c"}, bundle="tgz"),
    "f05-gzipped-tar": accepted(ONE, {"app/f": "1"}, bundle="tgz", declared="tar"),
    "f06-plain-tar-as-tgz": accepted(ONE, {"app": None}, bundle="tar", declared="tgz", fails=("DownloadBundle", 5)),
    "f07-missing-bundle": [dict(bundle="missing", fails=("DownloadBundle", 5))],
    "f09-tgz-cut": accepted(ONE, {"app": None}, bundle="tgz", cut=100, fails=("DownloadBundle", 5)),
    "f10b-any-appspec-name": [dict(bundle="tar", files={"top/MyAppSpec.txt": "x", "top/appspec.yml": ONE, "top/f": "1"},
                                   tree={"app/f": "1"})],
    "f11-two-top-entries": [dict(bundle="tar", files={"top/appspec.yml": ONE, "top/f": "1", "x": "2"},
                                 fails=("BeforeInstall", 5))],
    "f11b-top-without-appspec": [dict(bundle="tar", files={"top/f": "1"}, fails=("BeforeInstall", 5))],
    "f13-tar-dotdot": accepted(ONE, {"app": None}, bundle="tar", files={"f": "1", "../../evil": "x"},
                               fails=("DownloadBundle", 5, "..")),
    "f14-tar-absolute": accepted(HEAD + "files:\n- {source: cdc-abs, destination: @ROOT@/app}\n",
                                 {"app/evil.txt": "x", "/cdc-abs": None}, bundle="tar", files={"/cdc-abs/evil.txt": "x"}),
    "f14b-zip-absolute": accepted(HEAD + "files:\n- {source: cdc-abs, destination: @ROOT@/app}\n",
                                  {"app/evil.txt": "x", "/cdc-abs": None}, bundle="zip", files={"/cdc-abs/evil.txt": "x"}),
    "f16-zip-links": accepted(DIR, {"app/l": "link:b", "app/b": "b"}, bundle="zip",
                              files={"d/b": "b", "d/l": "link:b"}),
    "f17-backslashes": accepted(DIR, {"app/b": "b"}, bundle="dos-zip", files={"d\\b": "b"}),
    "f18-tar-same-name-twice": accepted(DIR, {"app/b": "b"}, bundle="tar", files={"d/b": "b", "./d/b": "b"}),
    "f19-hard-link": accepted(DIR, {"app/b": "b", "app/h": "b"}, bundle="tar", files={"d/b": "b", "d/h": "hard:d/b"}),
    "f20-empty-tar": [dict(bundle="tar", fails=("BeforeInstall", 5))],
    "f24-set-user-id": accepted(DIR, {"app/b": ("b", "0755")}, bundle="zip", files={"d/b": ("b", 0o4755)}),
    "f24b-set-user-id-in-tar": accepted(DIR, {"app/b": ("b", "0755")}, bundle="tar", files={"d/b": ("b", 0o4755)}),
    "f25-fifo-in-folder": accepted(DIR, {"app": None}, files={"d/p": "fifo"}, fails=("DownloadBundle", 5, "fifo")),
    "f25b-fifo-in-tar": accepted(DIR, {"app": None}, bundle="tar", files={"d/p": "fifo"},
                                 fails=("DownloadBundle", 5, "fifo")),
    "f26-zip-dotdot": accepted(ONE, {"../evil": None, "app": None}, bundle="zip",
                               files={"f": "1", "../../evil": "x"}, fails=("DownloadBundle", 5, "..")),
}

CASES = {}
for table in (APPSPEC, INSTALL, PERMISSIONS, HOOKS, SEQUENCE, BUNDLES):
    CASES.update(table)
