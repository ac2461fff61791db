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
