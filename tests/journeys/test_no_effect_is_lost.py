"""Processes of a network under load are killed at random; at the end every effect exists exactly once.

The test kills PostgreSQL, the worker, and single database sessions.
"""

import asyncio
import json
import os
import random
import signal
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from folkmoot.base.queue.queries import count_parked, measure_queue
from folkmoot.commands.options import open_database, settings_of
from folkmoot.network.accounts.model import Account
from folkmoot.network.sessions.apps import issue_token, register_app
from tests import series
from tests.network_up import NetworkUp
from tests.village import follow, settle

WRITERS = 8
PACE = 0.1  # seconds between the posts of one writer
THREAT = "Zítra tě najdu a zabiju tě. Vím, kde bydlíš, a přijdu si pro tebe s nožem."


_EVERY_THREAT_IS_HIDDEN = {"FOLKMOOT_MODERATION_HIDDEN_PER_AUTHOR": "10000"}  # however many an author has written


@dataclass
class Written:
    """Ids of the posts that were acknowledged, by kind."""

    mention: list[int] = field(default_factory=list)
    direct: list[int] = field(default_factory=list)
    threat: list[int] = field(default_factory=list)
    reply: list[int] = field(default_factory=list)

    @property
    def of_each(self) -> int:
        """How many there are of each kind, at least."""
        return min(len(self.mention), len(self.direct), len(self.threat), len(self.reply))


class Client:
    """An app that retries each request, with the same idempotency key, until it succeeds."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token

    def ask(self, path: str, form: dict[str, Any] | None = None, key: str = "") -> Any:
        deadline = time.monotonic() + 180
        while True:
            request = urllib.request.Request(
                self._url + path, json.dumps(form).encode() if form is not None else None,
                {"authorization": f"Bearer {self._token}", "content-type": "application/json",
                 **({"idempotency-key": key} if key else {})},
            )
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return json.load(answer)
            except (OSError, ValueError) as error:
                if time.monotonic() > deadline:
                    raise AssertionError(f"{path} was never answered") from error
                time.sleep(0.1)


@dataclass
class LoadedNetwork:
    """The network, its writers with their apps, and the reader whom they address."""

    up: NetworkUp
    writers: list[Account]
    clients: list[Client]
    reader: Account
    reading: Client


@pytest.fixture
def network(open_folder: Path) -> Iterator[LoadedNetwork]:
    up = NetworkUp(open_folder / "data", "--no-demo", FOLKMOOT_SERVER_PROCESSES="1", **_EVERY_THREAT_IS_HIDDEN).wait()
    try:
        yield asyncio.run(_fill(up))
    finally:
        up.stop()


async def _fill(up: NetworkUp) -> LoadedNetwork:
    """Creates the accounts. The last writer sends private messages only, so that totals of public posts can be compared."""
    async with open_database(settings_of(up.data)) as database:
        writers = [await settle(database, f"writer{number}") for number in range(WRITERS)]
        reader = await settle(database, "reader")
        for writer in writers:
            await follow(database, reader, writer)
        async with database.write() as tx:
            app = await register_app(tx, "load", ["urn:ietf:wg:oauth:2.0:oob"], "read write")
            tokens = [await issue_token(tx, app.id, one.id, "read write") for one in [*writers, reader]]
    clients = [Client(up.url, token) for token in tokens]
    return LoadedNetwork(up, writers, clients[:-1], reader, clients[-1])


def _write(network: LoadedNetwork, number: int, written: Written, stopped: "list[bool]") -> None:
    """Writes posts of all kinds, one after the other; the last writer sends private messages only."""
    client, count = network.clients[number], 0
    root = 0 if number == WRITERS - 1 else int(client.ask("/api/v1/statuses", {"status": "Kořen"}, f"{number} root")["id"])
    while not stopped:
        count += 1
        kind = "direct" if not root else ("mention", "reply", "mention", "threat")[count % 4]
        form: dict[str, Any] = {"status": f"{THREAT if kind == 'threat' else 'Ahoj @reader, jak se máš?'} {number} {count}"}
        if kind == "direct":
            form["visibility"] = "direct"
        if kind == "reply":
            form = {"status": f"Odpověď {number} {count}", "in_reply_to_id": str(root)}
        post = client.ask("/api/v1/statuses", form, f"{number} {count}")
        getattr(written, kind).append(int(post["id"]))
        time.sleep(PACE)


class Killer:
    """Kills a random part of the network."""

    def __init__(self, network: LoadedNetwork, rng: random.Random) -> None:
        self._network, self._rng = network, rng

    def kill(self) -> str:
        part = self._rng.choice(["PostgreSQL", "worker", "sessions"])
        self._let_jobs_accumulate()
        getattr(self, f"_kill_{part.lower()}")()
        return part

    def _let_jobs_accumulate(self) -> None:
        """Makes many jobs run at the time of the kill."""
        worker = worker_of(self._network.up)
        os.kill(worker, signal.SIGSTOP)
        time.sleep(self._rng.uniform(0, 1))
        os.kill(worker, signal.SIGCONT)
        time.sleep(self._rng.uniform(0, 0.1))

    def _kill_postgresql(self) -> None:
        os.kill(int((self._network.up.data / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    def _kill_worker(self) -> None:
        os.kill(worker_of(self._network.up), signal.SIGKILL)

    def _kill_sessions(self) -> None:
        async def terminate() -> None:
            connection = await asyncpg.connect(settings_of(self._network.up.data).dsn, timeout=5)
            try:
                pids = [row["pid"] for row in await connection.fetch(
                    "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'folkmoot %' AND pid <> pg_backend_pid()")]
                if not pids:
                    raise IndexError("no session is open")
                for pid in self._rng.sample(pids, self._rng.randint(1, len(pids))):
                    await connection.execute("SELECT pg_terminate_backend($1)", pid)
            finally:
                connection.terminate()

        asyncio.run(terminate())


def worker_of(up: NetworkUp) -> int:
    """The process id of the worker below `moot up`."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == up.process.pid and (folder / "comm").read_text().strip() == "moot worker":
                    return int(folder.name)
            except OSError:
                continue
    raise ProcessLookupError("no worker runs")


