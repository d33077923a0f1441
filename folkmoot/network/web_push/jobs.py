"""Sends messages to push services: a subscriber that enqueues one job per message, and the job itself. `app.py` registers them."""

import logging
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime

import msgspec
from cryptography.exceptions import InvalidTag

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.errors import NotFound, Unavailable
from folkmoot.base.http_client import SECONDS, Answer, Connect, Refused, Resolve, send
from folkmoot.base.queue.model import Job
from folkmoot.base.web_push import VapidKey, encrypt
from folkmoot.config import Settings
from folkmoot.network.filters.cache import load_filters
from folkmoot.network.filters.matching import is_hidden
from folkmoot.network.filters.model import FilterContext
from folkmoot.network.notifications.model import Kind, NotificationsArrived
from folkmoot.network.notifications.queries import get_notification
from folkmoot.network.web_push import queries
from folkmoot.network.web_push.actions import token_sealer
from folkmoot.network.web_push.model import (
    ALERT_OF,
    GIVEN_UP_AFTER,
    LASTS,
    SEND_JOB,
    Alert,
    Compose,
    Content,
    Push,
    Subscription,
)
from folkmoot.network.web_push.services import Services

_RETRIES = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1800, 3600, 3 * 3600))  # the last one repeats
_LONGEST_RETRY = timedelta(hours=6)  # whatever Retry-After says
_ENDED = (404, 410)  # RFC 8030 7.3
_log = logging.getLogger(__name__)


async def wake(database: Database, event: NotificationsArrived) -> None:
    """Enqueues a message for each subscription that wants to wake for it. A repetition enqueues it again: devices show a notification
    once, because its id is its tag."""
    async with database.read() as conn:
        rows = await queries.list_to_wake_unscoped(conn, event.arrived)
    wanted = [row for row in rows if ALERT_OF[Kind(row["kind"])] in row["alerts"]]
    if wanted:
        until = clock.now() + LASTS
        async with database.write() as tx:
            for row in wanted:
                tx.enqueue(SEND_JOB, Push(subscription_id=row["subscription_id"], notification_id=row["notification_id"], until=until))


