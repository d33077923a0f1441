"""Discovery: WebFinger, host-meta, NodeInfo, the metadata of OAuth, health."""

import pytest

from tests.village import Village

BASE = "http://localhost:8420"


@pytest.mark.parametrize("resource", ["acct:jana@localhost:8420", "acct:JANA@LOCALHOST:8420", "jana@localhost:8420", f"{BASE}/@jana",
                                      f"{BASE}/users/jana"])
async def test_a_handle_leads_to_a_profile(village: Village, resource: str) -> None:
    await village.settle("jana")
    answer = await village.nobody().get(f"/.well-known/webfinger?resource={resource}")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/jrd+json")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json["subject"] == "acct:jana@localhost:8420"
    assert {"rel": "http://webfinger.net/rel/profile-page", "type": "text/html", "href": f"{BASE}/@jana"} in answer.json["links"]


@pytest.mark.parametrize(("query", "status"), [
    ("", 400), ("?resource=", 400), ("?resource=acct:nobody@localhost:8420", 404), ("?resource=acct:jana@elsewhere.example", 404),
    ("?resource=https://elsewhere.example/@jana", 404), ("?resource=jana", 404), ("?resource=%00", 400), (f"?resource={'x' * 5000}", 404),
])
async def test_accounts_of_other_networks_are_not_found(village: Village, query: str, status: int) -> None:
    await village.settle("jana")
    answer = await village.nobody().get(f"/.well-known/webfinger{query}")
    assert answer.status == status
    assert isinstance(answer.json["error"], str)


async def test_nodeinfo_describes_the_network(village: Village) -> None:
    links = (await village.nobody().get("/.well-known/nodeinfo")).json["links"]
    assert links == [{"rel": "http://nodeinfo.diaspora.software/ns/schema/2.0", "href": f"{BASE}/nodeinfo/2.0"}]
    info = (await village.nobody().get("/nodeinfo/2.0")).json
    assert (info["version"], info["software"]["name"], info["openRegistrations"]) == ("2.0", "folkmoot", True)
    assert {"services", "usage", "metadata", "protocols"} <= set(info)
    version = (await village.nobody().get("/api/v2/instance")).json["version"]
    assert info["metadata"]["upstream"]["name"].lower() == "mastodon"  # megalodon chooses its client by this
    assert version.startswith(info["metadata"]["upstream"]["version"])
    host_meta = await village.nobody().get("/.well-known/host-meta")
    assert host_meta.headers["content-type"].startswith("application/xrd+xml")
    assert f'template="{BASE}/.well-known/webfinger?resource={{uri}}"' in host_meta.text


async def test_the_metadata_of_oauth_names_the_endpoints(village: Village) -> None:
    found = (await village.nobody().get("/.well-known/oauth-authorization-server")).json
    assert found["app_registration_endpoint"] == f"{BASE}/api/v1/apps"
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["grant_types_supported"] == ["authorization_code", "client_credentials"]
    assert {"read", "write", "profile", "push", "read:statuses", "write:conversations", "admin:read:accounts"} <= set(
        found["scopes_supported"])


async def test_health_and_passwords(village: Village) -> None:
    assert (await village.nobody().get("/health")).text == "OK"
    assert (await village.nobody().get("/.well-known/change-password")).headers["location"].endswith("/settings/password")
