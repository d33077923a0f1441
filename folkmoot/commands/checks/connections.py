"""Checks that connect: to web processes, public address, mail server and webhook. Each waits ten seconds at most."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

from folkmoot.base import clock
from folkmoot.base.errors import Unavailable
from folkmoot.base.http_client import Connect, Refused, Resolve, send
from folkmoot.commands.checks.model import BROKEN, GOOD, WARNING, Finding
from folkmoot.commands.options import start_command
from folkmoot.config import Settings
from folkmoot.portability.certificates.trust import own_trust

_SECONDS = 10.0  # a busy machine answers late, which is no reason to call it broken
_CERTIFICATE_DAYS = 21
_NO_ANSWER = (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError)


async def check_web(settings: Settings) -> AsyncIterator[Finding]:
    """Whether a web process answers on this machine, and is ready."""
    where = f"{settings.server.host}:{settings.server.port}"
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.server.host, settings.server.host)
    try:
        async with asyncio.timeout(_SECONDS):
            status, body = await _get(host, settings.server.port, "/readyz")
            health = json.loads(body)
            ready, reasons = bool(health["ready"]), "; ".join(health["reasons"])
    except (*_NO_ANSWER, KeyError, TypeError):
        yield Finding("web.answers", BROKEN, f"no web process answers on {where}", "nobody can read or write",
                      f"{start_command(settings.data)}; if it runs, its log says more")
        return
    if ready and status == 200:
        yield Finding("web.answers", GOOD, f"a web process answers on {where}")
    else:
        yield Finding(
            "web.ready", BROKEN, f"the web process is not ready: {reasons}", "a load balancer sends it no requests",
            "solve these reasons",
        )


async def _get(host: str, port: int, path: str) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]) if head.startswith(b"HTTP/1.1 ") else 0, body


async def check_public_address(settings: Settings) -> AsyncIterator[Finding]:
    """Whether the name of the public address is known, and its certificate valid for some weeks."""
    address = urlsplit(settings.server.base_url)
    if not address.hostname:
        return
    try:
        async with asyncio.timeout(_SECONDS):
            await asyncio.get_running_loop().getaddrinfo(address.hostname, None)
    except (OSError, TimeoutError):
        yield Finding("address.name", BROKEN, f"the name {address.hostname} is unknown", "nobody can find the network",
                      "add an A or AAAA record where you registered the name, or correct server.base_url")
        return
    if address.scheme == "https":
        yield await _certificate(address.hostname, address.port or 443)


async def _certificate(host: str, port: int) -> Finding:
    try:
        async with asyncio.timeout(_SECONDS):
            _, writer = await asyncio.open_connection(host, port, ssl=own_trust())
            certificate = writer.get_extra_info("peercert")
            writer.close()
    except ssl.SSLCertVerificationError as error:
        return Finding(
            "address.certificate", BROKEN, f"the certificate of {host} is refused: {error.verify_message}",
            "browsers and apps refuse it too", "renew it; caddy does this by itself",
        )
    except (OSError, TimeoutError):
        return Finding("address.reached", WARNING, f"https://{host} does not answer from this machine", "perhaps nobody can reach it",
                       "start the proxy; if other machines reach it, all is well")
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
    days = (ends - clock.now()).days
    if days < _CERTIFICATE_DAYS:
        return Finding("address.certificate", WARNING, f"the certificate of {host} ends in {days} days", "browsers will refuse it then",
                       "renew it; if that should happen by itself, look into the log of the proxy")
    return Finding("address.certificate", GOOD, f"the certificate of {host} is valid for {days} days")


async def check_mail_server(settings: Settings) -> AsyncIterator[Finding]:
    if not settings.mail.host:
        return
    where = f"{settings.mail.host}:{settings.mail.port}"
    try:
        async with asyncio.timeout(_SECONDS):
            _, writer = await asyncio.open_connection(settings.mail.host, settings.mail.port)
            writer.close()
    except (OSError, TimeoutError) as error:
        why = "the name is unknown" if isinstance(error, socket.gaierror) else getattr(error, "strerror", "") or "no answer"
        yield Finding(
            "mail.answers", BROKEN, f"the mail server {where} does not answer: {why}", "mails wait, and after some tries they are parked",
            "correct mail.host and mail.port; many providers block port 25",
        )
    else:
        yield Finding("mail.answers", GOOD, f"the mail server {where} answers")


async def check_webhook(
    settings: Settings, *, resolve: Resolve | None = None, connect: Connect | None = None
) -> AsyncIterator[Finding]:
    """Whether the address that is called before a deadline can be reached. It is asked for nothing, so nobody is called."""
    url = settings.moderation.webhook_url
    if not url:
        return
    try:
        await send("HEAD", url, follows=False, seconds=_SECONDS, resolve=resolve, connect=connect)
    except Unavailable as error:
        why = ": only public addresses are called, on port 80 or 443" if isinstance(error, Refused) else ""
        yield Finding(
            "calls.webhook", WARNING, f"the webhook cannot be called: {error.log_text}{why}",
            "nobody is called by a request before a deadline; mails are sent",
            "correct moderation.webhook_url, restart, and run: moot webhook",
        )
    else:
        yield Finding("calls.webhook", GOOD, f"{urlsplit(url).hostname}, which is called before deadlines, answers")
