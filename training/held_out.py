"""Generates `folkmoot/moderation/detection/held_out.jsonl`: rows that no detector is trained on, to measure a new one with.

    python -m training.held_out FILE ...

FILE: labelled posts as for `moot detector build`. Kept are the `dev` rows that are free of a licence that binds (CC0) and were
written for this project, sentence by sentence.
"""

import sys
from itertools import chain
from pathlib import Path

import msgspec

from folkmoot.moderation.detection.examples import read_examples

OUTPUT = Path("folkmoot/moderation/detection/held_out.jsonl")


def main(files: list[Path]) -> None:
    rows = [
        {"id": row.id, "text": row.text, "lang": row.lang, "labels": row.labels, "group": row.group.partition(":")[2] or None}
        for row in chain.from_iterable(map(read_examples, files))
        if row.split == "dev" and row.licence == "CC0-1.0" and row.threat is not None and ("kind" in row.labels or "everyday" in row.labels)
    ]
    OUTPUT.write_bytes(b"".join(msgspec.json.encode({**row, "split": "dev"}) + b"\n" for row in rows))
    print(f"{OUTPUT}: {len(rows)} rows")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
