"""The ids of announcements, and the payload of their live event. `announcements.py` has the endpoints."""

from folkmoot.api.network_shapes import ReactionCount
from folkmoot.moderation.clauses.model import ReactionCounted, order_of


def announcement_id(version: str) -> str:
    """Apps expect a number: the day of the version, and its number on that day in two digits."""
    day, number = order_of(version)
    return f"{day.replace('-', '')}{number:02}"


def counted_entity(reaction: ReactionCounted) -> ReactionCount:
    return ReactionCount(announcement_id=announcement_id(reaction.version), name=reaction.emoji, count=reaction.count)
