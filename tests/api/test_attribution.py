"""Domains whose pages may name a member as their author."""

from tests.village import Village


async def test_a_member_sets_and_clears_attribution_domains(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    path = "/api/v1/accounts/update_credentials"
    changed = await jana.send("PATCH", path, {"attribution_domains[]": ["https://Noviny.example/clanek", "blog.example", "noviny.example"]})
    assert changed.json["source"]["attribution_domains"] == ["noviny.example", "blog.example"]
    await jana.send("PATCH", path, {"note": "Knihovnice"})
    kept = (await jana.get("/api/v1/accounts/verify_credentials")).json["source"]
    assert kept["attribution_domains"] == ["noviny.example", "blog.example"]
    assert (await jana.get("/api/v1/profile")).json["attribution_domains"] == ["noviny.example", "blog.example"]
    refused = await jana.send("PATCH", path, {"attribution_domains[]": ["blog.example", "no domain"]})
    assert (refused.status, "attribution_domains" in refused.json["details"]) == (422, True)
    assert (await jana.send("PATCH", path, as_json={"attribution_domains": []})).json["source"]["attribution_domains"] == []
