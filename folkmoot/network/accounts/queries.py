"""All SQL of accounts."""

from collections.abc import Sequence
from typing import Any

import msgspec

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.base.handles import handle_of
from folkmoot.network.accounts.model import Account, AccountCounts, AccountEffect, AccountStamp, ProfileField

_FIELDS = (
    "id", "username", "domain", "uri", "url", "display_name", "bio", "bio_html", "fields", "avatar_key", "header_key",
    "avatar_description", "header_description", "is_locked", "is_bot", "is_discoverable", "is_indexable",
    "hides_collections", "effect", "is_limited", "version", "created_at",
)
_COUNTS = ("posts", "followers", "following", "last_post_at")


def columns(account: str = "a", counts: str = "ac", prefix: str = "") -> str:
    """The columns that `account_from` reads, of these table aliases, each named with `prefix`."""
    own = [f"{account}.{name} AS {prefix}{name}" for name in _FIELDS]
    return ", ".join(own + [f"{counts}.{name} AS {prefix}count_{name}" for name in _COUNTS])


def json_sql(account: str = "a", counts: str = "ac") -> str:
    """SQL: an account as JSON, of these table aliases, which msgspec decodes."""
    own = [f"'{name}', {account}.{name}" for name in _FIELDS]
    counted = ", ".join(f"'{name}', coalesce({counts}.{name}, 0)" for name in _COUNTS if name != "last_post_at")
    return f"json_build_object({', '.join(own)}, 'counts', json_build_object({counted}, 'last_post_at', {counts}.last_post_at))"


def account_from(row: Row, prefix: str = "") -> Account:
    values: dict[str, Any] = {name: row[prefix + name] for name in _FIELDS}
    values["fields"] = msgspec.json.decode(values["fields"], type=tuple[ProfileField, ...])
    values["effect"] = AccountEffect(values["effect"])
    counts = AccountCounts(
        posts=row[f"{prefix}count_posts"] or 0,
        followers=row[f"{prefix}count_followers"] or 0,
        following=row[f"{prefix}count_following"] or 0,
        last_post_at=row[f"{prefix}count_last_post_at"],
    )
    return Account(**values, counts=counts)


SELECT = f"SELECT {columns()} FROM accounts AS a LEFT JOIN account_counts AS ac ON ac.account_id = a.id"

# What `stamp_from` reads, for statements of other nouns too: of accounts `a` with their counts `ac`.
STAMP_COLUMNS = f'a.id, a.version, {", ".join(f"ac.{name}" for name in _COUNTS)}'
_STAMP = f"SELECT {STAMP_COLUMNS} FROM accounts AS a LEFT JOIN account_counts AS ac ON ac.account_id = a.id"


def stamp_from(row: Sequence[Any]) -> AccountStamp:
    """From a row that begins with STAMP_COLUMNS."""
    return AccountStamp(row[0], row[1], AccountCounts(row[2] or 0, row[3] or 0, row[4] or 0, row[5]))


def _hash_sql(name: str) -> str:
    """SQL: what is stored of the folded name of a deleted account. A hash, so that the table is no list of former members."""
    return f"sha256(convert_to({name}, 'UTF8'))"


async def get_account(conn: ReadConn, account_id: int) -> Account:
    row = await conn.fetchrow(f"{SELECT} WHERE a.id = $1", account_id)
    if row is None:
        raise NotFound
    return account_from(row)


async def lock_account(tx: WriteTx, account_id: int) -> Account:
    """Returns and locks an account for a change: concurrent changes wait. Raises NotFound."""
    row = await tx.fetchrow(f"{SELECT} WHERE a.id = $1 FOR UPDATE OF a", account_id)
    if row is None:
        raise NotFound
    return account_from(row)


async def lock_accounts_shared(tx: WriteTx, ids: Sequence[int]) -> dict[int, Account]:
    """Accounts by id, locked against changes until the transaction ends (FOR SHARE, in the order of the ids)."""
    rows = await tx.fetch(f"{SELECT} WHERE a.id = ANY ($1::bigint[]) ORDER BY a.id FOR SHARE OF a", list(ids))
    return {row["id"]: account_from(row) for row in rows}


