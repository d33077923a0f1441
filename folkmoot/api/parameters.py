"""Typed parameters: every endpoint declares a struct, and `fill` creates one from the client's parameters.

Clients send parameters as query, form, multipart or JSON; `http/bodies.py` parses them all into one tree. The type of a
field determines how its value is read: a number from a text, a list from a single value, a word from a fixed set. An
absent parameter gets the default of the field; so does an empty value for a number, an id or a word. An empty text is a
value: it clears a field that an absent one leaves (`str | None = None`). JSON null counts as absent, except for fields
that are `| UnsetType`, which distinguish an empty file from an absent one. The reference page, the OpenAPI document
and the hostile tests read the same structs through `fields_of`.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec
from msgspec import NODEFAULT, Meta, inspect

from folkmoot.base.errors import FieldError, Invalid, Malformed
from folkmoot.base.ids import bound_of, parse_id
from folkmoot.base.paging import Page
from folkmoot.http.params import File, Params, unreadable

_LARGEST = 10**18
_ID_SCHEMA = {"type": "string", "pattern": "^[0-9]{1,19}$"}
Read = Callable[[Params, str], Any]


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the structs that endpoints declare."""


P = TypeVar("P", bound=Parameters)


def about(sentence: str = "", **schema: Any) -> Meta:
    """The description of a field. Bounds given here (as JSON Schema keywords) are checked by the action."""
    return Meta(description=sentence or None, extra_json_schema=schema)


def _up_to(most: int) -> Meta:
    return Meta(
        description="Larger values are reduced to the maximum.", extra={"reads": "count", "most": most},
        extra_json_schema={"minimum": 0, "maximum": most},
    )


# An invalid id is read as 0, which no row has, so it finds nothing. In a list, invalid ids are left out.
Id = Annotated[int, Meta(extra={"reads": "id"}, extra_json_schema=_ID_SCHEMA)]
NamedIds = Annotated[tuple[Id, ...], Meta(extra={"names": True})]  # the objects of a request: none may be ignored
Cursor = Annotated[int, Meta(extra={"reads": "cursor"}, extra_json_schema=_ID_SCHEMA)]
UpTo20 = Annotated[int, _up_to(20)]
UpTo40 = Annotated[int, _up_to(40)]
UpTo80 = Annotated[int, _up_to(80)]
UpTo200 = Annotated[int, _up_to(200)]
UpTo1000 = Annotated[int, _up_to(1000)]
Offset = Annotated[int, Meta(
    description="The number of results to skip. Larger values are reduced to the maximum.",
    extra={"reads": "count", "most": 10_000}, extra_json_schema={"minimum": 0, "maximum": 10_000},
)]
Focus = Annotated[tuple[float, float], Meta(
    description="The point that stays visible when the picture is cropped: x and y from -1 to 1, `0.2,-0.5`.",
    extra={"reads": "focus"}, extra_json_schema={"type": "string", "pattern": "^-?[0-9.]+,-?[0-9.]+$"},
)]


class Cursors(Parameters, frozen=True, kw_only=True):
    """The bounds of a page, all exclusive. The `Link` header of a response has those of the next and previous page."""

    max_id: Annotated[Cursor, Meta(description="Only older entries.")] | None = None
    since_id: Annotated[Cursor, Meta(description="Only newer entries; returns the newest ones.")] | None = None
    min_id: Annotated[Cursor, Meta(description="Only newer entries; returns those directly after it.")] | None = None

    def page_of(self, limit: int) -> Page:
        return Page(limit=limit, max_id=self.max_id, since_id=self.since_id, min_id=self.min_id)


class PageOf20(Cursors, frozen=True, kw_only=True):
    limit: UpTo40 = 20

    @property
    def page(self) -> Page:
        return self.page_of(self.limit)


class PageOf40(Cursors, frozen=True, kw_only=True):
    limit: UpTo80 = 40

    @property
    def page(self) -> Page:
        return self.page_of(self.limit)


