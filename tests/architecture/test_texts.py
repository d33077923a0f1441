"""Rules of the texts that members read: plural forms, quotation marks, dates."""

import ast
import re
from pathlib import Path

from babel.messages.pofile import read_po

from folkmoot.moderation.clauses.published import current

ROOT = Path(__file__).resolve().parents[2] / "folkmoot"
_COUNTED = re.compile(r"%\(\w+\)[ds]\s+[a-z]")  # a number before a noun
_SAME_FOR_ALL = {  # their limits are constants far above one
    "Please choose between 1 and %(limit)d days.", "Please choose between 1 and %(limit)d cases.",
    "At most %(limit)d cases can be decided together.",
}


def _messages() -> list[str]:
    """The literal messages of problems and field errors."""
    found = []
    for file in ROOT.rglob("*.py"):
        source = file.read_text("utf-8")
        for node in ast.walk(ast.parse(source if "FieldError" in source else "")):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "FieldError" and isinstance(node.args[2], ast.Constant):
                found.append(str(node.args[2].value))
    return found


def test_messages_with_a_number_have_plural_forms() -> None:
    messages = _messages()
    assert len(messages) > 30
    assert {message for message in messages if _COUNTED.search(message)} <= _SAME_FOR_ALL


def test_texts_have_typographic_quotation_marks() -> None:
    with open(ROOT / "web" / "locales" / "cs" / "LC_MESSAGES" / "folkmoot.po", "rb") as file:
        catalogue = read_po(file, "cs")
    texts = [text for message in catalogue if message.id for entry in (message.id, message.string)
             for text in (entry if isinstance(entry, tuple | list) else [entry])]
    for clause in current().clauses:
        texts += [*clause.title.values(), *clause.text.values()]
        texts += [example for examples in (clause.breaks, clause.keeps) for found in examples.values() for example in found]
    assert [text for text in texts if re.search("[\"'`]", text)] == []


def test_dates_are_shown_as_people_write_them() -> None:
    """An ISO date stands only in attributes."""
    def shown(file: Path) -> str:
        return re.sub(r"<[^>]*>", "", re.sub(r"\{%.*?%\}", "", file.read_text("utf-8"), flags=re.DOTALL))

    assert not [file for file in (ROOT / "web" / "templates").rglob("*.html") if "isoformat" in shown(file)]


def test_no_page_is_given_a_name_that_the_frame_of_pages_sets() -> None:
    """What `base.html` sets hides what a handler passes by the same name, and says nothing."""
    set_by_frame = set(re.findall(r"{% set (\w+) =", (ROOT / "web" / "templates" / "base.html").read_text("utf-8")))
    assert {"places", "counts"} <= set_by_frame
    given = {
        (file.name, keyword.arg)
        for file in (ROOT / "web").rglob("*.py") for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("show", "render") for keyword in node.keywords
    }
    assert ("hashes.py", "lists") in given
    assert not [(file, name) for file, name in given if name in set_by_frame]
