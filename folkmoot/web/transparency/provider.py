"""Two pages to print for a hosting provider: "How this network handles violent content". On the web, and as one file that stands alone."""

import base64
import re

from markupsafe import Markup

from folkmoot.base import i18n
from folkmoot.config import Settings
from folkmoot.http.replies import Reply
from folkmoot.http.urls import Urls
from folkmoot.moderation.clauses.model import Family
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.transparency.reading import Report
from folkmoot.web.rendering import Templates
from folkmoot.web.request import Request
from folkmoot.web.static_files import StaticFiles
from folkmoot.web.transparency.measured import Measured
from folkmoot.web.transparency.words import Wording

_STYLE = "provider.css"
_FONT = re.compile(r'url\("(fonts/[\w-]+\.woff2)"\)')


async def provider(request: Request) -> Reply:
    """`?language=en` chooses the language of the page, for whoever it is sent to."""
    report = await request.shared.transparency.get()
    wanted = request.query.text("language")
    language = wanted if wanted in i18n.LANGUAGES else request.language
    key = "provider", language
    if key not in report.rendered:
        report.rendered[key] = render_provider(request.shared.templates, request.context.settings, report, language)
    return request.html(report.rendered[key], 200, [
        (b"content-security-policy", request.shared.policy), (b"cache-control", b"public, max-age=300"),
    ])


def provider_file(settings: Settings, report: Report, language: str) -> bytes:
    """The pages as one HTML file, with the style sheet and its fonts in it."""
    static = StaticFiles()
    templates = Templates(settings, Urls(settings.base_url, settings.media.base_url, settings.secret), static)
    style = _FONT.sub(
        lambda font: f'url("data:font/woff2;base64,{base64.b64encode(static.content(font[1])).decode()}")', static.content(_STYLE).decode())
    return render_provider(templates, settings, report, language, style=Markup(style)).encode()  # noqa: S704


def render_provider(templates: Templates, settings: Settings, report: Report, language: str, *, style: str = "") -> str:
    translator = templates.translators[language]
    return templates.render(
        language, "transparency/provider.html", recent=report.recent, wording=Wording(translator), notices=settings.notices,
        measured=Measured.newest(report, translator),
        contact=settings.notice_address, by_rule=translator.sentence("by the rule"),
        threat_hours=current().of_family(Family.VIOLENCE).hours, style=style,
    )
