"""Measurements: one command each (`bin/bench NAME`), ratios against a limit measured in the same run."""
