"""ActivityStreams documents of the archive, as Mastodon's have them: the actor, and one activity for each post.

Words of the protocol are used here because the archive is read by other programs.
"""

from typing import Any

from folkmoot.network.accounts.model import Account
from folkmoot.network.exports.model import Addresses, picture_path
from folkmoot.network.posts.model import Poll, Post, QuotePolicy, Visibility

_CONTEXT = "https://www.w3.org/ns/activitystreams"
_PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
CONTEXT: list[object] = [_CONTEXT, {
    "mastodon": "http://joinmastodon.org/ns#", "discoverable": "mastodon:discoverable", "indexable": "mastodon:indexable",
    "blurhash": "mastodon:blurhash", "votersCount": "mastodon:votersCount", "sensitive": "as:sensitive", "Hashtag": "as:Hashtag",
    "manuallyApprovesFollowers": "as:manuallyApprovesFollowers", "schema": "http://schema.org#", "PropertyValue": "schema:PropertyValue",
    "value": "schema:value", "quote": {"@id": "https://w3id.org/fep/044f#quote", "@type": "@id"}, "gts": "https://gotosocial.org/ns#",
    "interactionPolicy": {"@id": "gts:interactionPolicy", "@type": "@id"}, "canQuote": {"@id": "gts:canQuote", "@type": "@id"},
    "automaticApproval": {"@id": "gts:automaticApproval", "@type": "@id"},
}]


def actor(account: Account, urls: Addresses, avatar: str | None, header: str | None) -> dict[str, Any]:
    """`avatar` and `header`: paths in the archive."""
    document: dict[str, Any] = {
        "@context": CONTEXT, "id": urls.account_uri(account), "type": "Service" if account.is_bot else "Person",
        "preferredUsername": account.username, "name": account.display_name, "summary": account.bio_html, "url": urls.account(account),
        "manuallyApprovesFollowers": account.is_locked, "discoverable": account.is_discoverable, "indexable": account.is_indexable,
        "published": account.created_at.isoformat(),
        "attachment": [{"type": "PropertyValue", "name": field.name, "value": field.value_html} for field in account.fields],
        "likes": "likes.json", "bookmarks": "bookmarks.json", "outbox": "outbox.json",
    }
    if avatar:
        document["icon"] = {"type": "Image", "url": avatar, "name": account.avatar_description}
    if header:
        document["image"] = {"type": "Image", "url": header, "name": account.header_description}
    return document


def activity(post: Post, urls: Addresses, others: dict[int, Post]) -> dict[str, Any]:
    """A Create, or for a boost an Announce. `others`: the answered, boosted and quoted posts, of which only the address is used."""
    who = urls.account_uri(post.author)
    uri = urls.post_uri(post)
    to, cc = _audience(post, urls)
    head = {"id": f"{uri}/activity", "actor": who, "published": post.created_at.isoformat(), "to": to, "cc": cc}
    if post.boost_of_id:
        boosted = others.get(post.boost_of_id)
        return {**head, "type": "Announce", "object": urls.post_uri(boosted) if boosted else None}
    return {**head, "type": "Create", "object": _note(post, urls, others, to, cc)}


def _note(post: Post, urls: Addresses, others: dict[int, Post], to: list[str], cc: list[str]) -> dict[str, Any]:
    parent, quoted = others.get(post.reply_to_id or 0), others.get(post.quoted_id or 0)
    return {
        "id": urls.post_uri(post), "type": "Question" if post.poll else "Note", "summary": post.cover or None,
        "inReplyTo": urls.post_uri(parent) if parent else None, "published": post.created_at.isoformat(),
        **({"updated": post.edited_at.isoformat()} if post.edited_at else {}), "url": urls.post(post),
        "attributedTo": urls.account_uri(post.author), "to": to, "cc": cc, "sensitive": post.is_sensitive, "content": post.html,
        **({"contentMap": {post.language: post.html}} if post.language else {}),
        "source": {"content": post.text, "mediaType": "text/plain"},
        "attachment": [
            {"type": "Document", "mediaType": picture.mime, "url": picture_path(picture.id, picture.mime), "name": picture.description,
             "blurhash": picture.blurhash, "width": picture.width, "height": picture.height,
             "focalPoint": [picture.focus_x, picture.focus_y]}
            for picture in post.pictures
        ],
        "tag": [
            *({"type": "Mention", "href": _mentioned(one.acct, urls), "name": f"@{one.acct}"} for one in post.mentions),
            *({"type": "Hashtag", "href": urls.hashtag(name), "name": f"#{name}"} for name in post.hashtag_names),
        ],
        **(_question(post.poll) if post.poll else {}),
        **({"quote": urls.post_uri(quoted)} if quoted else {}),  # FEP-044f
        "interactionPolicy": {"canQuote": {"automaticApproval": _may_quote(post, urls)}},
    }


def _may_quote(post: Post, urls: Addresses) -> list[str]:
    who = urls.account_uri(post.author)
    match post.quote_policy:
        case QuotePolicy.PUBLIC:
            return [_PUBLIC]
        case QuotePolicy.FOLLOWERS:
            return [who, f"{who}/followers"]
        case _:
            return [who]


def _question(poll: Poll) -> dict[str, Any]:
    options = [
        {"type": "Note", "name": title, "replies": {"type": "Collection", "totalItems": votes}}
        for title, votes in zip(poll.titles, poll.votes, strict=True)
    ]
    return {
        "anyOf" if poll.is_multiple else "oneOf": options, "votersCount": poll.voters,
        "endTime": poll.expires_at.isoformat() if poll.expires_at else None,
    }


def _audience(post: Post, urls: Addresses) -> tuple[list[str], list[str]]:
    followers = f"{urls.account_uri(post.author)}/followers"
    mentioned = [_mentioned(one.acct, urls) for one in post.mentions]
    match post.visibility:
        case Visibility.PUBLIC:
            return [_PUBLIC], [followers, *mentioned]
        case Visibility.UNLISTED:
            return [followers], [_PUBLIC, *mentioned]
        case Visibility.FOLLOWERS:
            return [followers], mentioned
        case _:
            return mentioned, []


def _mentioned(acct: str, urls: Addresses) -> str:
    return f"{urls.base}/@{acct}" if "@" in acct else f"{urls.base}/users/{acct}"
