"""Stores that are buckets of a real S3 server: source, copies in every region, logs."""
import hashlib
import os
import re

import pytest

import s3
from world import app, until

PUTS = int(os.environ.get("MERIDIAN_PUTS", "150"))


@pytest.fixture(scope="module")
def buckets():
    """Two regions, a gateway, a bucket and a worker each; the source bucket in the first one."""
    with s3.gateways(["us-west-2", "us-east-1"]) as endpoints, s3.bucket_world(endpoints) as w:
        w.make_bucket("plain-bucket", "us-west-2", versioned=False)
        w.config.write_text(w.config.read_text() +
                            f"  - {{ name: plain-bucket, region: us-west-2, type: s3, endpoint: '{endpoints['us-west-2']}' }}\n")
        yield w.up()


def log_of(world):
    return (world.folder / "coordinator.log").read_text()


def test_a_bucket_without_versions_is_refused_with_the_fix(buckets):
    definition = buckets.pipeline("plain")
    definition["pipeline"]["stages"][0]["actions"][0]["configuration"]["S3Bucket"] = "plain-bucket"
    buckets.apply(definition)
    def refused():
        done = buckets.meridian("run", "plain", status=None)
        return done.returncode != 0 and "put-bucket-versioning --bucket plain-bucket" in done.stderr
    until(refused, "the refusal")
    assert "put-bucket-versioning --bucket plain-bucket" in log_of(buckets)
    pushed = buckets.meridian("push", buckets.pack(app("x"), "plain"), "s3://plain-bucket/plain.zip", status=None)
    assert pushed.returncode != 0
    assert "not versioned" in pushed.stderr
    buckets.meridian("delete", "plain", "--yes", status=None)


def test_a_push_deploys_to_every_region_from_its_own_bucket(buckets):
    buckets.apply(buckets.pipeline())
    version, view = buckets.deploy(app("one"))
    assert view["status"] == "Succeeded"
    assert all(worker.page() == "one" for worker in buckets.workers.values())
    assert view["sameVersion"] == {"regions": 2, "verifiedRegions": 2, "equal": True}
    east = buckets.s3["us-east-1"]
    (copy,) = [o for o in east.list_objects_v2(Bucket="store-us-east-1")["Contents"] if "/logs/" not in o["Key"]]
    body = east.get_object(Bucket="store-us-east-1", Key=copy["Key"])["Body"].read()
    digest = {a["sha256"] for a in view["artifacts"]}
    assert digest == {hashlib.sha256(body).hexdigest()}
    head = buckets.s3["us-west-2"].head_object(Bucket="source-bucket", Key="xr.zip")
    assert head["VersionId"] == version
    assert head["Metadata"]["meridian-sha256"] in digest


def test_an_object_that_other_tools_put_is_read_once_for_its_digest(buckets):
    buckets.apply(buckets.pipeline("foreign"))
    path = buckets.pack(app("two"), "foreign")
    put = buckets.s3["us-west-2"].put_object(
        Bucket="source-bucket", Key="foreign.zip", Body=path.read_bytes(),
        Metadata={"codepipeline-artifact-revision-summary": "by hand"})
    view = buckets.ended(buckets.execution_of(put["VersionId"], "foreign"), "foreign")
    assert view["status"] == "Succeeded"
    assert {a["sha256"] for a in view["artifacts"]} == {hashlib.sha256(path.read_bytes()).hexdigest()}
    assert all(worker.page("foreign") == "two" for worker in buckets.workers.values())


def test_a_deleted_source_starts_nothing_and_older_versions_still_deploy(buckets):
    buckets.apply(buckets.pipeline("gone"))
    first, view = buckets.deploy(app("first"), "gone")
    second, view = buckets.deploy(app("second"), "gone")
    assert view["status"] == "Succeeded"
    buckets.s3["us-west-2"].delete_object(Bucket="source-bucket", Key="gone.zip")
    def refused():
        done = buckets.meridian("run", "gone", status=None)
        return done.returncode != 0 and "deleted" in done.stderr
    until(refused, "the delete marker's sight")
    def started():
        return buckets.meridian("run", "gone", "--revision", first, status=None).returncode == 0
    until(started, "a run of an older version")
    until(lambda: all(w.page("gone") == "first" for w in buckets.workers.values()), "the older version on every host")


