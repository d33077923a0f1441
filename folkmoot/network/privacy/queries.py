"""All SQL of privacy policies."""

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.network.privacy.model import PrivacyPolicy


async def insert_privacy_policy(tx: WriteTx, policy: PrivacyPolicy) -> None:
    await tx.execute(
        "INSERT INTO privacy_policies (language, text, published_at) VALUES ($1, $2, $3)", policy.language, policy.text, policy.published_at
    )


async def find_privacy_policy(conn: ReadConn, language: str) -> PrivacyPolicy | None:
    """The newest in a language, otherwise the newest in any; None if the operator has published none."""
    row = await conn.fetchrow(
        "SELECT language, text, published_at FROM privacy_policies ORDER BY language = $1 DESC, id DESC LIMIT 1", language
    )
    return PrivacyPolicy(**dict(row)) if row else None
