"""Finds the SQL in Python source and parses it with PostgreSQL's own parser (pglast, decision 0047).

A string counts as SQL if it begins like a statement or contains a clause, with keywords in capitals. Concatenations are
joined. Placeholders of f-strings are resolved from the names of the module if possible; those with local names stay open,
and `parse` tries candidates for them.
"""

import ast
import importlib
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pglast import ast as pg
from pglast import parse_sql
from pglast.enums import ObjectType
from pglast.parser import ParseError
from pglast.visitors import Visitor

ROOT = Path(__file__).resolve().parents[2]
CODE = ROOT / "folkmoot"

_STATEMENT = re.compile(
    r"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH( RECURSIVE)?|MERGE INTO|TRUNCATE|LOCK TABLE|COPY|VACUUM|ANALYZE|REINDEX|LISTEN"
    r"|UNLISTEN|NOTIFY|(CREATE|DROP|ALTER) (TABLE|INDEX|DATABASE|ROLE|USER|SCHEMA|FUNCTION|TYPE|SEQUENCE|PUBLICATION|SUBSCRIPTION)"
    r"|GRANT|REVOKE|SET (LOCAL|SESSION|ROLE)|BEGIN|COMMIT|ROLLBACK|SAVEPOINT)(?=[\s;(]|$)"
)
_CLAUSE = re.compile(
    r"\b(FROM|JOIN|WHERE|HAVING|ORDER BY|GROUP BY|RETURNING|ON CONFLICT|VALUES) ?[a-z({$\x00]|\bEXISTS \(SELECT"
    r"|\bIS (NOT )?(NULL|DISTINCT)\b|\bANY \(\$|\bcoalesce\("
)
_LOWER = re.compile(  # in lower case, which our code does not use
    r"\s*(select\b.+?\bfrom \w+ *($|where|join|order|limit)|insert into \w+ *[(]|delete from \w|update \w+ set \w+ *=)", re.I | re.S
)
_OPEN = re.compile("\x00([^\x00]*)\x00")  # a placeholder with its source text
_TARGET = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE FROM|MERGE INTO|TRUNCATE)(?: ONLY)? ([a-z_]+|\x00[^\x00]*\x00)")
_FILLINGS = ("any_name", "", "(SELECT 1)", "true", "AND true", "SELECT 1", "NULL")
_WRITES = (pg.InsertStmt, pg.UpdateStmt, pg.DeleteStmt, pg.MergeStmt)


@dataclass(frozen=True)
class Sql:
    """A piece of SQL. In `text` all placeholders are open; in `resolved` those with known values are filled."""

    file: str
    line: int
    text: str
    resolved: str

    @property
    def is_statement(self) -> bool:
        """Whether it is a complete statement, apart from its placeholders."""
        return bool(_STATEMENT.match(self.resolved))

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}"


def find_sql(source: str, file: str = "example.py", names: Mapping[str, Any] | None = None) -> list[Sql]:
    """All SQL of a module, in source order. `names`: the namespace of the module, to fill placeholders."""
    return _find(ast.parse(source), file, names or {})


def _find(tree: ast.Module, file: str, names: Mapping[str, Any]) -> list[Sql]:
    found = []
    for node in _strings(tree):
        text = _join(node, None)
        is_statement = _STATEMENT.match(text) and not re.fullmatch(r"\s*\w+\s*", text)
        if is_statement or _CLAUSE.search(text) or _LOWER.match(text):
            found.append(Sql(file, node.lineno, text, _join(node, names)))
    return found


def sql_of_code() -> Iterator[Sql]:
    """All SQL of the package."""
    for path in sorted(CODE.rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        tree, file = ast.parse(path.read_text("utf-8")), str(path.relative_to(CODE))
        if module != "folkmoot.__main__" and _find(tree, file, {}):
            yield from _find(tree, file, vars(importlib.import_module(module)))


def _strings(tree: ast.AST) -> Iterator[ast.expr]:
    """The outermost string expressions, without docstrings."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue
        if isinstance(child, ast.expr) and _is_string(child):
            yield child
            if isinstance(child, ast.JoinedStr | ast.BinOp):  # a placeholder may contain strings
                yield from (inner for value in ast.walk(child) if isinstance(value, ast.FormattedValue) for inner in _strings(value.value))
        else:
            yield from _strings(child)


def _is_string(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _is_string(node.left) or _is_string(node.right)
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _join(node: ast.expr, names: Mapping[str, Any] | None) -> str:
    """The joined string, with the placeholders filled that `names` can resolve."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_join(value, names) for value in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _join(node.left, names) + _join(node.right, names)
    expression = ast.unparse(ast.JoinedStr([node])) if isinstance(node, ast.FormattedValue) else ast.unparse(node)
    if names is not None:
        try:
            return str(eval(expression, dict(names)))
        except Exception:  # a local name
            return f"\x00{expression}\x00"
    return f"\x00{expression}\x00"


def parse(sql: str) -> Any:
    """The parse tree, with the first candidates for open placeholders that make the statement valid; None if none do."""
    pieces = _OPEN.split(sql)
    fixed, holes = pieces[::2], len(pieces) // 2
    for filling in itertools.islice(itertools.product(_FILLINGS, repeat=holes), 3000):
        whole = "".join(itertools.chain.from_iterable(itertools.zip_longest(fixed, (f" {one} " for one in filling), fillvalue="")))
        try:
            return parse_sql(whole)
        except ParseError:
            continue
    return None


class _Written(Visitor):  # type: ignore[misc]
    """Collects the tables that a statement writes, also in common table expressions."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: set[str] = set()

    def visit(self, ancestors: Any, node: Any) -> None:
        if isinstance(node, _WRITES):
            self.tables.add(node.relation.relname)
        elif isinstance(node, pg.TruncateStmt):
            self.tables.update(relation.relname for relation in node.relations)


def tables_written(sql: Sql) -> set[str]:
    """The tables that it writes; `any_name` for a name that is known only at run time.

    Text that the parser cannot read, such as a fragment, is searched for the keywords of a write instead.
    """
    tree = parse(sql.resolved) if sql.is_statement else None
    if tree is None:
        return {"any_name" if "\x00" in name else name for name in _TARGET.findall(sql.resolved)}
    written = _Written()
    written(tree)
    return written.tables


def schema_tables() -> set[str]:
    """The tables that exist after all migrations."""
    tables: set[str] = set()
    for path in sorted((CODE / "migrations").glob("*.sql")):
        for raw in parse_sql(path.read_text("utf-8")):
            match raw.stmt:
                case pg.CreateStmt(relation=relation):
                    tables.add(relation.relname)
                case pg.DropStmt(removeType=ObjectType.OBJECT_TABLE, objects=objects):
                    tables -= {name[-1].sval for name in objects}
                case pg.RenameStmt(renameType=ObjectType.OBJECT_TABLE, relation=relation, newname=name):
                    tables = tables - {relation.relname} | {name}
    return tables
