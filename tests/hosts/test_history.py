"""The judge finds what is wrong, and nothing else."""

import pytest

from tests.hosts.history import Accepted, Event, Fenced, Learned, Rows, wrong_epochs, wrong_streams, wrong_writes
from tests.hosts.members.journal import BROKEN, Journal, Read, Stream, Write


def post(key: str, id: int, sent_at: float, *, acked: bool = True, member: int = 0, with_upload: int = 0) -> Write:
    return Write(member, "post", key, sent_at, sent_at + 0.1 if acked else None, id if acked else 0, with_upload)


def right() -> tuple[Journal, Rows]:
    writes = [
        post("a", 1, 1.0), post("b", 2, 2.0), post("c", 3, 3.0, acked=False), post("d", 4, 4.0, acked=False),
        post("other", 2, 1.5, member=1),
        Write(1, "favourite", "1 favours 1", 5.0, 5.1, 1), Write(2, "favourite", "2 favours 1", 5.0, None),
        Write(0, "upload", "0 uploads 5", 6.0, 6.1, 50), post("e", 60, 7.0, with_upload=50),
    ]
    rows = Rows({"a": [1], "b": [2], "c": [3], "other": [2], "e": [60], "older": [0]}, {1: 1}, {50: 60, 51: None})
    streams = [Stream(0, "events", [0], 0.5, 9.0, [(2.0, 2.5)], {"a": 1.2, "b": 2.6, "e": 7.2})]
    return Journal(writes, streams, [Read(0, 1.0, 0.1, 200), Read(1, 1.0, 0.3, 206)]), rows


def test_a_right_history_is_right() -> None:
    journal, rows = right()
    assert wrong_writes(journal, rows) == []
    assert wrong_streams(journal) == []
    rows.favourites[1] = 2  # the favourite without an answer may have been written
    assert wrong_writes(journal, rows) == []


@pytest.mark.parametrize(("key", "ids", "sentence"), [
    ("a", None, "post a was acknowledged and is lost"),
    ("a", [1, 9], "post a is doubled: [1, 9]"),
    ("c", [3, 9], "post c is doubled: [3, 9]"),
    ("a", [9], "post a was acknowledged as 1 and is 9"),
])
def test_lost_and_doubled_posts_are_found(key: str, ids: list[int] | None, sentence: str) -> None:
    journal, rows = right()
    rows.posts.pop(key)
    if ids:
        rows.posts[key] = ids
    assert wrong_writes(journal, rows) == [sentence]


def test_posts_out_of_order_are_found() -> None:
    journal, rows = right()
    journal.writes[1].id, rows.posts["b"] = 70, [70]
    assert wrong_writes(journal, rows) == ["member 0 wrote e after b, and its id is lower"]


@pytest.mark.parametrize(("found", "sentence"), [
    (0, "post 1 has 0 favourites, and 1 were acknowledged"), (3, "post 1 has 3 favourites, and 2 were sent"),
])
def test_wrong_numbers_of_favourites_are_found(found: int, sentence: str) -> None:
    journal, rows = right()
    rows.favourites[1] = found
    assert wrong_writes(journal, rows) == [sentence]


def test_lost_uploads_are_found() -> None:
    journal, rows = right()
    rows.uploads[50] = None
    assert wrong_writes(journal, rows) == ["post 60 was acknowledged with upload 50 and does not show it"]
    del rows.uploads[50]
    assert "upload 50 was acknowledged and is lost" in wrong_writes(journal, rows)


def test_a_gap_in_a_stream_is_found() -> None:
    journal, _ = right()
    del journal.streams[0].shown["b"]
    assert wrong_streams(journal) == ["stream 0 (events) did not show b"]
    journal.streams[0].opened_at = 2.05  # then b was sent before
    assert wrong_streams(journal) == []


def test_the_journal_measures_pauses_and_failures() -> None:
    journal, _ = right()
    assert journal.longest_pause == pytest.approx(3.0)  # from b to the favourite
    assert journal.longest_break == pytest.approx(0.5)
    assert {write.key for write in journal.failures} == {"c", "d", "2 favours 1"}
    journal.writes[0].refusals.append(BROKEN)
    assert "a" in {write.key for write in journal.failures}
    assert journal.longest_read == 0.3
    assert journal.failed_reads == []
    journal.reads.append(Read(0, 2.0, 0.1, 503))
    assert journal.failed_reads == journal.reads[-1:]
    assert sorted(journal.delays()) == pytest.approx([0.1, 0.1, 0.5])


OLD = [Accepted("old", 1, time, time + 0.1) for time in (1.0, 1.5, 2.0)]
NEW = [Accepted("new", 2, time, time + 0.1) for time in (3.0, 3.5)]


@pytest.mark.parametrize("history", [
    [],
    [*OLD, *NEW],
    [*OLD, Fenced("old", 2.05), Learned("old", 2, 2.9), *NEW],
    [*OLD, *NEW, Accepted("old", 3, 4.0, 4.1)],
    [*OLD, Fenced("old", 2.05, 2.2), Accepted("old", 1, 2.3, 2.4)],
    [*OLD, *NEW, Accepted("old", 1, 2.5, 3.4)],  # it may have happened at once
    [*OLD, Learned("old", 2, 2.1), Accepted("old", 1, 4.0, 4.1)],
], ids=["nothing", "a move", "a move with its fence", "and back", "a fence that was undone", "a slow answer", "within two seconds"])
def test_right_epochs_are_right(history: list[Event]) -> None:
    assert wrong_epochs(history) == []


@pytest.mark.parametrize(("history", "sentence"), [
    ([*OLD, *NEW, Accepted("old", 1, 3.2, 3.3)],
     "old accepted a write in epoch 1 at 3.200, after new had accepted one in epoch 2 at 3.100"),
    ([*OLD, Accepted("new", 1, 5.0, 5.1)], "old and new both accepted writes in epoch 1"),
    ([*OLD, Fenced("old", 1.9)], "old accepted a write in epoch 1 behind its fence, at 2.000"),
    ([*OLD, Learned("old", 2, 2.1), Accepted("old", 1, 4.2, 4.3)],
     "old accepted a write in epoch 1 2.100 s after it learned of epoch 2"),
    ([*OLD, *NEW, Accepted("old", 3, 4.0, 4.1), Accepted("new", 2, 4.2, 4.3)],
     "new accepted a write in epoch 2 at 4.200, after old had accepted one in epoch 3 at 4.100"),
], ids=["two writers", "two hosts in one epoch", "after the fence", "learned and ignored", "back and not fenced"])
def test_wrong_epochs_are_found(history: list[Event], sentence: str) -> None:
    assert wrong_epochs(history) == [sentence]
