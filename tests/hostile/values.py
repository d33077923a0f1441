"""Values that no form and no app should send: texts, JSON values, parts of addresses, and whole bodies."""

import re
from typing import Any

VALUES: list[Any] = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "0",
    "-1",
    "1",
    "²",
    "٣",
    "9" * 30,
    "-" + "9" * 400,
    str(2**63 - 1),
    str(2**63),
    "1e309",
    "NaN",
    "Infinity",
    "true",
    "maybe",
    "null",
    "undefined",
    "[]",
    "{}",
    "../../etc/passwd",
    "%00",
    "%0d%0aX-Evil: 1",
    "a\r\nX-Evil: 1",
    "\u202eevil",
    "\u200b",
    "\ufeff",
    "ﷺ" * 100,
    "#" + "ﷺ" * 90,
    "a\u0300" * 300,
    "👩‍👩‍👧‍👦" * 200,
    "<script>alert(1)</script>",
    "'; DROP TABLE posts; --",
    "\\",
    "%",
    "_%\\",
    "http://x/" + "a" * 60_000,
    "http://x" + ")" * 100_000,
    "@" * 5_000,
    "#a" * 5_000,
    "x" * 300_000,
    "jana@example.org" + "\n",
    "//evil.example",
    "/\u00e9vil.example",
    "javascript:alert(1)",
    "https://[",
    "en-XX-YY",
    "\x1b[31m",
    "2026-13-45T99:99:99Z",
    "{{7*7}}",
    "${7*7}",
    "%(name)s",
    "%s%n",
]
TREES: list[Any] = [
    None,
    True,
    10**30,
    -1.5,
    [],
    {},
    [[]],
    {"0": {}},
    [None],
    [True, {}],
    ["x"] * 101,
    {"a": {"b": {"c": {"d": {"e": 1}}}}},
    [{"id": "\x00"}],
    {"name": ["x"]},
    "\x00",
    2**63,
    ["a\x00"],
]
PATHS = [
    "0",
    "1",
    "-1",
    "abc",
    "\x00",
    "1\x00",
    "1\r\nX-Evil: 1",
    "9" * 19,
    str(2**63 - 1),
    str(2**63),
    "9" * 400,
    "٣",
    "²",
    "%2e%2e",
    "..",
    "a b",
    "é",
    "\u202e",
    "<script>",
    "' OR 1=1",
    "x" * 5_000,
    "karel@localhost:8420",
    "@@",
    "jana.",
    ".",
    "a.small.jpg",
    "\ud7ff",
    "\ufffd",
]

BODIES = [
    (b"{", "application/json"),
    (b"[]", "application/json"),
    (b"[" * 50_000, "application/json"),
    (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "application/json"),
    (b'{"status":"\\ud800"}', "application/json"),
    (b'{"status":1e999}', "application/json"),
    (b'{"id":' + b"9" * 6_000 + b"}", "application/json"),
    (b"\xff\xfe", "application/json"),
    (b"a=%ff%00", "application/x-www-form-urlencoded"),
    (b"&" * 100_000, "application/x-www-form-urlencoded"),
    (b"a[" * 5_000, "application/x-www-form-urlencoded"),
    (b"x", "text/plain"),
    (b"x", "multipart/form-data"),
    (b"x", "multipart/form-data; boundary="),
    (b"x", "multipart/form-data; boundary=" + "b" * 300),
    (b"--b\r\n\r\nx\r\n--b--", "multipart/form-data; boundary=b"),
    (
        b'--b\r\nContent-Disposition: form-data; name="\xff"; filename="\x00"\r\n\r\nx\r\n--b--\r\n',
        "multipart/form-data; boundary=b; charset=utf-99",
    ),
    (b'--b\r\nContent-Disposition: form-data; name="status"\r\n\r\nx', "multipart/form-data; boundary=b"),
    (b"<a/>", "application/xml"),
    (b"{}", "x\x7f/é"),
    (b'{"status":"a","status":"b","status":{}}', "application/json"),
    (b"x" * (2 * 1024 * 1024), "application/json"),
]


def beyond(schema: dict[str, Any]) -> list[Any]:
    """Values just outside the range of a declared parameter, by its JSON Schema."""
    found: list[Any] = []
    if "minimum" in schema:
        found.append(schema["minimum"] - 1)
    if "maximum" in schema:
        found += [schema["maximum"] + 1, schema["maximum"] * 10**20]
    if "maxLength" in schema:
        found.append("x" * (schema["maxLength"] + 1))
    if "maxItems" in schema:
        found.append([f"a{number}" for number in range(schema["maxItems"] + 1)])
    found += {
        "integer": ["1.5", "0x10", "1e3"], "boolean": ["maybe", "2", "null"], "array": [["x"] * 101, ["\x00"]],
    }.get(schema.get("type", ""), ["\x00", "\ud7ff" * 3])
    if "enum" in schema:
        found.append(schema["enum"][0].upper())
    if "pattern" in schema:
        found += ["0", "-1", str(2**63), "٣"]
    return found


def tree(name: str, value: Any) -> dict[str, Any]:
    """The JSON that the name of a form field stands for: `poll[options][]` is `{"poll": {"options": ...}}`."""
    parts = [part for part in re.split(r"[\[\]]+", name) if part]
    is_group_in_list = "[][" in name
    for part in reversed(parts):
        value = {part: value}
    return {parts[0]: [value[parts[0]]]} if is_group_in_list else value
