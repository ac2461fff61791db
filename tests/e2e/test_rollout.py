"""A deployment group in a region of four hosts: batch by batch, back by itself, joiners; through the client."""
import json

import pytest

import world
from world import app, scripts

HOSTS = ("h1", "h2", "h3")
REGION = world.REGIONS[0]
GROUP = {"deploymentGroup": {
    "applicationName": "app", "deploymentGroupName": "xr", "deploymentConfigName": "CodeDeployDefault.OneAtATime",
    "ec2TagFilters": [{"Key": "Stage", "Value": "prod", "Type": "KEY_AND_VALUE"}],
    "autoRollbackConfiguration": {"enabled": True, "events": ["DEPLOYMENT_FAILURE"]}}}


@pytest.fixture
def fleet():
    """Three hosts with the group's tag, and one without."""
    with world.world(regions=[REGION]) as w:
        for name in HOSTS:
            w.add_worker(name, REGION, start=False, tags=["Stage=prod"])
        w.up()
        w.apply(w.pipeline("xr"))
        yield w


def install(w, document, status=0):
    path = w.folder / "resource.json"
    path.write_text(json.dumps(document, indent=2))
    return w.meridian("apply", "-f", path, status=status)


def test_a_group_is_refused_with_its_place_then_deployed_one_by_one(fleet):
    wrong = install(fleet, {"deploymentGroup": {**GROUP["deploymentGroup"], "deploymentConfigName": "mine"}}, status=1)
    assert "resource.json:5:" in wrong.stderr and "deploymentGroup.deploymentConfigName" in wrong.stderr
    wrong = install(fleet, {"deploymentGroup": {**GROUP["deploymentGroup"], "ec2TagFilter": []}}, status=1)
    assert "did you mean 'ec2TagFilters'" in wrong.stderr
    assert install(fleet, GROUP).stdout == "deploymentGroup app/xr  version 1  created\n"
    _, view = fleet.deploy(app("first"))
    assert view["status"] == "Succeeded"
    shown = fleet.meridian("deployments", "xr").stdout
    assert "CodeDeployDefault.OneAtATime" in shown and "3/3 instances" in shown
    deployment = fleet.meridian("deployments", "xr", "-o", "name").stdout.strip()
    newest = json.loads(fleet.meridian("deployments", "xr", "-o", "json").stdout)["deployments"]
    assert [(d["deploymentId"], d["status"], d["deploymentConfigName"]) for d in newest] == [
        (deployment, "Succeeded", "CodeDeployDefault.OneAtATime")]
    hosts = json.loads(fleet.meridian("deployments", "xr", deployment, "-o", "json").stdout)
    assert {(t["targetId"], t["status"]) for t in hosts["targets"]} == {(h, "Succeeded") for h in HOSTS}
    assert hosts["targets"][0]["lifecycleEvents"][-1]["status"] == "Succeeded"
    assert sorted(fleet.meridian("deployments", "xr", deployment, "-o", "name").stdout.split()) == list(HOSTS)
    assert not fleet.workers["web-" + REGION].lines("trace")

    # A bad revision stops at the first host, which goes back by itself.
    version = fleet.push(scripts(AfterInstall="echo broken >&2; exit 7\n"))
    bad = fleet.ended(fleet.execution_of(version))
    assert bad["status"] == "Failed"
    text = fleet.meridian("status", "xr", bad["pipelineExecutionId"]).stdout
    assert "AfterInstall" in text
    assert "HEALTH_CONSTRAINTS" in json.dumps(bad)
    back = fleet.executions()[0]
    assert back["executionType"] == "ROLLBACK"
    assert fleet.ended(back["pipelineExecutionId"])["status"] == "Succeeded"
    assert all(fleet.workers[h].page() == "first" for h in HOSTS)


def test_a_host_that_joins_later_is_brought_up_to_date_alone(fleet):
    install(fleet, GROUP)
    version, _ = fleet.deploy(app("first"))
    fleet.add_worker("h4", REGION, tags=["Stage=prod"])
    fleet.wait_connected(["h4"])
    again = fleet.meridian("run", "xr", "--revision", version, "--outdated-only").stdout.strip()
    assert fleet.ended(again)["status"] == "Succeeded"
    assert fleet.workers["h4"].page() == "first"
    deployment = fleet.meridian("deployments", "xr", "-o", "name").stdout.split()[0]
    assert fleet.meridian("deployments", "xr", deployment, "-o", "name").stdout.split() == ["h4"]


def test_several_documents_in_one_file_are_applied_in_turn_and_exported_again(fleet):
    path, export = fleet.folder / "all.yml", fleet.folder / "export.json"
    config = "deploymentConfig:\n  deploymentConfigName: two\n  minimumHealthyHosts: { type: HOST_COUNT, value: 2 }\n"
    group = ("deploymentGroup:\n  applicationName: app\n  deploymentGroupName: xr\n  deploymentConfigName: %s\n"
             "  ec2TagFilters: [ { Key: Stage, Value: prod, Type: KEY_AND_VALUE } ]\n")
    # The second is refused at its line of the file; the first stays, the third has its turn.
    path.write_text(config + "---\n" + group % "twoo" + "---\napplication: { applicationName: app }\n")
    wrong = fleet.meridian("apply", "-f", path, status=1)
    assert "all.yml:8:25: deploymentGroup.deploymentConfigName" in wrong.stderr
    assert wrong.stdout == "deploymentConfig two  version 1  created\napplication app  version 1  created\n"
    wrong = fleet.meridian("apply", "-f", path, "--if-version", "1", status=2)
    assert "--if-version" in wrong.stderr

    path.write_text("a: 1\n---\n" * 1001)
    assert "1001 documents" in fleet.meridian("apply", "-f", path, status=1).stderr

    path.write_text("# moved down\n\n---\n" + config + "---\n" + group % "two" + "---\n")
    assert fleet.meridian("validate", path).stdout == (
        f"{path}: valid deploymentConfig two\n{path}: valid deploymentGroup app/xr\n")
    applied = fleet.meridian("apply", "-f", path).stdout
    assert applied == "deploymentConfig two  version 1  unchanged\ndeploymentGroup app/xr  version 1  created\n"
    lines = [json.loads(line) for line in fleet.meridian("apply", "-f", path, "-o", "json").stdout.splitlines()]
    assert [(one["name"], one["changed"]) for one in lines] == [("two", False), ("app/xr", False)]

    names = fleet.meridian("resources", "-o", "name").stdout.split()
    assert names == ["application/app", "deploymentConfig/two", "deploymentGroup/app/xr"]
    assert "app/xr" in fleet.meridian("resources", "deploymentGroup").stdout
    assert "app/xr" not in fleet.meridian("resources", "deploymentConfig").stdout
    assert "deploymentGroup" in fleet.meridian("resources", "group", status=2).stderr
    listed = json.loads(fleet.meridian("resources", "-o", "json").stdout)["resources"]
    assert [(one["kind"], one["version"], one["updatedBy"]) for one in listed] == [
        ("application", 1, "operator"), ("deploymentConfig", 1, "operator"), ("deploymentGroup", 1, "operator")]

    # What was exported says the same: applied again it changes nothing.
    for name in names + ["xr"]:
        export.write_text(fleet.meridian("export", name).stdout)
        assert fleet.meridian("apply", "-f", export).stdout.endswith("version 1  unchanged\n"), name
    assert "there is no deploymentGroup/app/other" in fleet.meridian("export", "deploymentGroup/app/other", status=3).stderr
