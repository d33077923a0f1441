"""From labelled posts to the file of a detector, with the commands, on a small file that was written for these tests (CC0)."""

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from folkmoot.base.errors import Problem
from folkmoot.moderation.detection import artefact, card, folding, training
from folkmoot.moderation.detection.detector import Detector, windows
from folkmoot.moderation.detection.examples import read_examples
from folkmoot.moderation.detection.training import FittedModel, training_set_of
from tests.network_up import ROOT, moot

SMALL = Path(__file__).parent / "data" / "small.jsonl"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector, built with `moot detector build`."""
    out = tmp_path_factory.mktemp("detector") / "small.detector"
    done = moot("detector", "build", str(SMALL), "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert "small" in done.stdout
    return out


def test_a_built_detector_measures_and_scores(trained: Path) -> None:
    table = json.loads(moot("detector", "evaluate", str(SMALL), "--model", str(trained), "--json").stdout)
    assert [(row["lang"], row["rows"], row["threats"], row["base_rate"]) for row in table] == [("cs", 40, 20, 0.5), ("en", 40, 20, 0.5)]
    assert all(row["roc_auc"] > 0.9 for row in table)  # it was trained on most of these rows
    held_out = json.loads(moot("detector", "evaluate", str(SMALL), "--model", str(trained), "--where", "split=dev", "--json").stdout)
    assert [row["rows"] for row in held_out] == [8, 8]
    lines = moot("detector", "score", str(SMALL), "--model", str(trained)).stdout.splitlines()
    scored = [json.loads(line) for line in lines]
    assert [one["id"] for one in scored] == [f"small-{number}" for number in range(1, 81)]
    assert list(scored[0]) == ["id", "score", "queue", "hide", "reasons"]
    assert np.mean([one["score"] for one in scored[:20]]) > np.mean([one["score"] for one in scored[20:40]]) + 0.05


def test_a_version_never_names_a_file_elsewhere(trained: Path, tmp_path: Path) -> None:
    model = artefact.read(trained)
    foreign = tmp_path / "foreign.detector"
    artefact.write(foreign, artefact.Artefact(msgspec.structs.replace(model.header, version="../escaped"), model.tables))
    with pytest.raises(Problem, match="cannot be read"):
        artefact.read(foreign)


def test_the_scorer_agrees_with_scikit_learn(trained: Path) -> None:
    rows = [row for row in read_examples(SMALL) if row.split == "train"]
    labels, everything = np.array([float(row.threat or 0) for row in rows]), np.arange(len(rows))
    training_set = training_set_of(rows, labels, np.ones(len(rows)), np.full(len(rows), -1))
    theirs = FittedModel(training_set, np.arange(len(training_set.labels))).margins(training_set.counts, everything)
    texts = [folding.unmask(row.text).text for row in rows]
    ours = Detector(training.train(rows)).margins(texts) + np.array([windows(text)[0].discount for text in texts])
    assert np.abs(theirs - ours).max() < 0.02  # weights are kept in half precision
    assert np.abs(theirs).max() > 1


def test_training_twice_gives_the_same_detector(trained: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.detector"
    rows = read_examples(SMALL)
    artefact.write(again, card.with_card(training.train(rows), rows))
    assert again.read_bytes() == trained.read_bytes()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_is_read_like_json_lines(delimiter: str, tmp_path: Path) -> None:
    table = tmp_path / "ours.csv"
    rows = 'text,lang,threat,split\n"Zítra: v osm",cs,0,train\nI will hurt you,en,1,dev\nnobody asked,en,,train\n'
    table.write_text(rows.replace(",", delimiter), "utf-8-sig")
    (tmp_path / "ours.jsonl").write_text('{"text": "Zítra: v osm", "lang": "cs", "threat": 0}\n', "utf-8-sig")
    read = [(row.text, row.lang, row.threat, row.split) for row in read_examples(table)]
    assert read == [("Zítra: v osm", "cs", 0, "train"), ("I will hurt you", "en", 1, "dev"), ("nobody asked", "en", None, "train")]
    assert [(row.text, row.threat) for row in read_examples(tmp_path / "ours.jsonl")] == [("Zítra: v osm", 0)]


@pytest.mark.parametrize("line", ["no json", '"text"', '{"id": 1}', '{"text": "x", "threat": "maybe"}', '{"text": 7}'])
def test_a_line_that_cannot_be_read_is_named(line: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"text": "good", "threat": 0}\n' + line + "\n", "utf-8")
    done = moot("detector", "evaluate", str(bad))
    assert done.returncode == 1
    assert "bad.jsonl, line 2" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_changed_bit_or_another_file_is_refused(trained: Path, tmp_path: Path) -> None:
    content = trained.read_bytes()
    for at in (25, len(content) // 2, len(content) - 1):
        changed = tmp_path / "changed.detector"
        changed.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises(Problem, match="damaged or was altered"):
            artefact.read(changed)
    with pytest.raises(Problem, match="not a detector"):
        artefact.read(SMALL)
    assert artefact.read(trained).header.version


def test_too_few_rows_are_refused(tmp_path: Path) -> None:
    done = moot("detector", "build", str(SMALL), "--out", str(tmp_path / "x"), "--weigh", "small=much")
    assert "--weigh needs FILE=NUMBER" in done.stderr
    few = tmp_path / "few.jsonl"
    few.write_text('{"text": "I will hurt you", "threat": 1}\n', "utf-8")
    done = moot("detector", "build", str(few), "--out", str(tmp_path / "x"))
    assert "too few rows for training" in done.stderr
    assert not (tmp_path / "x").exists()


def test_scoring_needs_neither_the_trainer_nor_the_clone(trained: Path, tmp_path: Path) -> None:
    """In an interpreter that cannot import scikit-learn, from a copy of the package elsewhere."""
    shutil.copytree(ROOT / "folkmoot", tmp_path / "folkmoot", ignore=shutil.ignore_patterns("__pycache__"))
    program = """if True:
        import sys
        sys.modules["sklearn"] = sys.modules["scipy"] = None
        from folkmoot.moderation.detection.detector import PACKAGED, Detector
        print(Detector.load().score(["I will find you and kill you"], ["en"])[0].score > 0.5)
        sys.argv = ["moot", "detector", "build", sys.argv[1], "--out", "x"]
        from folkmoot.cli import main
        main()
    """
    done = subprocess.run([sys.executable, "-c", program, str(SMALL)], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stdout == "True\n", done.stderr
    assert done.stderr.startswith("folkmoot: Building a detector needs scikit-learn.")
    assert done.returncode == 1


def test_detection_never_executes_what_it_reads() -> None:
    for file in (ROOT / "folkmoot" / "moderation" / "detection").glob("*.py"):
        names = {node.id for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Name)}
        assert not names & {"pickle", "joblib", "eval", "exec", "marshal", "dill"}, file
        assert "allow_pickle" not in file.read_text("utf-8")
