"""The public archive of `moot lifeboat`: what everybody may see, and nothing else."""

import msgspec
import pytest

from folkmoot.base import clock
from folkmoot.commands import lifeboat
from folkmoot.config import DatabaseSettings
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.posts import actions
from folkmoot.network.posts.model import PostEffect, Visibility
from folkmoot.portability.names.letter import Letter
from folkmoot.portability.progress import NoProgress
from tests.village import Village


async def _archive(village: Village, dsn: str) -> dict[str, bytes]:
    settings = msgspec.structs.replace(village.settings, database=DatabaseSettings(url=dsn), dsn=dsn)
    letter = Letter(domain="moot.example", network="Moot", words={}, names=["https://moot.example"], written_at=clock.now())
    files: dict[str, bytes] = {}
    await lifeboat._add_archive(settings, letter, files, NoProgress())
    return files


async def test_only_public_posts_that_are_still_there_are_published(village: Village, dsn: str) -> None:
    await village.settle("anna")
    for visibility in Visibility:
        await village.write("anna", f"psáno pro {visibility.word} @anna", visibility=visibility)
    for effect in PostEffect:
        written = await village.write("anna", f"účinek {effect.name}")
        async with village.database.write() as tx:
            await actions.set_effect(tx, written.post.id, effect, None)
    deleted = await village.write("anna", "smazáno")
    async with village.database.write() as tx:
        await actions.delete_post(tx, village.people["anna"], deleted.post.id)
    page = (await _archive(village, dsn))["archive/1.html"].decode()
    assert "psáno pro public" in page
    assert [word for word in ("unlisted", "followers", "direct") if f"psáno pro {word}" in page] == []
    assert [effect.name for effect in PostEffect if f"účinek {effect.name}" in page] == ["NONE", "LABEL"]
    assert page.index("<details") < page.index("účinek LABEL") < page.index("</details>")  # covered, as on the network
    assert "smazáno" not in page


async def test_quoted_words_are_published_like_other_words(village: Village, dsn: str) -> None:
    await village.settle("anna", "karel")
    for name, effect in (("bez krytu", PostEffect.NONE), ("pod krytem", PostEffect.LABEL), ("skryto", PostEffect.HIDDEN)):
        quoted = await village.write("anna", f"citováno {name}", visibility=Visibility.UNLISTED)
        await village.write("karel", "viz", quoted_id=quoted.post.id)
        async with village.database.write() as tx:
            await actions.set_effect(tx, quoted.post.id, effect, None)
    page = (await _archive(village, dsn))["archive/1.html"].decode()
    assert "citováno bez krytu" in page
    assert page.index("<details") < page.index("citováno pod krytem") < page.index("</details>")
    assert "citováno skryto" not in page
    assert "not part of this copy" in page


async def test_what_reaches_followers_only_is_not_published(village: Village, dsn: str) -> None:
    names = ("anna", "frozen", "limited", "both", "gone")
    await village.settle(*names)
    for name in names:
        await village.write(name, f"napsáno: {name}")
    limited = await village.write("anna", "příspěvek s omezeným dosahem")
    await village.write("anna", "pod krytem", cover="varování")
    async with village.database.write() as tx:
        await actions.set_effect(tx, limited.post.id, PostEffect.NONE, None, is_limited=True)
        for name, effect in (("frozen", AccountEffect.FROZEN), ("limited", AccountEffect.LIMITED), ("gone", AccountEffect.SUSPENDED)):
            await actions.set_account_effect(tx, village.people[name].id, effect)
        await actions.set_account_effect(tx, village.people["both"].id, AccountEffect.FROZEN, is_limited=True)
    page = (await _archive(village, dsn))["archive/1.html"].decode()
    assert [name for name in names if f"napsáno: {name}" in page] == ["anna", "frozen"]
    assert "omezeným dosahem" not in page
    assert page.index("<details") < page.index("varování") < page.index("pod krytem") < page.index("</details>")


async def test_pages_are_linked(village: Village, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifeboat, "_PAGE", 2)
    await village.settle("anna")
    for number in range(5):
        await village.write("anna", f"číslo {number}.")
    files = await _archive(village, dsn)
    assert [name for name in files if name.startswith("archive/")] == ["archive/1.html", "archive/2.html", "archive/3.html"]
    assert [number for number in range(5) if f"číslo {number}.".encode() in b"".join(files.values())] == list(range(5))
    assert b'href="3.html"' in files["archive/2.html"]
    assert b'href="1.html"' in files["archive/2.html"]
    assert b'rel="next"' not in files["archive/3.html"]
