"""The verbs of filters. They write no events: a filter changes nothing for anybody but its owner.

Every change gives the member's filters a new version and drops the cached viewers, so that all processes apply it at the next
request; open streams are told. Changes of one member wait for each other, so that they cannot pass a maximum together.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import msgspec

from folkmoot.base import clock, ids
from folkmoot.base.db import Database, WriteTx
from folkmoot.base.errors import FieldError, Invalid, NotFound, Plural
from folkmoot.base.text import clean_line, count_characters
from folkmoot.network.accounts.model import Account
from folkmoot.network.filters import queries
from folkmoot.network.filters.model import (
    KEPT_AFTER_EXPIRY,
    LONGEST_EXPIRY,
    LONGEST_KEYWORD,
    LONGEST_TITLE,
    MOST_FILTERS,
    MOST_KEYWORDS,
    MOST_LETTERS,
    MOST_POSTS,
    Filter,
    FilterContext,
    FilterDraft,
    FilteredPost,
    Keyword,
    KeywordDraft,
    topic,
)
from folkmoot.network.filters.words import pattern
from folkmoot.network.posts.queries import get_post_view
from folkmoot.network.sessions.model import LOGINS_TOPIC

_TITLE_TOO_LONG = Plural("A name has at most %(limit)d character.", "A name has at most %(limit)d characters.", "limit")
_WORD_TOO_LONG = Plural(
    "A word to filter has at most %(limit)d character.", "A word to filter has at most %(limit)d characters.", "limit"
)
_TOO_MANY_FILTERS = Plural("You can have %(limit)d filter.", "You can have %(limit)d filters.", "limit")
_TOO_MANY_WORDS = Plural(
    "All your filters together have at most %(limit)d word.", "All your filters together have at most %(limit)d words.", "limit"
)
_TOO_MANY_LETTERS = Plural(
    "The words of all your filters together have at most %(limit)d character.",
    "The words of all your filters together have at most %(limit)d characters.", "limit",
)
_TOO_MANY_POSTS = Plural(
    "All your filters together have at most %(limit)d post.", "All your filters together have at most %(limit)d posts.", "limit"
)
_BATCH = 1000


async def create_filter(tx: WriteTx, owner: Account, draft: FilterDraft) -> Filter:
    """Creates a filter. Raises Invalid, and NotFound for a keyword with an id: there is none yet."""
    await _begin_change(tx, owner)
    new = _changed(Filter(id=ids.make_id(ids.shard_of(owner.id)), title="", contexts=()), draft)
    keywords = _keywords(owner, (), draft.keywords)

    await queries.insert_filter(tx, owner.id, new)
    await queries.upsert_keywords(tx, new.id, keywords)
    await _require_room(tx, owner)
    return await queries.get_filter(tx, owner.id, new.id)


async def change_filter(tx: WriteTx, owner: Account, filter_id: int, draft: FilterDraft) -> Filter:
    """Changes a filter, and adds, changes or removes keywords. Raises NotFound for a filter of another member and a keyword of another
    filter, and Invalid."""
    await _begin_change(tx, owner)
    before = await queries.get_filter(tx, owner.id, filter_id)
    changed = _changed(before, draft)
    keywords = _keywords(owner, before.keywords, draft.keywords)

    await queries.update_filter(tx, owner.id, changed)
    await queries.delete_keywords(tx, filter_id, [one.id for one in draft.keywords if one.is_removed and one.id])
    await queries.upsert_keywords(tx, filter_id, keywords)
    await _require_room(tx, owner)
    return await queries.get_filter(tx, owner.id, filter_id)


async def delete_filter(tx: WriteTx, owner: Account, filter_id: int) -> None:
    """Deletes a filter with its keywords and posts. Raises NotFound for a filter of another member."""
    await _begin_change(tx, owner)
    if not await queries.delete_filter(tx, owner.id, filter_id):
        raise NotFound


async def add_keyword(tx: WriteTx, owner: Account, filter_id: int, draft: KeywordDraft) -> Keyword:
    """Adds a keyword to a filter. Raises NotFound for a filter of another member, and Invalid."""
    await _begin_change(tx, owner)
    await queries.get_filter(tx, owner.id, filter_id)
    [new] = _keywords(owner, (), (draft,))

    await queries.upsert_keywords(tx, filter_id, [new])
    await _require_room(tx, owner)
    return new


async def change_keyword(tx: WriteTx, owner: Account, keyword_id: int, draft: KeywordDraft) -> Keyword:
    """Changes a keyword. Raises NotFound for a keyword of another member, and Invalid."""
    await _begin_change(tx, owner)
    found = await queries.get_filter_of_keyword(tx, owner.id, keyword_id)
    [changed] = _keywords(owner, found.keywords, (msgspec.structs.replace(draft, id=keyword_id),))

    await queries.upsert_keywords(tx, found.id, [changed])
    await _require_room(tx, owner)
    return changed


async def remove_keyword(tx: WriteTx, owner: Account, keyword_id: int, *, with_filter: bool = False) -> None:
    """Removes a keyword; `with_filter`: also its filter, if nothing is left in it. Raises NotFound for a keyword of another member."""
    await _begin_change(tx, owner)
    found = await queries.get_filter_of_keyword(tx, owner.id, keyword_id)

    if with_filter and len(found.keywords) == 1 and not found.posts:
        await queries.delete_filter(tx, owner.id, found.id)
    else:
        await queries.delete_keywords(tx, found.id, [keyword_id])


async def filter_post(tx: WriteTx, owner: Account, filter_id: int, post_id: int) -> FilteredPost:
    """Adds a post to a filter; one that is in it already stays. Raises NotFound for a filter of another member and for a post that the
    member may not see, and Invalid for one too many."""
    await _begin_change(tx, owner)
    found = await queries.get_filter(tx, owner.id, filter_id)
    await get_post_view(tx, post_id, owner.id)
    present = next((one for one in found.posts if one.post_id == post_id), None)
    new = present or FilteredPost(id=ids.make_id(ids.shard_of(owner.id)), post_id=post_id)

    if not present:
        await queries.insert_post(tx, filter_id, new)
        await _require_room(tx, owner)
    return new


async def unfilter_post(tx: WriteTx, owner: Account, filtered_id: int) -> None:
    """Takes a post out of a filter. Raises NotFound for a filter of another member."""
    await _begin_change(tx, owner)
    found = await queries.get_filter_of_filtered(tx, owner.id, filtered_id)

    await queries.delete_post(tx, found.id, filtered_id)


async def choose_filters_of_post(tx: WriteTx, owner: Account, post_id: int, filter_ids: Collection[int]) -> None:
    """Puts a post into these filters and takes it out of the member's others. Raises as `filter_post`."""
    await _begin_change(tx, owner)
    present = {found.id: one for found in await queries.list_filters(tx, owner.id) for one in found.posts if one.post_id == post_id}

    for filter_id in sorted(set(filter_ids) - present.keys()):
        await filter_post(tx, owner, filter_id, post_id)
    for filter_id, filtered in present.items():
        if filter_id not in filter_ids:
            await queries.delete_post(tx, filter_id, filtered.id)


