"""What lies in the stores: listed, got, verified, emptied, and kept by count and age."""
import json

import pytest

import s3
from world import app, below, until, world


def objects(w, store, *more):
    return json.loads(w.meridian("artifacts", "list", store, *more, "-o", "json").stdout)["objects"]


def artifacts_of(w, store):
    return [o for o in objects(w, store) if "/logs/" not in o["key"]]


def check_list_get_verify(w):
    first = w.deploy(app("one"))[0]
    second = w.deploy(app("two"))[0]
    source = objects(w, "source-bucket")
    assert {o["versionId"] for o in source} == {first, second}
    assert [o["versionId"] for o in source if o["isLatest"]] == [second]
    assert all(o["neededBy"] for o in source)
    names = w.meridian("artifacts", "list", "source-bucket", "-o", "name").stdout.split()
    assert set(names) == {first, second}
    path = w.folder / "got.zip"
    got = json.loads(w.meridian("artifacts", "get", "source-bucket", "xr.zip", path, "--revision", first, "-o", "json").stdout)
    assert got == {"file": str(path), "key": "xr.zip", "verified": True}
    assert path.read_bytes() == (w.folder / "bundle-1.zip").read_bytes()
    assert "ok " in w.meridian("artifacts", "verify", "store-us-east-1", "xr/").stdout
    verified = json.loads(w.meridian("artifacts", "verify", "source-bucket", "-o", "json").stdout)["objects"]
    assert {(o["versionId"], o["result"]) for o in verified} == {(first, "good"), (second, "good")}
    assert w.meridian("artifacts", "get", "source-bucket", "nothing", status=3).stderr
    assert w.meridian("artifacts", "list", "nowhere", status=3).stderr
    w.meridian("artifacts", "empty", "store-us-east-1", status=2)  # nobody to ask
    w.meridian("artifacts", "list", "source-bucket", config="reader.yml")
    w.meridian("artifacts", "get", "source-bucket", "xr.zip", config="reader.yml", status=4)
    w.meridian("artifacts", "empty", "source-bucket", "--yes", config="reader.yml", status=4)


def check_empty(w):
    done = w.meridian("artifacts", "empty", "store-us-east-1", "--yes", status=6)
    assert "kept: xr/" in done.stderr
    assert artifacts_of(w, "store-us-east-1")
    gone = json.loads(w.meridian("artifacts", "empty", "store-us-east-1", "--yes", "--force", "-o", "json").stdout)
    assert gone["removed"] > 0 and gone["kept"] == 0
    assert objects(w, "store-us-east-1") == []
    # What is gone is copied anew, and not believed to be there.
    _, view = w.deploy(app("three"))
    assert view["status"] == "Succeeded"
    version = objects(w, "source-bucket")
    again = w.meridian("run", "xr", "--revision", [o["versionId"] for o in version if not o["isLatest"]][0], "-o", "name").stdout.strip()
    assert w.ended(again)["status"] == "Succeeded"


def test_a_folder_is_listed_got_verified_and_emptied():
    with world(regions=["us-west-2", "us-east-1"]) as w:
        w.add_client("reader", "viewer")
        w.up()
        w.apply(w.pipeline())
        check_list_get_verify(w)
        for data in below(w.folder / "stores/store-us-east-1/objects", "*/*.data"):
            data.write_bytes(b"X" * data.stat().st_size)
        assert "BAD " in w.meridian("artifacts", "verify", "store-us-east-1", status=1).stdout
        check_empty(w)


@pytest.fixture(scope="module")
def endpoints():
    with s3.gateways(["us-west-2", "us-east-1"]) as found:
        yield found


def test_a_bucket_is_listed_got_verified_and_emptied_to_the_last_marker(endpoints):
    with s3.bucket_world(endpoints) as w:
        w.add_client("reader", "viewer")
        w.up()
        w.apply(w.pipeline())
        check_list_get_verify(w)
        east = w.s3["us-east-1"]
        for n in range(3):
            east.put_object(Bucket="store-us-east-1", Key=f"odd key/+%25 ä{n}", Body=b"x")
        east.delete_object(Bucket="store-us-east-1", Key="odd key/+%25 ä0")
        assert any(o["isDeleteMarker"] for o in objects(w, "store-us-east-1"))
        assert "unknown odd key/+%25 ä1" in w.meridian("artifacts", "verify", "store-us-east-1").stdout
        check_empty(w)
        w.meridian("artifacts", "empty", "s3://store-us-east-1", "--yes", "--force")
        left = east.list_object_versions(Bucket="store-us-east-1")
        assert not left.get("Versions") and not left.get("DeleteMarkers")


def keep(w, rule):
    w.config.write_text(w.config.read_text().replace(" }\n", f", keep: {{ {rule} }} }}\n"))


def check_retention(w):
    w.apply(w.pipeline())
    versions = [w.deploy(app(f"n{n}"))[0] for n in range(3)]
    # The newest, what one goes back to, and nothing more.
    until(lambda: len(artifacts_of(w, "store-us-east-1")) == 2, "the end of old copies")
    until(lambda: {o["versionId"] for o in objects(w, "source-bucket")} == set(versions[1:]), "the end of old revisions")
    w.meridian("rollback", "xr", "Prod")
    until(lambda: all(x.page() == "n1" for x in w.workers.values()), "the rollback")
    w.meridian("run", "xr", "--revision", versions[0], status=None)
    assert (w.folder / "coordinator.log").read_text().count("old versions were removed")


def test_folders_keep_what_the_rule_says_and_what_is_needed():
    with world(regions=["us-west-2", "us-east-1"]) as w:
        keep(w, "count: 1, every: 1s")
        w.up()
        check_retention(w)


def test_buckets_keep_what_the_rule_says_and_what_is_needed(endpoints):
    with s3.gateways(["us-west-2", "us-east-1"]) as fresh, s3.bucket_world(fresh) as w:
        keep(w, "count: 1, every: 1s")
        w.up()
        check_retention(w)
