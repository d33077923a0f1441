"""A form whose page was open for too long, or whose session has ended meanwhile, comes back with what was written in it."""

import pytest

from folkmoot.http.routing import USUAL_BYTES
from tests.http.test_shortages import fields_of
from tests.village import Village, Visitor
from tests.web.test_pages import form_token

TEXT = "Ztratil se pes.\nSlyší na <Azora> & \"mlask\"."
OWN_PAGE = {"origin": "http://localhost:8420", "sec_fetch_site": "same-origin"}  # as browsers of today say it


async def _write(visitor: Visitor, path: str = "/posts/new") -> dict[str, str]:
    """A form that the visitor has opened and filled."""
    return {"form_token": form_token((await visitor.get(path)).text), "text": TEXT, "visibility": "0"}


async def test_a_text_survives_the_end_of_its_session(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_browser("jana")
    form = await _write(jana)
    other_tab = Visitor(village.front, session=jana.cookies["folkmoot"])
    await other_tab.post("/log_out", {"form_token": form_token((await other_tab.get("/")).text)})
    refused = await jana.post("/posts", form, **OWN_PAGE)
    assert refused.status == 401
    assert 'href="/log_in"' in refused.text
    assert fields_of(refused.text)["text"] == [TEXT]
    jana.cookies = (await village.by_browser("jana")).cookies  # logged in again, in another tab
    stale = await jana.post("/posts", fields_of(refused.text), **OWN_PAGE)
    assert stale.status == 403
    kept = fields_of(stale.text)
    assert (kept["text"], kept["visibility"]) == ([TEXT], ["0"])
    assert (await jana.post("/posts", kept, **OWN_PAGE)).status == 303
    assert "mlask" in (await jana.get("/")).text


async def test_a_text_survives_another_log_in_in_the_same_browser(village: Village) -> None:
    _, (karel, *_) = await village.settle("jana"), await village.settle("karel")
    jana = await village.by_browser("jana")
    form = await _write(jana, "/@karel")
    jana.cookies = (await village.by_browser("jana")).cookies
    path = f"/accounts/{karel.id}/note"
    stale = await jana.post(path, {"form_token": form["form_token"], "note": "Potkali jsme se na trhu"}, **OWN_PAGE)
    assert stale.status == 403
    assert (await jana.post(path, fields_of(stale.text, path), **OWN_PAGE)).status == 303
    assert "Potkali jsme se na trhu" in (await jana.get("/@karel")).text


async def test_a_large_body_of_a_stranger_is_not_read(village: Village) -> None:
    headers = {"content_type": "multipart/form-data; boundary=frontier", **OWN_PAGE}
    for size, comes_back in ((1000, True), (USUAL_BYTES, False)):
        parts = f'--frontier\r\nContent-Disposition: form-data; name="text"\r\n\r\n{TEXT}\r\n' \
            '--frontier\r\nContent-Disposition: form-data; name="file_1"; filename="a.jpg"\r\n\r\n'
        body = parts.encode() + b"x" * size + b"\r\n--frontier--\r\n"
        answer = await village.nobody().send("POST", "/posts", body=body, headers=headers)
        assert answer.status == 401
        assert ("mlask" in answer.text) is comes_back


@pytest.mark.parametrize("headers", [
    {}, {"sec_fetch_site": "none"}, {"sec_fetch_site": "cross-site"}, {"sec_fetch_site": "same-site"},
    {"origin": "https://evil.example"}, {"origin": "null"},
])
async def test_only_a_form_of_our_own_page_comes_back(village: Village, headers: dict[str, str]) -> None:
    await village.settle("jana")
    jana = await village.by_browser("jana")
    for visitor in (jana, village.nobody()):
        answer = await visitor.post("/posts", {"form_token": "x.y", "text": TEXT, "visibility": "0"}, **headers)
        assert answer.status in (401, 403)
        assert "mlask" not in answer.text


async def test_a_password_never_comes_back(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_browser("jana")
    form = {"form_token": "x.y", "old_password": "tajne heslo je dlouhe", "password": "jine heslo je dlouhe"}
    for visitor in (jana, village.nobody()):
        answer = await visitor.post("/settings/password", form, **OWN_PAGE)
        assert answer.status in (401, 403)
        assert "heslo je dlouhe" not in answer.text