async def forget_expired(database: Database) -> None:
    """Deletes filters that expired a month ago, and filtered posts that are deleted. A timed job: neither has an effect any more."""
    before = clock.now() - KEPT_AFTER_EXPIRY
    async with database.write() as tx:
        await queries.delete_expired(tx, before, _BATCH)
    after: int | None = 0
    while after is not None:
        async with database.write() as tx:
            after = await queries.delete_lost_posts(tx, after, _BATCH)


async def _begin_change(tx: WriteTx, owner: Account) -> None:
    """Gives the filters a new version, which other changes wait for, and announces it after the commit."""
    version = await queries.update_version(tx, owner.id, ids.make_id(ids.shard_of(owner.id)))
    tx.publish(LOGINS_TOPIC, owner.id)
    tx.publish(topic(owner.id), version)


def _changed(before: Filter, draft: FilterDraft) -> Filter:
    errors: list[FieldError] = []
    title = before.title if draft.title is None else clean_line(draft.title)
    if not title:
        errors.append(FieldError("title", "blank", "A filter needs a name."))
    elif count_characters(title) > LONGEST_TITLE:
        errors.append(FieldError("title", "too_long", _TITLE_TOO_LONG, {"limit": LONGEST_TITLE}))
    contexts: Sequence[str] = before.contexts if draft.contexts is None else draft.contexts
    if not contexts or not set(contexts) <= set(FilterContext):
        errors.append(FieldError("contexts", "inclusion", "Choose where the filter applies."))
    if isinstance(draft.expires_in, int) and not 0 <= draft.expires_in <= LONGEST_EXPIRY:
        errors.append(FieldError("expires_in", "inclusion", "A filter cannot end at that time."))
    if errors:
        raise Invalid(*errors)
    return msgspec.structs.replace(
        before, title=title, contexts=tuple(context for context in FilterContext if context in contexts),
        action=draft.action or before.action, expires_at=_end(before, draft),
    )


def _end(before: Filter, draft: FilterDraft) -> datetime | None:
    """When the filter expires. 0 seconds mean never, as for apps that cannot send null."""
    if isinstance(draft.expires_in, msgspec.UnsetType):
        return before.expires_at
    return clock.now() + timedelta(seconds=draft.expires_in) if draft.expires_in else None


def _keywords(owner: Account, before: Sequence[Keyword], drafts: Sequence[KeywordDraft]) -> list[Keyword]:
    """The new and changed keywords. New ones get ids in their order."""
    present = {one.id: one for one in before}
    if any(one.id is not None and one.id not in present for one in drafts):
        raise NotFound
    kept = [one for one in drafts if not one.is_removed]
    new_ids = iter(sorted(ids.make_id(ids.shard_of(owner.id)) for one in kept if one.id is None))
    return [_keyword(one, present[one.id] if one.id is not None else Keyword(id=next(new_ids), text="")) for one in kept]


def _keyword(draft: KeywordDraft, before: Keyword) -> Keyword:
    text = before.text if draft.text is None else clean_line(draft.text)
    is_whole_word = before.is_whole_word if draft.is_whole_word is None else draft.is_whole_word
    if count_characters(text) > LONGEST_KEYWORD:
        raise Invalid(FieldError("keywords", "too_long", _WORD_TOO_LONG, {"limit": LONGEST_KEYWORD}))
    if not pattern(text, is_whole_word=is_whole_word):
        raise Invalid(FieldError("keywords", "blank", "Write a word to filter."))
    return Keyword(id=before.id, text=text, is_whole_word=is_whole_word)


async def _require_room(tx: WriteTx, owner: Account) -> None:
    """Raises Invalid if the member now has more than filters can hold."""
    filters = await queries.list_filters(tx, owner.id)
    keywords = [keyword for one in filters for keyword in one.keywords]
    for field, sentence, count, limit in (
        ("title", _TOO_MANY_FILTERS, len(filters), MOST_FILTERS),
        ("keywords", _TOO_MANY_WORDS, len(keywords), MOST_KEYWORDS),
        ("keywords", _TOO_MANY_LETTERS, sum(len(pattern(one.text, is_whole_word=False)) for one in keywords), MOST_LETTERS),
        ("posts", _TOO_MANY_POSTS, sum(len(one.posts) for one in filters), MOST_POSTS),
    ):
        if count > limit:
            raise Invalid(FieldError(field, "too_many", sentence, {"limit": limit}))
