"""Whether this host could go on with the off-site copies if it were the primary. Looks at this machine only, so it is quick."""

from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.offsite.remembered import remembered
from folkmoot.portability.offsite.target import RepositoryProblem, locate, without_password


def why_copies_would_end(directory: DataDirectory) -> str:
    """Names the repository and what is missing here; "" if nothing is, or if there is no repository."""
    location = remembered(directory)
    return why_not_here(location) if location else ""


def why_not_here(location: str) -> str:
    """Names the repository and why this host cannot use it; "" if nothing on this machine is in the way."""
    shown = without_password(location)
    try:
        folder = locate(location).folder
        if folder is None or (folder / "config").exists():
            return ""
    except RepositoryProblem as problem:
        return f"{shown}: {problem.message % problem.params if problem.params else problem.message}".rstrip(".")
    except OSError as error:
        return f"{shown}: {error.strerror}"
    return f"{shown}: there is no repository in this folder"
