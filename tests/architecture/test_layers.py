"""Rules for imports, beyond the layers that `pyproject.toml` declares and `bin/check` enforces."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.architecture.sql import CODE, ROOT

# Files with imports of our modules inside functions, with the reason. `commands/` may do so: `moot --help` stays fast.
LATE_IMPORTS = {
    "moderation/detection/current.py": "the detector brings numpy, which web processes do without",
    "moderation/measurement/jobs.py": "figures are computed with numpy, which web processes do without",
    "moderation/hash_lists/jobs.py": "hashing pictures needs numpy, which web processes do without",
    "moderation/juries/actions/fit.py": "a fit needs numpy, which web processes do without",
    "http/host_record.py": "signing brings cryptography, which a web process loads when the first record is asked for",
    "web/lifeboat.py": "the key for letters brings cryptography, which a web process loads when a browser installs the service worker",
    "portability/standby/verification.py": "checksums need numpy, which the supervisor does without",
    "portability/standby/on_demand.py": "the channel brings cryptography, which web processes need only for a picture that is missing",
}
# Files that may use queries without a viewer, besides jobs and moderation.
UNSCOPED = {
    "commands/rules_trial.py": "examples of what rules have met, for operators",
    "commands/drill.py": "a drill reads its own copy, without a viewer",
    "portability/restore.py": "counts the posts of a restored copy",
    "http/fragments.py": "fragments are shared by all viewers; the query of the page checks who may see them",
    "streaming/hub.py": "its statement checks for all listeners together which of them may see a post",
    "streaming/log_ins.py": "reads the tokens and sessions of the open streams",
    "web/live.py": "reads its own session",
    "network/exports/actions.py": "a timed job: archives whose files are not on this host",
    "network/exports/archive.py": "an archive contains the member's own posts, also those that a restriction hides",
    "api/stream_connection.py": "reads its own token",
    "network/posts/queries/reading.py": "the scoped queries of posts use them",
    "network/web_push/actions.py": "moderation calls its own people",
}
_INDENTED_IMPORT = re.compile(r"(?:^[ \t]+|[:;][ \t]*)(?:from|import)\b", re.MULTILINE)  # parsing all files takes seconds


def _sources() -> dict[str, str]:
    return {str(path.relative_to(CODE)): path.read_text("utf-8") for path in sorted(CODE.rglob("*.py"))}


def _module(file: str) -> str:
    return ".".join(("folkmoot", *Path(file).with_suffix("").parts)).removesuffix(".__init__")


def _imported(node: ast.AST) -> Iterator[str]:
    """The full names that an import statement may refer to: modules or their members."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def import_graph(sources: Mapping[str, str]) -> dict[str, set[str]]:
    """Each module with the modules that it imports, also inside functions and under TYPE_CHECKING."""
    modules = {_module(file) for file in sources}
    graph: dict[str, set[str]] = {}
    for file, source in sources.items():
        found = {name for node in ast.walk(ast.parse(source)) for name in _imported(node)}
        graph[_module(file)] = {name if name in modules else name.rpartition(".")[0] for name in found} & modules
    return graph


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """Modules that import each other in a circle; empty if there is none."""
    done: set[str] = set()

    def walk(module: str, path: list[str]) -> list[str]:
        if module in path:
            return path[path.index(module):]
        if module in done:
            return []
        for imported in sorted(graph[module]):
            if ring := walk(imported, [*path, module]):
                return ring
        done.add(module)
        return []

    return next(filter(None, (walk(module, []) for module in sorted(graph))), [])


def late_imports(sources: Mapping[str, str]) -> set[str]:
    """Files, except commands, that import our modules inside a function."""
    return {
        file for file, source in sources.items() if not file.startswith("commands/") and _INDENTED_IMPORT.search(source)
        for function in ast.walk(ast.parse(source)) if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function) for name in _imported(node) if name.startswith("folkmoot.")
    }


def unscoped_readers(sources: Mapping[str, str]) -> set[str]:
    """Files outside jobs and moderation that use a query without a viewer. Defining one does not count."""
    return {
        file for file, source in sources.items()
        if not file.startswith("moderation/") and not file.endswith("/jobs.py") and "_unscoped" in source
        for node in ast.walk(ast.parse(source)) if getattr(node, "id", getattr(node, "attr", "")).endswith("_unscoped")
    }


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert not circle(import_graph(_sources()))


def test_a_circle_is_found() -> None:
    """Also through an import in a function, under TYPE_CHECKING, or in the `__init__.py` of a package."""
    plain = {"a.py": "from folkmoot import b", "b.py": "from folkmoot.c import x", "c.py": ""}
    assert not circle(import_graph(plain))
    late, for_types = "def f():\n    from folkmoot.a import x", "if TYPE_CHECKING:\n    from folkmoot.a import x"
    package = {"d/__init__.py": "from folkmoot.a import x"}
    for back in ("import folkmoot.a", late, for_types, "from folkmoot.d import x"):
        ring = circle(import_graph({**plain, **package, "c.py": back}))
        assert set(ring) >= {"folkmoot.a", "folkmoot.b", "folkmoot.c"}, back