def test_a_store_that_is_away_is_waited_for_and_the_cause_is_shown(buckets):
    buckets.apply(buckets.pipeline("away"))
    buckets.endpoints.stop("us-east-1")
    try:
        version = buckets.push(app("there again"), "away")
        execution = buckets.execution_of(version, "away")
        why = lambda: buckets.meridian("why", "away").stdout
        until(lambda: "waits for store store-us-east-1" in why(), "the cause of the wait")
        assert "Replicate runs on web-us-east-1" in why()
    finally:
        buckets.endpoints.start()
    view = buckets.ended(execution, "away")
    assert view["status"] == "Succeeded"
    assert all(worker.page("away") == "there again" for worker in buckets.workers.values())


def put_versions(world, name, count):
    """Puts one bundle that often, as fast as it goes; the version ids in that order."""
    body = world.pack(app("one of many"), name).read_bytes()
    return [world.s3["us-west-2"].put_object(Bucket="source-bucket", Key=f"{name}.zip", Body=body)["VersionId"]
            for _ in range(count)]


def started(world, name):
    """Run and version of all executions, in the order in which they were started."""
    return re.findall(f"pipeline status=InProgress pipeline={name} run=(\\S+) version=([^\"]+)", log_of(world))


def test_a_version_that_is_not_there_is_told_and_one_that_is_starts_at_once(buckets):
    buckets.apply(buckets.pipeline("named"))
    first, _ = buckets.deploy(app("first"), "named")
    done = buckets.meridian("run", "named", "--revision", "no-such-version", status=None)
    assert done.returncode != 0
    assert "no revision no-such-version" in done.stderr
    buckets.deploy(app("second"), "named")
    buckets.kill_coordinator()
    buckets.start_coordinator().wait_connected()
    execution = buckets.json("run", "named", "--revision", first)["pipelineExecutionId"]
    assert buckets.ended(execution, "named")["status"] == "Succeeded"


def test_every_version_between_two_looks_starts_an_execution_in_order(buckets):
    """More than may be live at a time, a delete marker among them, and a coordinator that dies."""
    definition = buckets.pipeline("every")
    definition["pipeline"]["executionMode"] = "QUEUED"
    definition["pipeline"]["version"] = 2
    buckets.apply(definition)
    first, _ = buckets.deploy(app("the first"), "every")
    buckets.s3["us-west-2"].put_object(Bucket="source-bucket", Key="every.zip.other", Body=b"not this key")
    buckets.meridian("transition", "disable", "every", "Prod", "--reason", "counting")
    versions = [first, *put_versions(buckets, "every", 60)]
    buckets.s3["us-west-2"].delete_object(Bucket="source-bucket", Key="every.zip")
    buckets.kill_coordinator()
    versions += put_versions(buckets, "every", PUTS - 60)
    buckets.start_coordinator().wait_connected()
    until(lambda: len(started(buckets, "every")) >= 101, "as many executions as may be live")
    assert [version for _, version in started(buckets, "every")] == versions[:101]
    for done in range(1, len(versions) - 100):
        run, _ = until(lambda: started(buckets, "every")[done:done + 1], "an execution in the place of one that was stopped")[0]
        buckets.meridian("stop", "every", run, "--abandon", "--yes")
    until(lambda: len(started(buckets, "every")) >= len(versions), "an execution of each version")
    assert [version for _, version in started(buckets, "every")] == versions


def test_the_log_of_an_ended_job_is_read_from_its_bucket_without_the_host(buckets):
    _, view = buckets.deploy_new("logged", app("logged"))
    assert view["status"] == "Succeeded"
    east = buckets.workers["web-us-east-1"]
    name = "logged/Deploy-us-east-1"
    def kept():
        objects = buckets.s3["us-east-1"].list_objects_v2(Bucket="store-us-east-1")["Contents"]
        return any("/logs/" in o["Key"] and o["Key"].startswith("logged/") for o in objects)
    until(kept, "the log in the bucket")
    before = buckets.meridian("logs", name).stdout
    assert "AfterInstall" in before
    east.process.terminate()
    east.process.wait(20)
    try:
        until(lambda: not buckets.worker_seen("web-us-east-1")["connected"], "the worker's absence")
        assert buckets.meridian("logs", name).stdout == before
    finally:
        east.start()
        buckets.wait_connected()


def test_no_key_and_no_signature_is_in_any_log(buckets):
    for log in buckets.folder.glob("*.log"):
        text = log.read_text(errors="replace")
        assert "X-Amz-Signature" not in text
        assert s3.KEYS[1] not in text
