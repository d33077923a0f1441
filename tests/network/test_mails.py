"""Mails are complete in every language, and are written to files while there is no SMTP server."""

import email
import email.policy
from pathlib import Path

import pytest

from folkmoot.base import i18n
from folkmoot.network.sessions import mails

LINK = "https://example.org/confirm/100%25"


async def _delivered(folder: Path, text: str, language: str) -> tuple[str, str]:
    transport = mails.MailTransport(
        network="Obec {100%}", base_url="https://example.org", sender="posta@example.org", host="", port=0, user="", password="",
        security="", outbox=folder, translators=i18n.load("Europe/Prague"),
    )
    await mails.deliver(mails.Mail(text, "jana@example.org", language, "/confirm/100%25"), transport)
    return _taken(folder, text)


def _taken(folder: Path, text: str) -> tuple[str, str]:
    [file] = folder.glob(f"*-{text}.eml")
    message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    file.unlink()
    return str(message["Subject"]), message.get_content()


@pytest.mark.parametrize("text", sorted(mails._TEXTS))
async def test_a_mail_contains_network_and_link_in_every_language(tmp_path: Path, text: str) -> None:
    found = {language: await _delivered(tmp_path, text, language) for language in i18n.LANGUAGES}
    for subject, body in found.values():
        assert LINK in body
        assert "%(" not in subject + body
        assert "Obec {100%}" in subject + body
    assert found["cs"][0] != found["en"][0]
    assert found["cs"][1] != found["en"][1]
    assert await _delivered(tmp_path, text, "de") == found["en"]
