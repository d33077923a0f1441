"""Finds the texts that members read, completes `locales/LANGUAGE/LC_MESSAGES/folkmoot.po`, and compiles it.

In templates: `_()` and `ngettext()`. In code: the texts of problems and field errors, the arguments of `sentence()`,
`plural()` and `Plural()`, and the `Words` of mails. English is the language of the code and has no catalogue.
"""

import ast
import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

FIXED_DATE = datetime(2026, 11, 24, tzinfo=UTC)
ROOT = Path(__file__).resolve().parent.parent / "folkmoot"
LOCALES = ROOT / "web" / "locales"
Found = tuple[str, int, str | tuple[str, str]]
# The position of the text among the arguments of a call.
CALLS = {
    "FieldError": 2, "NotFound": 0, "Forbidden": 0, "Unauthorized": 0, "Conflict": 0, "TooMany": 0, "Unavailable": 0, "WritesPaused": 0,
    "NotInGoodStanding": 0, "sentence": 0,
}


def in_code() -> Iterator[Found]:
    for folder in ("base", "http", "network", "moderation", "web"):  # the texts of commands are not translated
        for file in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                for text in _texts(node):
                    yield str(file.relative_to(ROOT.parent)), getattr(node, "lineno", 0), text


def _texts(node: ast.AST) -> Iterator[str | tuple[str, str]]:
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
        place = CALLS.get(name)
        if place is not None and len(node.args) > place and _is_text(node.args[place]):
            yield node.args[place].value  # type: ignore[attr-defined]
        if name == "Words":
            yield from (argument.value for argument in node.args if _is_text(argument))  # type: ignore[attr-defined]
        if name in ("plural", "Plural") and len(node.args) > 1 and _is_text(node.args[0]) and _is_text(node.args[1]):
            yield node.args[0].value, node.args[1].value  # type: ignore[attr-defined]
    if isinstance(node, ast.ClassDef):
        for statement in node.body:
            if isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", "") == "message" and _is_text(statement.value):
                yield statement.value.value  # type: ignore[attr-defined]
    if isinstance(node, ast.FunctionDef) and node.name == "obstacle":
        for part in ast.walk(node):
            if isinstance(part, ast.Return) and part.value and _is_text(part.value) and part.value.value:  # type: ignore[attr-defined]
                yield part.value.value  # type: ignore[attr-defined]


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def in_templates() -> Iterator[Found]:
    options = {"trim_blocks": "true", "lstrip_blocks": "true", "newstyle_gettext": "true"}
    for file in sorted((ROOT / "web" / "templates").rglob("*.html")):
        with open(file, "rb") as stream:
            for line, _function, texts, _comments in babel_extract(stream, ("_", "gettext", "ngettext"), [], options):
                found = [text for text in (texts if isinstance(texts, tuple) else (texts,)) if text]
                if found:
                    yield str(file.relative_to(ROOT.parent)), line, (found[0], found[1]) if len(found) > 1 else found[0]


def template() -> Catalog:
    catalogue = Catalog(project="Folkmoot", fuzzy=False)
    for file, line, text in [*in_code(), *in_templates()]:
        catalogue.add(text, locations=[(file, line)])
    return catalogue


def updated(language: str) -> Catalog:
    file = LOCALES / language / "LC_MESSAGES" / "folkmoot.po"
    catalogue = read_po(io.BytesIO(file.read_bytes()), language) if file.exists() else Catalog(language, fuzzy=False)
    catalogue.update(template(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    catalogue.header_comment = "# The sentences of Folkmoot in another language than that of its code."
    catalogue.project, catalogue.version, catalogue.msgid_bugs_address = "Folkmoot", "0", ""
    catalogue.last_translator = catalogue.language_team = ""
    catalogue.creation_date = catalogue.revision_date = FIXED_DATE  # so that a catalogue changes only with its texts
    return catalogue


def missing(catalogue: Catalog) -> list[str]:
    """Texts without a translation. A fuzzy one, such as of a text that has got a plural, is not compiled."""
    return [
        str(message.id) for message in catalogue
        if message.id and (message.fuzzy or not (all(message.string) if isinstance(message.string, tuple) else message.string))
    ]


def compiled(catalogue: Catalog) -> bytes:
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def main() -> int:
    is_check = "--check" in sys.argv
    bad = False
    for folder in sorted(LOCALES.iterdir()):
        catalogue = updated(folder.name)
        file = folder / "LC_MESSAGES" / "folkmoot.po"
        for sentence in missing(catalogue):
            print(f"{folder.name}: no translation of {sentence!r}")
            bad = True
        if is_check:
            machine = file.with_suffix(".mo")
            if not machine.exists() or machine.read_bytes() != compiled(read_po(io.BytesIO(file.read_bytes()), folder.name)):
                print(f"{folder.name}: the catalogue is not compiled; run bin/messages")
                bad = True
            continue
        with open(file, "wb") as stream:
            write_po(stream, catalogue, omit_header=False, sort_by_file=True, width=110, include_lineno=False)
        file.with_suffix(".mo").write_bytes(compiled(read_po(io.BytesIO(file.read_bytes()), folder.name)))
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
