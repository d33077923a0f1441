"""Tries a new release before anything depends on it: with an empty network of its own, then with the database of this one."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from folkmoot.base import clock
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.service_user import child_setup
from folkmoot.portability.upgrade.probe import why_not_ready
from folkmoot.portability.upgrade.releases import Release, UpgradeProblem

SECONDS = 60.0
_STOP_SECONDS = 30.0
_HOST = "127.0.0.1"
_SETTINGS = {"FOLKMOOT_SERVER_HOST": _HOST, "FOLKMOOT_SERVER_PROCESSES": "1", "FOLKMOOT_OFFSITE_IS_CONTINUOUS": "false"}


def rehearse(release: Release) -> None:
    """Starts the new release with an empty network, and stops it. Proves that its PostgreSQL, supervisor, web and worker start."""
    folder = Path(tempfile.mkdtemp(prefix="folkmoot-rehearsal-"))
    try:
        folder.chmod(0o711)  # if root starts it, it runs as another user
        with _running(release, "up", "--no-demo", "--data", str(folder / "network"), log=folder / "log") as running:
            running.await_ready("does not start with an empty network")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def try_web(release: Release, directory: DataDirectory) -> None:
    """Starts one web process of the new release with the database of this network, on a port of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="folkmoot-trial-") as folder,
        _running(release, "web", "--data", str(directory.path), log=Path(folder) / "log") as running,
    ):
        running.await_ready("does not work with this network")


class _Running:
    def __init__(self, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
        self._process, self._port, self._log = process, port, log

    def await_ready(self, failed: str) -> None:
        """Raises UpgradeProblem unless it is ready within a minute."""
        deadline, why = clock.monotonic() + SECONDS, "it does not answer"
        while clock.monotonic() < deadline:
            if self._process.poll() is not None:
                lines = self._log.read_text(errors="replace").strip().splitlines() or ["no reason given"]
                raise UpgradeProblem("The new release %(failed)s: %(why)s. The old one runs on.", failed=failed,
                                     why=lines[-1].removeprefix("folkmoot: ").rstrip(".:"))
            why = why_not_ready(_HOST, self._port)
            if not why:
                return
            time.sleep(0.1)
        raise UpgradeProblem("The new release %(failed)s: %(why)s. The old one runs on.", failed=failed, why=why)

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


@contextmanager
def _running(release: Release, *arguments: str, log: Path) -> Iterator[_Running]:
    """A command of the release in a process group of its own. The kernel ends it with this process."""
    port = _free_port()
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [release.python, "-P", "-m", "folkmoot", *arguments], stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/",
            env=environment(release, port, is_rehearsal=arguments[0] == "up"), start_new_session=True, preexec_fn=child_setup(None),
        )
    running = _Running(process, port, log)
    try:
        yield running
    finally:
        running.stop()


def environment(release: Release, port: int, *, is_rehearsal: bool) -> dict[str, str]:
    """With an address of its own. A rehearsal must not meet anything of this network, such as a database that the environment names."""
    here = {"FOLKMOOT_SERVER_PORT": str(port), "FOLKMOOT_SERVER_BASE_URL": f"http://{_HOST}:{port}"}
    found = release.environment()
    if is_rehearsal:
        found = {name: value for name, value in found.items() if not name.startswith("FOLKMOOT_")}
    return {**found, **_SETTINGS, **here}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])
