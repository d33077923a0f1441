"""The sentence that tells an operator what a failover would lose."""

from datetime import UTC, datetime

import pytest

from folkmoot.commands import failover
from folkmoot.portability.failover.loss import sentence_of
from folkmoot.portability.failover.model import NO_LOSS, Loss, LossFacts, estimate

_AT = datetime(2026, 11, 29, 15, 51, 24, tzinfo=UTC)


@pytest.mark.parametrize(("rate", "says"), [(0, "probably no post is missing"), (0.1, "up to 1 post is missing"), (2, "20 posts are")])
def test_a_loss_is_told_in_posts_and_kilobytes(rate: float, says: str) -> None:
    loss = estimate(LossFacts(
        received=5_000, known=9_000, last_write_at=_AT, silent_seconds=10, posts_per_second=rate, bytes_per_second=100_000
    ))
    sentence = sentence_of(loss)
    assert sentence.startswith("the last write that has arrived is of 2026-11-29 15:51:24 UTC; everything until 10.0 s ago is here")
    assert says in sentence
    assert sentence.endswith("(4 to 1,004 kB of its log)")


def test_only_a_synchronous_standby_promises_that_nothing_is_lost() -> None:
    assert sentence_of(NO_LOSS).startswith("nothing: ")
    guessed = Loss(last_write_at=None, seconds=0, least_bytes=0, most_bytes=0, most_posts=0)
    assert "probably" in sentence_of(guessed)


def test_a_standby_without_any_write_says_so() -> None:
    loss = Loss(last_write_at=None, seconds=3, least_bytes=0, most_bytes=0, most_posts=0)
    assert sentence_of(loss).startswith("no write has arrived; ")


def test_each_way_on_after_a_dry_run_has_a_line_of_its_own() -> None:
    estimate = {"sentence": "up to 3 posts are missing (0 to 1.5 kB)"}
    obstacle = f"It is silent. Estimated loss: {estimate['sentence']}. If you know that it is off: moot a. To go on: moot b"
    text = failover._text({"dry_run": True, "host": "brno", "estimate": estimate, "obstacle": obstacle})
    assert text.splitlines()[1:] == [
        f"  estimate   {estimate['sentence']}", "  ! It is silent.", "    If you know that it is off: moot a", "    To go on: moot b",
    ]
