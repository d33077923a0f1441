"""Backup and restore of a network, in MB/s, against one process that reads, hashes, writes and syncs the same bytes.

The bytes are the pictures and the dump of the database, as both commands handle them. Each figure is of the whole
command, as an operator waits for it: opening the repository, hashing all tables, reading back, comparing and all.
"""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.harness import Row, database_of, network, report, run
from folkmoot.commands.options import settings_of
from folkmoot.portability import tables
from folkmoot.portability.dump import dump
from folkmoot.portability.progress import Quiet, bytes_below
from tests.network_up import MOOT, ROOT, NetworkUp, _environment
from tests.village import settle

FILES = int(os.environ.get("BENCH_FILES", "8000"))
FILE_BYTES = 250_000
POSTS = int(os.environ.get("BENCH_POSTS", "300000"))

_BASELINE = """
import hashlib, os, pathlib, sys
source, target = map(pathlib.Path, sys.argv[1:])
for file in sorted(source.rglob("*")):
    if file.is_file():
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with open(file, "rb") as read, open(copy, "wb") as written:
            while piece := read.read(1 << 20):
                digest.update(piece)
                written.write(piece)
os.sync()
"""


async def _fill(up: NetworkUp) -> None:
    """Posts, and pictures as incompressible as real ones."""
    async with database_of(up) as database:
        author = await settle(database, "author")
        rows = []
        for _ in range(FILES):
            content = os.urandom(FILE_BYTES)
            name = hashlib.sha256(content).hexdigest()
            folder = up.data / "media" / name[:2]
            folder.mkdir(exist_ok=True)
            (folder / f"{name}.webp").write_bytes(content)
            rows.append((bytes.fromhex(name), "webp", FILE_BYTES, 1))
        async with database.write() as tx:
            await tx.executemany("INSERT INTO media_files (sha256, extension, bytes, reference_count) VALUES ($1, $2, $3, $4)", rows)
            await tx.execute(
                """
                INSERT INTO posts (id, account_id, visibility, conversation_id, text, html, language, created_at)
                SELECT n::bigint << 22, $1, 0, n::bigint << 22, words, '<p>' || words || '</p>', 'cs', now()
                FROM generate_series(1, $2::int) AS n,
                     LATERAL (SELECT string_agg(md5((n * 7 + part)::text), ' ') AS words FROM generate_series(1, 6) AS part) AS made
                """,
                author.id, POSTS,
            )


async def _dump(up: NetworkUp, target: Path) -> None:
    settings = settings_of(up.data)
    connection = await tables.connect(settings.dsn)
    facts = await tables.facts(connection)
    await asyncio.to_thread(dump, settings.dsn, facts.version, facts.snapshot, target, 0, Quiet())
    await connection.close()


def _timed(*command: str) -> tuple[float, str]:
    os.sync()
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=_environment({}))
    assert done.returncode == 0, done.stderr
    return time.perf_counter() - began, done.stdout


def main() -> None:
    with network() as up, tempfile.TemporaryDirectory(prefix="folkmoot-bench-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        to = [*MOOT, "backup", "--to", str(place / "repository"), "--data", str(up.data), "--json"]
        said = _timed(*to)[1]  # of the empty network: it makes the repository and its keys
        (place / "key").write_text(" ".join(json.loads(said.splitlines()[0])["recovery_key"]))
        run(_fill(up))
        (place / "same").mkdir()
        os.symlink(up.data / "media", place / "same" / "media")
        run(_dump(up, place / "same" / "database"))
        size = FILES * FILE_BYTES + bytes_below(place / "same" / "database")
        real = place / "real"
        subprocess.run(["cp", "-aL", place / "same", real], check=True)

        def baseline(name: str) -> float:
            return _timed(sys.executable, "-c", _BASELINE, str(real), str(place / name))[0]

        plain = [baseline("one")]
        stored, _ = _timed(*to)
        again, said = _timed(*to)
        added = json.loads(said)["bytes_added"]
        plain.append(baseline("two"))
        restored, _ = _timed(
            *MOOT, "restore", "--from", str(place / "repository"), "--key-file", str(place / "key"), "--data", str(place / "new"), "--json"
        )
        plain.append(baseline("three"))
    base = sorted(plain)[1]
    report("backup", [
        Row("bytes: pictures and dump", size / 1e6, "MB"),
        Row("one process reads, hashes, writes and syncs them", size / 1e6 / base, "MB/s"),
        Row("a backup of all of it", size / 1e6 / stored, "MB/s"),
        Row("a backup of all of it, of the plain process", base / stored, "ratio", ">= 0.5", base / stored >= 0.5),
        Row("a backup when nothing changed", again, "s"),
        Row("what it stored", added / 1e6, "MB"),
        Row("restore, with everything compared", size / 1e6 / restored, "MB/s"),
        Row("restore, of the plain process", base / restored, "ratio", ">= 0.5", base / restored >= 0.5),
    ])


if __name__ == "__main__":
    main()
