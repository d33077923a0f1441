"""What a notification says on a lock screen: a title and a line, in the language of the member.

Decisions of the network and calls to moderators have no content of what they are about.
"""

from typing import NamedTuple

from folkmoot.base.errors import Plural
from folkmoot.base.i18n import Translator
from folkmoot.network.notifications.model import Kind, Notification
from folkmoot.network.posts.model import PostEffect, Visibility
from folkmoot.network.web_push.model import Call, Content

_LONGEST = 140  # characters of the line


class Words(NamedTuple):
    """English sentences, translated when the message is composed."""

    title: str
    line: str = ""


_MESSAGE = Words("%(name)s wrote to you")
_TITLES = {
    Kind.MENTION: Words("%(name)s mentions you"),
    Kind.BOOST: Words("%(name)s boosted your post"),
    Kind.FAVOURITE: Words("%(name)s likes your post"),
    Kind.FOLLOW: Words("%(name)s follows you now"),
    Kind.FOLLOW_REQUEST: Words("%(name)s wants to follow you"),
    Kind.POLL: Words("A poll has ended"),
    Kind.POST: Words("%(name)s has written something"),
    Kind.UPDATE: Words("%(name)s edited a post that you boosted"),
    Kind.QUOTE: Words("%(name)s quotes your post"),
    Kind.QUOTED_UPDATE: Words("%(name)s edited a post that you quote"),
}
_FROM_NETWORK = {
    Kind.STATEMENT: Words("A decision about something of yours", "Open it to read why, and until when."),
    Kind.LIFTED: Words("A restriction is over"),
    Kind.REPORT: Words("There is a decision about what you reported"),
    Kind.APPEAL: Words("Your appeal was decided."),
    Kind.EXPORT: Words("Your archive is ready. You can fetch it for a week."),
    Kind.UNPUBLISHED: Words("A scheduled post was not published", "It is kept. Open it to read why."),
    Kind.SIGN_UP: Words("Somebody wants to join and waits for you."),
    Kind.JURY: Words("You are needed for a moment", "Open it to see what for."),  # others may see the screen
    Kind.RING: Words("Something about the jury needs you", "Open it to see what."),  # others may see the screen
    Kind.KEPT: Words("A post that you deleted is under review", "It is kept until there is a decision. Nobody else sees it."),
}
CALLS = {
    "cases_half": Words("Cases are waiting", Plural(
        "For %(count)d case half of the time to decide has passed.",
        "For %(count)d cases half of the time to decide has passed.", "count")),
    "cases_late": Words("Little time is left for cases", Plural(
        "For %(count)d case less than a fifth of the time to decide is left.",
        "For %(count)d cases less than a fifth of the time to decide is left.", "count")),
    "cases_over": Words("Cases are overdue", Plural(
        "The time to decide has run out for %(count)d case.", "The time to decide has run out for %(count)d cases.", "count")),
}


def words_of(content: Content, translator: Translator) -> Words:
    """The title and the line of a message."""
    if content.call:
        return _call(content.call, translator)
    assert content.notification is not None
    notification = content.notification
    if notification.kind in _FROM_NETWORK:
        words = _FROM_NETWORK[notification.kind]
        return Words(translator.sentence(words.title), translator.sentence(words.line) if words.line else "")
    title = _MESSAGE if is_message(notification) else _TITLES[notification.kind]
    return Words(translator.sentence(title.title, {"name": notification.sender.name}), _line(notification, translator))


def is_message(notification: Notification) -> bool:
    """Whether somebody wrote to the member alone, or to a few."""
    post = notification.post
    return notification.kind is Kind.MENTION and post is not None and post.post.visibility is Visibility.DIRECT


def _call(call: Call, translator: Translator) -> Words:
    words = CALLS[call.text]
    return Words(translator.sentence(words.title), translator.sentence(words.line, {"count": call.count}))


def _line(notification: Notification, translator: Translator) -> str:
    """The beginning of the post, its warning if it has one, or who it is."""
    if notification.post is None:
        return f"@{notification.sender.acct}"
    post = notification.post.shown
    if post.effect is PostEffect.LABEL:
        return translator.sentence("Covered by this network")
    text = _shortened(post.cover or post.text)
    if not text and post.pictures:
        return translator.sentence("A picture")
    return text


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    if len(text) <= _LONGEST:
        return text
    cut = text[:_LONGEST].rpartition(" ")[0] or text[:_LONGEST]
    return f"{cut}…"
