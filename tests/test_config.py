"""answers.toml: good ones load, bad ones name every problem at once, secrets stay secret."""

import tomllib
from pathlib import Path

import pytest

from harvester.config import load_config
from harvester.errors import ConfigurationError

ROOT = Path(__file__).parent.parent
MINIMAL = '[company]\nname = "Acme"\ndomains = ["acme.example"]\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "answers.toml"
    path.write_text(text, encoding="utf-8")
    return path


def write_secret(path: Path, text: str, mode: int = 0o600) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def problems_of(path: Path, environment: dict[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        load_config(path, environment or {})
    return caught.value.problems


def test_example_loads_and_shows_every_key(tmp_path):
    text = (ROOT / "answers.example.toml").read_text(encoding="utf-8")
    for name in ("imap.secret", "smtp.secret"):
        write_secret(tmp_path / name, "x\n")
    config = load_config(write(tmp_path, text), {})
    assert config.imap.password is not None
    assert config.imap.password.get_secret_value() == "x"
    document = tomllib.loads(text)
    for section, model in type(config).model_fields.items():
        keys = {field.alias or name for name, field in model.annotation.model_fields.items()}
        shown = {key.removesuffix("_file") if key == "password_file" else key for key in document[section]}
        assert keys - shown <= {"exclude_subjects", "timeout_seconds", "auth", "dask"}, section


def test_company_name_and_domains_are_enough(tmp_path):
    config = load_config(write(tmp_path, MINIMAL), {})
    assert (config.company.timezone, config.imap.port, config.digest.day) == ("UTC", 993, "monday")


def test_all_problems_are_listed_at_once(tmp_path):
    path = write(tmp_path, MINIMAL.replace("name =", "nme =") + '[imap]\nport = 99999\n[digest]\nday = "mon"\n[foo]\n')
    problems = problems_of(path)
    assert "answers.toml: [company] nme: no such key; did you mean name?" in problems
    assert "answers.toml: [imap] port = 99999: expected 1 to 65535" in problems
    assert any(
        problem.startswith("answers.toml: [digest] day = 'mon': expected one of 'monday'") for problem in problems
    )
    assert any(problem.startswith("answers.toml: [foo]: no such section") for problem in problems)


def test_plain_text_is_for_loopback_only(tmp_path):
    text = MINIMAL + '[imap]\nhost = "{}"\nsecurity = "none"\n'
    assert "loopback" in problems_of(write(tmp_path, text.format("imap.acme.example")))[0]
    assert load_config(write(tmp_path, text.format("127.0.0.1")), {}).imap.host == "127.0.0.1"


def test_environment_overrides_the_file(tmp_path):
    environment = {
        "ANSWERS_IMAP__PORT": "1143",
        "ANSWERS_DIGEST__TO": "a@acme.example, b@acme.example",
        "ANSWERS_PRIVACY__REDACT": "false",
        "ANSWERS_SMTP__FROM": "x@acme.example",
        "ANSWERS_CONFIG": "elsewhere",
    }
    config = load_config(write(tmp_path, MINIMAL), environment)
    assert config.imap.port == 1143
    assert config.digest.to == ("a@acme.example", "b@acme.example")
    assert not config.privacy.redact
    assert config.smtp.sender == "x@acme.example"


def test_unknown_variable_is_an_error(tmp_path):
    assert "ANSWERS_IMAP__PROT" in problems_of(write(tmp_path, MINIMAL), {"ANSWERS_IMAP__PROT": "1"})[0]


def test_secrets_come_from_files_and_are_never_shown(tmp_path):
    write_secret(tmp_path / "imap.secret", "canary-42\n")
    config = load_config(write(tmp_path, MINIMAL + '[imap]\npassword_file = "imap.secret"\n'), {})
    assert config.imap.password.get_secret_value() == "canary-42"
    assert "canary" not in repr(config) + str(config)


def test_wrong_value_of_a_password_is_not_repeated(tmp_path):
    (problem,) = problems_of(write(tmp_path, MINIMAL + "[imap]\npassword = 424242\n"))
    assert "424242" not in problem


def test_missing_secret_file_is_named(tmp_path):
    (problem,) = problems_of(write(tmp_path, MINIMAL + '[imap]\npassword_file = "gone.secret"\n'))
    assert "[imap] password_file = 'gone.secret'" in problem


@pytest.mark.parametrize("text", ["[company", "\x00", "company = 3\n"])
def test_broken_file_is_one_clear_problem(tmp_path, text):
    assert problems_of(write(tmp_path, text))[0].startswith("answers.toml: ")


def test_missing_file_says_what_to_do(tmp_path):
    assert "answers init" in problems_of(tmp_path / "answers.toml")[0]
