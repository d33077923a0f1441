"""What all requests for pages share."""

from folkmoot.http.context import Context
from folkmoot.http.fragments import FragmentCache
from folkmoot.moderation.transparency.reading import ReportCache
from folkmoot.network.posts.model import Post
from folkmoot.web.kept_accounts import KeptAccounts
from folkmoot.web.rendering import Templates
from folkmoot.web.security import Cookies, FormTokens, content_policy


class PageContext:
    """The context of the process, and templates, cookie names, form tokens, cached posts and accounts."""

    def __init__(self, context: Context, templates: Templates) -> None:
        self.context = context
        self.templates = templates
        self.cookies = Cookies(is_secure=context.settings.is_secure)
        self.tokens = FormTokens(context.settings.secret)
        self.posts: FragmentCache[Post] = FragmentCache(lambda post: post, size=5_000)
        self.accounts = KeptAccounts()
        self.transparency = ReportCache(context.database, context.settings)
        self.policy = content_policy(context.settings.media.base_url)
