"""Rules of the code base: routes, sizes, clock and randomness, documents, requirements."""

import ast
import importlib.metadata
import re
import sys
from pathlib import Path

from folkmoot.api.routes import ROUTES as API
from folkmoot.base.limits import TABLE
from folkmoot.http.routing import Access
from folkmoot.network.sessions.scopes import KNOWN
from folkmoot.web.routes import ROUTES as WEB

ROOT = Path(__file__).resolve().parents[2]
CODE = sorted((ROOT / "folkmoot").rglob("*.py"))
FOR_TRAINING = {"training.py"}  # loaded by `moot detector build` only


def _name(file: Path) -> str:
    return str(file.relative_to(ROOT / "folkmoot"))


def test_every_route_has_an_access_class() -> None:
    for route in [*API, *WEB]:
        assert isinstance(route.access, Access)
        assert not route.limit or route.limit in TABLE
        for scope in filter(None, route.scope.split("|")):
            assert scope in KNOWN, route
    unsafe_for_all = {(route.method, route.path) for route in [*API, *WEB] if route.access is Access.PUBLIC and route.method != "GET"}
    assert unsafe_for_all == {
        ("POST", "/api/v1/apps"), ("POST", "/oauth/token"), ("POST", "/oauth/revoke"), ("POST", "/log_in"), ("POST", "/sign_up"),
        ("POST", "/confirm/{code}"), ("POST", "/reset"), ("POST", "/reset/{code}"), ("POST", "/language"),
            ("POST", "/stay/{code}"), ("POST", "/email/change/{code}"), ("POST", "/email/keep/{code}"),
            ("POST", "/waiting/send_again"), ("POST", "/waiting/withdraw"), ("POST", "/notice"),
            ("POST", "/notice/{number}/confirm/{code}"), ("POST", "/api/folkmoot/v1/notices"),
            ("POST", "/notice/{number}/{key}/appeal"), ("POST", "/api/folkmoot/v1/notices/{number}/appeal"),
    }
    for route in API:
        assert route.access is not Access.MEMBER or route.scope, f"{route.path} asks for no scope"


def shape_errors(name: str, text: str) -> list[str]:
    """What is wrong with the shape of a file."""
    tree, errors = ast.parse(text), []
    if name != "__main__.py" and not ast.get_docstring(tree):
        errors.append(f"{name} begins without a docstring")
    if len(text.splitlines()) > 360:
        errors.append(f"{name} is long")
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno and node.end_lineno - node.lineno > 62:
            errors.append(f"{name}: {node.name} is long")
    return errors


def test_files_have_docstrings_and_are_short() -> None:
    assert not [error for file in CODE for error in shape_errors(_name(file), file.read_text("utf-8"))]


def test_a_file_without_docstring_and_with_long_functions_is_found() -> None:
    long = "async def f():\n" + "    x = 1\n" * 70
    assert shape_errors("web/x.py", long) == ["web/x.py begins without a docstring", "web/x.py: f is long"]
    assert shape_errors("web/x.py", '"""Words."""\n' + "x = 1\n" * 360) == ["web/x.py is long"]
    assert not shape_errors("__main__.py", "x = 1\n" * 360)


def test_one_clock_and_one_source_of_randomness() -> None:
    forbidden = re.compile(r"datetime\.now\(|datetime\.utcnow|time\.time\(|^import secrets|^import random|secrets\.token|uuid4", re.M)
    allowed = {"base/clock.py", "portability/data_directory.py"}
    for file in CODE:
        if _name(file) not in allowed:
            assert not forbidden.search(file.read_text("utf-8")), _name(file)


def test_words_of_the_client_api_are_used_in_the_client_api_only() -> None:
    wire = re.compile(
        r"\b(reblog|toot|spoiler_text|in_reply_to|status_id|rule_ids|media_attachments|media_attributes|fields_attributes|invite_code"
        r"|client_name|(favourites|reblogs|replies|statuses|voters)_count|quoted_status|scheduled_at|verify_credentials|own_votes"
        r"|showing_reblogs|hide_totals)\w*", re.I,
    )
    assert wire.search("the status_ids of a report")
    assert not wire.search("the post_ids of a report")
    for file in CODE:
        if not _name(file).startswith("api/"):
            found = {match[0] for match in wire.finditer(file.read_text("utf-8"))}
            assert not found, (_name(file), found)


