"""Apps see the rule of a labelled post, in the language of the post, before the author's own cover."""

import msgspec
import pytest

from folkmoot.api.entities import Entities
from folkmoot.base import i18n
from folkmoot.http.urls import Urls
from folkmoot.moderation.clauses.published import current
from folkmoot.network.posts.model import PostEffect
from tests.village import Village


@pytest.mark.parametrize(("language", "word"), [("cs", "Bod"), ("en", "Rule"), ("de", "Rule"), (None, "Rule")])
async def test_a_label_names_the_rule_in_the_language_of_the_post(village: Village, language: str | None, word: str) -> None:
    await village.settle("jana")
    written = (await village.write("jana", "a", language=language, cover="pozor")).post
    entities = Entities(Urls("http://localhost:8420", "", b"a secret of the tests"), i18n.load("Europe/Prague"))
    clause = current().clauses[0]
    labelled = msgspec.structs.replace(written, label=clause.key, effect=PostEffect.LABEL)
    shown = msgspec.json.decode(entities.fragment(labelled).head + b"}")
    title = clause.title["cs" if language == "cs" else "en"]
    assert shown["spoiler_text"] == f"{word} {clause.number}: {title} · pozor"
    assert shown["sensitive"] is True
    assert msgspec.json.decode(entities.fragment(written).head + b"}")["spoiler_text"] == "pozor"
