"""Takes secrets out of files: `password_file = "imap.secret"`, or a credential that systemd hands over.

Knows which keys are secret from its caller; a file that others can read is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harvester.private_files import describe_exposure

# systemd and container runtimes guard these folders; the modes of the files in them are not ours to judge.
CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"
MOUNTED_SECRETS = Path("/run/secrets")
MAX_SECRET_BYTES = 64_000


@dataclass(frozen=True, slots=True)
class SecretFile:
    """Where a secret is read. is_guarded: the folder is kept by somebody else, whatever the mode of the file."""

    path: Path
    is_guarded: bool


def find_secret_file(name: str, folder: Path, environment: Mapping[str, str]) -> SecretFile:
    """A credential of that name if systemd gave one, else the file below the folder of answers.toml."""
    credential = find_credential(name, environment) if Path(name).name == name else None
    if credential is not None:
        return credential
    path = folder / name
    return SecretFile(path, path.is_relative_to(MOUNTED_SECRETS))


def find_credential(name: str, environment: Mapping[str, str]) -> SecretFile | None:
    """The file of a systemd credential (LoadCredential=, SetCredentialEncrypted=), None when there is none."""
    folder = environment.get(CREDENTIALS_VARIABLE)
    if not folder or not (Path(folder) / name).is_file():
        return None
    return SecretFile(Path(folder) / name, True)


def read_secret(file: SecretFile) -> str:
    """The secret without its line break. Raises OSError, UnicodeDecodeError, or ValueError for what is not private."""
    with file.path.open("rb") as opened:
        if not file.is_guarded and (exposure := describe_exposure(file.path)):
            raise ValueError(exposure)
        content = opened.read(MAX_SECRET_BYTES + 1)
    if len(content) > MAX_SECRET_BYTES:
        raise ValueError("is too large for a secret")
    return content.decode("utf-8").strip("\r\n")
