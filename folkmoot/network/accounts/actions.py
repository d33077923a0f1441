"""Actions on accounts: creating, changing the profile, restricting, deleting."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from folkmoot.base import clock, formatting, ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import TEXT_TOO_LONG, FieldError, Invalid, Plural
from folkmoot.base.text import clean, clean_line, count_characters, is_username, search_words
from folkmoot.network.accounts import queries
from folkmoot.network.accounts.model import (
    Account,
    AccountChanged,
    AccountCreated,
    AccountDeleted,
    AccountEffect,
    AccountUnlocked,
    AccountUpdated,
    ProfileField,
)
from folkmoot.network.accounts.names import is_reserved, looks_official
from folkmoot.network.accounts.policy import require_can_write

LONGEST_NAME = 30
LONGEST_BIO = 500
LONGEST_STORED_BIO = 6_000  # as in the schema: a URL counts as 23 characters, but is stored whole
MOST_FIELDS = 4
LONGEST_FIELD = 255


class ProfileDraft(msgspec.Struct, frozen=True, kw_only=True):
    """Changes of a profile; fields that are None stay as they are."""

    display_name: str | None = None
    bio: str | None = None
    fields: Sequence[tuple[str, str]] | None = None
    is_locked: bool | None = None
    is_bot: bool | None = None
    is_discoverable: bool | None = None
    is_indexable: bool | None = None
    hides_collections: bool | None = None


def username_errors(username: str, *, is_staff: bool = False) -> list[FieldError]:
    """The faults of a chosen name, except that it may be taken."""
    if not username:
        return [FieldError("username", "blank", "Please choose a handle.")]
    if not is_username(username):
        return [FieldError("username", "invalid", "A handle has up to 30 characters: letters without accents, digits and underscores.")]
    if not is_staff and is_reserved(username):
        return [FieldError("username", "reserved", "This name is kept for the network itself. Please choose another one.")]
    return []


async def create_account(
    tx: WriteTx, username: str, *, display_name: str = "", is_bot: bool = False, at: datetime | None = None
) -> Account:
    """Creates an account of this network. The caller has checked the name with `username_errors`. `at`: an earlier moment.

    Tells account.created. Raises Invalid when the name is taken.
    """
    at = at or clock.now()
    account = Account(id=ids.make_id(ids.draw_shard(), at), username=username, display_name=display_name, is_bot=is_bot, created_at=at)
    if not await queries.insert_account(tx, account, search_words_of(account)):
        raise Invalid(FieldError("username", "taken", "This handle is taken. Please choose another one."))
    tx.tell(AccountCreated(account_id=account.id))
    return account


async def update_profile(tx: WriteTx, account: Account, draft: ProfileDraft, base_url: str) -> Account:
    """Changes the profile and settings of an account.

    Tells account.updated when texts change, account.changed when a setting changes, account.unlocked when followers need no
    permission any more, nothing when nothing changes.
    A frozen account may still decide who finds and follows it. Raises Invalid with each faulty field, Forbidden.
    """
    display_name = clean_line(draft.display_name) if draft.display_name is not None else account.display_name
    bio = clean(draft.bio) if draft.bio is not None else account.bio
    fields = account.fields
    if draft.fields is not None:
        pairs = [(clean_line(name), clean_line(value)) for name, value in draft.fields]
        fields = tuple(ProfileField(name, value, "") for name, value in pairs if name or value)
    _check_profile(account, display_name, bio, fields)
    fields = tuple(msgspec.structs.replace(field, value_html=_field_html(field.value, base_url)) for field in fields)

    switches = {
        name: getattr(draft, name)
        for name in ("is_locked", "is_bot", "is_discoverable", "is_indexable", "hides_collections")
        if getattr(draft, name) is not None
    }
    changed = msgspec.structs.replace(
        account, display_name=display_name, bio=bio, bio_html=formatting.render(bio, base_url=base_url), fields=fields,
        version=account.version + 1, **switches,
    )
    if _profile_texts(changed) != _profile_texts(account) or changed.is_bot != account.is_bot:
        require_can_write(account)
    await queries.update_profile(tx, changed, search_words_of(changed))

    if _profile_texts(changed) != _profile_texts(account):
        tx.tell(AccountUpdated(account_id=account.id))
    if any(value != getattr(account, name) for name, value in switches.items()):
        tx.tell(AccountChanged(account_id=account.id))
    if account.is_locked and not changed.is_locked:
        tx.tell(AccountUnlocked(account_id=account.id))
    return changed


async def set_pictures(tx: WriteTx, account: Account, *, avatar_key: str | None, header_key: str | None) -> Account:
    """Replaces the pictures of the profile; None shows the default. Tells account.changed. Raises Forbidden."""
    require_can_write(account)
    changed = msgspec.structs.replace(account, avatar_key=avatar_key, header_key=header_key, version=account.version + 1)
    await queries.update_profile(tx, changed, search_words_of(changed))
    tx.tell(AccountChanged(account_id=account.id))
    return changed


async def set_effect(tx: WriteTx, account_id: int, effect: AccountEffect, *, is_limited: bool = False) -> bool:
    """Applies the effect of restrictions to an account; returns whether anything changed. Tells account.changed.

    `is_limited`: its reach is limited also if the effect is a stronger one.

    Only `set_account_effect` of posts calls this, because the account's posts and boosts must be counted again.
    """
    changed = await queries.update_effect(tx, account_id, effect, is_limited=is_limited or effect is AccountEffect.LIMITED)
    if changed:
        tx.tell(AccountChanged(account_id=account_id))
    return changed


async def hide_leaving(tx: WriteTx, account_id: int) -> bool:
    """Hides an account that is leaving; returns whether anything changed. Tells account.changed.

    Only `hide_leaving_account` of posts calls this, for the same reason.
    """
    changed = await queries.hide_leaving(tx, account_id)
    if changed:
        tx.tell(AccountChanged(account_id=account_id))
    return changed


async def show_staying(tx: WriteTx, account_id: int) -> bool:
    """Shows an account again whose deletion was cancelled; returns whether anything changed. Tells account.changed."""
    changed = await queries.show_staying(tx, account_id)
    if changed:
        tx.tell(AccountChanged(account_id=account_id))
    return changed


async def delete_account(tx: WriteTx, account_id: int, *, keeps_name: bool = True) -> None:
    """Deletes the row of an account, the last step of its removal: `departures` has removed and counted what belonged to it.

    Records of moderation stay. Nobody can take the name again, unless it was never used. Tells account.deleted.
    """
    if await queries.delete_account(tx, account_id, keeps_name=keeps_name):
        tx.tell(AccountDeleted(account_id=account_id))


def _check_profile(account: Account, display_name: str, bio: str, fields: Sequence[ProfileField]) -> None:
    errors = []
    if count_characters(display_name) > LONGEST_NAME:
        errors.append(FieldError(
            "display_name", "too_long",
            Plural("A name has at most %(limit)d character.", "A name has at most %(limit)d characters.", "limit"),
            {"limit": LONGEST_NAME},
        ))
    if display_name != account.display_name and looks_official(display_name):
        errors.append(FieldError("display_name", "reserved", "This name is kept for the network itself. Please choose another one."))
    if len(bio) > LONGEST_STORED_BIO or formatting.count_characters(bio) > LONGEST_BIO:
        errors.append(FieldError("bio", "too_long", TEXT_TOO_LONG, {"limit": LONGEST_BIO}))
    if len(fields) > MOST_FIELDS:
        errors.append(FieldError(
            "fields", "too_many",
            Plural("A profile can have at most %(limit)d extra row.", "A profile can have at most %(limit)d extra rows.", "limit"),
            {"limit": MOST_FIELDS},
        ))
    if any(max(count_characters(field.name), count_characters(field.value)) > LONGEST_FIELD for field in fields):
        errors.append(FieldError(
            "fields", "too_long", Plural("A row has at most %(limit)d character.", "A row has at most %(limit)d characters.", "limit"),
            {"limit": LONGEST_FIELD},
        ))
    if errors:
        raise Invalid(*errors)


def _profile_texts(account: Account) -> tuple[object, ...]:
    """The texts of a profile that others read."""
    return account.display_name, account.bio, [(field.name, field.value) for field in account.fields]


def _field_html(value: str, base_url: str) -> str:
    html = formatting.render(value, base_url=base_url)
    return html.removeprefix("<p>").removesuffix("</p>")


def search_words_of(account: Account) -> list[str]:
    """The words by which search finds an account: its names, and the parts of a name with underscores."""
    return [account.username.lower(), *search_words(f"{account.username.replace('_', ' ')} {account.display_name}")]
