"""Makes a Debian or Ubuntu machine a host that survives a reboot: the answers, the files, the program, and the way back.

`answers.py` has what an operator decides; `files.py` lists every file that follows from it, rendered by `units.py`,
`caddyfile.py` and `settings_file.py`. `plan.py` compares them with the machine and applies the difference; `release.py`
copies the program. Nothing here asks a person anything: `commands/install.py` does.
"""
