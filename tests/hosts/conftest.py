from collections.abc import Iterator

import pytest

from tests.hosts.network import why_no_namespaces
from tests.hosts.world import World, new_world


@pytest.fixture
def world() -> Iterator[World]:
    """Hosts in namespaces, or on loopback addresses where this machine does not allow namespaces."""
    with new_world() as made:
        yield made


@pytest.fixture(params=["namespaces", "loopback"])
def each_kind(request: pytest.FixtureRequest) -> Iterator[World]:
    """A world of each kind."""
    if request.param == "namespaces" and (why := why_no_namespaces()):
        pytest.skip(why)
    with new_world(request.param) as made:
        yield made


@pytest.fixture
def real() -> Iterator[World]:
    """Hosts in namespaces. The test is left out where this machine does not allow them."""
    if why := why_no_namespaces():
        pytest.skip(why)
    with new_world("namespaces") as made:
        yield made
