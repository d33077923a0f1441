"""Parameters are read as declared, in every encoding; malformed ones are refused with their names."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

import hypothesis.strategies as st
import pytest
from hypothesis import given
from msgspec import UNSET, Meta, UnsetType, structs

import folkmoot
from folkmoot.api.parameters import Cursor, Focus, Id, Offset, PageOf20, Parameters, UpTo40, fields_of, fill, json_schema, on_the_wire
from folkmoot.api.routes import ROUTES
from folkmoot.base.errors import Invalid, Malformed
from folkmoot.http.bodies import from_query, nested
from folkmoot.http.params import File, Params

KINDS = sorted({endpoint.params for endpoint in ROUTES if endpoint.params}, key=lambda kind: kind.__name__)


class Inner(Parameters, frozen=True, kw_only=True):
    name: str = ""
    ids: tuple[Id, ...] = ()


class Everything(Parameters, frozen=True, kw_only=True):
    text: str = "default"
    clearable: str | None = None
    short: Annotated[str, Meta(max_length=3)] | None = None
    flag: bool = True
    perhaps: bool | None = None
    number: int = 7
    id: Id | None = None
    cursor: Cursor | None = None
    limit: UpTo40 = 20
    offset: Offset = 0
    word: Annotated[Literal["a", "b"] | None, Meta(extra={"unknown": "No such word."})] = None
    strict: Literal["a", "b"] | None = None
    texts: tuple[str, ...] | None = None
    ids: tuple[Id, ...] = ()
    focus: Focus | None = None
    file: File | UnsetType | None = UNSET
    inner: Inner | None = None
    rows: tuple[Inner, ...] = ()


class Needs(Parameters, frozen=True, kw_only=True):
    q: str
    id: Id


@pytest.mark.parametrize(("query", "name", "value"), [
    ("", "text", "default"), ("text=", "text", ""), ("clearable=", "clearable", ""), ("short=abc", "short", "abc"),
    ("flag=", "flag", False), ("flag=off", "flag", False), ("flag=0", "flag", False), ("perhaps=f", "perhaps", False),
    ("flag=T", "flag", True),
    ("number=", "number", 7), ("number=0", "number", 0), ("number=-3", "number", -3),
    ("id=", "id", None), ("id=abc", "id", 0), ("id=0", "id", 0), ("id=12", "id", 12), (f"id={2**63}", "id", 0),
    ("cursor=0", "cursor", 0), ("cursor=", "cursor", None), ("cursor=12", "cursor", 12),
    ("limit=0", "limit", 0), ("limit=41", "limit", 40), (f"limit={'9' * 40}", "limit", 40), ("limit=", "limit", 20),
    ("offset=99999", "offset", 10_000), ("word=", "word", None), ("word=b", "word", "b"),
    ("texts=a", "texts", ("a",)), ("texts[]=a&texts[]=b", "texts", ("a", "b")), ("texts[]=", "texts", ("",)),
    ("ids[]=1&ids[]=x&ids[]=2", "ids", (1, 2)), ("focus=0.5,-1", "focus", (0.5, -1.0)),
    ("focus=", "focus", None), ("focus=1", "focus", (1.0, 0.0)),
    ("file=", "file", None), ("inner=", "inner", None), ("inner[name]=a&inner[ids][]=3", "inner", Inner(name="a", ids=(3,))),
    ("rows[][name]=a&rows[][name]=b", "rows", (Inner(name="a"), Inner(name="b"))), ("rows[0][name]=a", "rows", (Inner(name="a"),)),
])
def test_a_value_is_read_by_its_type(query: str, name: str, value: Any) -> None:
    assert getattr(fill(Everything, from_query(query.encode())), name) == value


def test_an_absent_file_is_not_an_empty_one() -> None:
    assert fill(Everything, Params()).file is UNSET
    assert fill(Everything, Params({"file": File("a.png", b"x")})).file == File("a.png", b"x")


@pytest.mark.parametrize("tree", [
    {"short": "abcd"}, {"flag": "maybe"}, {"perhaps": "2"}, {"number": "1.5"}, {"number": 1.5}, {"number": True}, {"cursor": "abc"},
    {"cursor": -1}, {"limit": "-1"}, {"offset": -1}, {"strict": "c"}, {"text": ["a"]}, {"text": {}}, {"text": "a\x00"}, {"text": "\ud800"},
    {"ids": [[1]]}, {"ids": [True]}, {"texts": ["a"] * 101}, {"focus": "a,b"}, {"focus": "nan,0"}, {"file": "x"}, {"inner": "x"},
    {"inner": [1]}, {"inner": {"name": {}}}, {"rows": ["x"]}, {"rows": [{"name": []}]},
])
def test_malformed_values_are_refused(tree: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        fill(Everything, Params(tree))


def test_an_unknown_word_names_its_field() -> None:
    with pytest.raises(Invalid) as caught:
        fill(Everything, Params({"word": "c"}))
    [error] = caught.value.errors
    assert (error.field, error.code, error.message) == ("word", "inclusion", "No such word.")


@pytest.mark.parametrize("tree", [{}, {"q": ""}, {"q": None, "id": 1}, {"q": "a"}, {"q": "a", "id": ""}])
def test_required_parameters_must_be_present(tree: dict[str, Any]) -> None:
    with pytest.raises(Malformed, match="can't be blank"):
        fill(Needs, Params(tree))
    assert fill(Needs, Params({"q": "a", "id": "no id"})).id == 0


def test_json_null_counts_as_absent() -> None:
    names = [field.name for field in fields_of(Everything)]
    filled = fill(Everything, Params(dict.fromkeys(names)))
    assert filled.file is None  # removes a picture
    assert structs.replace(filled, file=UNSET) == Everything()


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**65) | st.floats(allow_nan=True) | st.text(max_size=8)
    | st.sampled_from(["", "0", "-1", "true", "public", "1,2", "\x00", "9" * 30]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "id", "options", "0", ""]), inner, max_size=3),
    max_leaves=6,
)


@given(data=st.data())
def test_no_tree_causes_another_error(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    names = [field.name for field in fields_of(kind)]
    tree = data.draw(st.dictionaries(st.sampled_from(names), _VALUES, max_size=len(names)))
    try:
        filled = fill(kind, Params(tree))
    except (Malformed, Invalid):
        return
    assert type(filled) is kind


def _fitting(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a declared parameter accepts."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "pattern" in schema:
        return st.just("0.5,-1") if "-?" in schema["pattern"] else st.integers(1, 2**63 - 1).map(str)
    if schema["type"] == "array":
        return st.lists(_fitting(schema["items"]), min_size=1, max_size=3)
    plain: dict[str, st.SearchStrategy[Any]] = {
        "integer": st.integers(0, 10**6), "boolean": st.booleans(), "string": st.sampled_from(["1", "0,1", "č&[=", ""]),
    }
    return plain[schema["type"]]


@given(data=st.data())
def test_query_form_and_json_are_equivalent(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    pairs: list[tuple[str, Any]] = []
    for name, field in on_the_wire(fields_of(kind)):
        if field.schema.get("format") != "binary" and (field.is_required or data.draw(st.booleans())):
            value = data.draw(_fitting(field.schema).filter(lambda drawn, is_required=field.is_required: drawn != "" or not is_required))
            pairs += [(name, one) for one in value] if field.is_list else [(name, value)]
    texts = [(name, json.dumps(value) if isinstance(value, bool) else str(value)) for name, value in pairs]
    query = "&".join(f"{quote(name)}={quote(text)}" for name, text in texts)
    trees = [nested(pairs), nested(texts), from_query(query.encode()).tree()]
    filled = [fill(kind, Params(tree)) for tree in trees]
    assert filled[0] == filled[1] == filled[2]


def test_a_schema_has_required_fields_and_bounds() -> None:
    schema = json_schema(fields_of(Everything))
    assert schema["properties"]["limit"]["maximum"] == 40
    assert schema["properties"]["short"] == {"type": "string", "maxLength": 3}
    assert schema["properties"]["rows"]["items"]["properties"]["ids"]["type"] == "array"
    assert "required" not in schema
    assert json_schema(fields_of(Needs))["required"] == ["q", "id"]


def test_an_unsupported_type_is_refused_at_declaration() -> None:
    class Odd(Parameters, frozen=True, kw_only=True):
        value: set[int] | None = None

    with pytest.raises(TypeError, match="no way to read"):
        fields_of(Odd)


def test_handlers_read_declared_parameters_only() -> None:
    """`request.query` and `request.params()` belong to the code that fills the structs."""
    folder = Path(folkmoot.__file__).parent / "api"
    for file in folder.glob("*.py"):
        if file.name not in ("request.py", "endpoints.py"):
            text = file.read_text("utf-8")
            assert "request.query" not in text, file.name
            assert "request.params()" not in text, file.name


def test_a_page_is_built_from_its_parameters() -> None:
    page = fill(PageOf20, from_query(b"limit=3&max_id=9&min_id=0")).page
    assert (page.limit, page.below, page.above, page.order) == (3, 9, 0, "ASC")
