"""Stores that are buckets of a real S3 server: source, copies in every region, logs."""
import hashlib
import json
import os
import random
import re
import ssl
import time
import urllib.error
import urllib.request

import botocore.session
import pytest

import s3
from world import DEADLINE_S, app, until

TOKEN = "a-token-of-the-door-for-events"
PUTS = int(os.environ.get("MERIDIAN_PUTS", "150"))


@pytest.fixture(scope="module")
def buckets():
    """Two regions, a gateway, a bucket and a worker each; the source bucket in the first one."""
    with s3.gateways(["us-west-2", "us-east-1"]) as endpoints, s3.bucket_world(endpoints) as w:
        w.make_bucket("plain-bucket", "us-west-2", versioned=False)
        w.config.write_text(w.config.read_text() +
                            f"  - {{ name: plain-bucket, region: us-west-2, type: s3, endpoint: '{endpoints['us-west-2']}' }}\n")
        w.config.write_text(w.config.read_text().replace("\nstores:\n", "\n  events: events.token\nstores:\n"))
        token = w.folder / "events.token"
        token.touch(0o600)
        token.write_text(TOKEN + "\n")
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


def versions_held(world, key):
    """What the bucket has, oldest first: a put that the client tried again has left two."""
    pages = world.s3["us-west-2"].get_paginator("list_object_versions").paginate(Bucket="source-bucket", Prefix=key)
    return [v["VersionId"] for page in pages for v in page.get("Versions", []) if v["Key"] == key][::-1]


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


def tell(world, body, path="/events/" + TOKEN, method="POST", **headers):
    """The status with which the coordinator takes an event."""
    request = urllib.request.Request(f"https://127.0.0.1:{world.https_port}{path}", data=body, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE_S, context=ssl._create_unverified_context()) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def event_of(key, bucket="source-bucket"):
    return json.dumps({"Records": [{"s3": {"bucket": {"name": bucket}, "object": {"key": key}}}]}).encode()


def test_only_events_with_the_token_are_taken(buckets):
    event = event_of("nothing.zip")
    for path in ("/events", "/events/", "/events/" + TOKEN[:-1], "/events/" + TOKEN + "x", "/events/" + TOKEN + "/x", "/events?token=" + TOKEN):
        assert tell(buckets, event, path) == 403
    assert tell(buckets, event, "/events", Authorization="Bearer " + TOKEN[:-1]) == 403
    assert tell(buckets, event, "/events", Authorization=TOKEN) == 403
    assert tell(buckets, event, "/eventsx/" + TOKEN) == 404
    assert tell(buckets, None, method="GET") == 405
    assert tell(buckets, b"") == 400
    assert tell(buckets, b"no event") == 400
    assert tell(buckets, b" " * (2 << 20)) == 413
    assert tell(buckets, event) == 200
    assert tell(buckets, event, "/events", Authorization="Bearer " + TOKEN) == 200
    assert tell(buckets, event_of("x", "no-such-bucket")) == 200
    asks = {"Type": "SubscriptionConfirmation", "TopicArn": "arn:aws:sns:us-west-2:1:t", "Token": "0123", "SubscribeURL": "https://127.0.0.1:1/"}
    assert tell(buckets, json.dumps(asks).encode()) == 200
    assert "aws sns confirm-subscription" in log_of(buckets)
    assert TOKEN not in log_of(buckets)


def test_notifications_of_the_server_start_executions_at_once(buckets):
    """They stay for the tests that follow. Each put comes right after a look: by polling alone each waited BUCKETS_POLL_MS, 5 s."""
    region, puts = "us-west-2", 8
    buckets.apply(buckets.pipeline("told"))
    buckets.deploy(app("the first"), "told")
    sns = botocore.session.Session().create_client("sns", region_name=region, endpoint_url=buckets.endpoints[region],
                                                   aws_access_key_id=s3.KEYS[0], aws_secret_access_key=s3.KEYS[1])
    topic = sns.create_topic(Name="told", Attributes={
        "push-endpoint": f"https://127.0.0.1:{buckets.https_port}/events/{TOKEN}", "verify-ssl": "false"})["TopicArn"]
    buckets.s3[region].put_bucket_notification_configuration(Bucket="source-bucket", NotificationConfiguration={
        "TopicConfigurations": [{"Id": "told", "TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}]})
    body, before = buckets.pack(app("again"), "told").read_bytes(), time.monotonic()
    for _ in range(puts):
        version = buckets.s3[region].put_object(Bucket="source-bucket", Key="told.zip", Body=body)["VersionId"]
        until(lambda: version in [v for _, v in started(buckets, "told")], "the execution of a version that was told")
    took = time.monotonic() - before
    assert log_of(buckets).count("an event of S3") >= puts
    print(f"{puts} versions were found in {took:.1f} s")


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
    held = versions_held(buckets, "every.zip")
    assert [version for version in held if version in versions] == versions
    versions = held
    buckets.start_coordinator().wait_connected()
    events = [event_of("every.zip")] * 60 + [event_of(f"every.zip.{i}") for i in range(20)]
    for event in random.Random(7).sample(events, len(events)):
        assert tell(buckets, event) == 200
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
