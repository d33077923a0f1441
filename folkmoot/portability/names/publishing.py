"""Publishes files in a folder, on an SFTP server, or in an S3-compatible store, as a static site.

The page is written last, so that it never names a file that is not there. obstore speaks to stores (the extra `s3`),
OpenSSH's sftp to servers, with the key of the off-site copies.
"""

import mimetypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from folkmoot.portability.names.model import NamesProblem
from folkmoot.portability.names.packages import command_to_install
from folkmoot.portability.offsite.ssh_server import ssh_server
from folkmoot.portability.offsite.target import Credentials, sftp_options, ssh_address

_SECONDS = 300
_TYPES = {".json": "application/json", ".woff2": "font/woff2", ".html": "text/html; charset=utf-8"}
# Servers that read these files let the installed web app, which has another origin, read the letter.
OPEN_TO_APPS = {
    ".htaccess": b'<IfModule mod_headers.c>\nHeader set Access-Control-Allow-Origin "*"\n</IfModule>\n',
    "_headers": b"/*\n  Access-Control-Allow-Origin: *\n",
}


def require_place(target: str) -> None:
    """Raises NamesProblem unless this is a folder, an SFTP server or a store: an address would become a folder of that name."""
    kind, colon, _ = target.partition(":")
    if colon and kind not in ("s3", "sftp") and kind.isalnum():
        raise NamesProblem("%(target)s cannot be published to: it must be a folder, sftp:USER@HOST:/FOLDER or s3:https://HOST/BUCKET.",
                           target=target)


def publish(target: str, files: Mapping[str, bytes], credentials: Credentials) -> None:
    """Writes all files, the pages last. Blocks. Raises NamesProblem."""
    require_place(target)
    ordered = dict(sorted((OPEN_TO_APPS | dict(files)).items(), key=lambda file: (file[0].endswith("html"), file[0] == "index.html")))
    if target.startswith("s3:"):
        _to_store(target, ordered, credentials)
    elif target.startswith("sftp:"):
        _to_server(target, ordered, credentials)
    else:
        _to_folder(Path(target), ordered)


def _to_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        file = folder / name
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            new = file.with_name(file.name + ".new")
            new.write_bytes(content)
            new.chmod(0o644)
            os.replace(new, file)
        except OSError as error:
            raise NamesProblem("%(file)s cannot be written: %(why)s.", file=file, why=error.strerror) from error


def _to_server(target: str, files: Mapping[str, bytes], credentials: Credentials) -> None:
    program = shutil.which("sftp")
    if not program:
        raise NamesProblem("sftp is not installed. Debian, Ubuntu: apt-get install openssh-client")
    user, host, port = ssh_address(target)
    path = urlsplit(target).path[1:] if target.startswith("sftp://") else target.removeprefix("sftp:").partition(":")[2]
    if not host or host.startswith("-") or user.startswith("-") or '"' in path:
        raise NamesProblem("%(target)s names no host. An example: sftp:moot@host.example:/var/www/moot", target=target)
    with tempfile.TemporaryDirectory() as local:
        _to_folder(Path(local), files)
        orders = [f'-mkdir "{folder}"' for folder in _folders(path.rstrip("/"), files)]
        for name in files:
            there = f"{path.rstrip('/')}/{name}"
            orders += [f'put "{local}/{name}" "{there}.new"', f'rename "{there}.new" "{there}"']  # OpenSSH replaces a file by this
        where = [*(["-P", str(port)] if port else []), f"{user}@{host}" if user else host]
        command = [program, "-o", "LogLevel=ERROR", "-b", "-", *sftp_options(credentials), *where]
        try:
            done = subprocess.run(command, input="\n".join(orders), capture_output=True, text=True, timeout=_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise NamesProblem("%(target)s does not answer.", target=target) from error
    if done.returncode:
        if refusal := ssh_server(host, port, credentials.secrets).refusal(done.stderr, target):
            raise NamesProblem(refusal[0], **refusal[1])
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1].rstrip(".")
        raise NamesProblem("%(target)s did not take the page: %(why)s.", target=target, why=why)


def _folders(path: str, files: Mapping[str, bytes]) -> list[str]:
    """The folders to create, outermost first."""
    found = {path} | {f"{path}/{parent}" for name in files for parent in Path(name).parents if str(parent) != "."}
    return sorted(filter(None, found))


def _to_store(target: str, files: Mapping[str, bytes], credentials: Credentials) -> None:
    if find_spec("obstore") is None:
        raise NamesProblem("obstore is not installed. Run: %(command)s", command=command_to_install("s3"))
    import obstore
    from obstore.exceptions import BaseError
    from obstore.store import S3Store

    address = urlsplit(target.removeprefix("s3:"))
    bucket, _, prefix = address.path.strip("/").partition("/")
    if not address.netloc or not bucket:
        raise NamesProblem("%(target)s names no bucket. An example: s3:https://s3.example/moot-page", target=target)
    store = S3Store(
        bucket, endpoint=f"{address.scheme}://{address.netloc}", access_key_id=credentials.user, secret_access_key=credentials.password,
        region="us-east-1", virtual_hosted_style_request=False, client_options={"allow_http": address.scheme == "http"},
    )
    try:
        for name, content in files.items():
            key = f"{prefix}/{name}" if prefix else name
            obstore.put(store, key, content, attributes={"Content-Type": _type(name)}, use_multipart=False)
    except BaseError as error:
        raise NamesProblem("%(target)s did not take the page: %(why)s.", target=target, why=str(error).splitlines()[0][:300]) from error


def _type(name: str) -> str:
    ending = Path(name).suffix
    return _TYPES.get(ending) or mimetypes.guess_type(name)[0] or "application/octet-stream"
