"""A test that fails shows what the daemons of its world said last."""
import pytest

import world


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        for w in world.LIVE:
            report.sections.append((f"world {w.folder.name}", w.logs()))


@pytest.fixture
def three():
    """Three regions, a worker each."""
    with world.world() as w:
        yield w.up()


@pytest.fixture
def one():
    """One region, one worker."""
    with world.world(regions=world.REGIONS[:1]) as w:
        yield w.up()


@pytest.fixture(scope="module")
def shared():
    """One region, one worker, for all tests of a file: each takes a pipeline of its own."""
    with world.world(regions=world.REGIONS[:1]) as w:
        yield w.up()
