"""Backup and restore of a network, in MB/s, against one process that reads, hashes, writes and syncs the same bytes.

The bytes are the pictures and the dump of the database. Each figure includes the whole command, as an operator waits for
it: opening the repository, hashing all tables, reading back and comparing.
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

from benchmarks.harness import Row, network, report, run
from folkmoot.commands.options import open_database, settings_of
from folkmoot.portability import tables
from folkmoot.portability.dump import dump
from folkmoot.portability.progress import NoProgress, folder_size
from tests.network_up import MOOT, ROOT, NetworkUp, environment_with
from tests.village import settle

FILES = int(os.environ.get("BENCH_FILES", "8000"))
FILE_BYTES = 250_000
POSTS = int(os.environ.get("BENCH_POSTS", "300000"))

BASELINE = """
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


async def fill(data: Path, files: int, posts: int) -> None:
    """Creates posts and incompressible pictures in a network that runs."""
    async with open_database(settings_of(data)) as database:
        author = await settle(database, "author")
        owner = (data / "media").stat().st_uid, (data / "media").stat().st_gid
        rows = []
        for _ in range(files):
            content = os.urandom(FILE_BYTES)
            name = hashlib.sha256(content).hexdigest()
            folder = data / "media" / name[:2]
            folder.mkdir(exist_ok=True)
            (folder / f"{name}.webp").write_bytes(content)
            for made in (folder, folder / f"{name}.webp"):  # else the network, which does not run as root, could store nothing there
                os.chown(made, *owner)
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
                author.id, posts,
            )


async def _dump(up: NetworkUp, target: Path) -> None:
    settings = settings_of(up.data)
    connection = await tables.connect(settings.dsn)
    facts = await tables.facts(connection)
    await asyncio.to_thread(dump, settings.dsn, facts.version, facts.snapshot, target, 0, NoProgress())
    await connection.close()


def _timed(*command: str) -> tuple[float, str]:
    os.sync()
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment_with({}))
    assert done.returncode == 0, done.stderr
    return time.perf_counter() - began, done.stdout


def main() -> None:
    with network() as up, tempfile.TemporaryDirectory(prefix="folkmoot-bench-") as folder:
        path = Path(folder)
        path.chmod(0o755)
        to = [*MOOT, "backup", "--to", str(path / "repository"), "--data", str(up.data), "--json"]
        output = _timed(*to)[1]  # of the empty network: creates the repository and its keys
        (path / "key").write_text(" ".join(json.loads(output.splitlines()[0])["recovery_key"]))
        run(fill(up.data, FILES, POSTS))
        (path / "source").mkdir()
        os.symlink(up.data / "media", path / "source" / "media")
        run(_dump(up, path / "source" / "database"))
        size = FILES * FILE_BYTES + folder_size(path / "source" / "database")
        source_copy = path / "source-copy"
        subprocess.run(["cp", "-aL", path / "source", source_copy], check=True)

        def baseline(name: str) -> float:
            return _timed(sys.executable, "-c", BASELINE, str(source_copy), str(path / name))[0]

        baselines = [baseline("one")]
        stored, _ = _timed(*to)
        again, output = _timed(*to)
        added = json.loads(output)["bytes_added"]
        baselines.append(baseline("two"))
        restored, _ = _timed(
            *MOOT, "restore", "--from", str(path / "repository"), "--key-file", str(path / "key"), "--data", str(path / "new"), "--json"
        )
        baselines.append(baseline("three"))
    base = sorted(baselines)[1]
    report("backup", [
        Row("bytes: pictures and dump", size / 1e6, "MB"),
        Row("one process reads, hashes, writes and syncs them", size / 1e6 / base, "MB/s"),
        Row("backup of everything", size / 1e6 / stored, "MB/s"),
        Row("backup, relative to the plain process", base / stored, "ratio", ">= 0.5", base / stored >= 0.5),
        Row("backup without changes", again, "s"),
        Row("new data of that backup", added / 1e6, "MB"),
        Row("restore with comparison", size / 1e6 / restored, "MB/s"),
        Row("restore, relative to the plain process", base / restored, "ratio", ">= 0.5", base / restored >= 0.5),
    ])


if __name__ == "__main__":
    main()
