"""The rules as terms of service, for apps."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from folkmoot.base import clock
from folkmoot.moderation.clauses.published import in_force, replace_own
from tests.moderation.policies import edited, publish
from tests.village import Village

TERMS = "/api/v1/instance/terms_of_service"


@pytest.fixture
def _own_policy() -> Iterator[None]:
    yield
    replace_own(())


@pytest.mark.usefixtures("_own_policy")
async def test_the_rules_are_the_terms_of_service(village: Village) -> None:
    nobody = village.nobody()
    shipped = (await nobody.get(TERMS)).json
    first = in_force().policy
    assert (shipped["effective"], shipped["succeeded_by"], shipped["effective_date"]) == (True, None, first.date.isoformat())
    assert shipped["content"].startswith(f"<h2>{first.clauses[0].number}. ")
    assert (await nobody.get(f"{TERMS}/{first.date}")).json == shipped
    begins = (clock.now() + timedelta(days=14)).date()
    await publish(village.database, edited(f"{begins}.2", begins=begins.isoformat()))
    assert (await nobody.get(TERMS)).json == {**shipped, "succeeded_by": begins.isoformat()}
    coming = (await nobody.get(f"{TERMS}/{begins}")).json
    assert (coming["effective"], coming["effective_date"], coming["succeeded_by"]) == (False, begins.isoformat(), None)
    for wrong in ("2000-01-01", "x", "2026-13-01", f"{begins}.2"):
        assert (await nobody.get(f"{TERMS}/{wrong}")).status == 404
    assert (await nobody.get("/api/v2/instance")).json["configuration"]["urls"]["terms_of_service"] == "http://localhost:8420/about/rules"
