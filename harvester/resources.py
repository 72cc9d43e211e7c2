"""Where the shipped data and templates lie: inside the packages once installed, beside them in a checkout."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def data_folder() -> Path:
    """The folder of the shipped data files."""
    installed = PACKAGE / "data"
    return installed if installed.is_dir() else PACKAGE.parent / "data"


def template_folder() -> Path:
    """The folder of the Jinja templates."""
    installed = PACKAGE.parent / "digest" / "templates"
    return installed if installed.is_dir() else PACKAGE.parent / "templates"
