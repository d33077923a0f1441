"""Who may do what with a post: small and pure."""

from folkmoot.base.errors import Forbidden
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.posts.model import Post, Visibility

MOST_PINNED = 5


def require_can_write(account: Account) -> None:
    """Raises Forbidden for an account that a restriction keeps from writing."""
    if account.effect >= AccountEffect.FROZEN:
        raise Forbidden("Your account is frozen. You can read, but not write.")


def can_edit_post(viewer: Account, post: Post) -> bool:
    return post.author.id == viewer.id and post.boost_of_id is None


def can_boost(viewer: Account, post: Post) -> bool:
    """Public and unlisted posts by everybody, followers-only posts by their author, direct ones by nobody."""
    return post.visibility <= Visibility.UNLISTED or (post.visibility == Visibility.FOLLOWERS and post.author.id == viewer.id)


def can_pin(viewer: Account, post: Post) -> bool:
    return post.author.id == viewer.id and post.boost_of_id is None and post.visibility != Visibility.DIRECT