def test_only_the_http_client_sends_requests() -> None:
    for file in CODE:
        if _name(file) != "base/http_client.py":
            others = re.compile(r"urllib\.request|http\.client|^import (httpx|requests|aiohttp)", re.M)
            assert not others.search(file.read_text("utf-8")), _name(file)


def test_paths_in_documents_exist() -> None:
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for path in re.findall(r"`((?:folkmoot|tests|bin|docs|benchmarks|requirements)/[\w./-]+)`", document.read_text("utf-8")):
            assert (ROOT / path).exists(), f"{document.name} names {path}"
        for target in re.findall(r"\]\((?!http|#|mailto)([^)#]+)", document.read_text("utf-8")):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_tests_that_documents_name_exist() -> None:
    named = [(document.name, *one) for document in (ROOT / "docs").rglob("*.md")
             for one in re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", document.read_text("utf-8"))]
    tests = {path: set(re.findall(r"^(?:async )?def (test_\w+)\(", (ROOT / path).read_text("utf-8"), re.M)) for _, path, _ in named}
    for document, path, name in named:
        assert name in tests[path], f"{document} names {name} of {path}"
    behaviours = (ROOT / "docs" / "reference" / "api-behaviours.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \|.*\| (.*) \|$", behaviours, re.M)
    assert [int(number) for number, _ in rows] == list(range(1, 32))
    for number, cell in rows:
        assert re.fullmatch(r"`tests/\S+::test_\w+`(?: `tests/\S+::test_\w+`)*", cell), f"behaviour {number} names no test"


def test_requirement_locks_contain_no_urls() -> None:
    for file in (ROOT / "requirements").glob("*.txt"):
        text = file.read_text("utf-8")
        assert "://" not in text
        assert "--index" not in text
    direct = [line for line in (ROOT / "requirements" / "runtime.in").read_text().splitlines() if line.strip()]
    assert len(direct) <= 25
    pinned = re.findall(r"^[\w.-]+==", (ROOT / "requirements" / "runtime.txt").read_text(), re.M)
    assert len(pinned) <= 60


def test_code_imports_only_what_is_installed_at_run_time() -> None:
    """Or, within functions, what an extra or the training of the detector brings."""
    of_module = importlib.metadata.packages_distributions()
    locked = {name: set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements" / f"{name}.txt").read_text(), re.M)) for name in (
        "runtime", "dns", "s3", "train")}
    extra = set.union(*locked.values())
    for file in CODE:
        tree = ast.parse(file.read_text("utf-8"))
        top = {id(node) for node in tree.body}
        for node in ast.walk(tree):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else (
                [node.module or ""] if isinstance(node, ast.ImportFrom) else [])
            for module in {name.partition(".")[0] for name in modules} - sys.stdlib_module_names - {"folkmoot", ""}:
                names = {name.lower().replace("_", "-") for name in of_module[module]}
                is_required = id(node) in top and file.name not in FOR_TRAINING
                assert names & (locked["runtime"] if is_required else extra), f"{_name(file)} imports {module}"


def test_home_is_followed_through_four_files() -> None:
    """From the URL to the response: endpoint, query, entities; for the page also the templates."""
    home = (ROOT / "folkmoot/api/timelines.py").read_text("utf-8")
    assert "from folkmoot.network.timelines.queries import" in home
    assert "spliced_page" in (ROOT / "folkmoot/api/request.py").read_text("utf-8")
    assert "posts/_post.html" in (ROOT / "folkmoot/web/templates/timelines/home.html").read_text("utf-8")


def test_functions_named_in_the_tours_exist() -> None:
    code = "\n".join(file.read_text("utf-8") for file in CODE)
    for tour in (ROOT / "docs" / "tours").glob("*.md"):
        for verb in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", tour.read_text("utf-8")):
            assert f"def {verb}(" in code, f"{tour.name} names {verb}"
