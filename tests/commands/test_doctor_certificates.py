"""`moot doctor` says whether the certificates of HTTPS are where a second host and a restore find them."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from folkmoot.base import clock
from folkmoot.commands.checks.certificates import check_certificates
from folkmoot.commands.checks.model import GOOD, WARNING
from folkmoot.config import Server, Settings
from folkmoot.portability.certificates.model import SECRET
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import PRIMARY, STANDBY, HostState
from tests.commands.findings import states_of
from tests.portability.stored_certificates import DOMAIN, bundle


@pytest.mark.parametrize("role", [PRIMARY, STANDBY])
@pytest.mark.parametrize(("days", "state"), [(60, GOOD), (3, WARNING), (-1, WARNING), (None, WARNING)])
def test_the_certificate_of_the_network_is_looked_for(open_folder: Path, role: str, days: int | None, state: str) -> None:
    directory = DataDirectory(open_folder / "data")
    directory.prepare(HostState(role=role))
    socket = open_folder / "socket"
    settings = Settings(data=directory.path, server=Server(base_url=f"https://{DOMAIN}", certificates=str(socket)))
    if days is not None:
        directory.write(directory.path / "secrets" / SECRET, msgspec.json.encode(bundle(days)))
    assert states_of(check_certificates(settings)) == {"certificates.exchange": WARNING, "certificates.domain": state}
    socket.touch()
    found = list(check_certificates(settings))
    assert states_of(found) == {"certificates.domain": state}
    assert all(("on the primary" in one.remedy) == (role == STANDBY) for one in found if one.remedy)


def test_a_certificate_of_some_days_is_not_late_from_the_beginning(open_folder: Path) -> None:
    directory = DataDirectory(open_folder / "data")
    directory.prepare()
    settings = Settings(data=directory.path, server=Server(base_url=f"https://{DOMAIN}", certificates=str(open_folder)))
    for hours_left, state in ((120, GOOD), (12, WARNING)):
        begins = clock.now() + timedelta(hours=hours_left) - timedelta(days=6)
        directory.write(directory.path / "secrets" / SECRET, msgspec.json.encode(bundle(hours_left / 24, begins=begins)))
        assert states_of(check_certificates(settings)) == {"certificates.domain": state}


def test_another_tls_server_is_not_looked_at(open_folder: Path) -> None:
    for server in (Server(base_url=f"https://{DOMAIN}"), Server(certificates="/missing")):
        assert list(check_certificates(Settings(data=open_folder, server=server))) == []
