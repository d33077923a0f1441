"""Calls people before a deadline: by mail, by web push where they want it, and by a signed request to an address of the operator's.

All cases that have reached the same share of their time are one call, and there is one call for each share in five minutes
at most: whoever is on duty needs to know that, not how often.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import Unavailable
from folkmoot.base.http_client import Connect, Refused, Resolve, send
from folkmoot.config import Settings
from folkmoot.moderation.cases import queries
from folkmoot.moderation.cases.model import Share
from folkmoot.network.sessions.mails import Mail, send_mail
from folkmoot.network.sessions.model import Role
from folkmoot.network.sessions.queries import list_staff
from folkmoot.network.web_push import model as web_push
from folkmoot.network.web_push.actions import call_members

CALL_WEBHOOK = "cases.call_webhook"  # job
_PAUSE = timedelta(minutes=5)  # between two calls for the same share
_MOST_NAMED = 50  # cases in one request
_TEXTS = {Share.HALF: "cases_half", Share.LATE: "cases_late", Share.OVER: "cases_over"}
_GROUPS = {"moderators": [Role.MODERATOR], "operators": [Role.OPERATOR], "all": [Role.MODERATOR, Role.OPERATOR], "nobody": []}


class Callees(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to call. `call_at_half` and `call_at_end`: moderators, operators, all or nobody."""

    call_at_half: str
    call_at_end: str
    webhook_url: str
    webhook_secret: str
    base_url: str

    @classmethod
    def of(cls, settings: Settings) -> "Callees":
        chosen = settings.moderation
        return cls(
            call_at_half=chosen.call_at_half, call_at_end=chosen.call_at_end, webhook_url=chosen.webhook_url,
            webhook_secret=chosen.webhook_secret, base_url=settings.base_url,
        )

    def roles(self, share: Share) -> Sequence[Role]:
        return _GROUPS[self.call_at_half if share is Share.HALF else self.call_at_end]


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of the job that sends a request. `id` is the same in each attempt."""

    id: str
    share: int
    count: int
    next_due_at: datetime
    case_ids: tuple[int, ...]


class CallFailed(Exception):
    """The address of the operator did not accept a call. Not Unavailable, which a worker would take for a lost database."""


async def call_people(tx: WriteTx, callees: Callees) -> int:
    """Calls people about cases that have reached another share of their time. Returns the number of calls."""
    calls = 0
    now = clock.now()
    for share in reversed(Share):
        found = await queries.take_calls(tx, share, now, _PAUSE, _MOST_NAMED)
        if found is None:
            continue
        calls += 1
        if share is Share.HALF:
            await _call_about_left(tx, found.case_ids)
        roles = callees.roles(share)
        called = await list_staff(tx, roles) if roles else []
        for login in called:
            send_mail(tx, Mail(_TEXTS[share], login.email, login.language, "/moderate", count=found.count))
        await call_members(tx, [login.account_id for login in called], web_push.Call(text=_TEXTS[share], count=found.count))
        if callees.webhook_url:
            tx.enqueue(CALL_WEBHOOK, Call(
                id=clock.token(16), share=share, count=found.count, next_due_at=found.next_due_at, case_ids=found.case_ids,
            ))
    return calls


async def _call_about_left(tx: WriteTx, case_ids: Sequence[int]) -> None:
    """Mails the operators about cases whose topic everybody leaves to others, because they are offered them from now on."""
    count = await queries.count_left(tx, case_ids)
    for login in await list_staff(tx, [Role.OPERATOR]) if count else []:
        send_mail(tx, Mail("cases_left", login.email, login.language, "/moderate", count=count))


async def call_webhook(callees: Callees, call: Call, *, resolve: Resolve | None = None, connect: Connect | None = None) -> None:
    """Sends one call as JSON. Raises CallFailed for any answer that is not a success; the job is then retried."""
    await _post(callees, {
        "event": "cases.deadline_neared", "id": call.id, "share": call.share, "count": call.count, "next_due_at": call.next_due_at,
        "url": f"{callees.base_url}/moderate",
        "cases": [{"id": str(id_), "url": f"{callees.base_url}/moderate/cases/{id_}"} for id_ in call.case_ids],
    }, resolve, connect)


async def try_webhook(callees: Callees, *, resolve: Resolve | None = None, connect: Connect | None = None) -> None:
    """Sends a request that is signed like a call, about no case: for an operator who wants to know whether calls arrive. Raises
    CallFailed."""
    await _post(callees, {"event": "webhook.tried", "id": clock.token(16), "url": f"{callees.base_url}/moderate"}, resolve, connect)


async def _post(callees: Callees, fields: dict[str, object], resolve: Resolve | None, connect: Connect | None) -> None:
    """`X-Folkmoot-Signature` is the HMAC-SHA256 of the timestamp, a dot and the body, so that nobody else can call, and an old call
    cannot be repeated. Each attempt is signed anew, so a call that was refused during an exchange of the key arrives after it."""
    body = msgspec.json.encode(fields)
    timestamp = str(int(clock.now().timestamp()))
    try:
        answer = await send("POST", callees.webhook_url, body=body, resolve=resolve, connect=connect, headers={
            "content-type": "application/json", "x-folkmoot-timestamp": timestamp,
            "x-folkmoot-signature": f"sha256={signature_of(callees.webhook_secret, timestamp, body)}",
        })
    except Refused as error:
        raise CallFailed(f"{error.log_text}: only public addresses are called, on port 80 or 443") from error
    except Unavailable as error:
        raise CallFailed(error.log_text) from error
    if not 200 <= answer.status < 300:
        raise CallFailed(f"{callees.webhook_url} answered {answer.status}")


def signature_of(secret: str, timestamp: str, body: bytes) -> str:
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
