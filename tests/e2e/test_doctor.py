"""`meridian doctor`: what is wrong, named with what mends it, before an execution meets it."""
import json, os, pathlib, subprocess

import pytest

import s3
from world import until, world


def findings(w, status):
    answer = json.loads(w.meridian("doctor", "-o", "json", status=status).stdout)
    assert answer["healthy"] == (status == 0)
    return {f["subject"]: f for f in answer["findings"]} | {"all": answer["findings"]}


def of(found, subject):
    return [f for f in found["all"] if f["subject"] == subject]


def test_a_world_without_buckets_is_healthy_until_a_worker_goes():
    with world(regions=["us-west-2", "us-east-1"]) as w:
        w.up()
        found = findings(w, 0)
        assert {f["level"] for f in found["all"]} <= {"good", "warning"}  # the disk of the tests may be small
        assert "writable" in found["store store-us-east-1"]["text"]
        w.workers["web-us-east-1"].kill()
        until(lambda: not w.worker_seen("web-us-east-1")["connected"], "the loss of the worker")
        found = findings(w, 1)
        assert found["workers us-east-1"]["level"] == "bad"
        assert "0 of 1 connected" in found["workers us-east-1"]["text"]
        out = w.meridian("doctor", status=1).stdout
        assert "fix: systemctl start meridian-worker" in out


def test_a_store_whose_folder_is_gone_is_named_at_the_start_too():
    with world(regions=["us-west-2"]) as w:
        w.up()
        store = w.folder / "stores/store-us-west-2"
        store.rename(store.with_name("moved"))
        store.write_text("a file where the folder was")
        found = findings(w, 1)
        assert found["store store-us-west-2"]["level"] == "bad"
        assert "chown" in found["store store-us-west-2"]["fix"]


def test_it_says_when_the_coordinator_is_not_there():
    with world(regions=["us-west-2"]) as w:
        done = w.meridian("doctor", status=5)
        assert "fix:" in done.stderr


@pytest.fixture(scope="module")
def buckets():
    with s3.gateways(["us-west-2", "us-east-1"]) as endpoints, s3.bucket_world(endpoints) as w:
        yield w.up()


def test_buckets_prove_every_permission_and_leave_nothing_behind(buckets):
    found = findings(buckets, 0)
    for name, region in buckets.stores():
        assert found[f"store {name}"]["level"] == "good"
        assert "versioned; allowed: list read write delete" in found[f"store {name}"]["text"]
        versions = buckets.s3[region].list_object_versions(Bucket=name)
        assert not versions.get("Versions") and not versions.get("DeleteMarkers")
        assert not buckets.s3[region].list_multipart_uploads(Bucket=name).get("Uploads")
    assert any("S3's" in f["text"] for f in of(found, "clock"))


@pytest.mark.parametrize("action, permission, level", [
    ("s3:PutObject", "s3:PutObject", "bad"),
    ("s3:GetObjectVersion", "s3:GetObjectVersion", "bad"),
    ("s3:ListBucketVersions", "s3:ListBucketVersions", "bad"),
    ("s3:DeleteObjectVersion", "s3:DeleteObjectVersion", "warning")])
def test_a_missing_permission_is_named_with_its_fix(buckets, action, permission, level):
    east = buckets.s3["us-east-1"]
    east.put_object(Bucket="store-us-east-1", Key="something", Body=b"x")
    east.put_bucket_policy(Bucket="store-us-east-1", Policy=json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Deny", "Principal": {"AWS": ["*"]}, "Action": [action],
        "Resource": ["arn:aws:s3:::store-us-east-1", "arn:aws:s3:::store-us-east-1/*"]}]}))
    try:
        found = findings(buckets, 1 if level == "bad" else 0)
        (told,) = of(found, "store store-us-east-1")
        assert told["level"] == level
        assert permission in told["text"]
        assert permission in told["fix"]
        assert "arn:aws:s3:::store-us-east-1" in told["fix"]
    finally:
        east.delete_bucket_policy(Bucket="store-us-east-1")


def test_what_is_wrong_with_a_bucket_is_told_at_the_start(buckets):
    buckets.kill_coordinator()
    west, east = buckets.endpoints["us-west-2"], buckets.endpoints["us-east-1"]
    buckets.make_bucket("plain", "us-west-2", versioned=False)
    buckets.config.write_text(buckets.config.read_text() +
        f"  - {{ name: plain, region: us-west-2, type: s3, endpoint: '{west}' }}\n"
        f"  - {{ name: nowhere, region: us-west-2, type: s3, endpoint: '{west}' }}\n"
        f"  - {{ name: silent, region: us-west-2, type: s3, endpoint: 'http://127.0.0.1:1' }}\n")
    buckets.start_coordinator().wait_connected()
    log = lambda: (buckets.folder / "coordinator.log").read_text()
    for words in ("put-bucket-versioning --bucket plain", "create-bucket --bucket nowhere", "store silent"):
        until(lambda: words in log(), f"the line with '{words}'")
    found = findings(buckets, 1)
    assert found["store plain"]["text"] == "the bucket is not versioned"
    assert "there is no bucket nowhere" in found["store nowhere"]["text"]
    assert "127.0.0.1:1" in found["store silent"]["fix"]
    assert found["store store-us-east-1"]["level"] == "good"
