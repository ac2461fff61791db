"""Build and Test actions: an artifact that one host builds is deployed in several regions."""
import hashlib, json, signal

import pytest

from world import HOLD, action_states, app, below, targets, until, world

REGIONS = ["us-west-2", "us-east-1"]


def buildspec(build, artifacts="artifacts: { base-directory: out, files: [ '**/*' ] }", extra=""):
    commands = "".join(f"      - {json.dumps(c)}\n" for c in build)
    return f"version: 0.2\n{extra}phases:\n  build:\n    commands:\n{commands}{artifacts}\n"


PACK = ["mkdir out", "cp appspec.yml hook out", "tr a-z A-Z < page > out/page"]


def source(text, build=PACK, **options):
    """A bundle whose build makes another one: its page in capitals."""
    return app(text) | {"buildspec.yml": buildspec(build, **options)}


def pipeline(w, name="xr", category="Build", outputs=("Built",), region=REGIONS[0], deploy=REGIONS, configuration=None):
    """Source -> Build -> Deploy of what was built (or of the source, when nothing is)."""
    definition = w.pipeline(name, regions=w.regions)
    stages = definition["pipeline"]["stages"]
    stages.insert(1, {"name": "Build", "actions": [{
        "name": "Make", "region": region,
        "actionTypeId": {"category": category, "owner": "AWS", "provider": "CodeBuild", "version": "1"},
        "configuration": {"ProjectName": "shop", **(configuration or {})},
        "inputArtifacts": [{"name": "App"}], "outputArtifacts": [{"name": o} for o in outputs]}]})
    for action in stages[2]["actions"]:
        action["inputArtifacts"] = [{"name": outputs[0] if outputs else "App"}]
    stages[2]["actions"] = [a for a in stages[2]["actions"] if a["region"] in deploy]
    return definition


@pytest.fixture
def two():
    """Two regions with a worker each, and a host in the first that only builds."""
    with world(regions=REGIONS) as w:
        w.add_worker("builder", REGIONS[0], start=False, tags=["build=only"])
        w.workers["builder"].configure(secrets=str(w.folder / "secrets"))
        (w.folder / "secrets").mkdir()
        yield w.up()


def make(view):
    return next(a for a in action_states(view) if a["actionName"] == "Make")


def events(view):
    (target,) = make(view)["targets"]
    return {e["lifecycleEventName"]: e["status"] for e in target["lifecycleEvents"]}


def deployments(view):
    return [t for t in targets(view) if t["targetId"] != "builder"]


def test_what_is_built_in_one_region_is_deployed_in_two(two):
    two.apply(pipeline(two))
    version, view = two.deploy(source("one"))
    assert view["status"] == "Succeeded", view
    for region in REGIONS:
        assert two.workers["web-" + region].page() == "ONE"
    assert events(view) == dict.fromkeys(
        ["Build", "DOWNLOAD_SOURCE", "BUILD", "UPLOAD_ARTIFACTS"], "Succeeded")
    assert {t["targetId"] for t in deployments(view)} == {"web-" + r for r in REGIONS}, "a host that only builds got a deployment"
    copies = [c for c in view["artifacts"] if c["name"] == "Built"]
    assert {c["region"] for c in copies} == set(REGIONS)
    assert len({c["sha256"] for c in copies}) == 1
    for c in copies:
        objects = two.stored(c["region"])
        assert c["sha256"] in {hashlib.sha256(o.read_bytes()).hexdigest() for o in objects}
    # Hooks and the tree show the source's version, whatever was built of it.
    assert {a["currentRevision"]["revisionId"] for a in action_states(view)} == {version}
    assert view["sameVersion"] == {"regions": 2, "verifiedRegions": 2, "equal": True}
    log = two.meridian("logs", f"{view['pipelineExecutionId']}/Make").stdout
    assert "Phase - BUILD" in log and "Command - mkdir out" in log and "Phase complete - UPLOAD_ARTIFACTS Succeeded" in log
    assert not list(below(two.workers["builder"].root, "workspace"))


def test_the_same_source_builds_the_same_bytes_and_nothing_is_copied_again(two):
    two.apply(pipeline(two))
    _, first = two.deploy(source("one"))
    _, second = two.deploy(source("one") | {"unused": "x"})
    built = [{c["region"]: c for c in view["artifacts"] if c["name"] == "Built"} for view in (first, second)]
    assert built[0][REGIONS[1]]["sha256"] == built[1][REGIONS[1]]["sha256"]
    assert built[1][REGIONS[1]]["bytesTransferred"] == 0


