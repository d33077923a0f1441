"""The checks of `moot doctor`, one file per subject. Each yields findings, also good ones."""
