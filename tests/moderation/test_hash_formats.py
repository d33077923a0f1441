"""Hash lists in the formats that others use, and a round trip of ours."""

import json

import pytest

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.moderation.hash_lists.formats import read_list, write_csv, write_json
from folkmoot.moderation.hash_lists.model import Entry, Kind, text_key

_A, _B = "ab" * 32, "cd" * 32


@pytest.mark.parametrize(("text", "kind", "expected"), [
    (f"{_A}\n{_B.upper()}\n\n# a comment\n", Kind.FILE, [(Kind.FILE, _A), (Kind.FILE, _B)]),
    (f"{_A}  holiday photo.jpg\n{_B} *other.png\n", Kind.FILE, [(Kind.FILE, _A), (Kind.FILE, _B)]),
    ("0.0.0.0 bad.example\n127.0.0.1\tworse.example # why\n", None, [(Kind.ADDRESS, "bad.example"), (Kind.ADDRESS, "worse.example")]),
    ("https://bad.example/#part\n", Kind.ADDRESS, [(Kind.ADDRESS, "bad.example")]),
    ("#domain,#severity,#reject_media,#public_comment\nbad.example,suspend,False,\"spam, scams\"\n", None, [(Kind.ADDRESS, "bad.example")]),
    (f"signal_type,signal\npdq,{_A}\nurl,http://bad.example/x\n", None, [(Kind.PICTURE, _A), (Kind.ADDRESS, "bad.example/x")]),
    (json.dumps({"data": [{"type": "HASH_PDQ", "indicator": _A}, {"type": "HASH_SHA256", "indicator": _B}]}), None,
     [(Kind.PICTURE, _A), (Kind.FILE, _B)]),
    (f'{{"kind": "file", "value": "{_A}"}}\n{{"kind": "file", "value": "{_B}"}}\n', None, [(Kind.FILE, _A), (Kind.FILE, _B)]),
    (json.dumps([_A, _B]), Kind.PICTURE, [(Kind.PICTURE, _A), (Kind.PICTURE, _B)]),
    (f"pdq\n{_A}\n", None, [(Kind.PICTURE, _A)]),
    ("domain,bad.example\n", None, [(Kind.ADDRESS, "bad.example")]),
    (f"sha256,{_A}\npdq,{_B}\n", None, [(Kind.FILE, _A), (Kind.PICTURE, _B)]),
    ("*.bad.example\n.worse.example\nhttps://x.example/a # why\n", Kind.ADDRESS,
     [(Kind.ADDRESS, "bad.example"), (Kind.ADDRESS, "worse.example"), (Kind.ADDRESS, "x.example/a")]),
    ("kind;value;clause\r\naddress;bad.example;7\r\n", None, [(Kind.ADDRESS, "bad.example")]),
    ("kind\tvalue\naddress\tbad.example\n", None, [(Kind.ADDRESS, "bad.example")]),
    ("\ufeffvalue,kind\r\nbad.example,address\r\n", None, [(Kind.ADDRESS, "bad.example")]),
])
def test_lists_of_others_are_read(text: str, kind: Kind | None, expected: list[tuple[Kind, str]]) -> None:
    read = read_list(text, kind)
    assert [row[:2] for row in read.rows] == expected
    assert not read.skipped


def test_what_cannot_be_used_is_skipped_with_its_line() -> None:
    read = read_list(f"kind,value\nmd5,{'a' * 32}\nfile,{_A}\naddress,not an address\n,x\n", None)
    assert [row[:2] for row in read.rows] == [(Kind.FILE, _A)]
    assert [line for line, _ in read.skipped] == [2, 4, 5]
    assert "md5 is not a known kind" in read.skipped[0][1]
    assert read_list(f"{_A}\nP\ufffdíliš žluťoučký kůň úpěl ďábelské ódy\n", Kind.TEXT).skipped[0][0] == 2, "its hash would meet nothing"
    with pytest.raises(Problem, match="not JSON"):
        read_list('{"kind": ', None)
    with pytest.raises(Problem, match="begins in line 3"):
        read_list(f'kind,value\nfile,{_A}\ntext,"not closed\nfile,{_B}\n', None)


def test_a_hashtag_in_a_text_is_no_comment() -> None:
    texts = ["#krev poteče ulicemi dneska večer, kamarádi", "Buy #cheap pills now at our wonderful store"]
    read = read_list("# a comment\n" + "\n".join(texts), Kind.TEXT)
    assert [row[1] for row in read.rows] == [text_key(text) for text in texts]


def test_an_exported_list_is_imported_unchanged() -> None:
    entries = [
        Entry(list="known", kind=kind, value=value, clause="spam", note="a “note”, with commas\nand lines", added_at=clock.now())
        for kind, value in ((Kind.FILE, _A), (Kind.PICTURE, _B), (Kind.TEXT, _A), (Kind.ADDRESS, "bad.example/x?y=1"))
    ]
    for text in (write_csv(entries), write_json("known", "hold", entries)):
        read = read_list(text, None)
        assert read.rows == [(entry.kind, entry.value, entry.clause, entry.note) for entry in entries]
        assert not read.skipped
