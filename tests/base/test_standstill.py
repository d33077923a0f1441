"""What counts as a machine that stood still while a test ran."""

import pytest

from tests.standstill import Watch


@pytest.mark.parametrize(("wall", "monotonic", "is_counted"), [
    (100.5, 7.5, False), (104, 11, False), (160, 67, True), (160, 7.5, True), (40, 7.5, True), (100.5, 67, True),
])
def test_a_long_step_of_either_clock_is_counted(wall: float, monotonic: float, is_counted: bool) -> None:
    watch = Watch(_last=(100, 7))
    watch.look(wall, monotonic)
    watch.look(wall + 0.5, monotonic + 0.5)
    assert watch.count == is_counted
