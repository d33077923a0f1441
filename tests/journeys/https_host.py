"""A host with HTTPS in a network of its own, where ports 80 and 443 are free: a certificate authority, Caddy and the network.

The authority is a second Caddy, which speaks ACME as public ones do. The settings and the configuration of Caddy are those
that `moot install` writes. Only `/etc/hosts` of this small world knows the names.
"""

import ctypes
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from folkmoot.commands.settings import sample
from folkmoot.portability.certificates.model import PID
from folkmoot.portability.install.answers import Answers
from folkmoot.portability.install.files import Wanted, files
from folkmoot.portability.install.units import PROXY_DATA
from tests.hosts.network import why_no_namespaces
from tests.network_up import MOOT, ROOT, environment_with

CADDY = Path(sys.executable).with_name("caddy")
DOMAIN, AUTHORITY = "moot.test", "ca.test"
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET
# A certificate begins a minute before it is made and ends six minutes after. With this share left, eight seconds after it was
# made, Caddy renews it.
_RENEWAL = "\trenew_interval 1s\n\trenewal_window_ratio 0.838\n"
_AUTHORITY = """\
{
	admin off
	skip_install_trust
	http_port 4480
	https_port 4443
}
ca.test {
	tls internal
	acme_server {
		lifetime 6m
		allow {
			domains moot.test
		}
	}
}
"""


