"""Templates: one environment per language, autoescaped, with the globals that every page needs."""

from collections.abc import Callable, MutableMapping
from functools import lru_cache, partial
from types import CodeType
from typing import Any

from jinja2 import BytecodeCache, Environment, PackageLoader, StrictUndefined, Template
from jinja2.bccache import Bucket
from jinja2.runtime import Context
from markupsafe import Markup, escape

from folkmoot.base import i18n
from folkmoot.base.formatting import count_characters
from folkmoot.base.languages import NAMES
from folkmoot.base.text import characters_of, isolated
from folkmoot.config import Settings
from folkmoot.http.urls import Urls
from folkmoot.moderation.clauses.published import clause_of, current
from folkmoot.moderation.rules.published import find_rule
from folkmoot.network.accounts.model import Account
from folkmoot.network.media.model import MIME_TYPES, MOST_PIXELS_IN_ALL_FORMATS
from folkmoot.network.recordings.encoding.programs import is_installed
from folkmoot.network.recordings.model import AUDIO_TYPES, VIDEO_TYPES
from folkmoot.network.translations.policy import is_worth_translating
from folkmoot.web.rendered_posts import RenderedPosts
from folkmoot.web.static_files import StaticFiles

_DIRECTIONS = {
    "<p>": '<p dir="auto">', '<span class="h-card" translate="no">': '<span class="h-card" translate="no" dir="ltr">',
    'noreferrer" translate="no">': 'noreferrer" translate="no" dir="ltr">',
}


_MOST_SENTENCES = 4096  # kept in each language: all that templates say, and an end if one ever says what a member wrote
_MOST_ICONS = 512  # names and sizes


def _never(*_: object) -> bool:
    return False


class Templates:
    """The templates in all languages."""

    def __init__(self, settings: Settings, urls: Urls, static: StaticFiles) -> None:
        self.static = static
        self.translators = i18n.load(settings.network.time_zone)
        self._environments = {
            language: _environment(translator, settings, urls, static) for language, translator in self.translators.items()
        }
        rendered = RenderedPosts()
        for language, environment in self._environments.items():
            environment.globals.update(rendered=rendered, translator=self.translators[language])

    def render(self, language: str, template: str, /, **values: Any) -> str:
        return self._environments[language].get_template(template).render(**values)


class _Compiled(BytecodeCache):
    """The code of the templates, which is the same in each language: compiled once in a process, and once in its memory."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code
        self._codes[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _Compiled()


class _Context(Context):
    """Jinja's context without the search for functions that want a context themselves: no template of ours calls one."""

    def call(self, called: Callable[..., Any], /, *args: Any, _block_vars: object = None, _loop_vars: object = None, **named: Any) -> Any:
        return called(*args, **named)


class _Template(Template):
    """Its code calls our `escape`, which copies nothing that is escaped already, such as posts, icons and translated sentences."""

    @classmethod
    def from_code(cls, *args: Any, **named: Any) -> Template:
        template = super().from_code(*args, **named)
        template.root_render_func.__globals__["escape"] = _escape
        return template


def _escape(value: Any) -> Markup:
    return value if type(value) is Markup else escape(value)


class _Environment(Environment):
    """All templates of a language share one dictionary of globals. Jinja would look through a chain of two for each part of a page."""

    context_class = _Context
    template_class = _Template

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        assert not d
        return self.globals


