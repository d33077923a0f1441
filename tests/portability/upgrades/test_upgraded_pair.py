"""A pair of hosts is upgraded one after the other, in both orders; the standby follows all the time."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from folkmoot.commands.options import settings_of
from tests.conftest import new_open_folder
from tests.portability.standby import copy_media, make_standby
from tests.portability.upgrades.cloned import Cloned
from tests.portability.upgrades.releases import add_migration, copy_code
from tests.series import is_long
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(not is_long(), reason="part of the long series")
_BEHIND = "upgrade the primary"


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Cloned, Cloned]]:
    with new_open_folder() as folder:
        primary = Cloned(folder, folder / "primary")
        try:
            data, _ = make_standby(settings_of(primary.data).dsn, primary.data / "secrets", folder / "standby")
            copy_media(primary.data, data.path)
            standby = Cloned(folder, data.path)
            yield primary, standby
            standby.network.stop()
        finally:
            primary.network.stop()


def schema(host: Cloned) -> int:
    return int(json.loads(host.moot("status", "--json").stdout)["schema"])


def release_of(host: Cloned) -> Path:
    found = host.release_of_next_start()
    assert found
    return found


def is_behind(host: Cloned) -> bool:
    return any(_BEHIND in warning for warning in host.network.get("/readyz").get("warnings", [_BEHIND]))


def test_the_standby_runs_newer_code_first_and_older_code_later(pair: tuple[Cloned, Cloned]) -> None:
    primary, standby = pair
    new = copy_code(primary.folder / "new", "0.2.0")
    add_migration(new)
    before = schema(primary)
    assert standby.upgrade("--to", str(new)).get("upgraded")
    assert (standby.version, schema(standby)) == ("0.2.0", before)
    assert standby.network.get("/readyz")["ready"]
    assert is_behind(standby)
    assert primary.upgrade("--to", str(new)).get("upgraded")
    assert schema(primary) == 9000
    wait_until(lambda: schema(standby) == 9000)
    wait_until(lambda: not is_behind(standby))
    assert standby.upgrade("--undo", code=release_of(standby)).get("undone")  # as if the primary had been upgraded first
    assert (standby.version, standby.network.get("/readyz")["ready"]) == ("0.1.1", True)
    assert standby.network.get("/api/v1/instance")["version"]