class ParameterField(NamedTuple):
    """One parameter: its reader and its description. `parts`: the fields of a nested struct, `schema`: JSON Schema."""

    name: str
    attribute: str  # of the struct; another one where the name is not one in Python
    read: Read
    schema: dict[str, Any]
    is_required: bool
    default: Any  # NODEFAULT if there is none
    keeps_none: bool  # an empty value is not the same as an absent one
    parts: "tuple[ParameterField, ...]"

    @property
    def is_list(self) -> bool:
        return self.schema.get("type") == "array"


def fill(kind: type[P], given: Params) -> P:
    """Creates the struct from the given parameters. Raises Malformed, and Invalid for an unknown word."""
    values: dict[str, Any] = {}
    for field in fields_of(kind):
        if field.name in given if field.keeps_none else given.is_given(field.name):
            value = field.read(given, field.name)
            if value is not None or field.keeps_none:
                values[field.attribute] = value
        if field.is_required and values.get(field.attribute, "") == "":
            raise Malformed("Validation failed: %(name)s can't be blank", name=field.name)
    return kind(**values)


@cache
def fields_of(kind: type[Parameters]) -> tuple[ParameterField, ...]:
    """The parameters of a struct, in the order of their declaration."""
    described = inspect.type_info(kind)
    assert isinstance(described, inspect.StructType)
    return tuple(_field(field) for field in described.fields)


def on_the_wire(fields: Iterable[ParameterField], prefix: str = "") -> Iterator[tuple[str, ParameterField]]:
    """(name with brackets, parameter), as in forms and queries: `id[]`, `poll[options][]`."""
    for field in fields:
        name = f"{prefix}[{field.name}]" if prefix else field.name
        name += "[]" if field.is_list else ""
        if field.parts:
            yield from on_the_wire(field.parts, name)
        else:
            yield name, field


def json_schema(fields: Iterable[ParameterField]) -> dict[str, Any]:
    """The JSON Schema of a body with these parameters."""
    properties = {}
    required = []
    for field in fields:
        schema = field.schema
        if field.parts and field.is_list:
            schema = {**schema, "items": json_schema(field.parts)}
        elif field.parts:
            schema = {**schema, **json_schema(field.parts)}
        properties[field.name] = schema if field.default in (NODEFAULT, None, "", ()) else {**schema, "default": field.default}
        if field.is_required:
            required.append(field.name)
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def _field(field: inspect.Field) -> ParameterField:
    read, schema, parts = _reading(field.type, {})
    return ParameterField(
        name=field.encode_name, attribute=field.name, read=read, schema=schema, is_required=field.required, default=field.default,
        keeps_none=not field.required and field.default is NODEFAULT and field.default_factory is NODEFAULT, parts=parts,
    )


def _reading(kind: inspect.Type, extra: dict[str, Any]) -> tuple[Read, dict[str, Any], tuple[ParameterField, ...]]:
    """(the reader of a type, its JSON Schema, the fields of a nested struct)."""
    read: Read
    match kind:
        case inspect.Metadata():
            read, schema, parts = _reading(kind.type, {**(kind.extra or {}), **extra})
            return read, {**schema, **(kind.extra_json_schema or {})}, parts
        case inspect.UnionType():
            [kind] = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
            return _reading(kind, extra)
        case inspect.StructType() if issubclass(kind.cls, Parameters):
            return _child(kind.cls), {"type": "object"}, fields_of(kind.cls)
        case inspect.VarTupleType():
            _, schema, parts = _reading(kind.item_type, {})
            return _items(kind.item_type, extra), {"type": "array", "items": schema}, parts
        case inspect.LiteralType():
            return _word(kind.values, extra), {"type": "string", "enum": list(kind.values)}, ()
        case inspect.DataclassType() if kind.cls is File:
            return Params.file, {"type": "string", "format": "binary"}, ()
        case inspect.StrType():
            schema = {"type": "string"} if kind.max_length is None else {"type": "string", "maxLength": kind.max_length}
            return _text(kind.max_length), schema, ()
        case inspect.BoolType():
            return Params.optional_flag, {"type": "boolean"}, ()
    if "reads" in extra:
        return _SPECIAL[extra["reads"]](extra), {"type": "integer"}, ()
    if isinstance(kind, inspect.IntType):
        return Params.integer, {"type": "integer"}, ()
    raise TypeError(f"no way to read {kind} from a request")


