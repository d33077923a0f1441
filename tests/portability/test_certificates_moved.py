"""Two running networks with a keeper each: the standby has the certificate of its primary, also one of the last minute, and takes over
with it. A part of the long series, because it waits for the calm minute after a takeover."""

import json
from contextlib import ExitStack
from pathlib import Path

import pytest

from folkmoot.portability.certificates.keeper import STORAGE
from folkmoot.portability.certificates.model import FIXED, SECRET, read_bundle
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import PRIMARY, Host
from folkmoot.portability.hosts.pairing import invite
from folkmoot.portability.hosts.sockets import has_agent
from folkmoot.portability.standby.sharing import set_own_settings
from tests import series
from tests.network_up import NetworkUp, free_port, moot
from tests.portability.stored_certificates import DOMAIN, account, bundle, keeper_of, written
from tests.portability.test_joining import until

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not series.is_long(), reason="part of the long series")]


def _parts(folder: Path) -> list[str]:
    return [file.name for file in (folder / FIXED).glob("*.caddy")]


def test_a_certificate_moves_with_the_network(open_folder: Path) -> None:
    first, renewed, ports = {**bundle(20), **account()}, bundle(70), (free_port(), free_port())
    folders, sockets = [open_folder / name for name in ("caddy1", "caddy2")], [open_folder / name for name in ("socket1", "socket2")]
    written(folders[0] / STORAGE, first)
    folders[1].mkdir()
    data = DataDirectory(open_folder / "primary")
    data.prepare()
    set_own_settings(data, {("server", "base_url"): f"https://{DOMAIN}", ("server", "certificates"): str(sockets[0])})
    standby = DataDirectory(open_folder / "standby")
    with ExitStack() as stack:
        for folder, path in zip(folders, sockets, strict=True):
            stack.enter_context(keeper_of(folder, path))
            path.chmod(0o777)  # the user of the network asks, as the socket of systemd allows
        primary = NetworkUp(data.path, "--no-demo", FOLKMOOT_SERVER_PROCESSES="1", FOLKMOOT_HOSTS_PORT=str(ports[0])).wait()
        stack.callback(primary.stop)
        assert read_bundle(data.path / "secrets" / SECRET) == first
        code = invite(data).text
        until(lambda: has_agent(data))
        options = ("--join", f"127.0.0.1:{ports[0]}", code, "--hosts-port", str(ports[1]), "--no-start", "--json")
        joined = moot("standby", *options, data=standby.path)
        assert joined.returncode == 0, joined.stderr
        set_own_settings(standby, {("server", "certificates"): str(sockets[1])})
        second = NetworkUp(standby.path, "--no-demo", FOLKMOOT_SERVER_PROCESSES="1").wait()
        stack.callback(second.stop)
        assert (_parts(folders[0]), _parts(folders[1])) == ([], ["tls.caddy"])
        written(folders[0] / STORAGE, renewed)
        moved = moot("move", "--yes", "--steady", "0.5", "--json", data=data.path)
        assert moved.returncode == 0, moved.stderr
        assert json.loads(moved.stdout)["lost_writes"] == 0
        assert Host(standby.path).role == PRIMARY
        assert read_bundle(standby.path / "secrets" / SECRET) == {**first, **renewed}
        until(lambda: (_parts(folders[0]), _parts(folders[1])) == (["tls.caddy"], []), 240)
