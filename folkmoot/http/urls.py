"""URLs of this network: of accounts, posts and pictures.

Pictures of posts that are not public or unlisted have signed URLs that expire: apps load pictures without a token, so
the URL itself must authorise. A signature is valid for one to two days.
"""

from urllib.parse import quote

from folkmoot.base import clock
from folkmoot.base.signing import Signer
from folkmoot.network.accounts.model import Account
from folkmoot.network.media.model import POSTER_TYPE, TYPES_BY_EXTENSION
from folkmoot.network.posts.model import Picture, Post, Visibility

_EXTENSIONS = {mime: extension for extension, mime in TYPES_BY_EXTENSION.items()}


def today() -> int:
    """The number of the day, on which signed URLs depend, and everything rendered with them."""
    return clock.now().toordinal()


class Urls:
    """Builds URLs. `base` and `media` have no slash at the end."""

    def __init__(self, base: str, media: str, secret: bytes) -> None:
        self.base = base
        self._media = media or base
        self._signer = Signer(secret, "media")

    def account(self, account: Account) -> str:
        return account.url or f"{self.base}/@{account.acct}"

    def account_uri(self, account: Account) -> str:
        return account.uri or f"{self.base}/users/{account.username}"

    def post(self, post: Post) -> str:
        return f"{self.base}/@{post.author.acct}/{post.id}"

    def post_uri(self, post: Post) -> str:
        return post.uri or f"{self.account_uri(post.author)}/statuses/{post.id}"

    def hashtag(self, name: str) -> str:
        return f"{self.base}/tags/{quote(name)}"

    def avatar(self, account: Account) -> str:
        return self.picture(account.avatar_key, "image/jpeg") if account.avatar_key else f"{self.base}/static/avatar.png"

    def header(self, account: Account) -> str:
        return self.picture(account.header_key, "image/jpeg") if account.header_key else f"{self.base}/static/header.png"

    def of_post(self, post: Post, picture: Picture, *, is_preview: bool = False) -> str:
        return self.picture(picture.key, picture.mime, is_preview=is_preview, is_open=post.visibility <= Visibility.UNLISTED)

    def picture(self, key: str, mime: str, *, is_preview: bool = False, is_open: bool = True) -> str:
        """The URL of a picture; if not `is_open`, it is signed and valid until the end of tomorrow."""
        mime = POSTER_TYPE if is_preview and not mime.startswith("image/") else mime
        name = f"{key}{'.small' if is_preview else ''}.{_EXTENSIONS.get(mime, 'bin')}"
        if is_open:
            return f"{self._media}/media/{name}"
        until = today() + 1
        return f"{self._media}/media/{name}?until={until}&key={self._signer.sign(f'{key}:{until}')}"

    def is_signed(self, key: str, until: str, signature: str) -> bool:
        """Whether a signature is valid and has not expired."""
        if not until.isascii() or not until.isdigit() or len(until) > 8 or int(until) < today():
            return False
        return self._signer.is_valid(f"{key}:{until}", signature)
