"""`moot up`: PostgreSQL, web processes and a worker on this machine, watched over until it is told to stop."""

import asyncio
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from folkmoot import config
from folkmoot.base import metrics
from folkmoot.base.errors import Problem
from folkmoot.base.migrate import migrate
from folkmoot.commands.options import data_option, resolved
from folkmoot.config import Settings
from folkmoot.portability.data_directory import DataDirectory, become, can_run_us
from folkmoot.portability.postgres import Postgres


@click.command()
@data_option
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--host", help="Address to listen on.")
@click.option("--demo/--no-demo", default=True, help="Fill a new network with a small village, to have something to see.")
def up(data: Path, port: int | None, host: str | None, demo: bool) -> None:
    """Run the whole network on this machine: database, web, worker. Ctrl-C stops it."""
    started = time.monotonic()
    given = {name: value for name, value in (("port", port), ("host", host)) if value is not None}
    settings = config.load(data, {"server": given})
    directory = DataDirectory(data)
    directory.prepare()
    directory.lock()
    listener = _listen(settings)
    postgres = None if settings.database.url else Postgres(directory)
    if postgres:
        postgres.start()
    try:
        settings = resolved(settings, directory)
        fresh = bool(asyncio.run(_prepared(settings, postgres)))
        Supervisor(settings, directory, listener, postgres).run(lambda: _greet(settings, fresh and demo, started))
    finally:
        if postgres:
            postgres.stop()


async def _prepared(settings: Settings, postgres: Postgres | None) -> list[str]:
    """Makes the database and brings its schema up to date; returns what was applied."""
    if postgres:
        await postgres.create_database()
    return await migrate(settings.dsn)


def _listen(settings: Settings) -> socket.socket:
    """The socket, before anything else starts, so that a taken port costs nothing."""
    listener = socket.socket(socket.AF_INET6 if ":" in settings.server.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.server.host, settings.server.port))
    except OSError as error:
        raise Problem(
            "Port %(port)d on %(host)s cannot be used: %(why)s. Name another one with --port.",
            port=settings.server.port, host=settings.server.host, why=error.strerror,
        ) from error
    listener.listen(1024)
    listener.setblocking(False)
    return listener


def _greet(settings: Settings, demo: bool, started: float) -> None:
    if demo:
        from folkmoot.commands.demo import fill_village

        asyncio.run(fill_village(settings))
    from folkmoot.commands.demo import PASSWORD, knows_village

    address = click.style(settings.base_url, bold=True)
    click.echo(f"\n  Folkmoot is running at {address}   (started in {time.monotonic() - started:.1f} s)\n")
    if asyncio.run(knows_village(settings)):
        click.echo(f"  Log in as   jana@example.org   with the password   {PASSWORD}")
        click.echo("  Try         write a post, answer Karel, vote in Eva's poll, search for Dvorakova\n")
    else:
        click.echo("  Nobody lives here yet. Sign up in the browser, or:")
        click.echo(f"    bin/moot account create NAME --email E --password P --role operator --data {settings.data}\n")
    click.echo(f"  Data in {settings.data}. Ctrl-C stops.")
    sys.stdout.flush()


class Supervisor:
    """Starts the processes, starts again what dies, and stops all of it within five seconds."""

    def __init__(self, settings: Settings, directory: DataDirectory, listener: socket.socket, postgres: Postgres | None) -> None:
        self._settings = settings
        self._directory = directory
        self._listener = listener
        self._postgres = postgres
        self._children: dict[int, tuple[str, Callable[[], None]]] = {}
        self._deaths: dict[str, int] = {}
        self._stopping = False
        self._owner = directory.owner

    def run(self, when_ready: Callable[[], None]) -> None:
        from folkmoot import app  # imported once, before the forks, so that the processes share it

        owner = self._directory.owner
        if owner and not can_run_us(owner):
            self._owner = None
            click.echo(
                f"folkmoot: the user {owner.pw_name} cannot read this copy of Folkmoot, so web and worker run as root."
                " Put it under /opt to let them run without root's rights.", err=True,
            )
        shared = self._directory.path / "run" / "metrics"
        metrics.share_in(shared)
        if self._owner:
            self._directory.give(shared)
        gc.collect()
        gc.freeze()
        for signal_number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signal_number, self._stop)
        processes = self._settings.server.processes or min(4, os.cpu_count() or 1)
        for number in range(processes):
            self._start(f"web {number + 1}", lambda: app.run_web(self._settings, self._listener))
        try:
            self._start("worker", lambda: app.run_worker(self._settings))
            when_ready()
            while self._children and not self._stopping:
                self._watch()
        finally:
            self._end()

    def _start(self, name: str, work: Callable[[], None]) -> None:
        pid = os.fork()
        if pid:
            self._children[pid] = (name, work)
            return
        code = 1
        try:
            for signal_number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(signal_number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # the supervisor tells us, with SIGTERM
            self._directory.leave_lock()
            become(self._owner)
            _end_with_parent()
            work()
            code = 0
        except Problem as problem:
            click.echo(f"folkmoot {name}: {problem}", err=True)
        except Exception:
            import traceback

            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _watch(self) -> None:
        """Waits for a death; starts the dead again, later the more often it dies."""
        if self._postgres and not self._postgres.is_running:
            click.echo("folkmoot: PostgreSQL ended; starting it again", err=True)
            self._postgres.start()
        pid, _ = self._dead_child()
        if not pid:
            time.sleep(0.1)
            return
        name, work = self._children.pop(pid)
        if self._stopping:
            return
        deaths = self._deaths[name] = self._deaths.get(name, 0) + 1
        click.echo(f"folkmoot: {name} ended; starting it again", err=True)
        time.sleep(min(5, 0.1 * 2**deaths))
        self._start(name, work)

    def _dead_child(self) -> tuple[int, int]:
        for pid in self._children:
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                return found, status
        return 0, 0

    def _stop(self, _number: int, _frame: Any) -> None:
        self._stopping = True

    def _end(self) -> None:
        for pid in self._children:
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 3
        while self._children and time.monotonic() < deadline:
            pid, _ = self._dead_child()
            if pid:
                del self._children[pid]
            else:
                time.sleep(0.02)
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)


def _end_with_parent() -> None:
    """However the supervisor ends, its children end too: on Linux the kernel sees to it."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
