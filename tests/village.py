"""Accounts and clients for tests: made by the same actions as in production, but without slow password hashes."""

from __future__ import annotations

import asyncio
import json
import math
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from folkmoot import app
from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.file_store import FileStore
from folkmoot.base.queue.worker import Worker
from folkmoot.config import Limits, Network, Settings
from folkmoot.network.accounts.actions import create_account
from folkmoot.network.accounts.model import Account
from folkmoot.network.media.actions import clear_abandoned
from folkmoot.network.posts.actions import PostLimits, create_post, forget_deleted
from folkmoot.network.posts.model import PostDraft, PostView
from folkmoot.network.relations import actions as relations
from folkmoot.network.sessions import queries as logins
from folkmoot.network.sessions.actions import start_session
from folkmoot.network.sessions.apps import issue_token, register_app
from folkmoot.network.sessions.model import Login, Role

# Has the form of an Argon2id hash but matches no password: a real one for each member of each test would take minutes.
PASSWORD = "hrusky v sadu"
HASH = "$argon2id$v=19$m=19456,t=2,p=1$U2FsdFNhbHRTYWx0U2FsdA$placeholder"
_IN_TURN = 0.001  # seconds: ids of one millisecond are not ordered
LIMITS = PostLimits(base_url="http://localhost:8420")


def settings_for(data: Path, dsn: str, **network: Any) -> Settings:
    (data / "media").mkdir(exist_ok=True, parents=True)
    (data / "outbox").mkdir(exist_ok=True)
    return Settings(network=Network(**network), limits=Limits(multiplier=1000), data=data, secret=b"a secret of the tests", dsn=dsn)


async def let_a_day_pass(database: Database, store: FileStore) -> None:
    """Removes what is kept for a day after a deletion, because it can still be reported."""
    async with database.write() as tx:
        await tx.execute("UPDATE media SET held_until = held_until - interval '1 day'")
    with clock.stopped_at(clock.now() + timedelta(days=1)):
        await forget_deleted(database)
    await clear_abandoned(database, store)


async def settle(database: Database, name: str, role: Role = Role.MEMBER, **profile: Any) -> Account:
    """Creates a member. No password matches the login."""
    await asyncio.sleep(_IN_TURN)
    async with database.write() as tx:
        account = await create_account(tx, name, display_name=profile.get("display_name", name.capitalize()))
        now = clock.now()
        login = Login(account_id=account.id, email=f"{name}@example.org", password_hash=HASH, role=role, language="en",
                      confirmed_at=now, approved_at=now, disabled_at=None, created_at=now)
        await logins.insert_login(tx, login, f"{name}@example.org", "", None)
    return account


async def write(database: Database, author: Account, text: str = "Dobrý den", **draft: Any) -> PostView:
    await asyncio.sleep(_IN_TURN)
    async with database.write() as tx:
        return await create_post(tx, author, PostDraft(text=text, **draft), LIMITS)


async def follow(database: Database, one: Account, other: Account) -> None:
    async with database.write() as tx:
        await relations.follow(tx, one, other.id)


async def work(database: Database, settings: Settings) -> None:
    """Runs all due jobs, as the worker does."""
    heard = app.subscriptions(settings)
    database.subscribed_kinds = heard.kinds()
    await Worker(database, app.jobs(settings), (), heard).run(until_empty=True)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    cookies: list[str] = field(default_factory=list)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


