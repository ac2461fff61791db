"""Deployments that fail after their files were installed, old scripts that fail, events around traffic."""
from world import PAGE, TRACE, app, appspec, script, scripts, target


def wishes(shared, name, **meridian):
    definition = shared.pipeline(name)
    for action in definition["pipeline"]["stages"][1]["actions"]:
        action["meridian"] = meridian
    shared.apply(definition)


def ran(shared, events):
    return [line.split()[0] for line in shared.only.trace() if line.split()[0] in events]


def with_page(text, entries):
    return entries | {"page": text}


def test_a_failure_restores_what_was_there_when_the_action_says_so(shared):
    name = "restores"
    wishes(shared, name, onFailure="restore")
    first, view = shared.deploy(app("one"), name)
    assert view["status"] == "Succeeded"
    second, view = shared.deploy(with_page("two", scripts(ValidateService="cat \"$PWD/nothing\"\nexit 3\n")), name)
    assert view["status"] == "Failed"
    told = target(view)["diagnostics"]
    assert told["lifecycleEventName"] == "ValidateService"
    assert f"restored to revision {first}" in told["message"]
    assert shared.only.page(name) == "one"
    third, view = shared.deploy(app("three"), name)
    assert view["status"] == "Succeeded"
    assert shared.only.page(name) == "three"


def test_a_failure_without_a_wish_leaves_the_files_and_says_so(shared):
    name = "leaves"
    second, view = shared.deploy_new(name, with_page("two", scripts(ValidateService="exit 3\n")))
    assert view["status"] == "Failed"
    assert f"left as it is: 1 files of revision {second} are installed" in target(view)["diagnostics"]["message"]
    assert shared.only.page(name) == "two"


def test_a_broken_old_application_stop_names_the_one_command_that_helps(shared):
    name = "bricked"
    first, view = shared.deploy_new(name, with_page("one", scripts(ApplicationStop="exit 9\n")))
    assert view["status"] == "Succeeded", "there was nothing to stop"
    second, view = shared.deploy(with_page("two", scripts(ApplicationStart=TRACE)), name)
    assert view["status"] == "Failed"
    told = target(view)["diagnostics"]["message"]
    assert "exit code 9" in told
    assert "runs from the last successful deployment d-" in told
    command = told[told.index("meridian run "):].split("meridian ", 1)[1].split()
    assert command == ["run", name, "--ignore-application-stop-failures"]
    execution = shared.meridian(*command).stdout.strip()
    assert shared.ended(execution, name)["status"] == "Succeeded"
    assert shared.only.page(name) == "two"
    third, view = shared.deploy(with_page("three", scripts(ApplicationStart=TRACE)), name)
    assert view["status"] == "Succeeded", "the next one needs no help"


def test_traffic_control_runs_the_events_around_traffic(shared):
    name = "traffic"
    wishes(shared, name, trafficControl=True)
    around = ["BeforeBlockTraffic", "AfterBlockTraffic", "BeforeAllowTraffic", "AfterAllowTraffic"]
    first, view = shared.deploy(app("one", hooks=around), name)
    assert view["status"] == "Succeeded"
    assert ran(shared, around) == around[2:], "nothing old to block with"
    second, view = shared.deploy(app("two", hooks=around), name)
    assert view["status"] == "Succeeded"
    assert ran(shared, around) == around[2:] + around


def test_an_existing_file_is_overwritten_when_the_action_says_so(shared):
    name = "exists"
    wishes(shared, name, fileExistsBehavior="OVERWRITE")
    hook = script("mkdir -p www/exists && echo by hand > www/exists/page\n")
    entries = {"appspec.yml": appspec(PAGE, {"BeforeInstall": [{"location": "hook"}]}), "page": "new", "hook": hook}
    version, view = shared.deploy(entries, name)
    assert view["status"] == "Succeeded"
    assert shared.only.page(name) == "new"
