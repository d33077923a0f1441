"""Locks of two accounts, so that opposed acts between them run one after the other (decision 0045)."""

from collections.abc import Sequence

from folkmoot.base.db import WriteTx

_PAIR_LOCKS = 7022  # seed of the keys of advisory locks


def _pair_key(one: str, other: str) -> str:
    """SQL: the key of the advisory lock of two accounts, in either order."""
    return f"hashtextextended(least({one}, {other}) || ':' || greatest({one}, {other}), {_PAIR_LOCKS})"


async def lock_pair(tx: WriteTx, one_id: int, other_id: int) -> None:
    """Makes all actions between two accounts run one after the other, in both directions (decision 0045)."""
    await tx.execute(f"SELECT pg_advisory_xact_lock({_pair_key('$1::bigint', '$2::bigint')})", one_id, other_id)


async def lock_pairs_shared(tx: WriteTx, one_id: int, other_ids: Sequence[int]) -> None:
    """Waits for actions between an account and these others, and delays new ones until the transaction ends. Shared locks
    do not wait for each other; they are taken in the order of their keys."""
    await tx.execute(
        f"""
        SELECT pg_advisory_xact_lock_shared(key) FROM (
            SELECT DISTINCT {_pair_key("$1::bigint", "other_id")} AS key FROM unnest($2::bigint[]) AS other_id ORDER BY key
        ) AS pairs
        """,
        one_id, list(other_ids),
    )
