"""The header of each migration (reason, locks, kind) is complete and true.

PostgreSQL's parser reads the statements. The header is compared with their effects: which existing tables they lock,
whether they rewrite or scan one, and whether the previous release can still run afterwards.
"""

import re
from enum import IntEnum, IntFlag
from typing import Any

from pglast import ast as pg
from pglast import parse_sql
from pglast.enums import AlterTableType as Alter
from pglast.enums import ConstrType, ObjectType
from pglast.visitors import Visitor

from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.counters import Counter
from folkmoot.network.posts.model import Mark, PostEffect, Visibility
from tests.architecture.sql import CODE

MIGRATIONS = sorted((CODE / "migrations").glob("*.sql"))
# Known errors in old headers. They cannot be edited, because hosts store their hashes; docs/reference/schema-notes.md corrects them.
WRONG = {"0004_moderation.sql": {"scans notifications while it is locked, and the header says that this takes an instant"}}

_STABLE = {"now", "current_setting", "transaction_timestamp"}  # evaluated once: ADD COLUMN needs no rewrite
_REWRITES = {Alter.AT_AlterColumnType, Alter.AT_SetLogged, Alter.AT_SetUnLogged, Alter.AT_SetAccessMethod}
_SCANS = {Alter.AT_SetNotNull, Alter.AT_ValidateConstraint}
_GENERATED = {ConstrType.CONSTR_GENERATED, ConstrType.CONSTR_IDENTITY}
_INDEXED = {ConstrType.CONSTR_UNIQUE, ConstrType.CONSTR_PRIMARY, ConstrType.CONSTR_EXCLUSION}
_CONTRACTS = {Alter.AT_DropColumn, Alter.AT_AlterColumnType}


def header(text: str) -> dict[str, str]:
    """The first lines of a migration: `-- Why: ...`, `-- Locks: ...`, `-- Kind: ...`, each on one or more lines."""
    lines = re.match(r"(?:--.*\n)*", text)
    assert lines
    claims = re.sub(r"\n?-- ?", " ", lines[0])
    return {name: sentence.strip() for name, sentence in re.findall(r"(Why|Locks|Kind): (.*?)(?= (?:Why|Locks|Kind): |$)", claims, re.S)}


