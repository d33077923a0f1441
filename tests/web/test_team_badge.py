"""The profile of those who run the network says so; nobody else can look like them."""

from folkmoot.network.sessions.model import Role
from tests.village import Village

BADGE = '<span class="tag">runs this network</span>'


async def test_only_operators_have_the_badge(village: Village) -> None:
    await village.settle("sova", role=Role.OPERATOR)
    await village.settle("eva", role=Role.MODERATOR)
    await village.settle("jana")
    for name, has_it in (("sova", True), ("eva", False), ("jana", False)):
        for page in (f"/@{name}", f"/@{name}/media", f"/@{name}/followers"):
            answer = await village.nobody().get(page)
            assert answer.status == 200
            assert (BADGE in answer.text) is has_it, page
