"""Settings that cannot be used: one clear sentence for every key and every wrong type, from the file and the environment."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from folkmoot import config
from folkmoot.config import SECTIONS, WrongSetting, described

_NAMES = [(section, name) for section, name, _, _ in described()]
_VARIABLES = [f"FOLKMOOT_{section}_{name}".upper() for section, name in _NAMES]
_VALUES: dict[str, Any] = {
    "an integer": 3, "a negative integer": -1, "a large integer": 10**25, "a fraction": 1.5, "not a number": float("nan"),
    "infinity": float("inf"), "true": True, "a text": "zzz", "an empty text": "", "a list": ["a"], "a list of numbers": [1],
    "nested lists": [[1]], "a table": {"a": 1},
    "an empty table": {}, "an empty list": [], "a long text": "x" * 5000, "control": "a\x00\x07b",
}


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return {"nan": "nan", "inf": "inf"}.get(str(value)) or json.dumps(value)


def _load(folder: Path, text: str, environment: dict[str, str] | None = None) -> str:
    """The sentence about these settings, or "" if they can be used. Any other error than WrongSetting fails the test."""
    (folder / "folkmoot.toml").write_text(text, "utf-8")
    before = dict(os.environ)
    os.environ.update(environment or {})
    try:
        config.load(folder)
    except WrongSetting as problem:
        sentence = problem.message % problem.params
        assert "\n" not in sentence
        assert len(sentence) < 500
        return sentence
    finally:
        os.environ.clear()
        os.environ.update(before)
    return ""


@pytest.mark.parametrize(("section", "name"), _NAMES)
def test_each_setting_with_a_value_of_any_type_is_used_or_named(section: str, name: str, tmp_path: Path) -> None:
    for value in _VALUES.values():
        said = _load(tmp_path, f"[{section}]\n{name} = {_toml(value)}\n")
        assert not said or f"{section}.{name}" in said, said
        if isinstance(value, dict):
            assert said
        if isinstance(value, str) and "\x00" not in value:
            said = _load(tmp_path, "", {f"FOLKMOOT_{section}_{name}".upper(): value})
            assert not said or f"{section}.{name}" in said, said


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_that_is_no_table_is_named(section: str, tmp_path: Path) -> None:
    name = next(iter(SECTIONS[section].__struct_fields__))
    for value in _VALUES.values():
        for environment in ({}, {f"FOLKMOOT_{section}_{name}".upper(): "1"}):
            said = _load(tmp_path, f"{section} = {_toml(value)}\n", environment)
            if not isinstance(value, dict):
                assert said == f"[{section}] in {tmp_path / 'folkmoot.toml'} must be a section with settings, such as {section}.{name}."
    assert _load(tmp_path, f"[[{section}]]\n{name} = 1\n").startswith(f"[{section}] in")


def _trees() -> st.SearchStrategy[Any]:
    leaves = st.one_of(st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(st.characters(codec="ascii"), max_size=8))
    return st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys(), inner, max_size=3), max_leaves=6)


def _keys() -> st.SearchStrategy[str]:
    return st.sampled_from([*SECTIONS, *(name for _, name in _NAMES), "unknown"])


@given(
    tree=st.dictionaries(_keys(), _trees(), max_size=4),
    variables=st.dictionaries(
        st.sampled_from([*_VARIABLES, "FOLKMOOT_SERVER", "FOLKMOOT_X_Y_Z", "FOLKMOOT_"]),
        st.text(st.characters(codec="ascii", exclude_characters="\x00"), max_size=8), max_size=3,
    ),
)
@example(tree={"server": 3}, variables={"FOLKMOOT_SERVER_PORT": "80"})
def test_any_tree_and_environment_is_used_or_refused_in_one_sentence(tmp_path: Path, tree: Any, variables: dict[str, str]) -> None:
    _load(tmp_path, "\n".join(f"{key} = {_toml(value)}" for key, value in tree.items()), variables)


def test_a_wrong_value_says_where_it_comes_from(tmp_path: Path) -> None:
    assert str(tmp_path / "folkmoot.toml") in _load(tmp_path, "[server]\nport = 'many'\n")
    assert "FOLKMOOT_SERVER_PORT" in _load(tmp_path, "[server]\nport = 80\n", {"FOLKMOOT_SERVER_PORT": "many"})
    assert "Expected" not in _load(tmp_path, "[server]\nport = 'many'\n")



def test_a_list_of_proxies_may_have_spaces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FOLKMOOT_SERVER_TRUSTED_PROXIES", "10.0.0.1, 10.0.0.2 ,")
    assert config.load(tmp_path).server.trusted_proxies == ["10.0.0.1", "10.0.0.2"]