def why_impossible() -> str:
    if os.geteuid() != 0:
        return "only root can make a network in which ports 80 and 443 are free"
    missing = [name for name in ("unshare", "nsenter", "ip", "mount") if not shutil.which(name)]
    if not CADDY.exists() or missing:
        return f"missing: {', '.join(missing) or 'caddy'}"
    return why_no_namespaces()


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class HttpsHost:
    """The small world. Its processes end with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.caddy_log = folder / "caddy.log"
        self._processes: list[subprocess.Popen[bytes]] = []
        holder = self._start("unshare", "--net", "--mount", "sh", "-c", "echo; exec sleep infinity", stdout=subprocess.PIPE)
        assert holder.stdout
        with holder.stdout:
            holder.stdout.readline()
        self._inside = ["nsenter", f"--net=/proc/{holder.pid}/ns/net", f"--mount=/proc/{holder.pid}/ns/mnt", f"--wd={ROOT}"]
        self._visitors = ThreadPoolExecutor(1, initializer=_enter, initargs=(holder.pid,))
        self.root = ""
        self.network: subprocess.Popen[bytes] | None = None

    def start(self) -> "HttpsHost":
        self._run("ip", "link", "set", "lo", "up")
        (self.folder / "hosts").write_text(f"127.0.0.1 localhost {DOMAIN} {AUTHORITY}\n")
        self._run("mount", "--bind", str(self.folder / "hosts"), "/etc/hosts")
        self._start_caddy("authority", _AUTHORITY, self.folder / "authority.log")
        self.root = next((self.folder / "authority").rglob("root.crt")).read_text()
        wanted = Wanted(
            Answers(DOMAIN, "hana@example.org", "cs", registration="open"), PurePosixPath(self.data),
            acme=f"https://{AUTHORITY}:4443/acme/local/directory", acme_root=self.root,
        )
        written = {file.path.name: file.content for file in files(wanted, sample())}
        self.data.mkdir()
        (self.data / "folkmoot.toml").write_text(written["folkmoot.toml"])
        (self.folder / "acme-root.pem").write_text(self.root)
        self.start_network()
        text = written["Caddyfile"].replace("/etc/folkmoot", str(self.folder))
        self._front = text.replace("\tgrace_period", f"{_RENEWAL}\tgrace_period")
        self._start_caddy("front", self._front.replace(PROXY_DATA, str(self.folder / "front")), self.caddy_log)
        return self

    def replace_caddy(self) -> None:
        """Stops Caddy, and starts that of a second host, from the folder `second` that a keeper has prepared."""
        self._caddy.terminate()
        self._caddy.wait(30)
        self.caddy_log = self.folder / "second.log"
        self._start_caddy("second", self._front.replace(PROXY_DATA, str(self.folder / "second")), self.caddy_log, obtains=False)

    def start_network(self) -> None:
        with _readiness(self.folder / "notify") as until_ready:
            self.network = self._start(
                *self._inside, *MOOT, "up", "--no-demo", "--data", str(self.data), stdout=subprocess.DEVNULL,
                env=environment_with({"NOTIFY_SOCKET": str(self.folder / "notify")}),
            )
            until_ready()

    def stop_network(self) -> None:
        assert self.network
        self.network.terminate()
        self.network.wait(20)

    def moot(self, *arguments: str) -> Any:
        return json.loads(self._run(*MOOT, *arguments, "--data", str(self.data), "--json"))

    def connect(self, source: str = "127.0.0.1", port: int = 443) -> socket.socket:
        """A connection of a visitor who comes from an address of this small world, without TLS."""
        return self._visitors.submit(socket.create_connection, ("127.0.0.1", port), 60, (source, 0)).result(60)

    def secure(self, source: str = "127.0.0.1") -> ssl.SSLSocket:
        return self.trust().wrap_socket(self.connect(source), server_hostname=DOMAIN)

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.root)

    def ask(
        self, method: str, path: str, *, token: str = "", body: bytes = b"", source: str = "127.0.0.1", port: int = 443, **headers: str
    ) -> Answer:
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection(DOMAIN)
        connection.sock = self.secure(source) if port == 443 else self.connect(source, port)
        try:
            connection.request(method, path, body, {**more, **({"Authorization": f"Bearer {token}"} if token else {})})
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def serial_number(self) -> str:
        with self.secure() as connection:
            return str((connection.getpeercert() or {})["serialNumber"])

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
            process.wait(30)
        self._visitors.shutdown()

    def _start_caddy(self, name: str, configuration: str, log: Path, *, obtains: bool = True) -> None:
        """Starts Caddy and waits until it is ready, and has its certificate if it has to obtain one."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        (folder / "Caddyfile").write_text(configuration)
        with _readiness(self.folder / "notify") as until_ready, log.open("wb") as output:
            self._caddy = self._start(
                *self._inside, str(CADDY), "run", "--config", str(folder / "Caddyfile"), "--pidfile", str(folder / PID), stderr=output,
                env={"HOME": str(folder), "XDG_DATA_HOME": str(folder), "NOTIFY_SOCKET": str(self.folder / "notify")},
            )
            until_ready()
        deadline = time.monotonic() + 60
        while obtains and "certificate obtained successfully" not in log.read_text():
            assert time.monotonic() < deadline, log.read_text()[-4000:]
            time.sleep(0.05)

    def _start(self, *command: str, **options: Any) -> subprocess.Popen[bytes]:
        self._processes.append(subprocess.Popen(command, cwd=ROOT, **options))
        return self._processes[-1]

    def _run(self, *command: str) -> str:
        done = subprocess.run([*self._inside, *command], capture_output=True, text=True, timeout=120, env=environment_with({}))
        assert done.returncode == 0, done.stderr
        return done.stdout


def _enter(pid: int) -> None:
    """Brings this thread into the network of a process. Its sockets stay there, whichever thread uses them."""
    with open(f"/proc/{pid}/ns/net") as network:
        if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), _NEW_NETWORK):
            raise OSError(ctypes.get_errno(), "setns")


@contextmanager
def _readiness(path: Path) -> Iterator[Any]:
    """What systemd does with a service of type `notify`: waits until it says that it is ready."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(path))
        path.chmod(0o777)
        receiver.settimeout(60)

        def until_ready() -> None:
            while b"READY=1" not in receiver.recv(4096):
                pass

        yield until_ready
    path.unlink()
