"""A new revision crosses regions as what differs from the old one, and as a whole when that is of no use."""
import json
import random
import signal

from world import app, below, until, world

SIZE = 3 << 20


def big(text, changed=0):
    """An application with a large file that cannot be compressed, `changed` of its bytes in one place replaced."""
    data = bytearray(random.Random(7).randbytes(SIZE))
    data[1 << 20:(1 << 20) + changed] = random.Random(8).randbytes(changed)
    return {**app(text), "data.bin": bytes(data)}


def settings(w, text):
    w.config.write_text(w.config.read_text() + text)


def copies(view):
    return {a["region"]: a for a in view["artifacts"] if a["name"] == "App"}


def deploy(w, entries):
    version, view = w.deploy(entries)
    assert view["status"] == "Succeeded", view
    return version, copies(w.status(view["pipelineExecutionId"]))


def test_the_second_revision_crosses_as_a_delta():
    with world() as w:
        settings(w, "prices:\n  - { from: us-west-2, to: '*', perGiB: 0.02 }\n")
        w.up()
        w.apply(w.pipeline())
        first, before = deploy(w, big("one"))
        assert "can be told by" not in w.meridian("plan", "-f", w.folder / "pipeline.json").stdout
        assert {c["way"] for r, c in before.items() if r != "us-west-2"} == {"whole"}
        _, after = deploy(w, big("two", 1000))
        for region, copy in after.items():
            if region == "us-west-2":
                continue
            assert copy["way"] == "delta", copy
            assert copy["baseRevisionId"] == first
            assert 1000 < copy["bytesTransferred"] < 100000
            assert copy["bytesSaved"] == copy["size"] - copy["bytesTransferred"]
            assert 0 < copy["costUSD"] < copy["costSavedUSD"]
            assert copy["sha256"] == after["us-west-2"]["sha256"]
        assert all(x.page() == "two" for x in w.workers.values())
        shown = w.meridian("status", "xr").stdout
        assert " crossed regions (under $0.0001), " in shown and " did not have to ($0.0001)" in shown, shown
        # One delta was made for both regions, and the third revision does not need the first.
        assert len([o for o in objects(w, "store-us-west-2") if ".delta/" in o["key"]]) == 1


def objects(w, store):
    return json.loads(w.meridian("artifacts", "list", store, "-o", "json").stdout)["objects"]


def data_of(w, store, version):
    found = [p for p in below(w.folder / "stores" / store / "objects", "*/*.data") if version in p.name]
    assert len(found) == 1, found
    return found[0]


def test_a_base_that_is_spoilt_or_gone_makes_the_copy_whole():
    with world(regions=["us-west-2", "us-east-1"]) as w:
        w.up()
        w.apply(w.pipeline())
        _, before = deploy(w, big("one"))
        spoilt = data_of(w, "store-us-east-1", before["us-east-1"]["versionId"])
        content = bytearray(spoilt.read_bytes())
        content[100] ^= 1
        spoilt.write_bytes(content)
        _, after = deploy(w, big("two", 1000))
        assert after["us-east-1"]["way"] == "whole" and after["us-east-1"]["wayNote"], after
        data_of(w, "store-us-east-1", after["us-east-1"]["versionId"]).unlink()
        _, third = deploy(w, big("three", 2000))
        assert third["us-east-1"]["way"] == "whole" and third["us-east-1"]["wayNote"], third
        assert all(x.page() == "three" for x in w.workers.values())
        _, fourth = deploy(w, big("four", 3000))
        assert fourth["us-east-1"]["way"] == "delta", fourth


def test_nothing_is_told_by_deltas_where_they_are_switched_off_or_not_worth_it():
    with world(regions=["us-west-2", "us-east-1"]) as w:
        settings(w, "deltas: { enabled: false }\n")
        w.up()
        w.apply(w.pipeline())
        deploy(w, big("one"))
        _, copy = deploy(w, big("two", 1000))
        assert copy["us-east-1"]["way"] == "whole" and "wayNote" not in copy["us-east-1"]
        w.kill_coordinator(signal.SIGTERM)
        w.config.write_text(w.config.read_text().replace("enabled: false", "worth: 1"))
        w.start_coordinator()
        w.wait_connected()
        _, copy = deploy(w, big("three", 1 << 20))
        assert copy["us-east-1"]["way"] == "whole" and "not worth it" in copy["us-east-1"]["wayNote"], copy


def test_workers_that_die_on_the_way_end_it_with_the_right_bytes():
    with world(regions=["us-west-2", "us-east-1"]) as w:
        w.up()
        w.apply(w.pipeline())
        deploy(w, big("one"))
        for n, name in enumerate(("us-west-2", "us-east-1") * 2):
            version = w.push(big(f"n{n}", 1000 * (n + 1)))
            execution = w.execution_of(version)
            until(lambda: any(a["region"] == "us-east-1" for a in w.status(execution)["artifacts"]), "the copy's begin")
            w.workers["web-" + name].kill()
            w.workers["web-" + name].start()
            view = w.ended(execution)
            assert view["status"] == "Succeeded", view
            both = copies(w.status(execution))
            assert both["us-east-1"]["sha256"] == both["us-west-2"]["sha256"]
        assert all(x.page() == "n3" for x in w.workers.values())


def test_a_delta_that_is_spoilt_or_gone_makes_the_copy_whole():
    """It was made for one region; the other one comes later and finds rubbish in its place."""
    for spoil in (lambda path: path.write_bytes(random.Random(9).randbytes(path.stat().st_size)),
                  lambda path: path.write_bytes(path.read_bytes()[:100]), lambda path: path.unlink()):
        with world(regions=["us-west-2", "us-east-1", "ap-southeast-2"]) as w:
            w.up()
            w.apply(w.pipeline())
            deploy(w, big("one"))
            late = w.workers["web-ap-southeast-2"]
            late.kill()
            execution = w.execution_of(w.push(big("two", 1000)))
            until(lambda: copies(w.status(execution)).get("us-east-1", {}).get("way") == "delta", "the first copy")
            made = [o for o in objects(w, "store-us-west-2") if ".delta/" in o["key"]]
            assert len(made) == 1
            spoil(data_of(w, "store-us-west-2", made[0]["versionId"]))
            late.start()
            view = w.ended(execution)
            assert view["status"] == "Succeeded", view
            copy = copies(w.status(execution))["ap-southeast-2"]
            assert copy["way"] == "whole" and copy["wayNote"], copy
            assert all(x.page() == "two" for x in w.workers.values())


def test_a_coordinator_that_dies_on_the_way_goes_on_with_what_was_made():
    with world(regions=["us-west-2", "us-east-1"]) as w:
        w.up()
        w.apply(w.pipeline())
        deploy(w, big("one"))
        for n in range(4):
            execution = w.execution_of(w.push(big(f"n{n}", 1000 * (n + 1))))
            if n % 2:
                until(lambda: "us-east-1" in copies(w.status(execution)), "the copy's begin")
            w.kill_coordinator()
            w.start_coordinator()
            view = w.ended(execution)
            assert view["status"] == "Succeeded", view
            both = copies(w.status(execution))
            assert both["us-east-1"]["way"] in ("delta", "whole"), both
            assert both["us-east-1"]["sha256"] == both["us-west-2"]["sha256"]
        assert all(x.page() == "n3" for x in w.workers.values())