class Sender:
    """Sends messages for one process. `contact`: where a push service can complain, a mailto: or https: address."""

    def __init__(
        self, secret: bytes, contact: str, compose: Compose, *, services: Services | None = None, seconds: float = SECONDS,
        resolve: Resolve | None = None, connect: Connect | None = None,
    ) -> None:
        self._vapid, self._sealer = VapidKey(secret), token_sealer(secret)
        self._contact, self._compose = contact, compose
        self._seconds, self._resolve, self._connect = seconds, resolve, connect
        self._services = services or Services()
        self.job = Job(SEND_JOB, Push, self.send)

    @classmethod
    def of(cls, settings: Settings, compose: Compose) -> "Sender":
        contact = settings.network.contact_email
        return cls(settings.secret, f"mailto:{contact}" if contact else settings.base_url, compose)

    async def send(self, database: Database, push: Push) -> None:
        """Sends one message, or puts it off. What a push service does wrong is no failure of the job."""
        content = await self._content(database, push)
        message = self._compose(content) if content else None
        if content is None or message is None:
            return
        subscription = content.subscription
        if seconds := self._services.wait(subscription.host):
            await _put_off(database, push, timedelta(seconds=seconds))
            return
        with self._services.sending(subscription.host):
            try:
                answer = await self._post(subscription, push, message)
            except Refused as refused:
                _log.warning("subscription %d ends: %s", subscription.id, refused)
                await _end(database, subscription)
                return
            except Unavailable as error:
                self._services.note_failure(subscription.host)
                await self._fail(database, push, subscription, str(error))
                return
        await self._conclude(database, push, subscription, answer)

    async def _content(self, database: Database, push: Push) -> Content | None:
        """What there is to say now; None if nothing: the subscription has ended, its member cannot log in or does not want it any more,
        or may not see the notification any more, or hides its post by a filter."""
        if push.until <= clock.now():
            return None
        async with database.read() as conn:
            found = await queries.find_live_unscoped(conn, push.subscription_id)
            if found is None:
                return None
            subscription, language = found
            content = Content(subscription=subscription, language=language, token=self._token(subscription), call=push.call)
            if push.call:
                return content if Alert.CALL in subscription.alerts else None
            try:
                notification = await get_notification(conn, subscription.account_id, push.notification_id)
            except NotFound:
                return None
            filters = await load_filters(conn, subscription.account_id)
        is_wanted = ALERT_OF[notification.kind] in subscription.alerts and not is_hidden(
            filters, FilterContext.NOTIFICATIONS, notification.post
        )
        return msgspec.structs.replace(content, notification=notification) if is_wanted else None

    def _token(self, subscription: Subscription) -> str | None:
        try:
            return self._sealer.open(subscription.sealed_token, subscription.id) if subscription.sealed_token else None
        except InvalidTag:  # the secret of the network was changed: the key of the subscription is another one too
            return None

    async def _post(self, subscription: Subscription, push: Push, message: bytes) -> Answer:
        sealed = encrypt(message, subscription.receiver, self._vapid, subscription.origin, self._contact)
        left = max(0, int((push.until - clock.now()).total_seconds()))
        headers = {
            "content-type": "application/octet-stream", "ttl": str(left), "urgency": "high" if push.call else "normal", **sealed.headers
        }
        return await send(
            "POST", subscription.endpoint, headers=headers, body=sealed.body, seconds=self._seconds, resolve=self._resolve,
            connect=self._connect,
        )

    async def _conclude(self, database: Database, push: Push, subscription: Subscription, answer: Answer) -> None:
        if answer.status >= 500:
            self._services.note_failure(subscription.host)
        else:
            self._services.note_answer(subscription.host)
        if 200 <= answer.status < 300:
            if subscription.failing_since:
                async with database.write() as tx:
                    await queries.update_failing(tx, subscription.id, None)
        elif answer.status in _ENDED:
            await _end(database, subscription)
        else:
            is_worth_retrying = answer.status == 429 or answer.status >= 500
            delay = _asked_delay(answer.headers.get("retry-after", "")) if is_worth_retrying else None
            said = f"{subscription.host} answered {answer.status}"
            await self._fail(database, push, subscription, said, delay=delay, is_over=not is_worth_retrying)

    async def _fail(
        self, database: Database, push: Push, subscription: Subscription, why: str, *, delay: timedelta | None = None, is_over: bool = False
    ) -> None:
        """Retries later, unless it is over or too late. Ends a subscription for which nothing has succeeded for a week."""
        now = clock.now()
        delay = delay or _with_jitter(_RETRIES[min(push.tries, len(_RETRIES) - 1)])
        is_over = is_over or now + delay >= push.until
        _log.info("a message to subscription %d %s: %s", subscription.id, "is given up" if is_over else "is retried", why)
        if subscription.failing_since and now - subscription.failing_since > GIVEN_UP_AFTER:
            await _end(database, subscription)
            return
        async with database.write() as tx:
            if subscription.failing_since is None:
                await queries.update_failing(tx, subscription.id, now)
            if not is_over:
                tx.enqueue(SEND_JOB, msgspec.structs.replace(push, tries=push.tries + 1), delay)


async def _put_off(database: Database, push: Push, delay: timedelta) -> None:
    async with database.write() as tx:
        tx.enqueue(SEND_JOB, push, delay)


async def _end(database: Database, subscription: Subscription) -> None:
    async with database.write() as tx:
        await queries.delete_ended_unscoped(tx, subscription.id)


def _with_jitter(delay: timedelta) -> timedelta:
    return delay * (1 + clock.draw(500) / 1000)


def _asked_delay(text: str) -> timedelta | None:
    """Retry-After, in seconds or as a date (RFC 9110 10.2.3); None if it says nothing."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9]) + 1), _LONGEST_RETRY)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max(at - clock.now(), timedelta(seconds=1)), _LONGEST_RETRY)
