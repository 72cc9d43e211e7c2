"""The shareable pages of the sample mailbox: nobody real is on them, in them or in their names."""

import re

import pytest
from site_material import build_as, read_site
from sqlite_utils import Database

from digest.demo import SAMPLE_NOW, build_demo
from harvester.workspace import find_workspace

OWN = {"Answers", "Marrowby"}  # the mailbox and ourselves
PHONE = re.compile(r"(?:\+\d{1,3}|\b00\d{2}|\(0\d+\))[ \d()/-]{7,}\d")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Database, str, str]:
    """The database; the text of every file and the names of all files, of the internal and of the shareable build."""
    folder = tmp_path_factory.mktemp("sample") / "demo"
    build_demo(folder)
    workspace = find_workspace(folder / "answers.toml")
    database = workspace.open_database()
    shareable = build_as("shareable", "public", workspace, database, SAMPLE_NOW)
    return database, read_site(workspace.site_folder), read_site(shareable)


def values(database: Database, query: str) -> set[str]:
    return {str(value) for (value,) in database.conn.execute(query) if value}


def test_no_company_of_the_sample_is_on_shareable_pages(sample):
    database, internal, shareable = sample
    companies = values(database, "select distinct company from insights")
    labels = companies | {company.split(".")[0] for company in companies if "@" not in company}
    assert len(companies) > 30
    assert not {label for label in labels if label.casefold() in shareable.casefold()}
    assert {company for company in companies if "@" not in company and company in internal}


def test_no_address_or_phone_of_the_sample_is_on_shareable_pages(sample):
    database, _, shareable = sample
    addresses = values(database, "select distinct address from people")
    assert len(addresses) > 60
    assert not {address for address in addresses if address.casefold() in shareable.casefold()}
    told = " ".join(values(database, "select text from parts"))
    assert PHONE.search(told), "the sample holds phone numbers"
    digits = re.sub(r"\D", "", shareable)
    numbers = {re.sub(r"\D", "", match[0]) for match in PHONE.finditer(told)}
    assert not {number for number in numbers if len(number) >= 9 and number in digits}


def test_no_person_of_the_sample_is_on_shareable_pages(sample):
    database, internal, shareable = sample
    names = values(
        database, "select name from people union select author_name from parts where author_name is not null"
    )
    full = {name for name in names if " " in name.strip()}
    assert len(full) > 40
    assert not {name for name in full if name.casefold() in shareable.casefold()}
    surnames = {re.findall(r"[^\W\d_]+", name)[-1] for name in full if re.findall(r"[^\W\d_]+", name)}
    assert not {name for name in surnames - OWN if len(name) > 3 and re.search(rf"\b{re.escape(name)}\b", shareable)}
    colleagues = values(database, "select distinct name from people where is_colleague and name like '% %'")
    assert {name for name in colleagues if name in internal}, "internal pages say whom to ask"
