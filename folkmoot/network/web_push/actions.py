"""Subscribing, changing and ending; and calls to moderators. They write no events: nobody else sees a subscription."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

import msgspec

from folkmoot.base import clock, ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import FieldError, Invalid, NotFound
from folkmoot.base.http_client import Refused, check_url
from folkmoot.base.web_push import AUTH_BYTES, Sealer, decode, is_key
from folkmoot.network.sessions.actions import revoke_token_of
from folkmoot.network.sessions.model import Viewer
from folkmoot.network.web_push import queries
from folkmoot.network.web_push.model import (
    CALL_LASTS,
    MOST_SUBSCRIPTIONS,
    SEND_JOB,
    Alert,
    Call,
    Policy,
    Push,
    Subscription,
    SubscriptionDraft,
)


def token_sealer(secret: bytes) -> Sealer:
    """Seals the tokens of apps, which each message must contain: the database has only their hashes otherwise."""
    return Sealer(secret, "tokens of apps")


async def revoke_sealed_tokens(tx: WriteTx, before: datetime) -> int:
    """Revokes the tokens that whoever has a copy of the database of that moment, and the network secret, can read. Returns how many.

    Their apps ask their members to log in again.
    """
    known = await queries.list_sealed_tokens_unscoped(tx, before)
    return sum([await revoke_token_of(tx, account_id, token_id) for account_id, token_id in known])


async def subscribe(
    tx: WriteTx, viewer: Viewer, draft: SubscriptionDraft, *, own_host: str, token: str = "", sealer: Sealer | None = None
) -> Subscription:
    """Subscribes the app or the browser that the viewer uses; it replaces an earlier subscription of the same one.

    `token`: that of the app, which `sealer` seals. Raises Invalid for an endpoint that this network does not send to, and for keys
    that are none.
    """
    public_key, auth = decode(draft.public_key) or b"", decode(draft.auth) or b""
    errors = []
    if not _may_be_sent_to(draft.endpoint, own_host):
        errors.append(FieldError("endpoint", "invalid", "This is not the https address of a push service."))
    if not is_key(public_key) or len(auth) != AUTH_BYTES:
        errors.append(FieldError("keys", "invalid", "These are not the keys of a browser or an app."))
    if errors:
        raise Invalid(*errors)
    id_ = ids.make_id(ids.shard_of(viewer.id))
    subscription = Subscription(
        id=id_, account_id=viewer.id, token_id=viewer.token_id, session_id=viewer.session_id, endpoint=draft.endpoint,
        public_key=public_key, auth=auth, is_standard=draft.is_standard, alerts=draft.alerts, policy=draft.policy,
        sealed_token=sealer.seal(token, id_) if sealer and token else None, failing_since=None,
    )
    if viewer.session_id:
        await queries.delete_of_browser(tx, draft.endpoint, viewer.session_id)
    await queries.upsert_subscription(tx, subscription, clock.now())
    await queries.delete_oldest(tx, viewer.id, MOST_SUBSCRIPTIONS)
    return subscription


async def change_choices(tx: WriteTx, viewer: Viewer, alerts: frozenset[Alert] | None, policy: Policy | None) -> Subscription:
    """Changes what the viewer's app or browser wakes for. None: it stays. Raises NotFound without a subscription."""
    found = await queries.find_subscription(tx, viewer.id, token_id=viewer.token_id, session_id=viewer.session_id)
    if found is None:
        raise NotFound
    changed = msgspec.structs.replace(
        found, alerts=found.alerts if alerts is None else alerts, policy=found.policy if policy is None else policy
    )
    await queries.update_choices(tx, found.id, changed.alerts, changed.policy)
    return changed


async def unsubscribe(tx: WriteTx, viewer: Viewer) -> None:
    """Ends the subscription of the viewer's app or browser, if there is one."""
    await queries.delete_subscription(tx, viewer.id, token_id=viewer.token_id, session_id=viewer.session_id)


async def call_members(tx: WriteTx, account_ids: Sequence[int], call: Call) -> None:
    """Calls the devices of these moderators and operators that want calls."""
    until = clock.now() + CALL_LASTS
    for subscription_id in await queries.list_with_alert_unscoped(tx, account_ids, Alert.CALL) if account_ids else ():
        tx.enqueue(SEND_JOB, Push(subscription_id=subscription_id, call=call, until=until))


def _may_be_sent_to(endpoint: str, own_host: str) -> bool:
    """Whether the address is https, not a private address, and not this network. A name is checked when it is sent to."""
    try:
        check_url(endpoint)
    except Refused:
        return False
    parts = urlsplit(endpoint)
    host = (parts.hostname or "").rstrip(".")
    return parts.scheme == "https" and ("." in host or ":" in host) and host != own_host.partition(":")[0]
