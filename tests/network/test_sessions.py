"""Sessions and tokens: how long they are valid, and what ends them."""

from collections.abc import Callable

import pytest

from folkmoot.base import ids
from folkmoot.base.db import Database, WriteTx
from folkmoot.network.accounts.actions import set_effect
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.sessions import queries
from folkmoot.network.sessions.actions import start_session
from folkmoot.network.sessions.apps import issue_token, register_app
from folkmoot.network.sessions.model import OUT_OF_BAND, digest
from tests.village import settle


class _Access:
    """A session, a token for the same account, and a token of the app itself."""

    def __init__(self, account: Account, session_id: int, token_id: int, own_id: int) -> None:
        self.account, self.session_id, self.token_id, self.own_id = account, session_id, token_id, own_id

    async def validity(self, tx: WriteTx) -> tuple[bool, bool, bool]:
        return (
            await queries.is_session_open_unscoped(tx, self.account.id, self.session_id),
            await queries.is_token_open_unscoped(tx, self.token_id),
            await queries.is_token_open_unscoped(tx, self.own_id),
        )


async def _open(db: Database, tx: WriteTx) -> _Access:
    account = await settle(db, "jana")
    login = await queries.get_login(tx, account.id)
    session = await queries.find_session_viewer(tx, digest(await start_session(tx, login, "", "")))
    app = await register_app(tx, "Zvonek", [OUT_OF_BAND], "read")
    tokens = [await queries.find_token_holder(tx, digest(await issue_token(tx, app.id, whose, "read"))) for whose in (account.id, None)]
    assert session
    assert session.session_id
    assert tokens[0]
    assert tokens[1]
    return _Access(account, session.session_id, tokens[0].token_id, tokens[1].token_id)


async def test_a_session_is_valid_for_its_own_account_only(db: Database, tx: WriteTx) -> None:
    access = await _open(db, tx)
    assert await access.validity(tx) == (True, True, True)
    assert not await queries.is_session_open_unscoped(tx, ids.make_id(1), access.session_id)


@pytest.mark.parametrize(("column", "value"), [("disabled_at", "now()"), ("confirmed_at", "NULL"), ("approved_at", "NULL")])
async def test_an_unusable_login_ends_its_session_and_token(db: Database, tx: WriteTx, column: str, value: str) -> None:
    access = await _open(db, tx)
    await tx.execute(f"UPDATE logins SET {column} = {value} WHERE account_id = $1", access.account.id)
    assert await access.validity(tx) == (False, False, True)


@pytest.mark.parametrize(("effect", "is_valid"), [
    (AccountEffect.LIMITED, True), (AccountEffect.FROZEN, True), (AccountEffect.SUSPENDED, False),
])
async def test_only_a_suspension_ends_sessions_and_tokens(db: Database, tx: WriteTx, effect: AccountEffect, is_valid: bool) -> None:
    access = await _open(db, tx)
    await set_effect(tx, access.account.id, effect)
    assert await access.validity(tx) == (is_valid, is_valid, True)


@pytest.mark.parametrize("end", [queries.delete_sessions, queries.delete_tokens])
async def test_deleted_sessions_and_tokens_are_not_valid(db: Database, tx: WriteTx, end: Callable[..., object]) -> None:
    access = await _open(db, tx)
    await end(tx, access.account.id)  # type: ignore[misc]
    assert await access.validity(tx) == (end is not queries.delete_sessions, end is not queries.delete_tokens, True)
