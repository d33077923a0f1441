"""What `moot doctor` finds, apart from the command: pure rules."""

import pytest

from folkmoot.base.database_facts import DatabaseFacts
from folkmoot.commands.doctor import _facts


@pytest.mark.parametrize(("schema", "is_standby", "state"), [
    (19, False, "good"), (18, False, "broken"), (20, False, "broken"), (20, True, "good"), (18, True, "broken"),
])
def test_only_a_standby_may_have_a_newer_schema(schema: int, is_standby: bool, state: str) -> None:
    facts = DatabaseFacts(schema=schema, version="18.4", size_bytes=0, has_checksums=True)
    assert next(iter(_facts(facts, 19, is_standby))).state == state