class Visitor:
    """A client: sends requests to the application in this process and keeps its cookies."""

    def __init__(self, front: Any, token: str = "", session: str = "") -> None:
        self._front = front
        self._token = token
        self.address = "127.0.0.1"
        self.cookies: dict[str, str] = {"folkmoot": session} if session else {}

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.send("GET", path, headers=headers)

    async def post(self, path: str, form: Any = None, **headers: str) -> Answer:
        return await self.send("POST", path, form, headers=headers)

    async def send(self, method: str, path: str, form: Any = None, *, as_json: Any = None, body: bytes | None = None,
                   headers: dict[str, str] | None = None) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        if self._token:
            sent.setdefault("authorization", f"Bearer {self._token}")
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if as_json is not None:
            body, sent["content-type"] = json.dumps(as_json).encode(), "application/json"
        elif form is not None:
            body, sent["content-type"] = urlencode(form, doseq=True).encode(), "application/x-www-form-urlencoded"
        return await self._exchange(method, path, body or b"", sent)

    async def upload(self, path: str, name: str, content: bytes, method: str = "POST", **fields: str) -> Answer:
        parts = [f'--frontier\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode() for key, value in fields.items()]
        parts.append(b'--frontier\r\nContent-Disposition: form-data; name="%s"; filename="p.bin"\r\n'
                     b"Content-Type: application/octet-stream\r\n\r\n%s\r\n" % (name.encode(), content))
        body = b"".join(parts) + b"--frontier--\r\n"
        return await self.send(method, path, body=body, headers={"content-type": "multipart/form-data; boundary=frontier"})

    async def _exchange(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        plain, _, query = path.partition("?")
        if body:
            headers["content-length"] = str(len(body))
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http", "path": plain,
            "raw_path": plain.encode(), "query_string": query.encode(), "root_path": "", "client": (self.address, 1),
            "server": ("localhost", 8420), "extensions": {},
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
        }
        messages: list[Any] = []
        incoming = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Any:
            if incoming:
                return incoming.pop(0)
            await asyncio.Event().wait()  # the client stays connected

        async def send(message: Any) -> None:
            messages.append(message)

        await self._front(scope, receive, send)
        start = messages[0]
        answer = Answer(start["status"], {}, b"".join(message.get("body", b"") for message in messages[1:]))
        for key, value in start["headers"]:
            if key == b"set-cookie":
                name, _, content = value.decode().partition(";")[0].partition("=")
                answer.cookies.append(value.decode())
                self.cookies[name] = content
                if "Max-Age=0" in value.decode():
                    del self.cookies[name]
            else:
                answer.headers[key.decode()] = value.decode("latin-1")
        return answer


class Village:
    """A database with accounts, and the application that uses it."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.settings = settings
        database.subscribed_kinds = app.subscriptions(settings).kinds()
        self.people: dict[str, Account] = {}

    @cached_property
    def front(self) -> Any:
        """The entry points. Made when a test uses them: many call actions only."""
        front = app.create_front(self.settings, self.database)
        front._shut_out._fresh_until = math.inf  # read when a test asks for it: a page's statements must not depend on the time
        return front

    async def settle(self, *names: str, role: Role = Role.MEMBER) -> list[Account]:
        for name in names:
            self.people[name] = await settle(self.database, name, role)
        return [self.people[name] for name in names]

    async def by_app(self, name: str, scopes: str = "read write follow") -> Visitor:
        """A client with an app's token for a member."""
        async with self.database.write() as tx:
            registered = await register_app(tx, "Zvonek", ["urn:ietf:wg:oauth:2.0:oob"], scopes)
            token = await issue_token(tx, registered.id, self.people[name].id, scopes)
        return Visitor(self.front, token=token)

    async def by_browser(self, name: str) -> Visitor:
        """A client with a member's session."""
        async with self.database.write() as tx:
            login = await logins.get_login(tx, self.people[name].id)
            session = await start_session(tx, login, "a browser of the tests", "127.0.0.1")
        return Visitor(self.front, session=session)

    def nobody(self) -> Visitor:
        """A client without a session or token."""
        return Visitor(self.front)

    def forget_pages(self) -> None:
        """Drops the pages that are kept for visitors, who may see what is added seconds later (decision 0121)."""
        pages = self.front._pages._open_pages
        for key in list(pages._pages):
            pages._drop(key)

    async def write(self, name: str, text: str = "Dobrý den", **draft: Any) -> PostView:
        return await write(self.database, self.people[name], text, **draft)

    async def follow(self, one: str, other: str) -> None:
        await follow(self.database, self.people[one], self.people[other])

    async def work(self) -> None:
        await work(self.database, self.settings)


