"""Who may do what with a post. What an account may do under restrictions is in `accounts/policy.py`."""

from folkmoot.base.errors import Forbidden
from folkmoot.network.accounts.model import Account
from folkmoot.network.posts.model import Marks, Post, PostView, Visibility

MOST_PINNED = 5


def can_edit_post(viewer: Account, post: Post) -> bool:
    return post.author.id == viewer.id and post.boost_of_id is None


def can_boost(viewer: Account, post: Post) -> bool:
    """Everybody may boost public and unlisted posts, only the author a followers-only post, nobody a direct one."""
    return post.visibility <= Visibility.UNLISTED or (post.visibility == Visibility.FOLLOWERS and post.author.id == viewer.id)


def can_quote(viewer: Account, post: Post, marks: Marks) -> bool:
    """Authors may quote all their posts but direct ones, others only public and unlisted ones whose policy lets them."""
    if post.author.id == viewer.id:
        return post.visibility != Visibility.DIRECT
    return post.visibility <= Visibility.UNLISTED and marks.may_quote


def require_can_quote(viewer: Account, view: PostView) -> None:
    if not can_quote(viewer, view.shown, view.marks):
        raise Forbidden("The author does not let you quote this post.")


def can_pin(viewer: Account, post: Post) -> bool:
    return post.author.id == viewer.id and post.boost_of_id is None and post.visibility != Visibility.DIRECT
