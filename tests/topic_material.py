"""Insights put straight into a database, and a small crowd of questions with known meanings."""

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from harvester.database import transaction
from nlp.embedding import Vectors

MONDAY = datetime(2026, 11, 2, 9, tzinfo=UTC)

PRICE = (
    "What does it cost per user and month?",
    "How much is a licence for one user per month?",
    "Could you tell me the price per user?",
    "What would we pay per seat each month?",
    "What is the monthly price for each user?",
    "How much do you charge per user?",
)
SAP = (
    "Do you integrate with SAP?",
    "Is there an interface to SAP?",
    "Can it be connected to our SAP system?",
    "Does your product work together with SAP?",
    "How does the integration with SAP work?",
)
HOSTING = (
    "Where is our data stored?",
    "In which country do you store the data?",
    "Is the data stored in the European Union?",
    "Where are the servers located that store our data?",
    "Are your servers located in Europe?",
)
LONELY = "Does your founder still ride a penny-farthing to work?"


def add_insights(database: Database, texts: tuple[str, ...], *, first: int = 1, asked_at: datetime = MONDAY) -> None:
    """One insight per text, each in a mail and of a company of its own. first: id of the first insight."""
    with transaction(database) as connection:
        for number, text in enumerate(texts, start=first):
            connection.execute(
                "insert into messages (id, sha256, size, captured_at) values (?, ?, 0, ?)",
                (number, f"sha-{number}", asked_at.isoformat()),
            )
            connection.execute(
                "insert into insights (id, message, part, kind, text, fingerprint, thread, company, asked_at, language,"
                " category, stage, confidence, rule) values (?, ?, 0, 'question', ?, ?, ?, ?, ?, 'en', 'other',"
                " 'consideration', 1, 'test')",
                (number, number, text, str(number), f"t{number}", f"c{number}.example", asked_at.isoformat()),
            )


class Told:
    """A likeness that is simply known, and chances if they are given."""

    def __init__(self, similarity: NDArray[np.float64], chances: NDArray[np.float64] | None = None) -> None:
        self._similarity = similarity.astype(np.float32)
        self._chances = chances

    def between(self, rows: NDArray[np.intp], others: NDArray[np.intp]) -> Vectors:
        return np.asarray(self._similarity[np.ix_(rows, others)], dtype=np.float32)

    def chances(self, rows: NDArray[np.intp]) -> Vectors | None:
        return None if self._chances is None else self._chances[np.ix_(rows, rows)].astype(np.float32)

    @property
    def comparable(self) -> NDArray[np.bool_]:
        return np.ones(len(self._similarity), dtype=bool)
