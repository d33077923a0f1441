"""Ids are ordered by time, carry their shard, and fit into 63 bits until 2075."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.base import ids

MOMENTS = st.datetimes(datetime(2006, 1, 1), datetime(2075, 6, 1), timezones=st.just(UTC))


@given(MOMENTS, st.integers(0, 4095))
def test_an_id_contains_its_moment_and_its_shard(moment: datetime, shard: int) -> None:
    id_ = ids.make_id(shard, moment)
    assert 0 <= id_ <= ids.MAX_ID
    assert ids.shard_of(id_) == shard
    assert timedelta(0) <= moment - ids.time_of(id_) < timedelta(milliseconds=1)


@given(MOMENTS, MOMENTS, st.integers(0, 4095), st.integers(0, 4095))
def test_ids_are_ordered_by_time_across_shards(one: datetime, other: datetime, shard: int, other_shard: int) -> None:
    if other - one >= timedelta(milliseconds=1):
        assert ids.make_id(shard, one) < ids.make_id(other_shard, other)


@pytest.mark.parametrize("moment", [datetime(2005, 12, 31, tzinfo=UTC), datetime(2080, 1, 1, tzinfo=UTC)])
def test_a_moment_outside_the_range_is_refused(moment: datetime) -> None:
    with pytest.raises(ValueError, match="2006 to 2075"):
        ids.make_id(0, moment)


@pytest.mark.parametrize("text", ["", "0", "-1", "1e3", "٣", "9" * 19, "9" * 400, "1 ", "0x1"])
def test_an_invalid_id_is_none(text: str) -> None:
    assert ids.parse_id(text) is None


def test_an_id_can_be_parsed_from_its_text() -> None:
    id_ = ids.make_id(7)
    assert ids.parse_id(str(id_)) == id_


def test_a_process_gives_out_no_id_twice() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert len({ids.make_id(7, moment) for _ in range(900)}) == 900


@given(st.datetimes(datetime(2016, 1, 1), datetime(2074, 12, 31), timezones=st.just(UTC)))
def test_a_bound_that_an_app_makes_of_a_date_is_that_date(moment: datetime) -> None:
    seconds = int(moment.timestamp())
    assert ids.time_of(ids.bound_of((seconds << 16) * 1000)) == moment.replace(microsecond=0)


@given(st.integers(1, 2**40) | st.integers(ids.first_id(datetime(2010, 1, 1, tzinfo=UTC)), ids.MAX_ID))
def test_an_id_of_ours_is_its_own_bound(id_: int) -> None:
    assert ids.bound_of(id_) == id_
