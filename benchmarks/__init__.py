"""Benchmarks, run by `bin/bench NAME`. Most results are ratios against a baseline that is measured in the same run."""
