"""What Caddy does on a host that waits for its turn, and how the keeper tells it."""

import signal
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path, PurePosixPath

import pytest

from folkmoot.portability.certificates import keeper
from folkmoot.portability.certificates.model import FIXED, PID, Bundle, Question
from folkmoot.portability.install.answers import Answers
from folkmoot.portability.install.files import Wanted, files
from tests.network_up import free_port
from tests.portability.stored_certificates import DOMAIN, bundle
from tests.waiting import wait_until

CADDY = Path(sys.executable).with_name("caddy")


class Front:
    """Caddy with the configuration of `moot install`, on ports of its own. Connections to its authority are counted, and refused."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.asked = 0
        self._authority = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._count, daemon=True).start()
        answers = Answers(DOMAIN, "hana@example.org", "cs")
        wanted = Wanted(answers, PurePosixPath("/nowhere"), acme=f"https://127.0.0.1:{self._authority.getsockname()[1]}/directory")
        authority = f"127.0.0.1-{self._authority.getsockname()[1]}-directory"
        self.base = f"certificates/{authority}/{DOMAIN}/{DOMAIN}"  # as Caddy calls it
        text = {file.path.name: file.content for file in files(wanted, "")}["Caddyfile"]
        text = text.replace("/var/lib/folkmoot-caddy", str(folder)).replace("/etc/folkmoot", str(folder))
        text = text.replace("\tgrace_period", f"\thttp_port {free_port()}\n\thttps_port {self.port}\n\tgrace_period", 1)
        (folder / "Caddyfile").write_text(text)
        where = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        self._log, self._reloads = folder / "log", 0
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [CADDY, "run", "--config", folder / "Caddyfile", "--pidfile", folder / PID], stderr=log, env=where,
            )
        wait_until(lambda: self.shown() != b"")

    def _count(self) -> None:
        while True:
            try:
                connection, _ = self._authority.accept()
            except OSError:
                return
            self.asked += 1
            connection.close()

    def shown(self) -> bytes:
        """The certificate that a visitor sees; empty if there is none."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            with (
                socket.create_connection(("127.0.0.1", self.port), 5) as plain,
                context.wrap_socket(plain, server_hostname=DOMAIN) as secure,
            ):
                return ssl.DER_cert_to_PEM_cert(secure.getpeercert(binary_form=True) or b"").encode()
        except (ssl.SSLError, OSError):
            return b""

    def tell(self, *, obtains: bool, known: Bundle | None = None) -> None:
        """Returns when Caddy has read its new configuration."""
        keeper.answer(self.folder, Question(domain=DOMAIN, obtains=obtains, bundle=known or {}))
        self._reloads += 1
        wait_until(lambda: self._log.read_text().count("successfully reloaded config") == self._reloads)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)
        self._authority.close()


def test_caddy_of_a_waiting_host_shows_the_certificate_and_asks_nobody(open_folder: Path) -> None:
    if not CADDY.exists():
        pytest.skip("caddy is missing")
    keeper.answer(open_folder, Question(domain=DOMAIN, obtains=False, bundle={}))
    front = Front(open_folder)
    try:
        assert front.shown()  # one that nobody trusts, until that of the primary comes
        first, second = bundle(20, base=front.base), bundle(60, base=front.base)
        front.tell(obtains=False, known=first)
        wait_until(lambda: front.shown() == first[f"{front.base}.crt"])
        front.tell(obtains=False, known=second)  # the primary has renewed it
        wait_until(lambda: front.shown() == second[f"{front.base}.crt"])
        keeper.answer(open_folder, Question(domain=DOMAIN, obtains=False, bundle=first))  # changes nothing
        assert len(list((open_folder / FIXED).iterdir())) == 2
        front.tell(obtains=True)  # it takes over
        assert list((open_folder / FIXED).iterdir()) == []
        wait_until(lambda: front.shown() == second[f"{front.base}.crt"])
        assert front.asked == 0
        (open_folder / keeper.STORAGE / f"{front.base}.key").unlink()
        front.tell(obtains=False)
        wait_until(lambda: front.shown() not in (b"", second[f"{front.base}.crt"]))  # it makes one first
        assert front.asked == 0
        front.tell(obtains=True)  # without a certificate it asks now: the other way round the test would prove nothing
        wait_until(lambda: front.asked > 0)
    finally:
        front.stop()


def test_a_process_that_is_not_caddy_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        (tmp_path / PID).write_text(str(other.pid))
        keeper.answer(tmp_path, Question(domain=DOMAIN, obtains=False, bundle=bundle()))
        assert other.poll() is None
        other.kill()


def test_caddy_is_told_although_its_unit_hides_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has a capability that the keeper lacks, so with ProtectProc the keeper does not see it in /proc."""
    hidden, told = 2**22 + 1, list[tuple[int, int]]()
    monkeypatch.setattr(keeper.os, "kill", lambda process, number: told.append((process, number)))
    (tmp_path / PID).write_text(f"{hidden}\n")
    keeper.answer(tmp_path, Question(domain=DOMAIN, obtains=False, bundle=bundle()))
    assert told == [(hidden, signal.SIGUSR1)]
    keeper.answer(tmp_path, Question(domain=DOMAIN, obtains=False, bundle=bundle(10)))  # ends earlier: nothing changes
    assert len(told) == 1
