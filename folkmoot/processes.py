"""The processes of a network: a web process (`run_web`) and a worker (`run_worker`). What they consist of is put together in `app.py`.

Neither keeps state that cannot be rebuilt.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator
from typing import Any

import uvloop

from folkmoot.app import create_front, jobs, subscriptions, timed_jobs
from folkmoot.base import log
from folkmoot.base.arrival import await_database
from folkmoot.base.db import Database
from folkmoot.base.queue import watchdog
from folkmoot.base.queue.worker import Worker
from folkmoot.base.restarts import Restarts
from folkmoot.config import Settings
from folkmoot.http.older_schema import wait_for_schema
from folkmoot.http.server import STOP_SECONDS, Server
from folkmoot.http.writing_host import WritingHost
from folkmoot.moderation.rules.watching import RuleWatch
from folkmoot.network.impressions.counting import Impressions, ImpressionWriter
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import Host
from folkmoot.portability.hosts.sockets import peer_web_socket
from folkmoot.portability.postgres import RESTART
from folkmoot.portability.standby.following import is_behind


def create_web(settings: Settings) -> Any:
    """The ASGI application of one web process; it opens the database at startup and closes it at shutdown."""
    state: dict[str, Any] = {}

    @contextlib.asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        # A standby may need its primary before its database answers. Its processes forward requests until then.
        database = await _open(settings, must_answer=bool(settings.database.url))
        socket_of_peer = peer_web_socket(DataDirectory(settings.data))
        hosts = WritingHost(Host(settings.data), socket_of_peer, lambda: database.is_held, lambda: is_behind(settings.data))
        impressions = Impressions()
        state["front"] = create_front(settings, database, hosts, impressions)
        waiting = await wait_for_schema(settings, database, hosts)
        try:
            async with RuleWatch(database), ImpressionWriter(database, impressions):
                yield
        finally:
            waiting.cancel()
            await hosts.close()
            await database.close()

    running = lifespan()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await running.__aenter__()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await running.__aexit__(None, None, None)
            await send({"type": "lifespan.shutdown.complete"})
        else:
            await state["front"](scope, receive, send)

    return application


def run_web(settings: Settings, listener: socket.socket | None = None, for_peer: socket.socket | None = None) -> None:
    """Serves requests until a signal to stop. `for_peer`: the socket for requests that the other host forwards."""
    log.set_up(settings.log.level, settings.log.format)
    Server(create_web(settings), settings.server.host, settings.server.port, settings.server.trusted_proxies, for_peer).run(
        sockets=[listener] if listener else None
    )


def run_worker(settings: Settings) -> None:
    """Runs jobs until a signal to stop."""
    log.set_up(settings.log.level, settings.log.format)
    uvloop.run(_work(settings))


async def _work(settings: Settings) -> None:
    await await_database(settings.dsn)
    database = await _open(settings)
    worker = Worker(database, jobs(settings), timed_jobs(settings), subscriptions(settings))

    def stop() -> None:
        signal.alarm(STOP_SECONDS)
        worker.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    watchdog.start()
    try:
        async with RuleWatch(database):
            await worker.run()
    finally:
        await database.close()


async def _open(settings: Settings, *, must_answer: bool = True) -> Database:
    database = await Database.open(
        settings.dsn, epoch=Host(settings.data).writing_epoch, readers=settings.database.readers, writers=settings.database.writers,
        must_answer=must_answer, restarts=Restarts(settings.data / RESTART),
    )
    database.subscribed_kinds = subscriptions(settings).kinds()
    return database
