"""The estimate of what a failover would lose: what the standby knows about the last moments of its primary."""

from folkmoot.portability.failover import queries
from folkmoot.portability.failover.model import NO_LOSS, Loss, estimate
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
    if loss is NO_LOSS:  # an estimate of nothing by a standby that may lack writes is no promise
        return "nothing: the other host acknowledges no write that this one does not have"
    at = loss.last_write_at
    last = f"the last write that has arrived is of {at:%Y-%m-%d %H:%M:%S} UTC" if at else "no write has arrived"
    match loss.most_posts:
        case 0:
            posts = "probably no post is"
        case 1:
            posts = "up to 1 post is"
        case _:
            posts = f"up to {loss.most_posts} posts are"
    return (
        f"{last}; everything until {loss.seconds:.1f} s ago is here, and if the other host went on as before, {posts} missing"
        f" ({_kilobytes(loss.least_bytes)} to {_kilobytes(loss.most_bytes)} kB of its log)"
    )


def _kilobytes(count: int) -> str:
    return f"{count / 1000:,.0f}"
