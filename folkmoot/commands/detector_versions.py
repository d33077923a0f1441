"""`moot detector train`, `versions`, `switch` and `revert`: the detectors of a network."""

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from folkmoot.commands.options import data_option, json_option, open_database, run, settings_of, show

if TYPE_CHECKING:
    from folkmoot.moderation.detection.artefact import Artefact
    from folkmoot.moderation.detection.model import Example
    from folkmoot.moderation.learning.model import Trial

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
PACKAGED = "packaged"


@click.command()
@click.argument("files", nargs=-1, type=_FILE)
@click.option("--dry-run", is_flag=True, help="Print the comparison; install nothing.")
@data_option
@json_option
def train(files: tuple[Path, ...], dry_run: bool, data: Path, as_json: bool) -> None:
    """Train the detector on the decisions of this network, and switch to the new one if it is better.

    The settled cases are its rows, and those in FILES: JSON lines or CSV with `text` and `threat` (1, 0 or empty). Every fourth
    text is held out; on these texts the new detector is compared with the present one. It is installed in any case, so that you
    can look at it. Takes a minute for 10,000 cases.
    """
    from folkmoot.moderation.detection.examples import read_examples

    own = list(itertools.chain.from_iterable(map(read_examples, files)))
    trial = run(_train(own, data, dry_run))
    show({**msgspec.to_builtins(trial), "is_better": trial.is_better}, as_json, f"{_table(trial)}\n\n{_outcome(trial, dry_run)}")


async def _train(files: "list[Example]", data: Path, dry_run: bool) -> "Trial":
    import asyncio

    from folkmoot.moderation.detection import artefact
    from folkmoot.moderation.detection.detector import PACKAGED as PACKAGED_FILE
    from folkmoot.moderation.detection.model import WhySwitched
    from folkmoot.moderation.detection.switching import install_detector, switch_detector
    from folkmoot.moderation.detection.versions import CurrentDetector
    from folkmoot.moderation.learning.examples import list_own_examples
    from folkmoot.moderation.learning.trial import try_out

    present = CurrentDetector(data)
    async with open_database(settings_of(data)) as database:
        async with database.read() as conn:
            await present.refresh(conn)
            own = await list_own_examples(conn)
        trained = await asyncio.to_thread(try_out, artefact.read(PACKAGED_FILE), present(), [*own, *files])
        if not dry_run:
            async with database.write() as tx:
                await install_detector(tx, trained.model)
                if trained.trial.is_better:
                    await switch_detector(tx, trained.model.header.version, WhySwitched.TRAINED)
        return trained.trial


def _table(trial: "Trial") -> str:
    from folkmoot.moderation.detection import evaluation

    parts = [f"Trained on {trial.training_rows} decided texts, {trial.training_threats} of them threats."]
    for title, figures in (("Present", trial.present), ("New", trial.new)):
        parts.append(f"{title} detector, {figures.version} (surprise {figures.loss:.3f}):\n"
                     + evaluation.table([figures.own, *figures.shipped]))
    return "\n\n".join(parts)


def _outcome(trial: "Trial", dry_run: bool) -> str:
    if trial.is_better:
        return "It is better. Without --dry-run the network would use it." if dry_run else (
            "The new detector is better. All processes use it now. To go back: moot detector revert")
    lines = [f"The new detector is not better, so the network {'would keep' if dry_run else 'keeps'} the present one:"]
    lines += [f"  {reason}" for reason in trial.objections]
    return "\n".join(lines if dry_run else [*lines, f"It is installed. To use it all the same: moot detector switch {trial.new.version}"])


@click.command()
@data_option
@json_option
def versions(data: Path, as_json: bool) -> None:
    """List the detectors of this network, and the switches between them."""
    answer = run(_list(data))
    lines = [f"{'*' if one['in_use'] else ' '} {one['version']:24}{_origin(one)}" for one in answer["versions"]]
    lines += ["", "Switches, newest first:"] if answer["switches"] else []
    lines += [f"  {one['at']:%Y-%m-%d %H:%M} UTC  {one['version']}  ({one['why']})" for one in answer["switches"]]
    lines += [f"{answer['fault']} The packaged detector is used."] if answer["fault"] else []
    show(answer, as_json, "\n".join(lines))


def _origin(one: dict[str, Any]) -> str:
    if one["packaged"]:
        return "  part of this release"
    learned = f", trained on {one['rows']} decided texts" if one["rows"] else ""
    return f"  installed {one['installed_at']:%Y-%m-%d %H:%M} UTC{learned}"


async def _list(data: Path) -> dict[str, Any]:
    from folkmoot.moderation.detection import queries
    from folkmoot.moderation.detection.detector import Detector
    from folkmoot.moderation.detection.versions import find_fault

    async with open_database(settings_of(data)) as database, database.read() as conn:
        choices, installed, fault = await queries.list_choices(conn), await queries.list_installed(conn), await find_fault(conn)
    in_use = choices[0].version if choices and not fault else None
    found: list[dict[str, Any]] = [{"version": Detector.load().version, "packaged": True, "in_use": in_use is None}]
    for one in installed:
        learned = msgspec.json.decode(one.header).get("card", {}).get("learned", {})
        found.append({"version": one.version, "packaged": False, "in_use": one.version == in_use, "installed_at": one.installed_at,
                      "rows": learned.get("rows"), "bytes": one.size})
    switches = [{"at": one.chosen_at, "version": one.version or PACKAGED, "why": one.why} for one in choices]
    return {"versions": found, "switches": switches, "fault": fault}


@click.command()
@click.argument("chosen", metavar="VERSION|FILE|packaged")
@data_option
def switch(chosen: str, data: Path) -> None:
    """Use an installed VERSION, the detector in FILE, or the `packaged` one. All processes follow within two seconds."""
    from folkmoot.moderation.detection import artefact

    model = artefact.read(Path(chosen)) if Path(chosen).is_file() else None
    version = run(_switch(None if chosen == PACKAGED else chosen, model, data))
    click.echo(f"The network in {data} now uses detector {version or PACKAGED}.")


async def _switch(version: str | None, model: "Artefact | None", data: Path) -> str | None:
    from folkmoot.moderation.detection.model import WhySwitched
    from folkmoot.moderation.detection.switching import install_detector, switch_detector

    async with open_database(settings_of(data)) as database, database.write() as tx:
        if model:
            version = await install_detector(tx, model)
        await switch_detector(tx, version, WhySwitched.SWITCHED)
    return version


@click.command()
@data_option
def revert(data: Path) -> None:
    """Use the detector that was in use before the last switch. A second time: take that back."""
    click.echo(f"The network in {data} now uses detector {run(_revert(data)) or PACKAGED} again.")


async def _revert(data: Path) -> str | None:
    from folkmoot.moderation.detection.switching import revert_detector

    async with open_database(settings_of(data)) as database, database.write() as tx:
        return await revert_detector(tx)
