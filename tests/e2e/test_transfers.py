"""Large copies between buckets: in parts, through deaths of everybody on the way, and nothing left behind."""
import contextlib
import hashlib
import random
import signal

import pytest

import s3
from world import app, until

SIZE = 48 << 20  # six parts
REGIONS = ["us-west-2", "us-east-1"]
EAST = "web-us-east-1"


@pytest.fixture(scope="module")
def buckets():
    with s3.gateways(REGIONS) as endpoints, s3.bucket_world(endpoints) as w:
        yield w.up()


def big(text):
    """An application that cannot be compressed."""
    return {**app(text), "data.bin": random.Random(text).randbytes(SIZE)}


def uploads(w):
    return w.s3["us-east-1"].list_multipart_uploads(Bucket="store-us-east-1").get("Uploads", [])


def parts(w, upload):
    """{number: when it was sent}; {} when the upload is gone."""
    east = w.s3["us-east-1"]
    try:
        listed = east.list_parts(Bucket="store-us-east-1", Key=upload["Key"], UploadId=upload["UploadId"])
    except east.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] in ("NoSuchUpload", "NoSuchKey")  # the latter is Ceph's word
        return {}
    return {p["PartNumber"]: p["LastModified"] for p in listed.get("Parts", [])}


def paced(w, rate, name=EAST):
    """The worker, started anew with that bound."""
    worker = w.workers[name]
    worker.kill(signal.SIGTERM)
    worker.configure(**({"transferRate": rate} if rate else {}))
    worker.start()
    w.wait_connected()


@pytest.fixture
def slow(buckets):
    """Six MiB a second: a copy takes eight seconds there and eight seconds in."""
    paced(buckets, "6MiB")
    yield buckets
    paced(buckets, None)


def begun(w, name, text):
    """An execution whose copy has sent one part and not all; its upload."""
    version = w.push(big(text), name)
    execution = w.execution_of(version, name)
    upload = until(lambda: uploads(w), "an upload")[0]
    until(lambda: parts(w, upload), "a part")
    return execution, upload


def copied(w, name, view):
    """The copy has the artifact's digest, was put in parts, and no upload is left."""
    assert view["status"] == "Succeeded", view
    (digest,) = {a["sha256"] for a in view["artifacts"]}
    east = w.s3["us-east-1"]
    found = [o for o in east.list_objects_v2(Bucket="store-us-east-1", Prefix=name + "/")["Contents"] if o["Size"] > SIZE]
    (copy,) = found
    got = east.get_object(Bucket="store-us-east-1", Key=copy["Key"])
    assert hashlib.sha256(got["Body"].read()).hexdigest() == digest
    assert got["Metadata"]["meridian-sha256"] == digest
    assert copy["ETag"].strip('"').endswith("-7"), copy  # 48 MiB and what is around it
    until(lambda: not uploads(w), "the end of all uploads")


def test_a_large_copy_is_put_in_parts(buckets):
    buckets.apply(buckets.pipeline("large"))
    _, view = buckets.deploy(big("one"), "large")
    copied(buckets, "large", view)
    assert all(worker.page("large") == "one" for worker in buckets.workers.values())


def test_a_worker_that_is_killed_meanwhile_changes_nothing(slow):
    """Its step goes on without it."""
    slow.apply(slow.pipeline("killed"))
    execution, upload = begun(slow, "killed", "killed")
    slow.workers[EAST].kill()
    before = parts(slow, upload)
    slow.workers[EAST].start()
    seen = {}
    def look():
        seen.update(parts(slow, upload))
        return slow.status(execution, "killed")["status"] in ("Succeeded", "Failed")
    until(look, "the end")
    assert before and {n: seen[n] for n in before} == before
    copied(slow, "killed", slow.status(execution, "killed"))


def test_a_coordinator_that_dies_meanwhile_changes_nothing(slow):
    slow.apply(slow.pipeline("headless"))
    execution, _ = begun(slow, "headless", "headless")
    slow.kill_coordinator()
    slow.start_coordinator().wait_connected()
    copied(slow, "headless", slow.ended(execution, "headless"))


def test_an_upload_of_a_stopped_execution_is_taken_back(slow):
    slow.apply(slow.pipeline("stopped"))
    execution, upload = begun(slow, "stopped", "stopped")
    slow.meridian("stop", "stopped", execution, "--abandon", "--yes")
    until(lambda: not uploads(slow), "the end of the upload")
    assert not parts(slow, upload)


def test_an_upload_that_somebody_took_away_costs_a_put_in_one_piece(slow):
    slow.apply(slow.pipeline("taken"))
    execution, upload = begun(slow, "taken", "taken")
    slow.s3["us-east-1"].abort_multipart_upload(Bucket="store-us-east-1", Key=upload["Key"], UploadId=upload["UploadId"])
    view = slow.ended(execution, "taken")
    assert view["status"] == "Succeeded", view
    head = slow.s3["us-east-1"].head_object(Bucket="store-us-east-1", Key=upload["Key"])
    assert "-" not in head["ETag"] and head["Metadata"]["meridian-sha256"] in {a["sha256"] for a in view["artifacts"]}


def test_a_gateway_that_goes_in_the_middle_is_waited_for_and_the_cause_is_shown(slow):
    slow.apply(slow.pipeline("away"))
    execution, _ = begun(slow, "away", "away")
    slow.endpoints.stop("us-east-1")
    try:
        until(lambda: "waits for store store-us-east-1" in slow.meridian("why", "away").stdout, "the cause of the wait")
    finally:
        slow.endpoints.start()
    copied(slow, "away", slow.ended(execution, "away"))
