"""Custom actions: jobs for job workers of somebody's own, asked for and answered by the client."""
import json
import subprocess

import pytest

from world import action_states, app, until, world

TYPE = {"customActionType": {
    "category": "Test", "provider": "Lab", "version": "1",
    "configurationProperties": [{"name": "Suite", "required": True, "key": True, "secret": False, "queryable": True},
                                {"name": "Token", "required": False, "key": False, "secret": True}],
    "inputArtifactDetails": {"minimumCount": 1, "maximumCount": 1},
    "outputArtifactDetails": {"minimumCount": 0, "maximumCount": 0}}}
NAME = "Test/Lab/1"


def pipeline(w):
    definition = w.pipeline()
    definition["pipeline"]["stages"].insert(1, {"name": "Check", "actions": [{
        "name": "Lab", "namespace": "Lab", "actionTypeId": {"category": "Test", "owner": "Custom", "provider": "Lab", "version": "1"},
        "configuration": {"Suite": "smoke", "Token": "canary-77"}, "inputArtifacts": [{"name": "App"}]}]})
    return definition


@pytest.fixture
def one():
    with world(regions=["us-west-2"]) as w:
        yield w.up()


def poll(w, *more):
    return w.json("jobs", "poll", NAME, *more)["jobs"]


def taken(w):
    (job,) = until(lambda: poll(w), "a job")
    w.meridian("jobs", "ack", job["id"], job["nonce"])
    return job["id"]


def lab(view):
    return next(a for a in action_states(view) if a["actionName"] == "Lab")["latestExecution"]


def test_a_job_worker_takes_reads_and_ends_a_job_while_the_coordinator_is_killed(one):
    refused = one.apply(pipeline(one), status=1)
    assert "there is no action type Test/Lab/1" in refused.stdout + refused.stderr
    one.apply(TYPE)
    assert "Test/Lab/1" in one.meridian("resources", "customActionType").stdout
    assert json.loads(one.meridian("export", f"customActionType/{NAME}").stdout) == TYPE
    one.apply(pipeline(one))
    assert one.meridian("jobs", "poll", NAME, "-o", "name").stdout == ""
    execution = one.execution_of(one.push(app("one")))
    until(lambda: "waits for a job worker of type Test/Lab/1" in one.meridian("why", execution).stdout, "the cause")
    assert poll(one, "--query", "Suite=other") == []
    assert "not a queryable property" in one.meridian("jobs", "poll", NAME, "--query", "Token=x", status=None).stderr
    (job,) = poll(one, "--query", "Suite=smoke")
    assert job["data"]["pipelineContext"]["pipelineName"] == "xr"
    assert poll(one) == [], "the same job was given twice"
    one.kill_coordinator()
    one.start_coordinator()
    assert "InvalidNonceException" in one.meridian("jobs", "ack", job["id"], execution, status=None).stderr
    assert "***" in one.meridian("jobs", "show", job["id"]).stdout
    one.meridian("jobs", "ack", job["id"], job["nonce"])
    one.kill_coordinator()
    one.start_coordinator()
    details = one.json("jobs", "show", job["id"])["jobDetails"]
    assert details["status"] == "InProgress"
    assert details["data"]["actionConfiguration"]["configuration"] == {"Suite": "smoke", "Token": "canary-77"}
    (artifact,) = details["data"]["inputArtifacts"]
    fetched = subprocess.run(["curl", "-sSfk", "--pinnedpubkey", artifact["pinnedPublicKey"], artifact["url"]],
                             check=True, capture_output=True).stdout
    assert fetched[:2] == b"PK"
    assert "canary" not in one.meridian("status", "xr", "-o", "wide").stdout
    one.meridian("jobs", "succeed", job["id"], "--continuation", "part-2", "--percent", "40", "--summary", "half")
    assert "goes on with the next poll (40 %): half" in one.meridian("status", "xr").stdout
    second = taken(one)
    assert second != job["id"]
    assert one.json("jobs", "show", second)["jobDetails"]["data"]["continuationToken"] == "part-2"
    one.meridian("jobs", "succeed", second, "--external-id", "lab-9", "--output-variable", "Report=r-1", "--summary", "fine")
    one.kill_coordinator()
    one.start_coordinator()
    view = one.ended(execution)
    assert view["status"] == "Succeeded" and "fine" in lab(view)["summary"], view
    late = one.meridian("jobs", "fail", second, "-m", "too late", status=None)
    assert late.returncode != 0 and "InvalidJobStateException" in late.stderr


def test_a_failure_fails_the_action_and_a_retry_asks_again(one):
    one.apply(TYPE)
    one.apply(pipeline(one))
    execution = one.execution_of(one.push(app("one")))
    one.meridian("jobs", "fail", taken(one), "-m", "3 of 9 failed")
    view = one.ended(execution)
    assert view["status"] == "Failed"
    assert "3 of 9 failed" in lab(view)["errorDetails"]["message"]
    one.meridian("retry", "xr", execution)
    one.meridian("jobs", "succeed", taken(one))
    assert one.ended(execution)["status"] == "Succeeded"
    assert one.only.page() == "one"
