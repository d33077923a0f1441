from collections.abc import Iterator

import pytest

from tests import series
from tests.hosts.network import why_no_namespaces
from tests.hosts.world import World, new_world

_KINDS = ["namespaces", "loopback"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    best = _KINDS[1 if why_no_namespaces() else 0]
    if "each_kind" in metafunc.fixturenames:
        metafunc.parametrize("each_kind", _KINDS, indirect=True)
    elif "world" in metafunc.fixturenames:
        metafunc.parametrize("world", series.length([best], _KINDS), indirect=True)


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Hosts in namespaces, or on loopback addresses where this machine does not allow namespaces. Both in a long run."""
    yield from _world(request.param)


@pytest.fixture
def each_kind(request: pytest.FixtureRequest) -> Iterator[World]:
    """A world of each kind, in each run."""
    yield from _world(request.param)


@pytest.fixture
def real() -> Iterator[World]:
    """Hosts in namespaces only."""
    yield from _world("namespaces")


@pytest.fixture
def plain() -> Iterator[World]:
    """Hosts on loopback addresses only, so that each run tests these too."""
    yield from _world("loopback")


def _world(kind: str) -> Iterator[World]:
    if kind == "namespaces" and (why := why_no_namespaces()):
        pytest.skip(why)
    with new_world(kind) as made:
        yield made
