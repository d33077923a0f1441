"""A client of a running network over one connection that stays open: pages with a session, forms with their token, the client API."""

import asyncio
import json
import re
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from folkmoot.base.db import Database
from folkmoot.network.accounts.model import Account
from folkmoot.network.sessions.actions import start_session
from folkmoot.network.sessions.queries import get_login

_TOKEN = re.compile(rb'name="form_token" value="([^"]+)"')


@dataclass(frozen=True)
class Answer:
    """`seconds`: from sending the request until the whole answer had arrived."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def field(self, name: str) -> str:
        """The value of a hidden field of a form."""
        found = re.search(rf'name="{name}" value="([^"]*)"'.encode(), self.body)
        return found[1].decode() if found else ""


class Browser:
    def __init__(self, port: int, *, session: str = "", token: str = "") -> None:
        self._port = port
        self._login = f"Cookie: folkmoot={session}\r\n" if session else f"Authorization: Bearer {token}\r\n" if token else ""
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._form_token = ""

    @classmethod
    async def of(cls, port: int, database: Database, account: Account) -> "Browser":
        """The browser of a member who has logged in."""
        async with database.write() as tx:
            session = await start_session(tx, await get_login(tx, account.id), "a benchmark", "127.0.0.1")
        return cls(port, session=session)

    async def get(self, path: str) -> Answer:
        answer = await self._send("GET", path, b"", "")
        found = _TOKEN.search(answer.body)
        self._form_token = found[1].decode() if found else self._form_token
        return answer

    async def post(self, path: str, form: dict[str, str]) -> Answer:
        """Sends a form with the token of the last page."""
        body = urlencode({**form, "form_token": self._form_token}).encode()
        return await self._send("POST", path, body, "application/x-www-form-urlencoded")

    async def post_json(self, path: str, value: Any) -> Answer:
        return await self._send("POST", path, json.dumps(value).encode(), "application/json")

    async def upload(self, path: str, content: bytes) -> Answer:
        body = (b'--frontier\r\nContent-Disposition: form-data; name="file"; filename="p.png"\r\nContent-Type: image/png\r\n\r\n'
                + content + b"\r\n--frontier--\r\n")
        return await self._send("POST", path, body, "multipart/form-data; boundary=frontier")

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()
            self._streams = None

    async def listen(self, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Opens a stream of events on a connection of its own, which the caller closes; returns it behind its headers."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(self._head("GET", path) + b"\r\n")
        await reader.readuntil(b"\r\n\r\n")
        return reader, writer

    def _head(self, method: str, path: str) -> bytes:
        return f"{method} {path} HTTP/1.1\r\nHost: localhost:{self._port}\r\n{self._login}".encode()

    async def _send(self, method: str, path: str, body: bytes, kind: str) -> Answer:
        began = time.perf_counter()
        if self._streams and self._streams[0].at_eof():  # the server closes connections that were idle for long
            self.close()
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)
        reader, writer = self._streams
        about = f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n".encode() if kind else b""
        writer.write(self._head(method, path) + about + b"\r\n" + body)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        content = await reader.readexactly(int(headers.get("content-length", 0)))
        answer = Answer(int(lines[0].split()[1]), headers, content, time.perf_counter() - began)
        if headers.get("connection", "").lower() == "close":
            self.close()
        return answer
