"""`moot detector`: builds and evaluates text detectors, and scores texts. `detector_versions.py` has the commands about those of
a network."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec

from folkmoot.base.errors import Problem
from folkmoot.commands.detector_reader import measure_reader
from folkmoot.commands.detector_versions import revert, switch, train, versions
from folkmoot.commands.group import Group
from folkmoot.commands.options import data_option, json_option, run, show

_BATCH = 256
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_model_option = click.option("--model", type=_FILE, help="Detector to use instead of the packaged one.")


@click.group(cls=Group)
def detector() -> None:
    """Train, evaluate and choose the text detector."""


for command in (train, versions, switch, revert):
    detector.add_command(command)


@detector.command()
@click.argument("data", nargs=-1, required=True, type=_FILE)
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Output file.")
@click.option("--weigh", multiple=True, metavar="FILE=NUMBER", help="Weight of rows from files whose name starts with FILE.")
@json_option
def build(data: tuple[Path, ...], out: Path, weigh: tuple[str, ...], as_json: bool) -> None:
    """Build a detector from nothing, out of labelled posts: JSON lines or CSV with `text` and `threat` (1, 0 or empty).

    It needs tens of thousands of posts; `moot detector train` improves the present detector with few. Rows whose `split` is
    dev are not used for training, but for the error table of the model card.
    """
    try:
        from folkmoot.moderation.detection import training
    except ModuleNotFoundError as error:
        if error.name not in ("sklearn", "scipy"):
            raise
        raise Problem("Building a detector needs scikit-learn. Run it from a clone as bin/moot detector build, which installs it, or "
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
@click.argument("files", nargs=-1, type=_FILE)
@click.option("--where", multiple=True, metavar="KEY=VALUE", help="Only rows whose field KEY is VALUE, for example split=dev.")
@_model_option
@click.option("--reader", metavar="NAME", help="Also measure the model NAME of the service at detector.reader_url, like a juror.")
@click.option("--limit", default=200, show_default=True, type=click.IntRange(1), help="Rows that the reader is asked about, at most.")
@data_option
@json_option
def evaluate(
    files: tuple[Path, ...], where: tuple[str, ...], model: Path | None, reader: str | None, limit: int, data: Path, as_json: bool
) -> None:
    """Print the error table: how well the detector separates threats from other texts.

    With --reader also that of the reader on the same rows, and how often it agrees with the labels; without FILES the rows are
    the settled cases of the network. Their texts are sent to the service.
    """
    from folkmoot.moderation.detection import evaluation
    from folkmoot.moderation.detection.detector import Detector
    from folkmoot.moderation.detection.examples import read_examples

    wanted = dict(pair.split("=", 1) for pair in where if "=" in pair)
    if len(wanted) < len(where):
        raise Problem("--where needs KEY=VALUE, for example --where split=dev.")
    if not files and not reader:
        raise click.UsageError("Missing argument 'FILES...'.")
    if reader:
        judged, text = run(measure_reader(reader, data, [row for path in files for row in read_examples(path, wanted)], limit, model))
        show(judged, as_json, text)
        return
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
