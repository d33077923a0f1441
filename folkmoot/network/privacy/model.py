"""Sections of a privacy policy, the text that comes with the release, and the format of the operator's own. No input or output."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from typing import NamedTuple

import msgspec

LONGEST = 50_000  # characters
SHIPPED_AT = datetime(2026, 11, 30, tzinfo=UTC)  # when the text below was last changed
_HEADING = "## "


class Section(NamedTuple):
    title: str
    paragraphs: tuple[str, ...]


class PrivacyPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A version that an operator published."""

    language: str
    text: str
    published_at: datetime


def sentence(english: str) -> str:
    """Marks a sentence for the catalogues; it is translated when it is shown."""
    return english


# Sentences in English, to be translated. They say what the program does; an operator who does more must publish a text that says so.
SHIPPED = (
    Section(sentence("What is stored"), (
        sentence(
            "Your name here, your e-mail address, a fingerprint of your password that does not reveal it, and your settings."
        ),
        sentence(
            "What you write and upload, whom you follow, mute and block, what you like, boost and bookmark. Pictures, video "
            "and audio lose place, time and device before anybody sees them."
        ),
        sentence(
            "For each browser and app that is logged in: its name, when it was last here and from which network address. You "
            "see this list in the settings, and can end each one. A browser that was not here for 180 days is logged out and "
            "forgotten."
        ),
        sentence("There is no log of who read what, no advertising and no profile of what you like."),
    )),
    Section(sentence("Who can see it"), (
        sentence(
            "Public posts can be read by everybody, also without an account. A post for followers is read by those who follow"
            " you at the time of reading. A private message is read by those whom it names."
        ),
        sentence(
            "Those who decide about reports see what was reported, without the names of those who report. The operator of the"
            " server can technically read everything except passwords; nothing here is encrypted from end to end."
        ),
        sentence("Your e-mail address is seen by nobody but the operator and is used to reach you, not to advertise."),
    )),
    Section(sentence("Cookies"), (
        sentence(
            "One cookie keeps you logged in, and a few small ones remember your language and protect forms. None follows you "
            "elsewhere."
        ),
    )),
    Section(sentence("Copies"), (
        sentence(
            "Backups are encrypted. Something that you delete disappears from them when the backups of that time are removed."
        ),
    )),
    Section(sentence("How long"), (
        sentence(
            "What you delete is gone at once for everybody. Only what was reported, or is within a day, is kept until it is "
            "decided and nobody can appeal any more."
        ),
        sentence(
            "You can take everything with you as one file, and delete your account in the settings. Half an hour later "
            "everything is removed, except records of moderation without your words."
        ),
    )),
)


def sections_of(text: str) -> list[Section]:
    """The sections of an operator's text: lines that begin with `## ` are headings, empty lines separate paragraphs."""
    found: list[Section] = []
    for block in text.replace("\r\n", "\n").split("\n\n"):
        heading, _, rest = block.strip("\n").partition("\n") if block.lstrip("\n").startswith(_HEADING) else ("", "", block.strip("\n"))
        if heading or not found:
            found.append(Section(heading.removeprefix(_HEADING).strip(), ()))
        if rest.strip():
            found[-1] = Section(found[-1].title, (*found[-1].paragraphs, " ".join(rest.split())))
    return found


def text_of(sections: Sequence[Section]) -> str:
    """The same in the format that `sections_of` reads."""
    return "\n\n".join(part for one in sections for part in ([f"{_HEADING}{one.title}"] if one.title else []) + list(one.paragraphs))


def html_of(sections: Sequence[Section]) -> str:
    """For apps."""
    return "".join(
        (f"<h2>{escape(one.title)}</h2>" if one.title else "") + "".join(f"<p>{escape(text)}</p>" for text in one.paragraphs)
        for one in sections
    )
