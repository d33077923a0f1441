"""A certificate with another key: what Caddy has is put aside while it orders one, and comes back if none comes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from folkmoot.base import clock
from folkmoot.portability.certificates.keeper import STORAGE
from folkmoot.portability.certificates.model import SECRET, Bundle
from folkmoot.portability.certificates.storage import read_storage
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.install import new_certificate
from folkmoot.portability.install.machine import InstallProblem, Machine
from folkmoot.portability.install.new_certificate import order_certificate
from folkmoot.portability.install.units import PROXY_DATA, PROXY_UNIT
from folkmoot.portability.progress import NoProgress
from tests.portability.stored_certificates import DOMAIN, account, bundle, written


class HostWithCaddy(Machine):
    """systemctl is noted; when Caddy starts, `on_start` is what it does with its storage."""

    def __init__(self, root: Path, on_start: Callable[[Path], None]) -> None:
        super().__init__(root)
        self.storage = self.path(PROXY_DATA) / STORAGE
        self.directory = DataDirectory(root / "data")
        self.directory.prepare()
        self._on_start = on_start
        self.calls: list[str] = []

    def systemctl(self, *arguments: str) -> None:
        self.calls.append(arguments[0])
        assert arguments[1] == PROXY_UNIT
        if arguments[0] == "start":
            self._on_start(self.storage)

    def order(self) -> object:
        return order_certificate(self, self.directory, DOMAIN, NoProgress())

    def now(self) -> Bundle:
        return read_storage(self.storage, clock.now())


def _known(host: HostWithCaddy) -> Bundle:
    known = {**bundle(60), **account()}
    written(host.storage, known)
    host.directory.write(host.directory.path / "secrets" / SECRET, b"known to the removed host")
    return known


def test_another_certificate_replaces_the_one_that_a_removed_host_knows(open_folder: Path) -> None:
    another = bundle(50)

    def obtains(storage: Path) -> None:
        assert not storage.exists(), "it orders one only if it has none"
        written(storage, another)

    host = HostWithCaddy(open_folder, obtains)
    known = _known(host)
    host.order()
    assert host.calls == ["stop", "start"]
    assert host.now() == another  # and no account: Caddy makes another one
    assert known.keys() & host.now().keys()
    assert not (host.directory.path / "secrets" / SECRET).exists()  # the network collects the new one
    assert [entry.name for entry in host.storage.parent.iterdir()] == [STORAGE]


def test_if_no_certificate_comes_the_old_one_is_back(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_certificate, "_SECONDS", 0.3)
    host = HostWithCaddy(open_folder, lambda storage: storage.mkdir(exist_ok=True))
    known = _known(host)
    with pytest.raises(InstallProblem, match="so the old one is back"):
        host.order()
    assert host.calls == ["stop", "start", "stop", "start"]
    assert host.now() == known
    assert (host.directory.path / "secrets" / SECRET).read_bytes() == b"known to the removed host"


def test_a_killed_order_goes_on_and_keeps_the_old_certificate_until_then(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = HostWithCaddy(open_folder, lambda _storage: None)
    known = _known(host)
    host.storage.rename(host.storage.parent / "caddy.before")  # then it was killed
    monkeypatch.setattr(new_certificate, "_SECONDS", 0.3)
    with pytest.raises(InstallProblem):
        host.order()
    assert host.now() == known