class _Functions(Visitor):  # type: ignore[misc]
    """Collects the names of the functions that an expression calls."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def visit_FuncCall(self, ancestors: Any, node: Any) -> None:
        self.names.add(node.funcname[-1].sval)


class Effects:
    """The effects of a migration on tables that existed before it."""

    def __init__(self, sql: str) -> None:
        self.locked: set[str] = set()
        self.rewritten: set[str] = set()
        self.scanned: set[str] = set()
        self.contracts: set[str] = set()
        self._new: set[str] = set()
        for raw in parse_sql(sql):
            self._add_statement(raw.stmt)

    def _add_statement(self, statement: Any) -> None:
        match statement:
            case pg.CreateStmt(relation=relation) | pg.CreateTableAsStmt(into=pg.IntoClause(rel=relation)):
                self._new.add(relation.relname)
            case pg.AlterTableStmt(relation=relation, objtype=ObjectType.OBJECT_TABLE, cmds=commands) if relation.relname not in self._new:
                self.locked.add(relation.relname)
                for command in commands:
                    self._alter(relation.relname, command)
            case pg.IndexStmt(relation=relation, concurrent=False) if relation.relname not in self._new:
                self.locked.add(relation.relname)
                self.scanned.add(relation.relname)
            case pg.CreateTrigStmt(relation=relation) | pg.RuleStmt(relation=relation) if relation.relname not in self._new:
                self.locked.add(relation.relname)
            case pg.CommentStmt(objtype=ObjectType.OBJECT_COLUMN | ObjectType.OBJECT_TABLE, object=name) if name[0].sval not in self._new:
                self.locked.add(name[0].sval)
            case pg.RenameStmt(relation=relation) if relation is not None and relation.relname not in self._new:
                self.locked.add(relation.relname)
                self.contracts.add(relation.relname)
            case pg.DropStmt(removeType=ObjectType.OBJECT_TABLE, objects=objects):
                self.locked |= {name[-1].sval for name in objects} - self._new
                self.contracts |= {name[-1].sval for name in objects} - self._new
            case pg.UpdateStmt(relation=relation) | pg.DeleteStmt(relation=relation) if relation.relname not in self._new:
                self.scanned.add(relation.relname)  # no lock that blocks readers, but work for each row

    def _alter(self, table: str, command: Any) -> None:
        kind, definition = command.subtype, command.def_
        if kind in _REWRITES:
            self.rewritten.add(table)
        if kind in _SCANS:
            self.scanned.add(table)
        if kind in _CONTRACTS:
            self.contracts.add(table)
        if kind is Alter.AT_AddConstraint and not definition.skip_validation:
            by_index = definition.contype in _INDEXED and definition.indexname
            if not by_index:
                self.scanned.add(table)
        if kind is Alter.AT_AddColumn:
            self._add_column(table, definition)

    def _add_column(self, table: str, definition: Any) -> None:
        constraints = definition.constraints or ()
        called = _Functions()
        for constraint in constraints:
            if constraint.contype is ConstrType.CONSTR_DEFAULT:
                called(constraint.raw_expr)
        if called.names - _STABLE or {constraint.contype for constraint in constraints} & _GENERATED:
            self.rewritten.add(table)
        elif {constraint.contype for constraint in constraints} & (_INDEXED | {ConstrType.CONSTR_CHECK}):
            self.scanned.add(table)


def header_errors(text: str) -> set[str]:
    """What is missing from the header of a migration, or contradicts its statements."""
    claims, effects = header(text), Effects(text)
    if claims.keys() != {"Why", "Locks", "Kind"}:
        return {f"the header lacks {name}" for name in {"Why", "Locks", "Kind"} - claims.keys()}
    locks = claims["Locks"]
    found = {f"locks {table}, and the header does not say so" for table in effects.locked if not re.search(rf"\b{table}\b", locks)}
    if re.search(r"no table is rewritten", locks):
        found |= {f"rewrites {table}, and the header denies it" for table in effects.rewritten}
    else:
        found |= {f"rewrites {table}, and the header does not say so" for table in effects.rewritten if "rewrit" not in locks}
    if re.search(r"for an instant|for a moment", locks):
        slow = effects.scanned & effects.locked
        found |= {f"scans {table} while it is locked, and the header says that this takes an instant" for table in slow}
    if not re.match(r"(expand|contract)\b", claims["Kind"]):
        found.add("the kind is neither expand nor contract")
    elif claims["Kind"].startswith("expand"):
        found |= {f"takes something of {table} away, which is no expansion" for table in effects.contracts}
    return found


def test_the_headers_of_migrations_are_true() -> None:
    assert {path.name: errors for path in MIGRATIONS if (errors := header_errors(path.read_text("utf-8")))} == WRONG


def _comments() -> dict[str, str]:
    """The comments on columns after all migrations: `posts.effect` and its text."""
    statements = (raw.stmt for path in MIGRATIONS for raw in parse_sql(path.read_text("utf-8")))
    return {
        ".".join(part.sval for part in statement.object): statement.comment
        for statement in statements if isinstance(statement, pg.CommentStmt) and statement.objtype is ObjectType.OBJECT_COLUMN
    }


def test_comments_on_columns_name_the_numbers() -> None:
    stored: dict[str, type[IntEnum] | type[IntFlag]] = {
        "accounts.effect": AccountEffect, "posts.effect": PostEffect, "posts.visibility": Visibility, "marks.bits": Mark,
        "counter_deltas.counter": Counter,
    }
    comments = _comments()
    for column, numbers in stored.items():
        assert comments[column] == ", ".join(f"{one.value} {(one.name or '').lower().replace('_', ' ')}" for one in numbers)


def test_numbers_of_migrations_are_unique() -> None:
    numbers = [path.name[:4] for path in MIGRATIONS]
    assert len(numbers) == len(set(numbers))


def _example(locks: str, sql: str, kind: str = "expand") -> set[str]:
    return header_errors(f"-- Why: a test.\n-- Locks: {locks}\n-- Kind: {kind}.\n\nCREATE TABLE fresh (id bigint);\n{sql}")


def test_an_untrue_header_is_found() -> None:
    new = "none that matter, all objects are new."
    instant = "ACCESS EXCLUSIVE on posts for an instant; no table is rewritten."
    for locks, sql in (
        (new, "ALTER TABLE fresh ADD COLUMN x text NOT NULL DEFAULT gen_random_uuid(); CREATE INDEX ON fresh (id);"),
        (new, "INSERT INTO posts SELECT 1;"),
        (instant, "ALTER TABLE posts ADD COLUMN x integer NOT NULL DEFAULT 7, ADD COLUMN at timestamptz DEFAULT now();"),
        (instant, "ALTER TABLE posts ADD CONSTRAINT c CHECK (x > 0) NOT VALID;"),
        ("SHARE on posts while its index is built.", "CREATE INDEX a ON posts (x);"),
        ("ACCESS EXCLUSIVE on posts while it is rewritten.", "ALTER TABLE posts ALTER COLUMN x SET DEFAULT 1, SET LOGGED;"),
    ):
        assert not _example(locks, sql), sql
    for locks, sql, error in (
        (new, "ALTER TABLE posts ADD COLUMN x text;", "locks posts"),
        (new, "CREATE INDEX a ON posts (x);", "locks posts"),
        (new, "DROP TABLE posts;", "locks posts"),
        (new, "COMMENT ON COLUMN posts.x IS 'y';", "locks posts"),
        (new, "CREATE TRIGGER t BEFORE INSERT ON posts EXECUTE FUNCTION f();", "locks posts"),
        (instant, "ALTER TABLE posts ALTER COLUMN x TYPE bigint;", "rewrites posts"),
        (instant, "ALTER TABLE posts ADD COLUMN x uuid DEFAULT gen_random_uuid();", "rewrites posts"),
        (instant, "ALTER TABLE posts ADD COLUMN x bigint GENERATED ALWAYS AS IDENTITY;", "rewrites posts"),
        ("ACCESS EXCLUSIVE on posts.", "ALTER TABLE posts SET LOGGED;", "rewrites posts"),
        (instant, "ALTER TABLE posts ALTER COLUMN x SET NOT NULL;", "scans posts"),
        (instant, "ALTER TABLE posts ADD UNIQUE (x);", "scans posts"),
        (instant, "ALTER TABLE posts ADD FOREIGN KEY (x) REFERENCES accounts;", "scans posts"),
        (instant, "ALTER TABLE posts DROP COLUMN x;", "takes something of posts away"),
        (instant, "ALTER TABLE posts RENAME COLUMN x TO y;", "takes something of posts away"),
    ):
        assert any(one.startswith(error) for one in _example(locks, sql)), sql
    assert not _example("ACCESS EXCLUSIVE on posts for an instant.", "ALTER TABLE posts DROP COLUMN x;", "contract")
    assert _example(new, "", "whatever") == {"the kind is neither expand nor contract"}
    assert header_errors("-- Why: a test.\nSELECT 1;") == {"the header lacks Locks", "the header lacks Kind"}