async def find_account_by_name(conn: ReadConn, username: str, domain: str = "") -> Account | None:
    row = await conn.fetchrow(f"{SELECT} WHERE a.username_key = $1 AND a.domain = $2", username.lower(), domain.lower())
    return account_from(row) if row else None


async def find_account_by_handle(conn: ReadConn, text: str, own_domain: str) -> Account | None:
    """The account of `@name` or `@name@host`, in any spelling; the host may be that of this network."""
    return await find_account_by_name(conn, *handle_of(text, own_domain))


async def find_stamp_by_handle(conn: ReadConn, text: str, own_domain: str) -> AccountStamp | None:
    """The same, of an account that may be in memory already rendered."""
    name, domain = handle_of(text, own_domain)
    row = await conn.fetchrow(f"{_STAMP} WHERE a.username_key = $1 AND a.domain = $2", name, domain)
    return stamp_from(row) if row else None


async def list_stamps(conn: ReadConn, ids: Sequence[int]) -> dict[int, AccountStamp]:
    """By id; deleted accounts are left out."""
    rows = await conn.fetch(f"{_STAMP} WHERE a.id = ANY ((SELECT $1::bigint[])::bigint[])", list(ids)) if ids else []
    return {row[0]: stamp_from(row) for row in rows}


async def list_accounts(conn: ReadConn, ids: Sequence[int]) -> dict[int, Account]:
    """Accounts by id; deleted ones are left out. No statement without ids: apps ask often whether there is something new."""
    rows = await conn.fetch(f"{SELECT} WHERE a.id = ANY ($1::bigint[])", list(ids)) if ids else []
    return {row["id"]: account_from(row) for row in rows}


async def list_accounts_by_name(conn: ReadConn, names: Sequence[tuple[str, str]]) -> list[Account]:
    """The accounts among these (name, domain) pairs, all in lower case."""
    rows = await conn.fetch(
        f"{SELECT} JOIN unnest($1::text[], $2::text[]) AS wanted (name, domain)"
        " ON a.username_key = wanted.name AND a.domain = wanted.domain",
        [name for name, _ in names], [domain for _, domain in names],
    )
    return [account_from(row) for row in rows]


async def list_taken_names(conn: ReadConn, names: Sequence[str]) -> set[str]:
    """Which of these names, in lower case, nobody can take here: names of accounts, and former names."""
    rows = await conn.fetch(
        "SELECT wanted.name FROM unnest($1::text[]) AS wanted (name)"
        " WHERE EXISTS (SELECT FROM accounts AS a WHERE a.username_key = wanted.name AND a.domain = '')"
        f" OR EXISTS (SELECT FROM former_names AS f WHERE f.name_hash = {_hash_sql('wanted.name')})",
        [name.lower() for name in names],
    )
    return {row["name"] for row in rows}


async def insert_account(tx: WriteTx, account: Account, search: Sequence[str]) -> bool:
    """Returns False when the name is taken, or was the name of a deleted account. `search`: folded words."""
    return bool(await tx.fetchval(
        f"""
        WITH made AS (
            INSERT INTO accounts (id, username, username_key, display_name, is_bot, search, created_at)
            SELECT $1, $2, $3, $4, $5, array_to_tsvector($6), $7
            WHERE NOT EXISTS (SELECT FROM former_names WHERE name_hash = {_hash_sql("$3")})
            ON CONFLICT (username_key, domain) DO NOTHING RETURNING id
        )
        INSERT INTO account_counts (account_id) SELECT id FROM made RETURNING true
        """,
        account.id, account.username, account.username.lower(), account.display_name, account.is_bot, search, account.created_at,
    ))