def test_after_many_kills_every_effect_is_there_exactly_once(network: LoadedNetwork) -> None:
    rng, kills = series.dice("kills"), series.length(8, 100)
    written, stopped = Written(), []
    with ThreadPoolExecutor(WRITERS) as threads:
        writing = [threads.submit(_write, network, number, written, stopped) for number in range(WRITERS)]
        try:
            _kill_often(Killer(network, rng), rng, kills, written)
        finally:
            stopped.append(True)
        for one in writing:
            one.result()
    network.up.wait()
    asyncio.run(_assert_effects(network, written))
    _assert_home(network, written)


def _kill_often(killer: Killer, rng: random.Random, times: int, written: Written) -> None:
    """On a busy machine few posts are written in the time of a kill: so each kill waits for more of each kind."""
    for kills in range(times):
        _await_load(written, kills)
        time.sleep(rng.uniform(0.2, 3.0))
        deadline = time.monotonic() + 120
        while True:
            try:
                part = killer.kill()
            except (OSError, IndexError, asyncpg.PostgresError) as error:
                sys.stdout.write(f"still down: {error!r}\n")  # from the previous kill
                assert time.monotonic() < deadline, f"only {kills} kills succeeded: the network does not recover"
                time.sleep(0.5)
            else:
                sys.stdout.write(f"killed: {part}\n")
                break
    _await_load(written, times)


def _await_load(written: Written, number: int) -> None:
    """Waits until more posts of each kind than this were acknowledged."""
    deadline = time.monotonic() + 180
    while written.of_each <= number:
        assert time.monotonic() < deadline, f"too little load: {written.of_each} posts of some kind"
        time.sleep(0.1)


async def _assert_effects(network: LoadedNetwork, written: Written) -> None:
    async with open_database(settings_of(network.up.data)) as database:
        await _until_idle(database)
        async with database.read() as conn:
            async def count(sql: str, *args: Any) -> dict[int, int]:
                return {row[0]: row[1] for row in await conn.fetch(sql, *args)}

            assert await count_parked(conn) == {}
            told = await count("SELECT post_id, count(*) FROM notifications WHERE account_id = $1 AND kind = 'mention' GROUP BY 1",
                               network.reader.id)
            assert told == dict.fromkeys([*written.mention, *written.direct], 1)
            signals = await count("SELECT post_id, count(*) FROM signals WHERE detector NOT LIKE 'rule %' GROUP BY 1")
            assert signals == dict.fromkeys(written.threat, 1)
            # How many posts an author has written in an hour depends on the machine: a rule may point out that author, once.
            about_authors = await count("SELECT subject_id, count(*) FROM cases WHERE subject = 'account' GROUP BY 1")
            assert set(about_authors.values()) <= {1}
            cases = await count("SELECT subject_id, count(*) FROM cases WHERE subject = 'post' GROUP BY 1")
            assert cases == dict.fromkeys(written.threat, 1)
            hidden = await count("SELECT subject_id, count(*) FROM restrictions WHERE lifted_at IS NULL GROUP BY 1")
            hiding = [row[0] for row in await conn.fetch("SELECT post_id FROM signals WHERE is_hiding")]
            assert hidden == dict.fromkeys(hiding, 1)
            direct = await count(
                "SELECT p.id, count(*) FROM posts AS p JOIN conversations AS c ON c.conversation_id = p.conversation_id"
                " AND c.last_post_id = p.id WHERE p.id = ANY ($1) GROUP BY 1", written.direct)
            assert direct == dict.fromkeys(written.direct, 2)
            posts = await count("SELECT account_id, posts FROM account_counts WHERE account_id = ANY ($1)",
                                [one.id for one in network.writers[:-1]])
            assert posts == await count(  # what is hidden is in no number
                "SELECT account_id, count(*) FROM posts WHERE account_id = ANY ($1) AND id <> ALL ($2) GROUP BY 1", list(posts), hiding)
            replies = await count("SELECT post_id, replies FROM post_counts WHERE replies > 0")
            assert replies == await count("SELECT reply_to_id, count(*) FROM posts WHERE reply_to_id IS NOT NULL GROUP BY 1")


async def _until_idle(database: Any) -> None:
    """Waits until no job and no counter delta is left. Fails only after a minute without progress, because slow is not lost."""
    deadline, left = time.monotonic() + 60, 0
    while True:
        try:
            async with database.read() as conn:
                state = await measure_queue(conn)
                deltas = await conn.fetchval("SELECT count(*) FROM counter_deltas")
            if not (state.waiting or state.running or deltas):
                return
            if (now := state.waiting + deltas) != left:
                deadline, left = time.monotonic() + 60, now
        except Exception as error:
            sys.stdout.write(f"not ready: {error!r}\n")
        assert time.monotonic() < deadline, f"{state.waiting} jobs wait, {deltas} deltas are not folded"
        await asyncio.sleep(0.2)


def _assert_home(network: LoadedNetwork, written: Written) -> None:
    wanted = sorted([*written.mention, *written.direct], reverse=True)[:40]
    found = [int(post["id"]) for post in network.reading.ask("/api/v1/timelines/home?limit=40")]
    assert len(found) == len(set(found))
    assert set(wanted) & set(found) == {id_ for id_ in wanted if id_ >= min(found)}
