"""Actions on posts, one file per verb."""

from folkmoot.network.posts.actions.boost import boost_post, unboost_post
from folkmoot.network.posts.actions.create import compose_post, create_post
from folkmoot.network.posts.actions.delete import REPORTABLE_FOR, delete_post, forget_deleted, remove_restricted_posts
from folkmoot.network.posts.actions.describe import describe_picture
from folkmoot.network.posts.actions.edit import PictureChange, edit_post
from folkmoot.network.posts.actions.mark import (
    bookmark_post,
    favourite_post,
    mute_conversation,
    pin_post,
    unbookmark_post,
    unfavourite_post,
    unmute_conversation,
    unpin_post,
)
from folkmoot.network.posts.actions.quote import revoke_quote, set_quote_policy
from folkmoot.network.posts.actions.restrict import (
    WITHDRAWN_TOPIC,
    hide_leaving_account,
    hide_posts,
    set_account_effect,
    set_effect,
    show_staying_account,
)
from folkmoot.network.posts.actions.vote import close_polls, vote_in_poll
from folkmoot.network.posts.composing import PostLimits
from folkmoot.network.posts.queries.removing import forget_hashtags, forget_keys

__all__ = [
    "REPORTABLE_FOR", "WITHDRAWN_TOPIC", "PictureChange", "PostLimits", "bookmark_post", "boost_post", "close_polls", "compose_post",
    "create_post", "delete_post", "describe_picture", "edit_post", "favourite_post", "forget_deleted", "forget_hashtags", "forget_keys",
    "hide_leaving_account", "hide_posts", "mute_conversation", "pin_post", "remove_restricted_posts", "revoke_quote",
    "set_account_effect", "set_effect", "set_quote_policy", "show_staying_account",
    "unbookmark_post", "unboost_post",
    "unfavourite_post", "unmute_conversation", "unpin_post", "vote_in_poll",
]