def test_imports_are_at_the_top() -> None:
    assert late_imports(_sources()) == LATE_IMPORTS.keys()


def test_a_late_import_is_found() -> None:
    late = "async def f():\n    if x:\n        from folkmoot.base import clock"
    assert late_imports({"web/posts.py": late}) == {"web/posts.py"}
    assert late_imports({"web/posts.py": "def f(): from folkmoot.base import clock"}) == {"web/posts.py"}
    assert not late_imports({"web/posts.py": "from folkmoot.base import clock", "base/log.py": "def f():\n    import ctypes"})
    assert not late_imports({"commands/up.py": late})


def test_commands_and_web_processes_start_without_what_they_do_not_need() -> None:
    """A command waits for its imports; `folkmoot.app` takes a second."""
    program = """if True:
        import sys
        import folkmoot.cli
        print([name for name in ("asyncio", "msgspec", "ssl") if name in sys.modules])
        from folkmoot.commands import up
        print([name for name in ("folkmoot.app", "asyncpg", "cryptography", "uvicorn") if name in sys.modules])
        from folkmoot.commands import account, jobs, status
        print([name for name in ("folkmoot.app", "cryptography", "uvicorn") if name in sys.modules])
        import folkmoot.processes
        print([name for name in ("numpy", "PIL") if name in sys.modules])
    """
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout == "[]\n" * 4, done.stdout + done.stderr


def test_queries_without_a_viewer_are_for_jobs_and_moderation() -> None:
    assert unscoped_readers(_sources()) == UNSCOPED.keys()


def test_an_unscoped_query_in_the_wrong_place_is_found() -> None:
    uses = "from x import queries\n\n\nasync def f(conn):\n    return await queries.list_posts_unscoped(conn)"
    assert unscoped_readers({"web/posts.py": uses, "api/posts.py": "x = list_posts_unscoped"}) == {"web/posts.py", "api/posts.py"}
    defines = "async def list_posts_unscoped(conn):\n    return []"
    assert not unscoped_readers({"network/posts/jobs.py": uses, "moderation/cases/actions.py": uses, "network/posts/queries.py": defines})


def _contracts() -> list[dict[str, object]]:
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    return list(tool["importlinter"]["contracts"])


def test_the_contracts_name_every_noun() -> None:
    """A new noun that is missing from the contracts could import anything."""
    named = [str(contract) for contract in _contracts() if contract["type"] == "layers"]
    for leg in ("network", "moderation"):
        for noun in (path.name for path in (CODE / leg).iterdir() if (path / "__init__.py").exists()):
            assert sum(f"folkmoot.{leg}.{noun}" in contract for contract in named) == 2, f"{leg}/{noun}"
    parts = {path.stem for path in CODE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()} - {"__init__"}
    edges = next(str(contract) for contract in _contracts() if "folkmoot.base" in str(contract))
    assert not {part for part in parts if f"folkmoot.{part}" not in edges}


def test_a_broken_contract_is_found(tmp_path: Path) -> None:
    """Runs the linter with our contracts on a package that breaks each contract once and has one allowed import."""
    wrong = {
        "base/db.py": "from folkmoot.network.posts import model",
        "network/timelines/queries.py": "from folkmoot.network.timelines import parts",
        "network/timelines/parts.py": "from folkmoot.network.timelines import jobs",
        "network/accounts/model.py": "from folkmoot.network.posts import model",
        "moderation/cases/model.py": "from folkmoot.moderation.appeals import model\nfrom folkmoot.portability import tables",
        "portability/tables.py": "from folkmoot.network.posts import model",
        "web/posts.py": "import asyncpg\nimport httpcore",
        "network/relations/actions.py": "from folkmoot.network.relations import queries",
    }
    for file in _sources():
        copy = tmp_path / "folkmoot" / file
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text('"""Nothing."""\n')
    for file, text in wrong.items():
        (tmp_path / "folkmoot" / file).unlink(missing_ok=True)
        (tmp_path / "folkmoot" / file).write_text(text + "\n")
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text("utf-8"))
    command = "import sys; from importlinter.cli import lint_imports_command as lint; sys.argv = ['lint-imports', '--no-cache']; lint()"
    done = subprocess.run([sys.executable, "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    said = " ".join(done.stdout.split())
    for contract in _contracts():
        assert f"{contract['name']} BROKEN" in said, done.stdout + done.stderr
    assert "folkmoot.network.timelines.queries -> folkmoot.network.timelines.parts" in said
    assert "folkmoot.network.relations" not in said