def _environment(translator: i18n.Translator, settings: Settings, urls: Urls, static: StaticFiles) -> Environment:
    environment = _Environment(
        loader=PackageLoader("folkmoot", "web/templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, extensions=["jinja2.ext.i18n"], auto_reload=False, bytecode_cache=_COMPILED,
    )
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        translator.catalogue.gettext, translator.catalogue.ngettext, newstyle=True
    )
    gettext, ngettext = _sayings(translator)
    environment.globals.update({"_": gettext, "gettext": gettext, "ngettext": ngettext})
    environment.filters |= {"truncate": _truncate, "isolated": isolated}
    environment.globals.update(
        network=settings.network, domain=settings.domain, base_url=settings.base_url, urls=urls, static=static.url,
        language=translator.language, languages=i18n.LANGUAGES, avatar=partial(_avatar, urls),
        icon=lru_cache(_MOST_ICONS)(partial(_icon, static.url("icons.svg"))),
        time=translator.time, short=translator.short, full=translator.full, when=translator.when, deadline=translator.deadline,
        month=translator.month, day=translator.day, number=translator.number,
        remaining=translator.remaining, sentence=translator.sentence, trusted_html=_trusted_html, published=current, clause_of=clause_of,
        count_characters=count_characters, picture_types=",".join(MIME_TYPES), most_picture_bytes=settings.media.max_bytes,
        most_picture_pixels=MOST_PIXELS_IN_ALL_FORMATS, takes_recordings=is_installed, recording_types=",".join(VIDEO_TYPES + AUDIO_TYPES),
        may_translate=is_worth_translating if settings.translation.url else _never, most_recording_bytes=settings.media.max_video_bytes,
        isolated=isolated, written_languages=_written_languages, find_rule=find_rule,
    )
    return environment


def _icon(sprite: str, name: str, size: int = 18) -> Markup:
    """An icon beside a word. Screen readers skip it, because the word says the same."""
    return Markup('<svg class="icon" width="{0}" height="{0}" aria-hidden="true" focusable="false"><use href="{1}#{2}"/></svg>').format(
        size, sprite, name
    )


def _avatar(urls: Urls, account: Account, size: str = "") -> Markup:
    """The picture of an account, or its initials. Shape and colour are derived from the id of the account."""
    shape = account.id % 4
    if account.avatar_key:
        return Markup(  # noqa: S704
            f'<img class="avatar shape-{shape} {escape(size)}" src="{escape(urls.avatar(account))}" alt="" width="44" height="44"'
            ' loading="lazy">'
        )
    return Markup(  # noqa: S704
        f'<span class="avatar shape-{shape} ground-{account.id // 4 % 8} {escape(size)}" aria-hidden="true">'
        f"{escape(_initials(account.name))}</span>"
    )


def _initials(name: str) -> str:
    words = [word for word in name.replace("_", " ").split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:]))[:2].upper() or "?"


def _trusted_html(html: str) -> Markup:
    """HTML from our formatter, which has escaped the texts of members. Each paragraph gets the direction of its own script.

    Mentions and URLs at its beginning do not count: what has a direction itself is left out. Texts contain no `<` and `>`, so
    only tags are replaced.
    """
    for tag, directed in _DIRECTIONS.items():
        html = html.replace(tag, directed)
    return Markup(html)  # noqa: S704


def _sayings(translator: i18n.Translator) -> tuple[Callable[..., Markup], Callable[..., Markup]]:
    """`gettext` and `ngettext` for templates: as Jinja's, but a parameter does not change the order of the words around it.

    Most sentences have no parameters, and a page of posts says the same ones again and again: each is translated once.
    """
    kept: dict[str, Markup] = {}
    catalogue = translator.catalogue

    def gettext(message: str, /, **params: Any) -> Markup:
        if params:
            return _filled_in(catalogue.gettext(message), params)
        found = kept.get(message)
        if found is None:
            found = _filled_in(catalogue.gettext(message), {})
            if len(kept) < _MOST_SENTENCES:
                kept[message] = found
        return found

    def ngettext(one: str, many: str, count: int, /, **params: Any) -> Markup:
        return _filled_in(catalogue.ngettext(one, many, count), {"num": count, **params})

    return gettext, ngettext


def _filled_in(sentence: str, params: dict[str, Any]) -> Markup:
    return Markup(sentence) % {  # noqa: S704
        name: isolated(value) if isinstance(value, str) else value for name, value in params.items()
    }


def _truncate(text: str, length: int) -> str:
    """The beginning of a long text, up to a space, with an ellipsis. No character is cut in two."""
    if len(text) <= length:
        return text
    characters = characters_of(text)
    if len(characters) <= length + 5:
        return text
    cut = "".join(characters[:length])
    words = cut.rpartition(" ")[0]
    return (words if len(words) > length // 2 else cut).rstrip() + "…"


def _written_languages(chosen: str) -> dict[str, str]:
    """The languages to choose from for a post: their own names by code, and the chosen one in any case."""
    return NAMES if chosen in NAMES or not chosen else {**NAMES, chosen: chosen}


