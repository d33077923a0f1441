"""Announcements as apps get them, from their endpoint and on streams. `announcements.py` has the endpoints."""

from collections.abc import Sequence
from html import escape

from folkmoot.api.network_shapes import Announcement, AnnouncementReaction, ReactionCount
from folkmoot.api.words import moment
from folkmoot.base import clock
from folkmoot.base.i18n import Translator
from folkmoot.moderation.clauses.model import PublishedPolicy, Reaction, ReactionCounted, order_of
from folkmoot.moderation.clauses.published import NEWS_LASTS


def announcement_id(version: str) -> str:
    """Apps expect a number: the day of the version, and its number on that day in two digits."""
    day, number = order_of(version)
    return f"{day.replace('-', '')}{number:02}"


def counted_entity(reaction: ReactionCounted) -> ReactionCount:
    return ReactionCount(announcement_id=announcement_id(reaction.version), name=reaction.emoji, count=reaction.count)


def announcement_entity(translator: Translator, base_url: str, news: PublishedPolicy, reactions: Sequence[Reaction]) -> Announcement:
    """In the language of the translator."""
    is_in_force = news.in_force_at <= clock.now()
    words = translator.sentence("We have new rules.") if is_in_force else translator.sentence(
        "The rules change: %(when)s.", {"when": translator.full(news.in_force_at)}
    )
    changes = news.policy.changes.get(translator.language, "")
    content = [f"<p>{escape(words)}</p>", f"<p>{escape(changes)}</p>" if changes else "",
               f'<p><a href="{escape(f"{base_url}/rules/{news.version}")}">{escape(translator.sentence("What is new"))}</a></p>']
    return Announcement(
        id=announcement_id(news.version), content="".join(content), starts_at=None,
        ends_at=moment(news.in_force_at + NEWS_LASTS), all_day=False,
        published_at=moment(news.published_at), updated_at=moment(news.published_at), read=False, mentions=[], statuses=[], tags=[],
        emojis=[], reactions=[AnnouncementReaction(name=one.emoji, count=one.count, me=one.is_own) for one in reactions],
    )
