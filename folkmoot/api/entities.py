"""Fills the wire shapes of the client API from our structs. The shapes are declared in `activity_shapes.py` and
`network_shapes.py`. `status_entities.py`, `account_entities.py` and `media_entities.py` fill those of statuses, accounts and
pictures.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import cast
from urllib.parse import quote

import msgspec
from msgspec import UNSET, UnsetType

from folkmoot.api import account_shapes as shapes
from folkmoot.api import activity_shapes as activity
from folkmoot.api import network_shapes as network
from folkmoot.api.status_entities import StatusEntities
from folkmoot.api.status_shapes import Status
from folkmoot.api.words import NOTIFICATION, moment
from folkmoot.network.accounts.model import Account
from folkmoot.network.conversations.model import Conversation, ConversationLine
from folkmoot.network.featured.model import Featured
from folkmoot.network.notifications.model import Line, Notification, NotificationGroup, group_key
from folkmoot.network.posts.card import Card
from folkmoot.network.search.model import Hashtag
from folkmoot.network.sessions.model import App
from folkmoot.network.trends.model import Day


class Entities(StatusEntities):
    """Creates wire shapes, with the URLs and translations of this network."""

    def notification(
        self, notification: Notification, viewer_id: int, warning: activity.AccountWarning | UnsetType = UNSET
    ) -> activity.Notification:
        post = notification.post
        return activity.Notification(
            id=str(notification.id),
            type=NOTIFICATION[notification.kind],
            group_key=group_key(notification.kind, post.post.id if post else None, notification.id, notification.created_at),
            created_at=moment(notification.created_at),
            account=self.account(notification.sender),
            status=self.status(post, viewer_id) if post else UNSET,
            moderation_warning=warning,
        )

    def rendered_notification(
        self, line: Line, sender: shapes.Account, status: Status | UnsetType, warning: activity.AccountWarning | UnsetType = UNSET
    ) -> activity.Notification:
        """A notification whose sender and status are rendered already."""
        return activity.Notification(
            id=str(line.id), type=NOTIFICATION[line.kind], group_key=group_key(line.kind, line.post_id, line.id, line.created_at),
            created_at=moment(line.created_at), account=sender, status=status, moderation_warning=warning,
        )

    def notification_group(
        self, group: NotificationGroup, warning: activity.AccountWarning | UnsetType = UNSET, *, is_page: bool
    ) -> activity.NotificationGroup:
        return activity.NotificationGroup(
            group_key=group.key,
            notifications_count=group.count,
            type=NOTIFICATION[group.kind],
            most_recent_notification_id=group.newest_id,
            sample_account_ids=[str(id_) for id_ in group.sender_ids],
            page_min_id=str(group.oldest_id) if is_page else UNSET,
            page_max_id=str(group.newest_id) if is_page else UNSET,
            latest_page_notification_at=moment(group.newest_at) if is_page else UNSET,
            status_id=str(group.post_id) if group.post_id else UNSET,
            moderation_warning=warning,
        )

    def conversation(self, conversation: Conversation, viewer_id: int) -> activity.Conversation:
        return activity.Conversation(
            id=str(conversation.id),
            unread=conversation.is_unread,
            accounts=self.accounts(conversation.people),
            last_status=self.status(conversation.last_post, viewer_id),
        )

    def rendered_conversation(self, line: ConversationLine, people: Mapping[int, shapes.Account], status: bytes) -> activity.Conversation:
        """A conversation whose people and status are rendered already."""
        return activity.Conversation(
            id=str(line.id), unread=line.is_unread, accounts=[people[id_] for id_ in line.people_ids if id_ in people],
            last_status=cast(Status, msgspec.Raw(status)),
        )

    def featured_tag(self, featured: Featured, account: Account) -> activity.FeaturedTag:
        return activity.FeaturedTag(
            id=str(featured.id), name=featured.name, url=f"{self._urls.account(account)}/tagged/{quote(featured.name)}",
            statuses_count=str(featured.posts), last_status_at=featured.last_post_at.date().isoformat() if featured.last_post_at else None,
        )

    def trending_card(self, card: Card, history: Sequence[Day]) -> activity.TrendingCard:
        return activity.TrendingCard(**msgspec.structs.asdict(self.card(card)), history=_history(history))

    def hashtag(
        self, hashtag: Hashtag, viewer_id: int | None, history: Sequence[Day], *, is_featured: bool, is_followed: bool
    ) -> activity.Tag:
        return activity.Tag(
            id=unicodedata.normalize("NFC", hashtag.key), name=hashtag.name, url=self._urls.hashtag(hashtag.name),
            history=_history(history),
            following=UNSET if viewer_id is None else is_followed, featuring=UNSET if viewer_id is None else is_featured,
        )

    def app(self, app: App, vapid_key: str) -> network.App:
        return network.App(
            id=str(app.id), name=app.name, website=app.website or None, scopes=app.scopes.split(),
            redirect_uri="\n".join(app.redirect_uris), redirect_uris=list(app.redirect_uris), vapid_key=vapid_key,
        )

    def new_app(self, app: App, vapid_key: str) -> network.CredentialApp:
        return network.CredentialApp(
            **msgspec.structs.asdict(self.app(app, vapid_key)), client_id=app.client_id, client_secret=app.client_secret,
            client_secret_expires_at=0,
        )


def _history(days: Sequence[Day]) -> list[activity.TagUse]:
    return [
        activity.TagUse(day=str(int(one.begins_at.timestamp())), accounts=str(one.accounts), uses=str(one.uses)) for one in days
    ]
