"""Buckets of a real S3 server (tests/support/s3-gateway), one gateway a region, as a world's stores."""
import contextlib, os, shutil, signal, subprocess, tempfile, pathlib

import botocore.config, botocore.session
import pytest

import world
from world import TOP, Ports, World

GATEWAY = TOP / "tests/support/s3-gateway"
KEYS = ("testkey", "testsecret")
NEEDED = ("radosgw", "radosgw-admin", "ceph-mon", "ceph-osd")


class Endpoints(dict):
    """{region: endpoint}, and how one of the gateways goes and comes back."""

    def stop(self, region, number=signal.SIGKILL):
        os.kill(int((self.folder / f"run/client.rgw.{region}.pid").read_text()), number)

    def start(self):
        subprocess.run([GATEWAY, "start", self.folder], check=True, timeout=60, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def gateways(regions):
    """{region: endpoint}; skipped where the server is not installed."""
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing:
        pytest.skip(f"no {', '.join(missing)}: tests/support/install-packages gateway")
    folder, ports = pathlib.Path(tempfile.mkdtemp(prefix="meridian-s3-")), Ports()
    endpoints = Endpoints({region: f"http://127.0.0.1:{ports.take()}" for region in regions})
    endpoints.folder = folder / "gateway"
    try:
        subprocess.run([GATEWAY, "start", folder / "gateway", *(f"{r}={e.removeprefix('http://')}" for r, e in endpoints.items())],
                       check=True, timeout=180, stdout=subprocess.DEVNULL)
        yield endpoints
    finally:
        subprocess.run([GATEWAY, "stop", folder / "gateway", "--wipe"], timeout=60)
        ports.release()
        shutil.rmtree(folder, ignore_errors=True)


def client(region, endpoint):
    return botocore.session.Session().create_client(
        "s3", region_name=region, endpoint_url=endpoint, aws_access_key_id=KEYS[0], aws_secret_access_key=KEYS[1],
        config=botocore.config.Config(s3={"addressing_style": "path"}, signature_version="s3v4"))


class BucketWorld(World):
    """Every store is a bucket; only the coordinator has keys."""

    def __init__(self, folder, endpoints):
        self.endpoints = endpoints
        self.s3 = {region: client(region, endpoint) for region, endpoint in endpoints.items()}
        super().__init__(folder, regions=list(endpoints))
        for name, region in self.stores():
            self.make_bucket(name, region)

    def stores(self):
        return [("source-bucket", self.regions[0])] + [(f"store-{r}", r) for r in self.regions]

    def make_bucket(self, name, region, versioned=True):
        self.s3[region].create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
        if versioned:
            self.version_bucket(name, region)

    def version_bucket(self, name, region):
        self.s3[region].put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})

    def write_config(self):
        super().write_config()
        head = self.config.read_text().partition("stores:\n")[0]
        self.config.write_text(head + "stores:\n" + "".join(
            f"  - {{ name: {n}, region: {r}, type: s3, endpoint: '{self.endpoints[r]}' }}\n" for n, r in self.stores()))

    def environment(self, **more):
        keys = {} if "HOST" in more else {"AWS_ACCESS_KEY_ID": KEYS[0], "AWS_SECRET_ACCESS_KEY": KEYS[1]}
        return {**super().environment(**more), **keys}


@contextlib.contextmanager
def bucket_world(endpoints):
    folder = tempfile.mkdtemp(prefix="meridian-e2e-")
    w = BucketWorld(folder, endpoints)
    world.LIVE.append(w)
    try:
        yield w
    except BaseException:
        print(w.logs())
        raise
    finally:
        world.LIVE.remove(w)
        w.close()
        shutil.rmtree(folder, ignore_errors=True)