def test_a_failing_build_deploys_nothing_and_says_which_command_failed(two):
    two.apply(pipeline(two))
    _, view = two.deploy(source("one", build=["echo before", "echo broken >&2; exit 9", "echo never"]))
    assert view["status"] == "Failed"
    (target,) = make(view)["targets"]
    assert target["attempt"] == 1, "a build that fails is not tried again"
    assert target["diagnostics"]["errorCode"] == "ScriptFailed"
    assert target["diagnostics"]["lifecycleEventName"] == "BUILD"
    assert "failed with exit code 9" in target["diagnostics"]["message"]
    assert "[stderr]broken" in target["diagnostics"]["logTail"]
    assert events(view)["BUILD"] == "Failed" and "UPLOAD_ARTIFACTS" not in events(view)
    assert deployments(view) == []
    tree = two.meridian("status", "xr", "-o", "wide").stdout
    assert "broken" in tree and "exit code 9" in tree


def test_a_failing_test_action_stops_the_pipeline(two):
    two.apply(pipeline(two, category="Test", outputs=()))
    _, view = two.deploy(source("one", build=["test -f page"], artifacts=""))
    assert view["status"] == "Succeeded"
    assert all(two.workers["web-" + r].page() == "one" for r in REGIONS)
    _, view = two.deploy(source("two", build=["grep -q one page"], artifacts=""))
    assert view["status"] == "Failed"
    assert all(two.workers["web-" + r].page() == "one" for r in REGIONS)


def test_a_build_goes_on_while_its_worker_is_killed_and_started_again(two):
    two.apply(pipeline(two))
    builder = two.workers["builder"]
    hold = f"cd {builder.home}; echo began >> began; {HOLD.strip()}; cd -"
    version = two.push(source("one", build=[hold, *PACK]))
    execution = two.execution_of(version)
    until(lambda: builder.lines("began"), "the build's beginning")
    builder.kill(signal.SIGKILL)
    builder.start()
    two.wait_connected()
    (builder.home / "go").touch()
    assert two.ended(execution)["status"] == "Succeeded"
    assert builder.lines("began") == ["began"], "the build ran twice"
    assert two.workers["web-us-east-1"].page() == "ONE"


