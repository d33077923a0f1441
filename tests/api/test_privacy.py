"""The privacy policy: the text of the release in both languages, then the operator's own; at both doors."""

import pytest

from folkmoot.base.errors import Invalid
from folkmoot.network.privacy.actions import publish_privacy_policy
from folkmoot.network.privacy.model import SHIPPED, Section, sections_of, text_of
from tests.village import Village

PRIVACY = "/api/v1/instance/privacy_policy"


async def test_the_operator_replaces_the_shipped_policy(village: Village) -> None:
    nobody = village.nobody()
    shipped = (await nobody.get(PRIVACY)).json
    assert shipped["content"].count("<h2>") == len(SHIPPED)
    assert "What is stored" in (await nobody.get("/privacy", accept_language="en")).text
    czech = (await nobody.get("/privacy", accept_language="cs")).text
    assert "Co se ukládá" in czech
    assert "What is stored" not in czech
    async with village.database.write() as tx:
        await publish_privacy_policy(tx, "cs", "## Kdo jsme\n\nSpolek & přátelé <b>.\n")
    for language in ("cs", "en"):  # the only own text is shown to all
        page = (await nobody.get("/privacy", accept_language=language)).text
        assert '<h2 lang="cs">Kdo jsme</h2>' in page
        assert "Spolek &amp; přátelé &lt;b&gt;." in page
        assert "What is stored" not in page
    async with village.database.write() as tx:
        await publish_privacy_policy(tx, "en", "First line\nsecond line\n\n## Who\nFriends")
    own = (await nobody.get(PRIVACY)).json
    assert own["content"] == "<p>First line second line</p><h2>Who</h2><p>Friends</p>"
    assert own["updated_at"] > shipped["updated_at"]
    assert (await nobody.get("/api/v2/instance")).json["configuration"]["urls"]["privacy_policy"] == "http://localhost:8420/privacy"
    for language, text in (("xx", "text"), ("en", " \n\n"), ("en", "## Title"), ("en", "x" * 60_000)):
        with pytest.raises(Invalid):
            async with village.database.write() as tx:
                await publish_privacy_policy(tx, language, text)
    assert (await nobody.get(PRIVACY)).json == own


def test_the_printed_text_can_be_published_again() -> None:
    assert sections_of(text_of(SHIPPED)) == [Section(one.title, one.paragraphs) for one in SHIPPED]
