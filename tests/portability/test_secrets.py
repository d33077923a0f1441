"""Each secret comes from a setting, a mounted folder or the data directory; only `moot up` creates one."""

from pathlib import Path

import msgspec
import pytest

from folkmoot import config
from folkmoot.commands.options import resolved
from folkmoot.config import Settings
from folkmoot.portability.backup import Source, sealed_secrets
from folkmoot.portability.backup_key import BackupKey, unseal
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.recovery_key import RecoveryKey
from folkmoot.portability.secrets import SecretProblem, database_url, mail_password, network_secret
from tests.memory_files import MemoryFiles
from tests.network_up import moot

FROM_SETTING = "a secret that comes from a setting"
FROM_FOLDER = "a secret in a mounted folder"


@pytest.fixture
def directory(open_folder: Path) -> DataDirectory:
    made = DataDirectory(open_folder / "data")
    made.prepare()
    return made


def _settings(directory: DataDirectory, monkeypatch: pytest.MonkeyPatch, **environment: str) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(f"FOLKMOOT_{name}", value)
    return config.load(directory.path)


def test_a_setting_wins_then_a_folder_then_the_data_directory(
    directory: DataDirectory, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SecretProblem):
        network_secret(_settings(directory, monkeypatch), directory)
    assert not directory.has_secret("network-secret")
    made = network_secret(_settings(directory, monkeypatch), directory, makes=True)
    assert network_secret(_settings(directory, monkeypatch), directory) == made
    assert len(made) >= 48
    (open_folder / "mounted").mkdir()
    settings = _settings(directory, monkeypatch, SECRETS_FOLDER=str(open_folder / "mounted"))
    assert network_secret(settings, directory) == made  # the folder has none
    (open_folder / "mounted" / "network-secret").write_text(f"{FROM_FOLDER}\n")
    assert network_secret(settings, directory) == FROM_FOLDER.encode()
    assert network_secret(_settings(directory, monkeypatch, SECRETS_NETWORK=FROM_SETTING), directory) == FROM_SETTING.encode()
    assert directory.secret("network-secret").encode() == made  # nothing was overwritten


def test_the_password_of_mail_may_be_in_the_data_directory(directory: DataDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    assert mail_password(_settings(directory, monkeypatch), directory) == ""
    assert not directory.has_secret("mail-password")
    directory.write(directory.path / "secrets" / "mail-password", b"stored\n")
    settings = _settings(directory, monkeypatch)
    assert mail_password(settings, directory) == "stored"
    assert resolved(settings, directory, makes_secret=True).mail.password == "stored"
    assert mail_password(_settings(directory, monkeypatch, MAIL_PASSWORD="vlastni"), directory) == "vlastni"


def test_passwords_of_database_and_mail_come_from_elsewhere_too(
    directory: DataDirectory, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (open_folder / "mounted").mkdir()
    (open_folder / "mounted" / "mail-password").write_text("posta\n")
    (open_folder / "mounted" / "database-password").write_text("p@ss/wörd\n")
    url = "postgresql://moot@db.example:5433/moot?sslmode=require"
    settings = _settings(directory, monkeypatch, SECRETS_FOLDER=str(open_folder / "mounted"), DATABASE_URL=url)
    assert mail_password(settings, directory) == "posta"
    assert database_url(settings) == "postgresql://moot:p%40ss%2Fw%C3%B6rd@db.example:5433/moot?sslmode=require"
    settings = _settings(directory, monkeypatch, SECRETS_DATABASE="nastavene", MAIL_PASSWORD="vlastni")
    assert database_url(settings) == "postgresql://moot:nastavene@db.example:5433/moot?sslmode=require"
    assert mail_password(settings, directory) == "vlastni"
    settings = _settings(directory, monkeypatch, DATABASE_URL="postgresql://moot:own@db.example/moot")
    assert database_url(settings) == "postgresql://moot:own@db.example/moot"
    assert resolved(settings, directory, makes_secret=True).dsn == "postgresql://moot:own@db.example/moot"


def test_an_unusable_secret_is_reported_in_one_sentence(directory: DataDirectory, open_folder: Path) -> None:
    folder = open_folder / "mounted"
    (folder / "network-secret").mkdir(parents=True)
    for environment, sentence in (
        ({"FOLKMOOT_SECRETS_NETWORK": "short"}, "secrets.network cannot be used: it must have at least 32 characters"),
        ({"FOLKMOOT_SECRETS_FOLDER": str(folder)}, "network-secret cannot be read"),
        ({}, "network-secret is missing. All machines of a network share this secret"),
    ):
        answer = moot("status", data=directory.path, **environment)
        assert answer.returncode == 2
        assert sentence in answer.stderr
        assert len(answer.stderr.strip().splitlines()) == 1
    assert not directory.has_secret("network-secret")


def test_a_backup_contains_a_secret_from_outside_the_data_directory(directory: DataDirectory) -> None:
    directory.secret("postgres-password")
    source = Source(directory, MemoryFiles(), "", "", "", "", FROM_SETTING.encode())
    recovery = RecoveryKey.new()
    bundle = msgspec.json.decode(unseal(recovery, sealed_secrets(source, BackupKey.new(recovery))), type=dict[str, bytes])
    assert bundle == {"secrets/network-secret": FROM_SETTING.encode()}
