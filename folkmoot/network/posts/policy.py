"""Who may do what with a post. What an account may do under restrictions is in `accounts/policy.py`."""

from folkmoot.network.accounts.model import Account
from folkmoot.network.posts.model import Post, Visibility

MOST_PINNED = 5


def can_edit_post(viewer: Account, post: Post) -> bool:
    return post.author.id == viewer.id and post.boost_of_id is None


def can_boost(viewer: Account, post: Post) -> bool:
    """Everybody may boost public and unlisted posts, only the author a followers-only post, nobody a direct one."""
    return post.visibility <= Visibility.UNLISTED or (post.visibility == Visibility.FOLLOWERS and post.author.id == viewer.id)


def can_pin(viewer: Account, post: Post) -> bool:
    return post.author.id == viewer.id and post.boost_of_id is None and post.visibility != Visibility.DIRECT
