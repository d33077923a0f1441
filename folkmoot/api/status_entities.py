"""Fills the wire shapes of statuses from posts. The shapes are declared in `status_shapes.py`.

A status is rendered once into a *fragment*: its JSON without the parts that depend on the viewer or change often.
A page is assembled from fragments: counts, the viewer's flags, quotes and the poll are inserted between their bytes.
"""

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Self, cast

import msgspec
from msgspec import UNSET, UnsetType

from folkmoot.api import status_shapes as shapes
from folkmoot.api.card_entities import CardEntities
from folkmoot.api.filter_shapes import results
from folkmoot.api.media_entities import MediaEntities
from folkmoot.api.status_fragments import Fragment, approval_json, counts_json, flags_json
from folkmoot.api.words import QUOTE_STATE, VISIBILITY, moment
from folkmoot.base import clock
from folkmoot.base.i18n import Translator
from folkmoot.http.fragments import Quotes
from folkmoot.http.urls import Urls
from folkmoot.moderation.clauses.published import clause_of
from folkmoot.network.filters.matching import FilterSet
from folkmoot.network.filters.model import matter_of
from folkmoot.network.posts.model import (
    MAY_QUOTE,
    Mark,
    Marks,
    Poll,
    Post,
    PostCounts,
    PostView,
    QuoteFacts,
    QuoteState,
    QuoteView,
    Visibility,
)
from folkmoot.network.posts.queries import Edit
from folkmoot.network.timelines.model import Entry

_encode = msgspec.json.Encoder().encode
_NO_QUOTE = b',"quote":null'
_PLAIN = 5  # pieces of a status without a boost, a poll or a quote
_MOST_WHOLE = 2_000  # whole statuses in memory, 2 kB each


