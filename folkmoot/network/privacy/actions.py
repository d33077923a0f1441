"""Publishing a privacy policy, and choosing the one to show."""

from datetime import datetime

from folkmoot.base import clock, i18n
from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.base.errors import FieldError, Invalid
from folkmoot.base.i18n import Translator
from folkmoot.network.privacy.model import LONGEST, SHIPPED, SHIPPED_AT, PrivacyPolicy, Section, sections_of
from folkmoot.network.privacy.queries import find_privacy_policy, insert_privacy_policy


async def publish_privacy_policy(tx: WriteTx, language: str, text: str) -> PrivacyPolicy:
    """Replaces the text that is shown in a language, at once. Earlier ones stay in the database. Raises Invalid."""
    if language not in i18n.LANGUAGES:
        raise Invalid(FieldError("language", "invalid", "There are no pages in this language."))
    if not any(section.paragraphs for section in sections_of(text)):
        raise Invalid(FieldError("text", "blank", "There is no text in this file."))
    if len(text) > LONGEST:
        raise Invalid(FieldError("text", "too_long", "This text is too long."))
    policy = PrivacyPolicy(language=language, text=text, published_at=clock.now())
    await insert_privacy_policy(tx, policy)
    return policy


async def shown_privacy_policy(conn: ReadConn, translator: Translator) -> tuple[list[Section], datetime, str]:
    """(sections, since when, language) of the policy for readers of a language."""
    own = await find_privacy_policy(conn, translator.language)
    if own:
        return sections_of(own.text), own.published_at, own.language
    sections = [Section(translator.sentence(one.title), tuple(map(translator.sentence, one.paragraphs))) for one in SHIPPED]
    return sections, SHIPPED_AT, translator.language
