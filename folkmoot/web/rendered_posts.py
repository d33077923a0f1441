"""Posts as lists show them, rendered and kept in memory: nearly all of a page of posts is the same for each of its readers.

A key has all that a rendered post depends on: the versions of the post and of its authors, the counts, the reader's marks, the language,
and the day, for "yesterday" and for signed addresses of pictures. So nothing has to be taken out when something changes. Posts that show
more than that are rendered each time: polls, quotes, and what a filter or this network covers.
"""

from collections import OrderedDict
from datetime import date

from markupsafe import Markup

from folkmoot.base import clock
from folkmoot.base.i18n import Translator
from folkmoot.http.urls import today
from folkmoot.network.posts.model import PostView
from folkmoot.network.sessions.model import Viewer
from folkmoot.network.timelines.model import Key, fragment_key

MOST_BYTES = 4 * 1024 * 1024  # in a process: some 700 posts
_BESIDE_TEXT = 500  # what an entry takes besides its text, roughly
_LISTED = ("", "reply")  # the roles of posts in lists
RenderedKey = tuple[str, int, date, Key, Key | None, int, int, int, int, int, str, str, bool]


class RenderedPosts:
    """The rendered posts of a process, in all languages. The least recently used ones are dropped."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[RenderedKey, bytes] = OrderedDict()  # encoded, which is half as long in memory as Czech words

    def key_of(
        self, translator: Translator, view: PostView, viewer: Viewer | None, role: str, gloss: str, is_told: bool
    ) -> RenderedKey | None:
        """None for a post that is rendered each time. `role`, `gloss` and `is_told` are those of `posts/_post.html`."""
        post = view.shown
        if role not in _LISTED or view.is_withheld or view.filtered or view.blurred or view.quote or post.poll or post.effect:
            return None
        return (
            translator.language, today(), translator.local(clock.now()).date(), fragment_key(view.post),
            fragment_key(view.boosted) if view.boosted else None, view.counts.replies, view.counts.boosts, view.counts.favourites,
            view.marks.bits, -1 if viewer is None else int(viewer.id == post.author.id), role, gloss, is_told,
        )

    def find(self, key: RenderedKey | None) -> Markup | None:
        text = self._kept.get(key) if key else None
        if text is None or key is None:
            return None
        self._kept.move_to_end(key)
        return Markup(text.decode())  # noqa: S704

    def keep(self, key: RenderedKey | None, text: Markup) -> Markup:
        """The text, which is kept unless its key is None."""
        if key and key not in self._kept:
            encoded = self._kept[key] = text.encode()
            self._bytes += len(encoded) + _BESIDE_TEXT
            while self._bytes > self._most_bytes:
                _, dropped = self._kept.popitem(last=False)
                self._bytes -= len(dropped) + _BESIDE_TEXT
        return text
