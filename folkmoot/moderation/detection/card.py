"""The model card: training data, error rates and limitations of a detector.

It is stored as data inside the detector's file and printed as a page; docs/reference/detector.md is that page for the
packaged detector, and a test compares the two.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from folkmoot.moderation.detection import evaluation
from folkmoot.moderation.detection.artefact import Artefact, Header
from folkmoot.moderation.detection.detector import Detector
from folkmoot.moderation.detection.model import Example, Measured

_CITATIONS = {
    "EDOS": "Kirk, Yin, Vidgen, Röttger 2023",
    "HatemojiBuild": "Kirk, Vidgen, Röttger, Thrush, Hale 2021",
    "Multilingual HateCheck": "Röttger, Seelawi, Nozza, Talat, Vidgen 2022",
    "UD Czech-PUD": "Zeman et al.",
    "UD Czech-CAC": "Hladká et al.",
    "UD Slovak-SNK": "Gajdošová, Šimková, Zeman",
    "UD English-EWT": "Silveira et al.",
}


def with_card(model: Artefact, examples: Sequence[Example]) -> Artefact:
    """The same model with its card filled in: the training data, and the error table of the held-out rows."""
    held_out = [example for example in examples if example.split != "train"]
    measured = evaluation.measure(Detector(model), held_out)
    header = model.header
    card = {
        "name": header.name, "version": header.version, **{key: value for key, value in header.card.items() if key != "weights"},
        "data": _data(examples, header.card.get("weights", {})),
        "errors": msgspec.to_builtins(measured),
        "unlabelled": _unlabelled(Detector(model), examples),
    }
    return Artefact(msgspec.structs.replace(header, card=card), model.tables)


def _data(examples: Sequence[Example], weights: dict[str, float]) -> list[dict[str, Any]]:
    """Per file: the number of training rows, their sources and licences."""
    found: dict[str, dict[str, Any]] = {}
    for example in examples:
        entry = found.setdefault(example.file, {"file": example.file, "rows": 0, "threats": 0, "weight": weights.get(example.file, 1.0),
                                               "sources": {}, "licences": {}})
        if example.split == "train" and example.threat is not None:
            entry["rows"] += 1
            entry["threats"] += example.threat
            entry["sources"][example.source] = None
            entry["licences"][example.licence] = None
    return [{**entry, "sources": [*filter(None, entry["sources"])], "licences": [*filter(None, entry["licences"])]}
            for entry in found.values()]


def _unlabelled(detector: Detector, examples: Sequence[Example]) -> list[dict[str, Any]]:
    """For files without labels for threats: the share of rows that would be queued and hidden."""
    labelled = {example.file for example in examples if example.threat is not None}
    found = []
    for file in sorted({example.file for example in examples} - labelled):
        rows = [example for example in examples if example.file == file and example.split != "train"]
        findings = detector.score([row.text for row in rows], [row.lang for row in rows])
        if findings:
            found.append({"file": file, "rows": len(rows), "queued": round(sum(one.queue for one in findings) / len(rows), 4),
                          "hidden": round(sum(one.hide for one in findings) / len(rows), 4)})
    return found


def error_table(card: dict[str, Any]) -> str:
    """The error table for a terminal."""
    measured = _measured(card)
    return evaluation.table(measured) if measured else "No row is held out (`split` dev), so nothing was measured."


def page(header: Header) -> str:
    """The whole card in Markdown: the prose of card.md with this detector's numbers."""
    card = header.card
    numbers = {
        "name": f"{card['name']} {card['version']}",
        "date": card["date"],
        "feed": _feed_table(card),
        "unseen": _markdown_table(
            ["language", "rows", "threats", "ROC-AUC", "average precision"],
            [[one["lang"], one["rows"], one["threats"], f"{one['roc_auc']:.3f}", f"{one['average_precision']:.3f}"]
             for one in card["unseen"]],
        ),
        "authors": _markdown_table(
            ["author", "ROC-AUC", "threats found at 5 % of look-alikes"],
            [[author["file"], f"{author['roc_auc']:.3f}", f"{100 * author['found_at_5']:.0f} %"]
             for one in card["unseen"] for author in one.get("authors", [])],
        ),
        "kinds": _kinds_table(card),
        "thresholds": _threshold_tables(header),
        "errors": _markdown_table(evaluation.HEADINGS, [evaluation.cells(one) for one in _measured(card)]),
        "unlabelled": _markdown_table(
            ["file", "rows", "queued", "hidden"],
            [[one["file"], one["rows"], f"{100 * one['queued']:.1f} %", f"{100 * one['hidden']:.1f} %"] for one in card["unlabelled"]],
        ),
        "data": _markdown_table(
            ["file", "rows", "threats", "weight", "source", "licence"],
            [[one["file"], one["rows"], one["threats"], one["weight"], "; ".join(map(_with_citation, one["sources"])),
              ", ".join(one["licences"])] for one in card["data"] if one["rows"]],
        ),
    }
    prose = Path(__file__).with_name("card.md").read_text("utf-8")
    for name, text in numbers.items():
        prose = prose.replace("{" + name + "}", text)
    return prose.rstrip()


def _measured(card: dict[str, Any]) -> list[Measured]:
    return msgspec.convert(card["errors"], list[Measured])


def _with_citation(source: str) -> str:
    citation = next((who for name, who in _CITATIONS.items() if source.startswith(name)), "")
    return f"{source}, {citation}" if citation else source


def _feed_table(card: dict[str, Any]) -> str:
    """The one file that resembles a network: few threats among many harmless posts."""
    row = next((one for one in _measured(card) if one.file == "edos" and one.precision_40 is not None), None)
    if row is None or row.precision_40 is None or row.recall_100 is None:
        return "Not measured for this detector."
    return _markdown_table(
        ["rows", "threats", "base rate", "precision among the first 40", "recall among the first 100", "recall by chance"],
        [[row.rows, row.threats, f"{100 * row.base_rate:.1f} %", f"{100 * row.precision_40:.1f} %", f"{100 * row.recall_100:.1f} %",
          f"{100 * 100 / row.rows:.1f} %"]],
    )


def _threshold_tables(header: Header) -> str:
    limits = [[lang or "any other", f"{limit.queue:.3f}", f"{limit.hide:.3f}"] for lang, limit in sorted(header.thresholds.items())]
    rates = [[one["lang"], one["kind"].replace("_", "-"), one["rows"], f"{100 * one['queued']:.1f} %", f"{100 * one['hidden']:.1f} %"]
             for one in header.card["budgets"]]
    tables = (["language", "queue from", "hide from"], limits), (["language", "kind", "rows", "queued", "hidden"], rates)
    return "\n\n".join(_markdown_table(headings, rows) for headings, rows in tables)


def _kinds_table(card: dict[str, Any]) -> str:
    kinds = card.get("kinds", [])
    if not kinds:
        return "Not measured for this detector."
    langs = sorted({one["lang"] for one in kinds})
    found = {(one["is_threat"], one["kind"], one["lang"]): one for one in kinds}
    rows = []
    for is_threat, kind in dict.fromkeys((one["is_threat"], one["kind"]) for one in kinds):
        row: list[Any] = ["threat" if is_threat else "harmless", kind]
        for lang in langs:
            one = found.get((is_threat, kind, lang))
            row += [one["rows"], f"{100 * one['queued']:.0f} %", f"{100 * one['hidden']:.0f} %"] if one else ["", "", ""]
        rows.append(row)
    return _markdown_table(["", "kind", *(head for lang in langs for head in (f"{lang}: rows", "queued", "hidden"))], rows)


def _markdown_table(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in (headings, ["---"] * len(headings), *rows))
