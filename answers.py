"""The `answers` command: joins the verbs of the packages, nothing else."""


def main() -> None:
    """Run the command line."""
    raise SystemExit("not yet")
