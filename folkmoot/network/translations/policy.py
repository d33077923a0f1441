"""What may be translated."""

from folkmoot.network.posts.model import Post, Visibility


def may_leave(post: Post) -> bool:
    """Only what everybody may read is sent to a service."""
    return post.visibility <= Visibility.UNLISTED


def is_worth_translating(post: Post, language: str) -> bool:
    """Whether readers of a language are offered a translation."""
    return bool(may_leave(post) and post.language and short(post.language) != short(language))


def short(language: str) -> str:
    """Services know languages, not regions."""
    return language.partition("-")[0].lower()
