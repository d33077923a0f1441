"""Parameters of a request: a tree with typed access to its values.

A value that does not have the requested type raises Malformed with the name of the parameter. `bodies.py` builds the
tree from a query, a form, multipart or JSON.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from folkmoot.base.errors import Malformed
from folkmoot.base.ids import parse_id

MOST_ITEMS = 100
_SURROGATES = re.compile("[\ud800-\udfff]")
_YES = frozenset("true 1 on t yes".split())
_NO = frozenset(["false", "0", "off", "f", "no", ""])


@dataclass(frozen=True)
class File:
    """An uploaded file, read whole: the route limits its size."""

    name: str
    content: bytes


class Params:
    """Reads one level of the tree. Absent and empty values return None or the default."""

    __slots__ = ("_tree",)

    def __init__(self, tree: Mapping[str, Any] | None = None) -> None:
        self._tree = tree or {}

    def __contains__(self, name: str) -> bool:
        return name in self._tree

    def is_given(self, name: str) -> bool:
        """Whether there is a value. JSON null counts as none."""
        return self._tree.get(name) is not None

    def text(self, name: str) -> str:
        """The text, or an empty string."""
        return self.optional_text(name) or ""

    def optional_text(self, name: str) -> str | None:
        """The text, which may be empty; None if it is absent."""
        value = self._tree.get(name)
        if value is None:
            return None
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str | int | float):
            return _storable(str(value), name)
        raise unreadable(name)

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.optional_flag(name)
        return default if value is None else value

    def optional_flag(self, name: str) -> bool | None:
        text = self.optional_text(name)
        if text is None:
            return None
        if text.lower() in _YES:
            return True
        if text.lower() in _NO:
            return False
        raise unreadable(name)

    def integer(self, name: str) -> int | None:
        text = self.text(name)
        if not text:
            return None
        if not re.fullmatch(r"-?[0-9]{1,18}", text):
            raise unreadable(name)
        return int(text)

    def number(self, name: str) -> float | None:
        text = self.text(name)
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            raise unreadable(name) from None
        if not math.isfinite(value):
            raise unreadable(name)
        return value

    def id(self, name: str) -> int | None:
        """An id; None if it is absent or not a valid id."""
        return parse_id(self.text(name))

    def cursor(self, name: str) -> int | None:
        """A bound of a page: an id, or 0, which is below all ids; None if it is absent or invalid."""
        return 0 if self.text(name) == "0" else self.id(name)

    def texts(self, name: str) -> list[str]:
        """A list of texts; a single text becomes a list."""
        found = []
        for value in self._items(name):
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise unreadable(name)
            found.append(_storable(str(value), name))
        return found

    def ids(self, name: str) -> list[int]:
        return [id_ for text in self.texts(name) if (id_ := parse_id(text)) is not None]

    def child(self, name: str) -> "Params | None":
        value = self._tree.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, dict):
            raise unreadable(name)
        return Params(value)

    def children(self, name: str) -> list["Params"]:
        """A list of groups, given as a list or with numbers as keys."""
        items = self._items(name)
        if not all(isinstance(item, dict) for item in items):
            raise unreadable(name)
        return [Params(item) for item in items]

    def file(self, name: str) -> File | None:
        """An uploaded file; None if no file was selected."""
        value = self._tree.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, File):
            raise unreadable(name)
        return value if value.name or value.content else None

    def tree(self) -> dict[str, Any]:
        return dict(self._tree)

    def _items(self, name: str) -> list[Any]:
        value = self._tree.get(name)
        if value is None:
            return []
        if isinstance(value, dict):
            value = list(value.values())
        items = value if isinstance(value, list) else [value]
        if len(items) > MOST_ITEMS:
            raise Malformed("%(name)s has more than %(limit)d values.", name=name, limit=MOST_ITEMS)
        return items


class LenientParams(Params):
    """For forms: an invalid value counts as absent, so that the form can be shown again with the other values."""

    __slots__ = ()

    def optional_text(self, name: str) -> str | None:
        value = self._tree.get(name)
        if not isinstance(value, str):
            return super().optional_text(name) if isinstance(value, bool | int | float) else None
        return _SURROGATES.sub("", value.replace("\x00", ""))

    def optional_flag(self, name: str) -> bool | None:
        text = self.optional_text(name)
        return None if text is None else text.lower() in _YES

    def integer(self, name: str) -> int | None:
        """A number; -1, which no form accepts, for invalid text."""
        try:
            return super().integer(name)
        except Malformed:
            return -1

    def texts(self, name: str) -> list[str]:
        items = [item for item in self._items(name) if isinstance(item, str)]
        return [_SURROGATES.sub("", item.replace("\x00", "")) for item in items]

    def file(self, name: str) -> File | None:
        return super().file(name) if isinstance(self._tree.get(name), File) else None


def _storable(text: str, name: str) -> str:
    """Returns the text. Raises Malformed for NUL and lone surrogates, which PostgreSQL cannot store."""
    if "\x00" in text:
        raise unreadable(name)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise unreadable(name) from None
    return text


def unreadable(name: str) -> Malformed:
    return Malformed("The parameter %(name)s cannot be read.", name=name[:60])
