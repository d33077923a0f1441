"""Accounts: the events of changing a profile."""

import pytest

from folkmoot.base.db import Database, WriteTx
from folkmoot.network.accounts.actions import ProfileDraft, set_effect, set_pictures, update_profile
from folkmoot.network.accounts.model import AccountEffect
from tests.village import settle

BASE = "http://localhost:8420"


@pytest.mark.parametrize(("draft", "told"), [
    (ProfileDraft(display_name="Jana z Prahy"), ["account.updated"]),
    (ProfileDraft(bio="Zahradnice"), ["account.updated"]),
    (ProfileDraft(fields=[("Web", "example.org")]), ["account.updated"]),
    (ProfileDraft(is_locked=True), ["account.changed"]),
    (ProfileDraft(bio="Zahradnice", is_locked=True), ["account.updated", "account.changed"]),
    (ProfileDraft(display_name="Jana", bio="", fields=[], is_locked=False), []),
])
async def test_changing_a_profile_tells_only_real_changes(db: Database, tx: WriteTx, draft: ProfileDraft, told: list[str]) -> None:
    account = await settle(db, "jana")
    await update_profile(tx, account, draft, BASE)
    assert tx.told == told


async def test_pictures_and_effects_tell_account_changed(db: Database, tx: WriteTx) -> None:
    account = await settle(db, "jana")
    await set_pictures(tx, account, avatar_key="a", header_key=None)
    await set_effect(tx, account.id, AccountEffect.LIMITED)
    assert tx.told == ["account.changed", "account.changed"]
