"""Validates a draft and turns it into a post. Pure functions without a database.

Used for new posts and for edits. The caller first reads what the draft refers to (`queries/material.py`) and stores the
post afterwards (`queries/writing.py`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from folkmoot.base import formatting, ids
from folkmoot.base.errors import FieldError, Invalid, Plural
from folkmoot.base.handles import local_handle
from folkmoot.base.languages import language_of
from folkmoot.base.text import clean, clean_line, count_characters, without_invisible
from folkmoot.base.tokens import hashtag_key, hashtags_of
from folkmoot.network.accounts.model import Account
from folkmoot.network.posts.material import Material
from folkmoot.network.posts.model import Mention, Poll, PollDraft, Post, PostDraft, Quote, QuotePolicy, Visibility

LONGEST_STORED = 50_000  # as in the schema: a URL counts as 23 characters, but is stored whole
LONGEST_COVER = 6_000  # as in the schema
LONGEST_KEY = 200


@dataclass(frozen=True)
class PostLimits:
    """The limits of a post. Times in seconds."""

    max_characters: int = 500
    max_pictures: int = 4
    max_options: int = 4
    max_option_characters: int = 50
    shortest_poll: int = 300
    longest_poll: int = 2_629_746
    base_url: str = ""

    @property
    def domain(self) -> str:
        return self.base_url.partition("://")[2]


def check_draft(draft: PostDraft, limits: PostLimits, before: Post | None = None) -> PostDraft:
    """The draft with clean texts and a known language (an unknown one loses no post). `before`: the edited post.

    Raises Invalid with all faults that can be found without the database.
    """
    poll = draft.poll
    if poll:
        poll = msgspec.structs.replace(poll, titles=tuple(filter(None, map(clean_line, poll.titles))))
    draft = msgspec.structs.replace(
        draft, text=clean(draft.text), cover=clean_line(draft.cover), poll=poll, media_ids=tuple(dict.fromkeys(draft.media_ids)),
        language=draft.language and language_of(draft.language),
    )
    keeps_poll = poll and before and before.poll and before.poll.has_answers_of(poll)
    poll_errors = _poll_errors(poll, limits) if poll and not keeps_poll else []
    is_quoting = bool(before.quote if before else draft.quoted_id)
    errors = _text_errors(draft, limits, is_quoting=is_quoting) + _part_errors(draft, limits) + poll_errors
    if errors:
        raise Invalid(*errors)
    return draft


def _text_errors(draft: PostDraft, limits: PostLimits, *, is_quoting: bool) -> list[FieldError]:
    if not draft.text and not draft.media_ids and not draft.poll and not is_quoting:
        return [FieldError("text", "blank", "There is nothing to send yet.")]
    length = len(draft.text) + len(draft.cover)
    if len(draft.text) <= LONGEST_STORED:  # a longer text is too long in any case
        length = formatting.count_characters(draft.text) + count_characters(draft.cover)
    if length > limits.max_characters or len(draft.cover) > LONGEST_COVER:
        over = max(1, length - limits.max_characters)
        return [FieldError(
            "text", "too_long", Plural("The text is %(over)d character too long.", "The text is %(over)d characters too long.", "over"),
            {"over": over},
        )]
    return []


def _part_errors(draft: PostDraft, limits: PostLimits) -> list[FieldError]:
    errors = []
    if len(draft.media_ids) > limits.max_pictures:
        errors.append(FieldError(
            "media_ids", "too_many",
            Plural("A post can have at most %(limit)d picture.", "A post can have at most %(limit)d pictures.", "limit"),
            {"limit": limits.max_pictures},
        ))
    if draft.media_ids and draft.poll:
        errors.append(FieldError("poll", "invalid", "A post can have pictures or a poll, but not both."))
    if draft.idempotency_key and len(draft.idempotency_key) > LONGEST_KEY:
        errors.append(FieldError("idempotency_key", "too_long", "The Idempotency-Key is too long."))
    return errors


def _poll_errors(poll: PollDraft, limits: PostLimits) -> list[FieldError]:
    errors = []
    if len(poll.titles) < 2:
        errors.append(FieldError("poll", "too_few", "A poll needs at least two answers."))
    if len(poll.titles) > limits.max_options:
        errors.append(FieldError(
            "poll", "too_many", Plural("A poll can have at most %(limit)d answer.", "A poll can have at most %(limit)d answers.", "limit"),
            {"limit": limits.max_options},
        ))
    longest = limits.max_option_characters
    if any(count_characters(title) > longest for title in poll.titles):
        errors.append(FieldError(
            "poll", "too_long",
            Plural("An answer has at most %(limit)d character.", "An answer has at most %(limit)d characters.", "limit"),
            {"limit": longest},
        ))
    if len(set(map(without_invisible, poll.titles))) < len(poll.titles):
        errors.append(FieldError("poll", "invalid", "The answers of a poll are all different."))
    seconds = poll.expires_in or 0
    if seconds < limits.shortest_poll:
        errors.append(FieldError("poll", "inclusion", "A poll lasts at least five minutes."))
    elif seconds > limits.longest_poll:
        errors.append(FieldError("poll", "inclusion", "A poll lasts at most a month."))
    return errors


def compose(author: Account, draft: PostDraft, material: Material, limits: PostLimits, now: datetime) -> Post:
    """Turns a checked draft into a post with a new id."""
    parent, quoted = material.parent, material.quoted.shown if material.quoted else None
    id_, visibility = ids.make_id(ids.shard_of(author.id), now), _visibility(draft, parent, quoted)
    empty = Post(
        id=id_, author=author, visibility=visibility, conversation_id=parent.conversation_id if parent else id_,
        reply_to_id=parent.id if parent else None, reply_to_account_id=parent.author.id if parent else None, created_at=now,
        poll=_new_poll(author, draft.poll, now) if draft.poll else None, language=draft.language or None,
        quote=Quote(quoted.id, quoted.author.id) if quoted else None, quote_policy=_quote_policy(draft.quote_policy, visibility),
    )
    return _with_content(empty, draft, material, limits)


def require_audience(post: Post, material: Material) -> None:
    """Raises Invalid for a direct post that nobody would get, with the names in it that belong to nobody.

    A post that names its own author is a note to oneself, and so is a reply to one that names nobody. Somebody who blocks
    the author counts as reached: the author must not learn of the block from this.
    """
    if post.visibility != Visibility.DIRECT or material.names_somebody or _continues_note(post, material):
        return
    if material.unknown:
        names = ", ".join(material.unknown)
        raise Invalid(FieldError("text", "invalid", "Nobody here is called %(names)s, so nobody would get this.", {"names": names}))
    raise Invalid(FieldError(
        "text", "invalid", "This names nobody, so nobody would get it. Write a name with @ in front; your own makes it a note to yourself."
    ))


def require_quoted_among_readers(post: Post, quoted: Post) -> None:
    """Raises Invalid for a private message that quotes somebody who does not get it."""
    readers = {post.author.id, *(mention.account_id for mention in post.mentions)}
    if post.visibility == Visibility.DIRECT and quoted.author.id not in readers:
        raise Invalid(FieldError("quoted_id", "invalid", "A private message can quote only those who get it. Name the author with @."))


def _continues_note(post: Post, material: Material) -> bool:
    parent = material.parent
    if parent is None or parent.visibility != Visibility.DIRECT or material.unknown:
        return False
    return {parent.author.id, *(mention.account_id for mention in parent.mentions)} == {post.author.id}


def recompose(before: Post, draft: PostDraft, material: Material, limits: PostLimits, now: datetime) -> Post:
    """The next version of a post. The visibility stays; a poll with changed answers is replaced by a new one."""
    after = msgspec.structs.replace(
        before, language=before.language if draft.language is None else draft.language or None,
        poll=_changed_poll(before, draft.poll, now), version=before.version + 1, edited_at=now,
        quote_policy=before.quote_policy if draft.quote_policy is None else _quote_policy(draft.quote_policy, before.visibility),
    )
    return _with_content(after, draft, material, limits)


def _with_content(post: Post, draft: PostDraft, material: Material, limits: PostLimits) -> Post:
    """The post with the texts and pictures of the draft, and the fields derived from them."""
    known = {(one.username.lower(), one.domain): one.url or f"{limits.base_url}/@{one.acct}" for one in material.people}
    return msgspec.structs.replace(
        post, text=draft.text, cover=draft.cover, is_sensitive=draft.is_sensitive or bool(draft.cover), pictures=material.pictures,
        html=formatting.render(
            draft.text, base_url=limits.base_url,
            mention_url=lambda name, domain: known.get(local_handle(name, domain, limits.domain)),
        ),
        mentions=tuple(Mention(account.id, account.username, account.domain) for account in material.people),
        hashtags=tuple(map(hashtag_key, hashtags_of(draft.text))),
    )


def _visibility(draft: PostDraft, parent: Post | None, quoted: Post | None) -> Visibility:
    """The chosen visibility; else the default, but for a reply never more open than the post it answers. A followers-only post
    that its author quotes stays among followers."""
    visibility = draft.default_visibility if draft.visibility is None else draft.visibility
    if parent and draft.visibility is None:
        visibility = max(visibility, parent.visibility)
    return max(visibility, Visibility.FOLLOWERS) if quoted and quoted.visibility >= Visibility.FOLLOWERS else visibility


def _quote_policy(wanted: QuotePolicy | None, visibility: Visibility) -> QuotePolicy:
    """Nobody else may quote what not everybody may see."""
    if visibility > Visibility.UNLISTED:
        return QuotePolicy.NOBODY
    return QuotePolicy.PUBLIC if wanted is None else wanted


def _changed_poll(before: Post, draft: PollDraft | None, now: datetime) -> Poll | None:
    """The old poll, with its votes and its end, if its answers are the same; else a new poll."""
    if draft is None:
        return None
    old = before.poll
    if old is None or not old.has_answers_of(draft):
        return _new_poll(before.author, draft, now)
    return old if draft.hides_totals is None else msgspec.structs.replace(old, hides_totals=draft.hides_totals)


def _new_poll(author: Account, draft: PollDraft, now: datetime) -> Poll:
    return Poll(
        id=ids.make_id(ids.shard_of(author.id), now), titles=draft.titles, votes=(0,) * len(draft.titles), voters=0,
        is_multiple=draft.is_multiple, hides_totals=bool(draft.hides_totals), expires_at=now + timedelta(seconds=draft.expires_in or 0),
    )
