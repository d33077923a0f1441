"""The verbs of lists. They write no events: a list changes nothing for anybody but its owner."""

from collections.abc import Sequence

from folkmoot.base import ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import FieldError, Invalid, NotFound, Plural
from folkmoot.base.text import clean_line
from folkmoot.network.accounts.model import Account
from folkmoot.network.lists import queries
from folkmoot.network.lists.model import LONGEST_TITLE, MOST_LISTS, MOST_MEMBERS, List, ListDraft, Replies

_TOO_MANY_LISTS = Plural("You can have %(limit)d list.", "You can have %(limit)d lists.", "limit")
_TOO_MANY_MEMBERS = Plural("A list has at most %(limit)d account.", "A list has at most %(limit)d accounts.", "limit")
_TOO_LONG = Plural("A name has at most %(limit)d character.", "A name has at most %(limit)d characters.", "limit")


async def create_list(tx: WriteTx, owner: Account, draft: ListDraft) -> List:
    """Creates an empty list. Raises Invalid for a title that is empty or too long, and for one list too many."""
    title = _title(draft.title or "")
    await queries.lock_owner(tx, owner.id)
    if await queries.count_lists(tx, owner.id) >= MOST_LISTS:
        raise Invalid(FieldError("title", "too_many", _TOO_MANY_LISTS, {"limit": MOST_LISTS}))

    created = List(id=ids.make_id(ids.shard_of(owner.id)), title=title, replies=draft.replies or Replies.LIST)
    await queries.insert_list(tx, owner.id, created)
    return created


async def change_list(tx: WriteTx, owner: Account, list_id: int, draft: ListDraft) -> List:
    """Changes the title of a list or which replies it shows. Raises NotFound for a list of another member, and Invalid."""
    before = await queries.get_list(tx, owner.id, list_id)
    title = before.title if draft.title is None else _title(draft.title)

    changed = List(id=list_id, title=title, replies=draft.replies or before.replies)
    await queries.update_list(tx, owner.id, changed)
    return changed


async def delete_list(tx: WriteTx, owner: Account, list_id: int) -> None:
    """Deletes a list; its members are still followed. Raises NotFound for a list of another member."""
    if not await queries.delete_list(tx, owner.id, list_id):
        raise NotFound


async def add_to_list(tx: WriteTx, owner: Account, list_id: int, account_ids: Sequence[int]) -> None:
    """Adds accounts to a list, all or none. Raises NotFound for a list of another member and for an account that the member
    does not follow, and Invalid if the list would be too long."""
    wanted = list(dict.fromkeys(account_ids))
    await queries.lock_owner(tx, owner.id)
    await queries.get_list(tx, owner.id, list_id)
    if await queries.count_followed(tx, owner.id, wanted) < len(wanted):
        raise NotFound

    await queries.insert_members(tx, owner.id, list_id, wanted)
    if await queries.count_members(tx, list_id) > MOST_MEMBERS:
        raise Invalid(FieldError("account_ids", "too_many", _TOO_MANY_MEMBERS, {"limit": MOST_MEMBERS}))


async def remove_from_list(tx: WriteTx, owner: Account, list_id: int, account_ids: Sequence[int]) -> None:
    """Removes accounts from a list. Raises NotFound for a list of another member."""
    await queries.get_list(tx, owner.id, list_id)

    await queries.delete_members(tx, owner.id, list_id, account_ids)


def _title(text: str) -> str:
    title = clean_line(text)
    if not title:
        raise Invalid(FieldError("title", "blank", "A list needs a name."))
    if len(title) > LONGEST_TITLE:
        raise Invalid(FieldError("title", "too_long", _TOO_LONG, {"limit": LONGEST_TITLE}))
    return title
