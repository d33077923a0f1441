"""The estimate of what a failover would lose: what the standby knows about the last moments of its primary."""

from folkmoot.portability.failover import queries
from folkmoot.portability.failover.model import Loss, estimate
from folkmoot.portability.moving.this_host import ThisHost
from folkmoot.portability.standby.following import find_following


async def estimate_loss(this: ThisHost) -> Loss:
    """On a standby. Raises Problem if its database does not answer."""
    following = find_following(this.directory.path)
    async with this.session() as session:
        facts = await queries.read_loss_facts(
            session, following.lag_bytes if following else 0, following.lag_seconds if following else None
        )
    return estimate(facts)


def sentence_of(loss: Loss) -> str:
    """For people, before and after a failover."""
    last = f"{loss.last_write_at:%Y-%m-%d %H:%M:%S} UTC" if loss.last_write_at else "unknown"
    return (
        f"the last write that has arrived is of {last}; since then the other host has not been heard for {loss.seconds:.1f} s, in which it"
        f" may have written about {loss.most_posts} posts ({loss.least_bytes} to {loss.most_bytes} bytes of its log)"
    )
