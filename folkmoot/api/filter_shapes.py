"""The wire shapes of filters, in both versions, and what fills them."""

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta

from folkmoot.api.account_shapes import Id, Moment, Shape
from folkmoot.api.words import moment
from folkmoot.network.filters import model
from folkmoot.network.filters.model import FilterAction, Match

ContextWord = Literal["home", "notifications", "public", "thread", "account"]
ActionWord = Literal["warn", "hide", "blur"]


class FilterKeyword(Shape, kw_only=True):
    id: Id
    keyword: str
    whole_word: bool


class FilterStatus(Shape, kw_only=True):
    id: Id
    status_id: Id


class MatchedFilter(Shape, kw_only=True):
    """A filter as it stands in statuses."""

    id: Id
    title: str
    context: list[ContextWord]
    expires_at: Moment | None
    filter_action: ActionWord


class Filter(MatchedFilter, kw_only=True):
    keywords: list[FilterKeyword]
    statuses: list[FilterStatus]


class FilterResult(Shape, kw_only=True):
    """A filter that applies to a status. Apps act on it where its `context` contains the place in which they show the status."""

    filter: MatchedFilter
    keyword_matches: Annotated[list[str] | None, Meta(description="The keywords that matched, as they were written.")]
    status_matches: Annotated[list[Id] | None, Meta(description="The ids of the status or boost, if it is filtered itself.")]


class OldFilter(Shape, kw_only=True):
    """One keyword of a filter."""

    id: Id
    phrase: str
    context: list[ContextWord]
    whole_word: bool
    expires_at: Moment | None
    irreversible: bool


def keyword(one: model.Keyword) -> FilterKeyword:
    return FilterKeyword(id=str(one.id), keyword=one.text, whole_word=one.is_whole_word)


def filtered_status(one: model.FilteredPost) -> FilterStatus:
    return FilterStatus(id=str(one.id), status_id=str(one.post_id))


def whole_filter(found: model.Filter) -> Filter:
    return Filter(
        id=str(found.id), title=found.title, context=_words(found), expires_at=_end(found), filter_action=found.action.value,
        keywords=list(map(keyword, found.keywords)), statuses=list(map(filtered_status, found.posts)),
    )


def old_filter(found: model.Filter, one: model.Keyword) -> OldFilter:
    return OldFilter(
        id=str(one.id), phrase=one.text, context=_words(found), whole_word=one.is_whole_word, expires_at=_end(found),
        irreversible=found.action is FilterAction.HIDE,
    )


def results(matches: Sequence[Match]) -> list[FilterResult]:
    return [
        FilterResult(
            filter=MatchedFilter(
                id=str(match.filter.id), title=match.filter.title, context=_words(match.filter), expires_at=_end(match.filter),
                filter_action=match.filter.action.value,
            ),
            keyword_matches=list(match.keywords) or None, status_matches=list(map(str, match.post_ids)) or None,
        )
        for match in matches
    ]


def _words(found: model.Filter) -> list[ContextWord]:
    return [context.value for context in found.contexts]


def _end(found: model.Filter) -> str | None:
    return moment(found.expires_at) if found.expires_at else None
