"""Benchmarks are not run with the tests, so a name that they import could be gone for weeks."""

import importlib
import pkgutil

import benchmarks


def test_each_benchmark_can_be_imported() -> None:
    found = [importlib.import_module(one.name) for one in pkgutil.walk_packages(benchmarks.__path__, "benchmarks.")]
    assert len(found) > 20
