"""What a push message contains, once it is decrypted: for apps as Mastodon's apps expect it, for browsers as our service worker does."""

from collections.abc import Mapping
from typing import Any

import msgspec

from folkmoot.api.words import NOTIFICATION
from folkmoot.base.i18n import Translator
from folkmoot.config import Settings
from folkmoot.http.urls import Urls
from folkmoot.network.notifications.model import Kind, Notification
from folkmoot.network.web_push.model import Compose, Content
from folkmoot.network.web_push.wording import Words, is_message, words_of

_PAGES = {
    Kind.STATEMENT: "/statements", Kind.LIFTED: "/statements", Kind.REPORT: "/reports", Kind.APPEAL: "/appeals",
}
_OTHER_PAGES = {
    Kind.EXPORT: "/settings/export", Kind.UNPUBLISHED: "/scheduled", Kind.SIGN_UP: "/moderate/sign_ups", Kind.JURY: "/jury",
    Kind.RING: "/moderate/rings",
}


class Payloads:
    """Composes messages with the URLs and translations of this network."""

    def __init__(self, urls: Urls, translators: Mapping[str, Translator]) -> None:
        self._urls = urls
        self._translators = translators

    @classmethod
    def of(cls, settings: Settings, translators: Mapping[str, Translator]) -> Compose:
        return cls(Urls(settings.base_url, settings.media.base_url, settings.secret), translators).compose

    def compose(self, content: Content) -> bytes | None:
        """The message as JSON; None if apps do not know such notifications."""
        is_app = content.subscription.token_id is not None
        if is_app and (content.notification is None or content.notification.kind not in NOTIFICATION):
            return None
        words = words_of(content, self._translators[content.language])
        return msgspec.json.encode(self._for_app(content, words) if is_app else self._for_browser(content, words))

    def _for_app(self, content: Content, words: Words) -> dict[str, Any]:
        """The id is a number, unlike everywhere else in the API."""
        assert content.notification is not None
        return {
            "access_token": content.token, "preferred_locale": content.language, "notification_id": content.notification.id,
            "notification_type": NOTIFICATION[content.notification.kind], "icon": self._urls.avatar(content.notification.sender),
            "title": words.title, "body": words.line,
        }

    def _for_browser(self, content: Content, words: Words) -> dict[str, Any]:
        notification = content.notification
        icon = f"{self._urls.base}/static/icon-192.png"
        if notification and notification.sender.id != content.subscription.account_id:
            icon = self._urls.avatar(notification.sender)
        tag, path = (f"notification-{notification.id}", path_of(notification)) if notification else ("call", "/moderate")
        return {"title": words.title, "body": words.line, "icon": icon, "lang": content.language, "tag": tag, "path": path}


def path_of(notification: Notification) -> str:
    """The page that a notification is about."""
    if notification.kind in _PAGES:
        return f"{_PAGES[notification.kind]}/{notification.reference_id}"
    if notification.post is None:
        people = notification.kind in (Kind.FOLLOW, Kind.FOLLOW_REQUEST)
        return f"/@{notification.sender.acct}" if people else _OTHER_PAGES.get(notification.kind, "/notifications")
    if is_message(notification):
        return f"/messages/{notification.post.post.conversation_id}"
    return f"/@{notification.post.shown.author.acct}/{notification.post.shown.id}"
