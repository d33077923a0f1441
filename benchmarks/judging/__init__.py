"""Parts of the benchmark of the jury."""
