"""All SQL of subscriptions to web push."""

from collections.abc import Sequence
from datetime import datetime

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.network.sessions.queries.logins import IS_ADMITTED
from folkmoot.network.web_push.model import Alert, Policy, Subscription

_COLUMNS = (
    "s.id, s.account_id, s.token_id, s.session_id, s.endpoint, s.public_key, s.auth, s.is_standard, s.alerts, s.policy, s.sealed_token,"
    " s.failing_since"
)
_OWN = "s.account_id = $1 AND (s.token_id = $2 OR s.session_id = $3)"


async def find_subscription(
    conn: ReadConn, account_id: int, *, token_id: int | None = None, session_id: int | None = None
) -> Subscription | None:
    row = await conn.fetchrow(f"SELECT {_COLUMNS} FROM web_push_subscriptions AS s WHERE {_OWN}", account_id, token_id, session_id)
    return _subscription_from(row) if row else None


async def upsert_subscription(tx: WriteTx, new: Subscription, now: datetime) -> None:
    """A token or a session has one subscription: a new one takes the place of the earlier."""
    await tx.execute(
        "INSERT INTO web_push_subscriptions AS s"
        " (id, account_id, token_id, session_id, endpoint, public_key, auth, is_standard, alerts, policy, sealed_token, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        f" ON CONFLICT ({'token_id' if new.token_id else 'session_id'}) DO UPDATE SET"
        "  id = excluded.id, endpoint = excluded.endpoint, public_key = excluded.public_key, auth = excluded.auth,"
        "  is_standard = excluded.is_standard, alerts = excluded.alerts, policy = excluded.policy, sealed_token = excluded.sealed_token,"
        "  failing_since = NULL, created_at = excluded.created_at",
        new.id, new.account_id, new.token_id, new.session_id, new.endpoint, new.public_key, new.auth, new.is_standard, sorted(new.alerts),
        new.policy, new.sealed_token, now,
    )


async def update_choices(tx: WriteTx, subscription_id: int, alerts: frozenset[Alert], policy: Policy) -> None:
    await tx.execute(
        "UPDATE web_push_subscriptions SET alerts = $2, policy = $3 WHERE id = $1", subscription_id, sorted(alerts), policy
    )


async def delete_of_browser(tx: WriteTx, endpoint: str, session_id: int) -> None:
    """Deletes what earlier sessions of a browser have left: it shows the messages of one member only."""
    await tx.execute(
        "DELETE FROM web_push_subscriptions WHERE endpoint = $1 AND session_id IS NOT NULL AND session_id <> $2", endpoint, session_id
    )


async def delete_subscription(tx: WriteTx, account_id: int, *, token_id: int | None = None, session_id: int | None = None) -> None:
    await tx.execute(f"DELETE FROM web_push_subscriptions AS s WHERE {_OWN}", account_id, token_id, session_id)


async def delete_oldest(tx: WriteTx, account_id: int, most: int) -> None:
    """Deletes all but the newest subscriptions of an account."""
    await tx.execute(
        "DELETE FROM web_push_subscriptions WHERE id IN ("
        " SELECT id FROM web_push_subscriptions WHERE account_id = $1 ORDER BY id DESC OFFSET $2)",
        account_id, most,
    )


async def delete_ended_unscoped(tx: WriteTx, subscription_id: int) -> None:
    """Deletes a subscription that its push service has ended."""
    await tx.execute("DELETE FROM web_push_subscriptions WHERE id = $1", subscription_id)


async def list_sealed_tokens_unscoped(conn: ReadConn, before: datetime) -> list[tuple[int, int]]:
    """(account, token) of subscribed apps whose tokens were issued before, so that they may have been sealed into this table then."""
    rows = await conn.fetch(
        "SELECT w.account_id, w.token_id FROM web_push_subscriptions AS w JOIN tokens AS t ON t.id = w.token_id"
        " WHERE w.sealed_token IS NOT NULL AND t.created_at <= $1 ORDER BY w.id",
        before,
    )
    return [(row["account_id"], row["token_id"]) for row in rows]


async def update_failing(tx: WriteTx, subscription_id: int, since: datetime | None) -> None:
    await tx.execute("UPDATE web_push_subscriptions SET failing_since = $2 WHERE id = $1", subscription_id, since)


async def find_live_unscoped(conn: ReadConn, subscription_id: int) -> tuple[Subscription, str] | None:
    """(a subscription, the language of its member); None if it has ended, or if the member cannot log in now."""
    row = await conn.fetchrow(
        f"SELECT {_COLUMNS}, l.language FROM web_push_subscriptions AS s JOIN logins AS l ON l.account_id = s.account_id"
        f" JOIN accounts AS a ON a.id = s.account_id WHERE s.id = $1 AND {IS_ADMITTED}",
        subscription_id,
    )
    return (_subscription_from(row), row["language"]) if row else None


async def list_to_wake_unscoped(conn: ReadConn, arrived: Sequence[tuple[int, int]]) -> list[Row]:
    """For each notification, (account, notification): its kind, and the subscriptions whose policy lets its sender through."""
    return list(await conn.fetch(
        f"""
        SELECT s.id AS subscription_id, s.alerts, n.id AS notification_id, n.kind
        FROM unnest($1::bigint[], $2::bigint[]) AS one (account_id, notification_id)
        JOIN notifications AS n ON n.account_id = one.account_id AND n.id = one.notification_id
        JOIN web_push_subscriptions AS s ON s.account_id = n.account_id
        WHERE s.policy = '{Policy.ALL}' OR s.policy <> '{Policy.NONE}' AND (
            n.from_id = n.account_id
            OR s.policy = '{Policy.FOLLOWED}' AND EXISTS (
                SELECT FROM follows AS f WHERE f.account_id = s.account_id AND f.target_id = n.from_id)
            OR s.policy = '{Policy.FOLLOWER}' AND EXISTS (
                SELECT FROM followers AS f WHERE f.account_id = s.account_id AND f.follower_id = n.from_id))
        ORDER BY n.id, s.id
        """,
        [account_id for account_id, _ in arrived], [notification_id for _, notification_id in arrived],
    ))


async def list_with_alert_unscoped(conn: ReadConn, account_ids: Sequence[int], alert: Alert) -> list[int]:
    """The subscriptions of these accounts that wake for an alert."""
    rows = await conn.fetch(
        "SELECT id FROM web_push_subscriptions WHERE account_id = ANY ($1::bigint[]) AND $2 = ANY (alerts)", list(account_ids), alert
    )
    return [row["id"] for row in rows]


def _subscription_from(row: Row) -> Subscription:
    fields = {name: value for name, value in dict(row).items() if name != "language"}
    return Subscription(**{**fields, "alerts": frozenset(map(Alert, row["alerts"])), "policy": Policy(row["policy"])})
