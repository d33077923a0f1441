"""Fills the wire shapes of accounts: the public one, the owner's, and the relation of a viewer to an account."""

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast

import msgspec
from msgspec import UNSET

from folkmoot.api import account_shapes as shapes
from folkmoot.api.words import QUOTE_POLICY, VISIBILITY, moment
from folkmoot.http.urls import Urls
from folkmoot.network.accounts.model import Account, AccountEffect, AccountStamp
from folkmoot.network.posts.model import QuotePolicy, Visibility
from folkmoot.network.relations.model import Relation
from folkmoot.network.sessions.model import Preferences, Role, Viewer

# Mastodon's permission bits, which clients read: manage reports and users for moderators, everything for operators.
_PERMISSIONS = {Role.MEMBER: "0", Role.JUROR: "0", Role.MODERATOR: "1040", Role.OPERATOR: "1"}


# What changes without a new version of the account: it stands behind the rest.
_COUNTED = ("followers_count", "following_count", "statuses_count", "last_status_at")
_KEPT = 4000  # rendered accounts, about a kilobyte each
_encode = msgspec.json.Encoder().encode


class AccountEntities:
    """Creates the wire shapes of accounts, with the URLs of this network. Keeps those that were rendered last, without their counts."""

    def __init__(self, urls: Urls) -> None:
        self._urls = urls
        self._kept: OrderedDict[tuple[int, int], bytes] = OrderedDict()  # by id and version

    def has_kept(self, stamp: AccountStamp) -> bool:
        """Whether it is kept; if so, as one that was just used."""
        if stamp[:2] not in self._kept:
            return False
        self._kept.move_to_end(stamp[:2])
        return True

    def keep_account(self, account: Account) -> None:
        """Renders an account for `kept_account`."""
        shape = msgspec.to_builtins(self.account(account))
        self._kept[account.stamp[:2]] = _encode({name: value for name, value in shape.items() if name not in _COUNTED})[:-1]
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    def kept_account(self, stamp: AccountStamp) -> shapes.Account:
        """An account that was kept, rendered already: the encoder copies its bytes."""
        key, counts = stamp[:2], stamp.counts
        last = b'"%s"' % counts.last_post_at.date().isoformat().encode() if counts.last_post_at else b"null"
        counted = b',"followers_count":%d,"following_count":%d,"statuses_count":%d,"last_status_at":%s}' % (
            counts.followers, counts.following, counts.posts, last)
        return cast(shapes.Account, msgspec.Raw(self._kept[key] + counted))

    def account(self, account: Account) -> shapes.Account:
        urls = self._urls
        is_suspended = account.effect >= AccountEffect.SUSPENDED
        shown = msgspec.structs.replace(account, avatar_key=None, header_key=None) if is_suspended else account
        avatar, header = urls.avatar(shown), urls.header(shown)
        return shapes.Account(
            id=str(account.id),
            username=account.username,
            acct=account.acct,
            display_name="" if is_suspended else account.display_name,
            locked=account.is_locked,
            bot=account.is_bot,
            discoverable=account.is_discoverable,
            indexable=account.is_indexable,
            group=False,
            created_at=account.created_at.strftime("%Y-%m-%dT00:00:00.000Z"),
            note="" if is_suspended else account.bio_html,
            url=urls.account(account),
            uri=urls.account_uri(account),
            avatar=avatar,
            avatar_static=avatar,
            avatar_description="" if is_suspended else account.avatar_description,
            header=header,
            header_static=header,
            header_description="" if is_suspended else account.header_description,
            followers_count=account.counts.followers,
            following_count=account.counts.following,
            statuses_count=account.counts.posts,
            last_status_at=account.counts.last_post_at.date().isoformat() if account.counts.last_post_at else None,
            hide_collections=account.hides_collections,
            noindex=not account.is_indexable,
            emojis=[],
            roles=[],
            fields=[] if is_suspended else [
                shapes.Field(name=field.name, value=field.value_html, verified_at=_moment_or_none(field.verified_at))
                for field in account.fields
            ],
            suspended=True if is_suspended else UNSET,
            limited=True if account.is_limited or account.effect is AccountEffect.LIMITED else UNSET,
        )

    def accounts(self, found: Iterable[Account]) -> list[shapes.Account]:
        return [self.account(account) for account in found]

    def muted_account(self, account: Account, ends_at: datetime | None) -> shapes.MutedAccount:
        return shapes.MutedAccount(**_fields_of(self.account(account)), mute_expires_at=_moment_or_none(ends_at))

    def own_account(self, viewer: Viewer, waiting: int) -> shapes.CredentialAccount:
        """The viewer's own account, with private fields. `waiting`: the number of follow requests."""
        account, preferences = viewer.account, viewer.login.preferences
        return shapes.CredentialAccount(
            **_fields_of(self.account(account)),
            source=shapes.Source(
                privacy=VISIBILITY[Visibility(preferences.visibility)],
                sensitive=preferences.is_sensitive,
                language=preferences.post_language or None,
                note=account.bio,
                fields=[shapes.Field(name=field.name, value=field.value, verified_at=None) for field in account.fields],
                follow_requests_count=waiting,
                hide_collections=account.hides_collections,
                discoverable=account.is_discoverable,
                indexable=account.is_indexable,
                attribution_domains=list(preferences.attribution_domains),
                quote_policy=QUOTE_POLICY[QuotePolicy(preferences.quote_policy)],
                report_mails=preferences.outcome_mails,
            ),
            role=role_shape(viewer.login.role),
        )

    def profile(self, account: Account, preferences: Preferences) -> shapes.Profile:
        """The account's profile for editing: texts as typed, and no picture instead of the default one."""
        avatar = self._urls.avatar(account) if account.avatar_key else None
        header = self._urls.header(account) if account.header_key else None
        return shapes.Profile(
            id=str(account.id), display_name=account.display_name, note=account.bio,
            fields=[
                shapes.Field(name=field.name, value=field.value, verified_at=_moment_or_none(field.verified_at))
                for field in account.fields
            ],
            avatar=avatar, avatar_static=avatar, avatar_description=account.avatar_description,
            header=header, header_static=header, header_description=account.header_description,
            locked=account.is_locked, bot=account.is_bot, hide_collections=account.hides_collections,
            discoverable=account.is_discoverable, indexable=account.is_indexable,
            show_media=True, show_media_replies=True, show_featured=False,
            attribution_domains=list(preferences.attribution_domains), featured_tags=[],
        )

    def relation(self, relation: Relation) -> shapes.Relationship:
        return shapes.Relationship(
            id=str(relation.target_id),
            following=relation.follows,
            showing_reblogs=relation.shows_boosts,
            notifying=relation.notifies,
            languages=list(relation.languages) if relation.languages else None,
            followed_by=relation.is_followed_by,
            blocking=relation.blocks,
            blocked_by=relation.is_blocked_by,
            muting=relation.mutes,
            muting_notifications=relation.hides_notifications,
            muting_expires_at=_moment_or_none(relation.mute_ends_at),
            requested=relation.has_requested,
            requested_by=relation.is_requested_by,
            domain_blocking=relation.blocks_domain,
            endorsed=relation.endorses,
            note=relation.note,
        )


def role_shape(role: Role) -> shapes.Role:
    return shapes.Role(
        id=role_id(role), name="" if role is Role.MEMBER else role.capitalize(), permissions=_PERMISSIONS[role], color="",
        highlighted=role is not Role.MEMBER,
    )


def role_id(role: Role) -> str:
    return str(list(Role).index(role) or -99)


def _moment_or_none(value: datetime | None) -> str | None:
    return moment(value) if value else None


def _fields_of(account: shapes.Account) -> dict[str, Any]:
    return {name: getattr(account, name) for name in account.__struct_fields__}
