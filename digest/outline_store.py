"""The SQL of what lies inside topics, kept from build to build. Decides nothing."""

import json
from collections.abc import Mapping

import numpy as np
from sqlite_utils import Database

from digest.page_records import Outline
from harvester.database import transaction
from nlp.embedding import Vectors


def load_outlines(database: Database) -> dict[int, tuple[str, Outline]]:
    """topic -> (fingerprint, what lies inside)."""
    rows = database.conn.execute("select topic, fingerprint, document, middle from outlines")
    return {
        topic: (fingerprint, _outline(json.loads(document), middle)) for topic, fingerprint, document, middle in rows
    }


def save_outlines(database: Database, outlines: Mapping[int, tuple[str, Outline]]) -> None:
    """Keep these; what was kept of other topics stays."""
    with transaction(database) as connection:
        connection.executemany(
            "insert or replace into outlines (topic, fingerprint, document, middle)"
            " select ?, ?, ?, ? where exists (select 1 from topics where id = ?)",
            [
                (topic, fingerprint, _document(one), one.middle.astype("<f4").tobytes(), topic)
                for topic, (fingerprint, one) in outlines.items()
            ],
        )


def _document(outline: Outline) -> str:
    return json.dumps(
        {
            "central": outline.central,
            "parts": outline.parts,
            "keywords": outline.keywords,
            "words": outline.words,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _outline(document: dict[str, list[list[object]]], middle: bytes) -> Outline:
    vector: Vectors = np.frombuffer(middle, dtype="<f4")
    return Outline(
        central=tuple(int(str(number)) for number in document["central"]),
        parts=tuple((int(str(i)), int(str(c)), int(str(n))) for i, c, n in document["parts"]),
        keywords=tuple(map(str, document["keywords"])),
        words=tuple((str(t), str(o), int(str(c)), int(str(a))) for t, o, c, a in document["words"]),
        middle=vector,
    )