async def update_profile(tx: WriteTx, account: Account, search: Sequence[str]) -> None:
    """Stores the profile and raises the account's version, so that its posts are rendered again."""
    await tx.execute(
        """
        UPDATE accounts SET display_name = $2, bio = $3, bio_html = $4, fields = $5, avatar_key = $6, header_key = $7,
            avatar_description = $8, header_description = $9, is_locked = $10, is_bot = $11, is_discoverable = $12,
            is_indexable = $13, hides_collections = $14, search = array_to_tsvector($15), version = version + 1
        WHERE id = $1
        """,
        account.id, account.display_name, account.bio, account.bio_html, msgspec.json.encode(account.fields).decode(),
        account.avatar_key, account.header_key, account.avatar_description, account.header_description,
        account.is_locked, account.is_bot, account.is_discoverable, account.is_indexable, account.hides_collections, search,
    )


async def lock_next_accounts(tx: WriteTx, after: int, most: int) -> list[Account]:
    """Locks and lists the accounts with the next ids."""
    rows = await tx.fetch(f"{SELECT} WHERE a.id > $1 ORDER BY a.id LIMIT $2 FOR NO KEY UPDATE OF a", after, most)
    return [account_from(row) for row in rows]


async def update_search(tx: WriteTx, account_id: int, search: Sequence[str]) -> None:
    """Stores the words by which search finds an account, if they changed."""
    await tx.execute(
        "UPDATE accounts SET search = array_to_tsvector($2) WHERE id = $1 AND search IS DISTINCT FROM array_to_tsvector($2)",
        account_id, search,
    )


async def update_effect(tx: WriteTx, account_id: int, effect: AccountEffect, *, is_limited: bool) -> bool:
    """Stores the effect and whether the reach is limited, and raises the version, so that posts are rendered again. Returns False if
    nothing visible changed.

    An account that is leaving stays hidden; the effect applies if it stays.
    """
    await tx.execute(
        "UPDATE accounts SET kept_effect = $2, is_limited = $3 WHERE id = $1 AND kept_effect IS NOT NULL", account_id, effect, is_limited
    )
    return bool(await tx.execute(
        "UPDATE accounts SET effect = $2, is_limited = $3, version = version + 1"
        " WHERE id = $1 AND (effect <> $2 OR is_limited <> $3) AND kept_effect IS NULL",
        account_id, effect, is_limited,
    ))


async def hide_leaving(tx: WriteTx, account_id: int) -> bool:
    """Hides an account from everybody and keeps the effect of its restrictions. Returns False if it is leaving already."""
    return bool(await tx.execute(
        f"UPDATE accounts SET kept_effect = effect, effect = {AccountEffect.SUSPENDED:d}, version = version + 1"
        " WHERE id = $1 AND kept_effect IS NULL",
        account_id,
    ))


async def show_staying(tx: WriteTx, account_id: int) -> bool:
    """Restores the effect of an account that was leaving. Returns False if it was not."""
    return bool(await tx.execute(
        "UPDATE accounts SET effect = kept_effect, kept_effect = NULL, version = version + 1 WHERE id = $1 AND kept_effect IS NOT NULL",
        account_id,
    ))


async def find_kept_effect(conn: ReadConn, account_id: int) -> AccountEffect | None:
    """The effect that an account gets back if it does not leave after all; None unless it is leaving."""
    value = await conn.fetchval("SELECT kept_effect FROM accounts WHERE id = $1", account_id)
    return None if value is None else AccountEffect(value)


async def delete_account(tx: WriteTx, account_id: int, *, keeps_name: bool) -> bool:
    """Deletes the account and what is left of its rows. `keeps_name`: nobody can take its name again. Returns whether it existed."""
    return bool(await tx.fetchval(
        f"""
        WITH gone AS (
            DELETE FROM accounts WHERE id = $1 RETURNING username_key, domain
        ), kept AS (
            INSERT INTO former_names (name_hash) SELECT {_hash_sql("username_key")} FROM gone WHERE $2 AND domain = ''
            ON CONFLICT DO NOTHING
        )
        SELECT true FROM gone
        """,
        account_id, keeps_name,
    ))
