"""`moot detector`: trains and evaluates text detectors, scores texts, and chooses the one that a network uses."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec

from folkmoot.base.errors import Problem
from folkmoot.commands.options import Group, data_option, json_option, no_network, show

_BATCH = 256
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_model_option = click.option("--model", type=_FILE, help="Detector to use instead of the packaged one.")


@click.group(cls=Group)
def detector() -> None:
    """Train, evaluate and choose the text detector."""


@detector.command()
@click.argument("data", nargs=-1, required=True, type=_FILE)
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Output file.")
@click.option("--weigh", multiple=True, metavar="FILE=NUMBER", help="Weight of rows from files whose name starts with FILE.")
@json_option
def train(data: tuple[Path, ...], out: Path, weigh: tuple[str, ...], as_json: bool) -> None:
    """Train on labelled posts: JSON lines or CSV with `text` and `threat` (1, 0 or empty).

    Rows whose `split` is dev are not used for training, but for the error table of the model card.
    """
    try:
        from folkmoot.moderation.detection import training
    except ModuleNotFoundError as error:
        if error.name not in ("sklearn", "scipy"):
            raise
        raise Problem("Training needs scikit-learn. Run it from a clone as bin/moot detector train, which installs it, or "
                      "install the extra: pip install 'folkmoot[train]'") from error
    from folkmoot.moderation.detection import artefact, card
    from folkmoot.moderation.detection.examples import read_examples

    examples = list(itertools.chain.from_iterable(read_examples(path) for path in data))
    model = card.with_card(training.train(examples, _weights(weigh)), examples)
    artefact.write(out, model)
    text = f"{card.error_table(model.header.card)}\n\nWritten to {out}, version {model.header.version}."
    show(msgspec.to_builtins(model.header), as_json, text)


def _weights(weigh: tuple[str, ...]) -> dict[str, float]:
    try:
        return {name: float(number) for name, _, number in (pair.partition("=") for pair in weigh)}
    except ValueError as error:
        raise Problem("--weigh needs FILE=NUMBER, for example --weigh ours=4.") from error


@detector.command()
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option("--where", multiple=True, metavar="KEY=VALUE", help="Only rows whose field KEY is VALUE, for example split=dev.")
@_model_option
@json_option
def evaluate(files: tuple[Path, ...], where: tuple[str, ...], model: Path | None, as_json: bool) -> None:
    """Print the error table: how well the detector separates threats from other texts."""
    from folkmoot.moderation.detection import evaluation
    from folkmoot.moderation.detection.detector import Detector
    from folkmoot.moderation.detection.examples import read_examples

    wanted = dict(pair.split("=", 1) for pair in where if "=" in pair)
    if len(wanted) < len(where):
        raise Problem("--where needs KEY=VALUE, for example --where split=dev.")
    examples = list(itertools.chain.from_iterable(read_examples(path, wanted) for path in files))
    measured = evaluation.measure(Detector.load(model), examples)
    if not measured:
        raise Problem("None of these rows has a label, so there is nothing to evaluate.")
    answer = [{**msgspec.to_builtins(line), "base_rate": round(line.base_rate, 4)} for line in measured]
    show(answer, as_json, evaluation.table(measured))


@detector.command()
@click.argument("file", type=click.File("rb"))
@_model_option
def score(file: BinaryIO, model: Path | None) -> None:
    """Print one JSON line per line of FILE: id, score, queue, hide and the reasons."""
    from folkmoot.moderation.detection.detector import Detector

    scorer = Detector.load(model)
    for batch in _batches(_rows(file)):
        findings = scorer.score([row["text"] for _, row in batch], [_language(row) for _, row in batch])
        for (number, row), finding in zip(batch, findings, strict=True):
            answer = {"id": row.get("id", number), "score": finding.score, "queue": finding.queue, "hide": finding.hide,
                      "reasons": list(finding.reasons)}
            click.echo(json.dumps(answer, ensure_ascii=False))


def _rows(file: BinaryIO) -> Iterator[tuple[int, dict[str, Any]]]:
    from folkmoot.moderation.detection.examples import json_rows

    return json_rows(file, getattr(file, "name", "input"))


def _language(row: dict[str, Any]) -> str | None:
    from folkmoot.moderation.detection.examples import language_of

    return language_of(row)


def _batches(rows: Iterator[tuple[int, dict[str, Any]]]) -> Iterator[list[tuple[int, dict[str, Any]]]]:
    while batch := list(itertools.islice(rows, _BATCH)):
        yield batch


@detector.command()
@click.option("--model", type=_FILE, help="Detector whose card is printed, instead of the packaged one.")
def card(model: Path | None) -> None:
    """Print the model card: training data, error rates, limitations."""
    from folkmoot.moderation.detection import card as cards
    from folkmoot.moderation.detection.detector import Detector

    click.echo(cards.page(Detector.load(model).header))


@detector.command()
@click.argument("chosen", metavar="FILE|VERSION")
@data_option
def use(chosen: str, data: Path) -> None:
    """Use the detector in FILE, an installed VERSION, or `packaged`. `moot detector list` shows the installed ones."""
    from folkmoot.moderation.detection import versions

    _require_network(data)
    version = versions.use(data, chosen)
    click.echo(f"The network in {data} now uses detector {version}.")


@detector.command(name="list")
@data_option
@json_option
def list_versions(data: Path, as_json: bool) -> None:
    """List the installed detectors and mark the one in use."""
    from folkmoot.moderation.detection import versions
    from folkmoot.moderation.detection.detector import Detector

    _require_network(data)
    fault = versions.find_fault(data)
    in_use = None if fault else versions.current(data)
    packaged = Detector.load().version
    rows = [{"version": packaged, "packaged": True, "in_use": in_use is None}]
    rows += [{"version": path.stem, "packaged": False, "in_use": path.resolve() == in_use} for path in versions.list_installed(data)]
    text = "\n".join(f"{'*' if row['in_use'] else ' '} {row['version']}{' (packaged)' if row['packaged'] else ''}" for row in rows)
    show(rows, as_json, f"{text}\n{fault} The packaged detector is used." if fault else text)


def _require_network(data: Path) -> None:
    if not data.is_dir():
        raise no_network(data)