def bytes_of(path):
    """An upload that was under way when the folder was listed has another name afterwards."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def test_secrets_reach_the_build_and_no_log(two):
    (two.folder / "secrets/registry").write_text("canary-8f2c\n")
    two.apply(pipeline(two, configuration={"EnvironmentVariables": json.dumps([
        {"name": "MODE", "value": "fast"}, {"name": "TOKEN", "value": "registry", "type": "SECRETS_MANAGER"}])}))
    commands = ["test \"$TOKEN\" = canary-8f2c", "echo \"$MODE $TOKEN\"", "env", "cat ../state/variables", *PACK]
    _, view = two.deploy(source("one", build=commands))
    assert view["status"] == "Succeeded", view
    log = two.meridian("logs", f"{view['pipelineExecutionId']}/Make").stdout
    assert "[stdout]fast ***" in log
    held = [p for p in below(two.folder) if p.is_file() and p.parent.name != "secrets"]
    assert [p for p in held if b"canary" in bytes_of(p) and p.suffix != ".zip"] == []


def test_a_region_without_a_host_that_builds_says_so(two):
    two.apply(pipeline(two, region=REGIONS[1]))
    execution = two.execution_of(two.push(source("one")))

    def waits():
        cause = make(two.status(execution))["latestExecution"].get("summary", "")
        return "no worker that builds is enrolled in region us-east-1" in cause
    until(waits, "the cause in the action's summary")


def test_a_definition_that_cannot_be_built_is_refused_with_its_place(two):
    definition = pipeline(two, configuration={"PrimarySource": "Nope", "EnvironmentVariables": "[{\"nam\": 1}]"})
    refused = two.apply(definition, status=1)
    assert "did you mean" in refused.stderr + refused.stdout
    definition = pipeline(two, configuration={"PrimarySource": "Nope"})
    refused = two.apply(definition, status=1)
    assert "write the name of one of the input artifacts" in refused.stderr + refused.stdout


# ---- Commands ----

RUN = {"category": "Compute", "owner": "AWS", "provider": "Commands", "version": "1"}


def commands(w, lines, region=REGIONS[0], conditions=None, **fields):
    """Source -> Run (commands on App) -> Deploy of what they packed, or of App when they pack nothing."""
    definition = w.pipeline(regions=w.regions)
    stages = definition["pipeline"]["stages"]
    stages.insert(1, {"name": "Run", "actions": [{
        "name": "Make", "region": region, "actionTypeId": RUN, "commands": lines,
        "inputArtifacts": [{"name": "App"}], **fields}]})
    if fields.get("outputArtifacts"):
        for action in stages[2]["actions"]:
            action["inputArtifacts"] = [{"name": fields["outputArtifacts"][0]["name"]}]
    stages[2].update(conditions or {})
    return definition


def test_commands_of_the_definition_make_what_is_deployed(two):
    """Their variables reach a later action; a value that looks like a command stays a value."""
    canary = two.folder / "canary"
    value = f"$(touch {canary}); '"
    applied = commands(
        two, ["tr a-z A-Z < page > new; echo \" it's $TAG\" >> new", "mv new page", 'WHO="$TAG"'],
        namespace="Made", outputVariables=["WHO"],
        outputArtifacts=[{"name": "Packed", "files": ["appspec.yml", "hook", "p*"]}],
        environmentVariables=[{"name": "TAG", "value": "#{variables.TAG}"}])
    applied["pipeline"]["variables"] = [{"name": "TAG", "defaultValue": value}]
    applied["pipeline"]["stages"].insert(2, {"name": "Again", "actions": [{
        "name": "Echo", "actionTypeId": RUN, "commands": ['test "$GIVEN" = "$WANTED"', "grep ONE page"],
        "inputArtifacts": [{"name": "Packed"}], "environmentVariables": [
            {"name": "GIVEN", "value": "#{Made.WHO}"}, {"name": "WANTED", "value": value}]}]})
    two.apply(applied)
    assert json.loads(two.meridian("export", "xr").stdout)["pipeline"]["stages"] == applied["pipeline"]["stages"]
    _, view = two.deploy(app("one"))
    assert view["status"] == "Succeeded", view
    assert all(two.workers["web-" + r].page() == f"ONE it's {value}\n" for r in REGIONS)
    assert not canary.exists()
    (two.folder / "next.json").write_text(json.dumps(commands(two, ["true"])))
    plan = two.meridian("plan", "-f", two.folder / "next.json").stdout
    assert "commands" in plan and "tr a-z A-Z" in plan


def test_commands_that_fail_say_which(two):
    two.apply(commands(two, ["echo fine", "false | grep x", "echo never"]))
    _, view = two.deploy(app("one"))
    assert view["status"] == "Failed"
    assert "false | grep x" in make(view)["latestExecution"]["errorDetails"]["message"]
    log = two.meridian("logs", f"{view['pipelineExecutionId']}/Make").stdout
    assert "[stdout]fine" in log and "never" not in log.replace("Command - echo never", "")
    assert deployments(view) == []


def test_a_stage_is_entered_when_commands_say_so(two):
    """A smoke test in front of a stage, in another region than the pipeline's, on no artifact; killed in the middle."""
    builder = two.workers["builder"]
    hold = f"cd {builder.home}; echo began >> began; {HOLD.strip()}; test -f good"
    rule = {"name": "smoke", "ruleTypeId": {**RUN, "category": "Rule"}, "commands": [hold]}
    definition = two.pipeline(regions=two.regions)
    definition["pipeline"]["stages"][1]["beforeEntry"] = {"conditions": [{"result": "FAIL", "rules": [rule]}]}
    two.apply(definition)

    def state(view):
        return view["stageStates"][1]["beforeEntryConditionState"]["conditionStates"][0]["ruleStates"][0]["latestExecution"]
    execution = two.execution_of(two.push(app("one")))
    until(lambda: builder.lines("began"), "the rule's commands")
    assert "runs on builder" in two.meridian("status", "xr").stdout
    assert "runs on builder" in two.meridian("why", execution).stdout
    two.kill_coordinator()
    builder.kill(signal.SIGKILL)
    two.start_coordinator()
    builder.start()
    two.wait_connected()
    (builder.home / "go").touch()
    view = two.ended(execution)
    assert view["status"] == "Failed" and state(view)["status"] == "Failed", view
    assert builder.lines("began") == ["began"], "the commands ran twice"
    assert "failed with exit code 1" in state(view)["errorDetails"]["message"]
    assert "began >> began" in two.meridian("logs", f"{execution}/smoke").stdout
    (builder.home / "good").touch()
    two.meridian("retry", "xr", execution)
    assert two.ended(execution)["status"] == "Succeeded"
    assert two.workers["web-" + REGIONS[1]].page() == "one"
