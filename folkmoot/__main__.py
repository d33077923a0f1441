"""`python -m folkmoot` is `moot`."""

from folkmoot.cli import main

main()
