"""Where the code of a new release comes from, and which release the next start of a clone runs."""

import importlib.util
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from folkmoot.portability.upgrade.identity import code_of
from folkmoot.portability.upgrade.releases import Releases, UpgradeProblem
from folkmoot.portability.upgrade.source import find_source
from folkmoot.portability.upgrade.trying import environment
from tests.network_up import ROOT


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Jana", "-c", "user.email=jana@example.org", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *who, "-C", str(folder), *arguments], capture_output=True, text=True, check=True).stdout.strip()


def write(folder: Path, version: str) -> None:
    """The least that is a release."""
    for name in ("folkmoot", "requirements", "bin"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "folkmoot" / "__init__.py").write_text(f'__version__ = "{version}"\n')
    (folder / "requirements" / "runtime.txt").write_text("click==8\n")
    shutil.copy2(ROOT / "bin" / "bootstrap.py", folder / "bin" / "bootstrap.py")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone at 0.1.0, whose origin has got newer releases since."""
    origin, found = tmp_path / "origin", tmp_path / "clone"
    write(origin, "0.1.0")
    git(origin, "init", "-q")
    git(origin, "add", "-A")
    git(origin, "commit", "-qm", "first")
    git(tmp_path, "clone", "-q", str(origin), str(found))
    for version in ("0.9.0", "0.10.0"):
        write(origin, version)
        git(origin, "commit", "-qam", version)
        git(origin, "tag", f"v{version}")
    write(origin, "0.11.0")
    git(origin, "commit", "-qam", "not a release yet")
    return found


@pytest.mark.parametrize(("wanted", "version"), [("", "0.10.0"), ("v0.9.0", "0.9.0"), ("origin/main", "0.11.0")])
def test_a_release_comes_from_the_origin_of_the_clone(clone: Path, wanted: str, version: str) -> None:
    with find_source(Releases(clone), wanted) as source:
        assert code_of(source.folder).startswith(f"{version}-")
        assert "commit" in source.origin
        assert source.signature == "none that this machine can verify"
    assert code_of(clone).startswith("0.1.0-"), "the clone stays as it is"


def test_a_folder_is_a_source_and_says_what_it_is(clone: Path) -> None:
    (clone / "folkmoot" / "__init__.py").write_text('__version__ = "0.1.1"\n')
    with find_source(Releases(clone), str(clone)) as source:
        assert source.folder == clone
        assert source.origin.endswith(", with changes")
        assert "you trust" in source.signature


def test_a_source_that_does_not_exist_is_refused(clone: Path, tmp_path: Path) -> None:
    with pytest.raises(UpgradeProblem, match="neither a folder"), find_source(Releases(clone), "v7.7"):
        pass
    shutil.rmtree(tmp_path / "origin")
    with pytest.raises(UpgradeProblem, match=r"git fetch failed: .*origin.* does not"), find_source(Releases(clone), ""):
        pass
    shutil.rmtree(clone / ".git")
    with pytest.raises(UpgradeProblem, match="no clone here"), find_source(Releases(clone), ""):
        pass


def bootstrap_of(clone: Path) -> Any:
    spec = importlib.util.spec_from_file_location("bootstrap", clone / "bin" / "bootstrap.py")
    assert spec
    assert spec.loader
    bootstrap = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bootstrap)
    return bootstrap


def test_the_next_start_runs_the_chosen_release_until_the_clone_changes(clone: Path) -> None:
    releases, bootstrap = Releases(clone), bootstrap_of(clone)
    release = releases.planned(clone)
    release.folder.mkdir(parents=True)
    elsewhere = clone.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "complete").touch()
    for name in (release.name, "../../elsewhere", str(elsewhere)):  # incomplete, or not ours
        with pytest.raises(UpgradeProblem):
            releases.make_current(name)
    (release.folder / "complete").touch()
    releases.make_current(release.name)
    assert bootstrap.release_in_use() == release.folder.resolve()
    assert Releases(release.folder).folder == releases.folder
    (clone / "folkmoot" / "more.py").touch()  # as after git pull
    assert bootstrap.release_in_use() is None
    releases.make_current(release.name)
    assert bootstrap.release_in_use() == release.folder.resolve()
    releases.make_current("")
    assert bootstrap.release_in_use() is None


def test_a_rehearsal_meets_nothing_of_this_network(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLKMOOT_DATABASE_URL", "postgresql://the/real/one")
    release = Releases(clone).planned(clone)
    assert environment(release, 1, is_rehearsal=False)["FOLKMOOT_DATABASE_URL"]
    assert "FOLKMOOT_DATABASE_URL" not in environment(release, 1, is_rehearsal=True)


def test_only_releases_that_nothing_needs_are_removed(clone: Path) -> None:
    releases = Releases(clone)
    for name in ("0.1.0-a-x", "0.2.0-b-x", "0.3.0-c-x"):
        (releases.folder / name).mkdir(parents=True)
    assert releases.remove_old(["0.3.0-c-x", "0.2.0-b"]) == ["0.1.0-a-x"]
    assert sorted(folder.name for folder in releases.folder.iterdir()) == ["0.2.0-b-x", "0.3.0-c-x"]