def _child(kind: type[Parameters]) -> Read:
    def read(given: Params, name: str) -> Any:
        group = given.child(name)
        return None if group is None else fill(kind, group)

    return read


def _items(kind: inspect.Type, extra: dict[str, Any]) -> Read:
    """The reader of a list. Invalid ids are left out; only in `NamedIds` they are read as 0, which is refused later."""
    if isinstance(kind, inspect.StructType) and issubclass(kind.cls, Parameters):
        group_kind = kind.cls
        return lambda given, name: tuple(fill(group_kind, group) for group in given.children(name))
    if isinstance(kind, inspect.Metadata) and kind.extra == {"reads": "id"}:
        if "names" in extra:
            return lambda given, name: tuple(parse_id(text) or 0 for text in given.texts(name) if text)
        return lambda given, name: tuple(given.ids(name))
    if isinstance(kind, inspect.StrType):
        return lambda given, name: tuple(given.texts(name))
    raise TypeError(f"no way to read a list of {kind} from a request")


def _text(most: int | None) -> Read:
    if most is None:
        return Params.optional_text

    def read(given: Params, name: str) -> str | None:
        text = given.optional_text(name)
        if text is not None and len(text) > most:
            raise unreadable(name)
        return text

    return read


def _word(known: tuple[Any, ...], extra: dict[str, Any]) -> Read:
    """The reader of a word from a fixed set. Other words raise Invalid with the text `unknown`, or Malformed without it."""

    def read(given: Params, name: str) -> str | None:
        word = given.text(name)
        if word and word not in known:
            raise Invalid(FieldError(extra.get("field", name), "inclusion", extra["unknown"])) if "unknown" in extra else unreadable(name)
        return word or None

    return read


def _id(_extra: dict[str, Any]) -> Read:
    def read(given: Params, name: str) -> int | None:
        text = given.text(name)
        return (parse_id(text) or 0) if text else None

    return read


def _cursor(_extra: dict[str, Any]) -> Read:
    """The reader of a bound of a page. 0 is valid: no id is below it, and all ids are above it. So is the id of a date."""

    def read(given: Params, name: str) -> int | None:
        text = given.text(name)
        value = 0 if text == "0" else parse_id(text)
        if value is None and text:
            raise Malformed("%(text)s is no id.", text=text[:40])
        return bound_of(value) if value else value

    return read


def _count(extra: dict[str, Any]) -> Read:
    """The reader of a count, reduced to its maximum; too many digits count as a large number."""

    def read(given: Params, name: str) -> int | None:
        text = given.text(name)
        value = _LARGEST if len(text) > 18 and text.isascii() and text.isdigit() else given.integer(name)
        if value is not None and value < 0:
            raise Malformed("%(name)s must not be negative", name=name)
        return None if value is None else min(value, extra["most"])

    return read


def _focus(_extra: dict[str, Any]) -> Read:
    def read(given: Params, name: str) -> tuple[float, float] | None:
        text = given.text(name)
        x, _, y = text.partition(",")
        pair = Params({name: x}).number(name), Params({name: y.partition(",")[0]}).number(name)
        return (pair[0] or 0.0, pair[1] or 0.0) if text else None

    return read


_SPECIAL: dict[str, Callable[[dict[str, Any]], Read]] = {"id": _id, "cursor": _cursor, "count": _count, "focus": _focus}