class StatusEntities(CardEntities, MediaEntities):
    """Creates wire shapes of statuses, with the URLs and translations of this network. With `filters`, of one viewer: statuses tell
    which of them apply."""

    def __init__(self, urls: Urls, translators: Mapping[str, Translator]) -> None:
        super().__init__(urls)
        self._translators = translators
        self._filters: FilterSet | None = None
        # Whole statuses as all members see them who have the same marks and are not the author, while their fragments are these.
        self._whole: dict[tuple[int, ...], tuple[Fragment, bytes]] = {}

    def filtered_by(self, filters: FilterSet | None) -> Self:
        """The same for a viewer with these filters."""
        if filters is None:
            return self
        filtered = copy.copy(self)
        filtered._filters = filters
        return filtered

    def translator(self, language: str | None) -> Translator:
        return self._translators.get(language or "en", self._translators["en"])

    # -- statuses ------------------------------------------------------------------------------------------------

    def fragment(self, post: Post) -> Fragment:
        """The part of a status that is the same for everybody."""
        urls = self._urls
        shape = shapes.StatusBody(
            id=str(post.id),
            created_at=moment(post.created_at),
            in_reply_to_id=_id(post.reply_to_id),
            in_reply_to_account_id=_id(post.reply_to_account_id),
            sensitive=post.is_sensitive or post.label is not None,
            spoiler_text=self._cover(post),
            visibility=VISIBILITY[post.visibility],
            language=post.language,
            uri=urls.post_uri(post),
            url=urls.post(post),
            edited_at=moment(post.edited_at) if post.edited_at else None,
            content=self._content(post),
            account=self.account(post.author),
            media_attachments=[self.picture(post, picture) for picture in post.pictures],
            mentions=[
                shapes.Mention(id=str(who.account_id), username=who.username, url=f"{urls.base}/@{who.acct}", acct=who.acct)
                for who in post.mentions
            ],
            tags=[shapes.StatusTag(name=name, url=urls.hashtag(name)) for name in (post.hashtag_names if post.hashtags else ())],
            emojis=[],
            card=self.card(post.open_card) if post.open_card else None,
            application=shapes.StatusApplication(name=post.app_name, website=post.app_website or None) if post.app_name else None,
        )
        is_pinnable = post.boost_of_id is None and post.visibility != Visibility.DIRECT
        return Fragment(
            _encode(shape)[:-1], post.author.id, is_pinnable, post.poll, matter_of(post), post.quote is not None, post.quote_policy
        )

    def _content(self, post: Post) -> str:
        """The text; before it, for apps that do not know quotes, the address of the quoted post, which apps that know them hide.
        The address names nobody, and leads only those to the post who may see it."""
        if post.quoted_id is None:
            return post.html
        where = f"{self._urls.base}/posts/{post.quoted_id}"
        return f'<p class="quote-inline">RE: <a href="{where}" rel="nofollow noopener noreferrer">{where}</a></p>{post.html}'

    def _cover(self, post: Post) -> str:
        """The author's cover; for a labelled post, preceded by the rule, which apps show in the same place."""
        if post.label is None:
            return post.cover
        translator = self.translator(post.language)
        clause = clause_of(post.label)
        rule = translator.sentence("Rule %(number)s: %(title)s", {"number": clause.number, "title": clause.title[translator.language]})
        return " · ".join(filter(None, [rule, post.cover]))

    def spliced_page(
        self, entries: Iterable[tuple[Entry, Fragment, Fragment | None]], viewer_id: int | None, quotes: Quotes[Fragment] | None = None
    ) -> bytes:
        """The JSON of a timeline, from entries with the fragments of the shown post and of the boost, and what the shown posts quote."""
        pieces: list[bytes] = []
        is_usual = viewer_id is not None and self._filters is None
        whole = self._whole if is_usual else {}
        quoted = {id_: self._quoted(*quote, viewer_id) for id_, quote in quotes.items()} if quotes else {}
        for entry, shown, boost in entries:
            found = whole.get(entry[2:10])  # versions, counts and the viewer's marks
            if found is not None and found[0] is shown and boost is None and shown[1] != viewer_id:  # shown.author_id
                pieces.append(found[1])
                continue
            shown_id, (replies, boosts, favourites, times_quoted, bits, choices) = entry[2], entry[5:11]
            # The viewer's own mark counts at once, before the counters are folded.
            counts = counts_json(replies, boosts or bits >> 1 & 1, favourites or bits & 1, times_quoted)
            quote = quoted.get(shown_id, _NO_QUOTE) if shown.has_quote else _NO_QUOTE
            parts = self._pieces(shown, boost, counts, bits, choices, viewer_id, quote)
            pieces += parts
            if is_usual and len(parts) == _PLAIN and not shown.has_quote and shown.author_id != viewer_id:
                self._keep_whole(entry[2:10], shown, b"".join(parts))
        if not pieces:
            return b"[]"
        pieces[0] = b"[" + pieces[0]
        pieces[-1] = pieces[-1][:-1] + b"]"  # instead of the last comma; it may be the same piece
        return b"".join(pieces)

    def _keep_whole(self, key: tuple[int, ...], shown: Fragment, status: bytes) -> None:
        if len(self._whole) >= _MOST_WHOLE:
            self._whole.clear()
        self._whole[key] = shown, status

    def status_bytes(self, view: PostView, viewer_id: int | None) -> bytes:
        """One status as one viewer sees it."""
        return b"".join(self._status(
            self.fragment(view.shown), self.fragment(view.post) if view.boosted else None, view.counts, view.marks, viewer_id,
            self._quote(view.quote, viewer_id) if view.quote else _NO_QUOTE,
        ))[:-1]

    def _status(
        self, shown: Fragment, boost: Fragment | None, counts: PostCounts, marks: Marks, viewer_id: int | None, quote: bytes
    ) -> tuple[bytes, ...]:
        totals = counts_json(counts.replies, counts.boosts, counts.favourites, counts.quotes)
        return self._pieces(shown, boost, totals, marks.bits, marks.choices, viewer_id, quote)

    def _pieces(
        self, shown: Fragment, boost: Fragment | None, counts: bytes, bits: int, choices: Sequence[int] | None, viewer_id: int | None,
        quote: bytes,
    ) -> tuple[bytes, ...]:
        """The JSON of a status and a comma, in pieces, so that a page is joined, and its bytes copied, only once."""
        head, author_id, is_pinnable, asked, _, _, policy = shown
        if viewer_id is None:
            flags = outer = approval_json(policy, False)
        else:
            is_own = author_id == viewer_id
            may_quote = is_pinnable if is_own else bool(bits & MAY_QUOTE)
            flags = flags_json(bits, is_own and is_pinnable, policy, may_quote)
            outer = flags if boost is None or not is_own else flags_json(bits, False, policy, may_quote)
            if self._filters is not None:
                flags, outer = [self._filtered(self._filters, one, shown, boost) for one in (flags, outer)]
        if boost is None and asked is None:
            return head, counts, flags, quote, b',"reblog":null,"poll":null},'
        poll = b"null" if asked is None else _encode(self.poll(asked, bits, choices, viewer_id, author_id))
        if boost is None:
            return head, counts, flags, quote, b',"reblog":null,"poll":', poll, b"},"
        return (
            boost.head, counts, outer, _NO_QUOTE, b',"poll":null,"reblog":', head, counts, flags, quote, b',"reblog":null,"poll":', poll,
            b"}},",
        )

    @staticmethod
    def _filtered(filters: FilterSet, flags: bytes, shown: Fragment, boost: Fragment | None) -> bytes:
        """The flags with the filters that apply. Those of boost and boosted status are the same."""
        matches = filters.matches(shown.matter, shown.author_id, boost.matter.post_id if boost else None)
        return flags[:-2] + _encode(results(matches)) if matches else flags

    def _quote(self, quote: QuoteView, viewer_id: int | None) -> bytes:
        view = quote.view
        if view is None:
            return _quote_json(quote.state)
        inner = self.shallow_quote(view.quote)
        pieces = self._status(self.fragment(view.post), None, view.counts, view.marks, viewer_id, _shallow_json(inner))
        return _quote_json(quote.state, pieces)

    def _quoted(self, facts: QuoteFacts, shown: Fragment | None, viewer_id: int | None) -> bytes:
        """The same, from a fragment."""
        if shown is None:
            return _quote_json(facts.state)
        inner = self.shallow_quote(QuoteView(state=facts.inner_state, post_id=facts.inner_id) if facts.inner_state else None)
        pieces = self._status(shown, None, facts.counts, facts.marks, viewer_id, _shallow_json(inner))
        return _quote_json(facts.state, pieces)

    def shallow_quote(self, quote: QuoteView | None) -> shapes.ShallowQuote | UnsetType:
        return shapes.ShallowQuote(state=QUOTE_STATE[quote.state], quoted_status_id=_id(quote.post_id)) if quote else UNSET

    def status(self, view: PostView, viewer_id: int | None) -> shapes.Status:
        """A status inside another entity, already rendered: the encoder copies its bytes."""
        return cast(shapes.Status, msgspec.Raw(self.status_bytes(view, viewer_id)))

    def statuses(self, views: Iterable[PostView], viewer_id: int | None) -> list[shapes.Status]:
        return [self.status(view, viewer_id) for view in views]

    def poll(self, poll: Poll, bits: int, choices: Sequence[int] | None, viewer_id: int | None, author_id: int) -> shapes.Poll:
        is_over = poll.is_expired(clock.now())
        hides = poll.hides_totals and not is_over
        return shapes.Poll(
            id=str(poll.id),
            expires_at=moment(poll.expires_at) if poll.expires_at else None,
            expired=is_over,
            multiple=poll.is_multiple,
            votes_count=sum(poll.votes),
            voters_count=poll.voters,
            options=[
                shapes.PollOption(title=title, votes_count=None if hides else votes)
                for title, votes in zip(poll.titles, poll.votes, strict=True)
            ],
            emojis=[],
            voted=UNSET if viewer_id is None else bool(bits & Mark.VOTED) or viewer_id == author_id,
            own_votes=UNSET if viewer_id is None else list(choices or ()),
        )

    def edit(self, edit: Edit, view: PostView) -> shapes.StatusEdit:
        """A version, with its pictures that still exist and their descriptions at that time."""
        post = view.shown
        current_pictures = {picture.id: picture for picture in post.pictures}
        pictures = [
            msgspec.structs.replace(current_pictures[id_], description=description)
            for id_, description in edit.pictures if id_ in current_pictures
        ]
        titles = edit.poll_titles
        return shapes.StatusEdit(
            content=edit.html, spoiler_text=edit.cover, sensitive=edit.is_sensitive, created_at=moment(edit.created_at),
            account=self.account(post.author), media_attachments=[self.picture(post, picture) for picture in pictures], emojis=[],
            poll=shapes.EditPoll(options=[shapes.EditPollOption(title=title) for title in titles]) if titles else UNSET,
            quote=self.shallow_quote(view.quote),
        )

    def only_version(self, view: PostView) -> shapes.StatusEdit:
        """The history of a post that was never edited."""
        post = view.shown
        return shapes.StatusEdit(
            content=post.html, spoiler_text=self._cover(post), sensitive=post.is_sensitive or post.label is not None,
            created_at=moment(post.created_at), account=self.account(post.author),
            media_attachments=[self.picture(post, picture) for picture in post.pictures], emojis=[],
            quote=self.shallow_quote(view.quote),
        )


def _quote_json(state: QuoteState, status: tuple[bytes, ...] = (b"null,",)) -> bytes:
    """`status`: its JSON and a comma, in pieces."""
    return b',"quote":{"state":"%s","quoted_status":%s}' % (QUOTE_STATE[state].encode(), b"".join(status)[:-1])


def _shallow_json(quote: shapes.ShallowQuote | UnsetType) -> bytes:
    return _NO_QUOTE if quote is UNSET else b',"quote":' + _encode(quote)


def _id(value: int | None) -> str | None:
    return str(value) if value else None  # 0: an account that is deleted
