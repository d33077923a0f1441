"""Chooses what to restore: the newest dump, or a base with its log if that is newer and this machine can use it."""

from folkmoot.portability.offsite.finding import find_chain
from folkmoot.portability.offsite.recovery import Chain
from folkmoot.portability.progress import Progress
from folkmoot.portability.rebuild import Plan, plan
from folkmoot.portability.repository import Repository, RepositoryProblem
from folkmoot.portability.runs import CONTINUOUS, DUMP


def choose(
    repository: Repository, authority: bytes, wanted: str, *, despite_damage: bool, progress: Progress, form: str = ""
) -> Plan | Chain:
    """`wanted`: the name of a dump; "" for the newest state. `form`: only of this form. Raises Problem with one sentence."""
    planned = plan(repository, authority, wanted, despite_damage=despite_damage, progress=progress)
    chain = None if wanted or form == DUMP else find_chain(repository, authority, repository.snapshots())
    if form == CONTINUOUS:
        if chain is None:
            raise RepositoryProblem("There is no continuous copy in %(where)s that this machine could restore.", where=repository.target)
        return chain
    if chain and (chain.manifest.epoch, chain.made_at) > (planned.manifest.epoch, planned.made_at):
        return chain
    return planned
