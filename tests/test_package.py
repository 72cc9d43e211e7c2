"""What ships: everything the program needs at run time and nothing private."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHIPPED = re.compile(
    r"(answers\.py"
    r"|(harvester|nlp|digest)/[\w/]+\.py"
    r"|harvester/migrations/\d{4}_\w+\.sql"
    r"|digest/templates/[\w./-]+\.(j2|css|js|svg|txt|md)"
    r"|harvester/data/[\w./-]+\.(toml|txt|json|npz|onnx|sha256|md|js|csv)"
    r"|harvester/data/sample/mails/[\w.-]+\.eml"
    r"|harvester/data/licenses/[\w.-]+"
    r"|answers_harvester-[\d.]+\.dist-info/[\w./-]+)"
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    # What lies about in a developer's checkout must not be packed.
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return next(folder.glob("*.whl"))


def test_wheel_holds_only_what_is_meant_to_ship(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in names if not SHIPPED.fullmatch(name)] == []
    for needed in (
        "answers.py",
        "harvester/__init__.py",
        "nlp/__init__.py",
        "digest/__init__.py",
        "harvester/migrations/0001_start.sql",
        "harvester/data/embedding/vocab.txt",
        "harvester/data/languages/de.toml",
    ):
        assert needed in names
    assert sum(name.startswith("harvester/data/sample/mails/") for name in names) >= 150
    assert any(name.startswith("digest/templates/") for name in names)


def test_private_files_in_the_checkout_do_not_ship(tmp_path):
    private = [
        "answers.db",
        "nlp/answers.db",
        "harvester/secret.eml",
        ".env",
        "data/imap.secret",
        "digest/customer.mbox",
    ]
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in tracked.decode().split("\0"):
        if name and (ROOT / name).is_file():
            target = tmp_path / "checkout" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    for name in private:
        (tmp_path / "checkout" / name).write_text("private")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path / "checkout")
    names = zipfile.ZipFile(next((tmp_path / "dist").glob("*.whl"))).namelist()
    assert not [name for name in names if Path(name).name in {Path(entry).name for entry in private}]


def test_installed_package_finds_templates_data_and_version(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = (
        "import harvester.resources as r, answers;"
        "assert r.data_folder().parts[-2:] == ('harvester', 'data'), r.data_folder();"
        "assert (r.data_folder() / 'embedding' / 'vocab.txt').exists();"
        "assert (r.template_folder() / 'explain.html.j2').exists();"
        "print(answers.__file__)"
    )
    # -I would drop PYTHONPATH; -S keeps the editable install's .pth out, so that only the wheel is found.
    environment = {"PYTHONPATH": f"{tmp_path / 'site'}:{_site_packages()}", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert done.stderr == ""
    assert str(tmp_path / "site") in done.stdout


def _site_packages() -> str:
    import sysconfig

    return sysconfig.get_paths()["purelib"]
