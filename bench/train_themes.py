"""Fits the model of nlp/theme_model.py, which tells the wider question of a topic, and writes data/insights/themes.npz.

    python bench/train_themes.py [--out FOLDER] [--leave-one-out] [--score]

Learns from the phrasings of data/atlas/ and from the insights of the companies in bench/training/topics/ whose topics
bench/training/themes.toml assigns to themes. --leave-one-out: how often the theme of a company's topics is found by a
model that has not learned from it. --score: by what ships, of companies in bench/scored/ that are never learned from.
"""

import argparse
import hashlib
import json
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from nlp.atlas import shipped_archetypes
from nlp.embedding import Encoders, Vectors, load_encoders
from nlp.facets import category_of
from nlp.records import Kind
from nlp.same_topic import SameTopic, load_same_topic
from nlp.space import Expression, RawRows, embed_expressions, lay_out_all_blocks
from nlp.theme_model import ThemeModel, hear_by, load_theme_model
from nlp.themes import MIN_MEMBERS, find_theme, name_columns, see_widely, theme_columns
from nlp.views import LEAST_CHANCE, Recogniser

ROOT = Path(__file__).resolve().parent.parent
# A phrasing of the atlas counts one, what a buyer wrote three, what he was answered two: real mails are told otherwise
# than the atlas, and there are fewer of them.
SAID, ANSWERED = 3.0, 2.1
SHRINKAGE = 0.3  # of the covariance towards a sphere
SOFTNESS = 2.0  # linear discriminants are too sure of long prose


@dataclass(frozen=True, slots=True)
class Company:
    """raw: vectors of n insights. topics: theirs. themes: topic -> the columns it may be called by, the first is it."""

    name: str
    raw: RawRows
    topics: tuple[str, ...]
    themes: dict[str, tuple[str, ...]]
    categories: tuple[str, ...]


def main() -> None:
    """Fits, scores and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "data" / "insights")
    parser.add_argument("--leave-one-out", action="store_true")
    parser.add_argument("--score", action="store_true", help="tell of what ships by bench/scored/ and fit nothing")
    args = parser.parse_args()
    encoders = load_encoders()
    if args.score:
        for company in read_companies(encoders, ROOT / "bench/scored", ROOT / "bench/scored/themes.toml"):
            tell(company, load_theme_model(), load_same_topic())
        return
    companies = read_companies(encoders, ROOT / "bench/training/topics", ROOT / "bench/training/themes.toml")
    phrasings, asked = embed_phrasings(encoders)
    if args.leave_one_out:
        for company in companies:
            others = [other for other in companies if other is not company]
            tell(company, fit(others, phrasings, asked, encoders.name), load_same_topic())
    write(args.out, fit(companies, phrasings, asked, encoders.name))


def read_companies(encoders: Encoders, folder: Path, labels: Path) -> list[Company]:
    """In the order of their names. labels: of the topics of those that are read."""
    themes = tomllib.loads(labels.read_text(encoding="utf-8"))
    companies = []
    files = (file for file in folder.glob("*.jsonl") if file.stem in themes)
    for file in sorted(files, key=lambda file: file.stem):
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        said = [Expression(row["text"], "", row["answer"] or None, row["language"]) for row in rows]
        companies.append(
            Company(
                file.stem,
                embed_expressions(lay_out_all_blocks(encoders), said),
                tuple(row["topic"] for row in rows),
                {topic: tuple(columns) for topic, columns in themes[file.stem].items()},
                tuple(category_of(row["text"], Kind(row["kind"])) for row in rows),
            )
        )
    return companies


def embed_phrasings(encoders: Encoders) -> tuple[Vectors, list[str]]:
    """(vectors, the column of each)."""
    columns = theme_columns()
    spoken = [(columns[one.id], language, text) for one in shipped_archetypes() for language, text in one.phrasings]
    said = [Expression(text, "", None, language) for _, language, text in spoken]
    return embed_expressions(lay_out_all_blocks(encoders), said).questions, [column for column, _, _ in spoken]


def fit(companies: Sequence[Company], phrasings: Vectors, asked: Sequence[str], encoders: str) -> ThemeModel:
    """Linear discriminants: a mean for each column, one covariance for all, shrunk towards a sphere."""
    columns = name_columns()
    place = {column: row for row, column in enumerate(columns)}
    rows, weights = [phrasings], [np.ones(len(asked))]
    meant = [np.array([place[column] for column in asked], dtype=np.intp)]
    for company in companies:
        known = [row for row, topic in enumerate(company.topics) if topic in company.themes]
        answered = [row for row in known if company.raw.answers[row].any()]
        for matrix, chosen, weight in ((company.raw.questions, known, SAID), (company.raw.answers, answered, ANSWERED)):
            rows.append(matrix[chosen])
            meant.append(np.array([place[company.themes[company.topics[row]][0]] for row in chosen], dtype=np.intp))
            weights.append(np.full(len(chosen), weight))
    found = discriminate(np.vstack(rows).astype(np.float64), np.concatenate(meant), np.concatenate(weights), len(place))
    usual = np.log(found.chances(phrasings) + LEAST_CHANCE).mean(axis=0)
    return ThemeModel(encoders, columns, Recogniser(found.weights, found.bias, usual.astype(np.float32)))


def discriminate(
    rows: NDArray[np.float64], meant: NDArray[np.intp], weights: NDArray[np.float64], columns: int
) -> Recogniser:
    """rows: (n, d). meant, weights: (n,) the column of each and how much it counts."""
    means = np.zeros((columns, rows.shape[1]))
    np.add.at(means, meant, rows * weights[:, None])
    means /= np.bincount(meant, weights, columns)[:, None]
    beside = (rows - means[meant]) * np.sqrt(weights)[:, None]
    covariance = beside.T @ beside / weights.sum()
    size = len(covariance)
    sphere = np.trace(covariance) / size * np.eye(size)
    directions = np.linalg.solve((1 - SHRINKAGE) * covariance + SHRINKAGE * sphere, means.T) / SOFTNESS
    bias = -(means.T * directions).sum(axis=0) / 2
    return Recogniser(
        directions.astype(np.float16).astype(np.float32), bias.astype(np.float32), np.zeros(columns, np.float32)
    )


def tell(company: Company, model: ThemeModel, judge: SameTopic) -> None:
    """How many of its true topics are called by a theme, and how many of these rightly."""
    archetypes = {archetype.id: archetype for archetype in shipped_archetypes()}
    known = [archetypes[one] for one in judge.archetypes]
    recognised = hear_by(ThemeModel("", judge.archetypes, judge.recogniser), company.raw)
    heard = hear_by(model, company.raw)
    wide = see_widely(model, heard, known, recognised, judge.recogniser.usual, company.categories)
    called = right = 0
    topics = sorted({topic for topic in company.topics if company.topics.count(topic) >= MIN_MEMBERS})
    for topic in topics:
        theme = find_theme(wide, np.array([row for row, one in enumerate(company.topics) if one == topic]))
        called += theme is not None
        right += theme is not None and theme.id in company.themes.get(topic, ())
    print(f"{company.name:20} {len(topics)} topics, {called} called by a theme, {right} of them rightly", flush=True)


def write(folder: Path, model: ThemeModel) -> None:
    """The model and its SHA-256."""
    file = folder / "themes.npz"
    np.savez_compressed(
        file,
        encoders=np.array(model.encoders),
        columns=np.array(model.columns),
        weights=model.recogniser.weights.astype(np.float16),
        bias=model.recogniser.bias,
        usual=model.recogniser.usual,
    )
    (folder / "themes.sha256").write_text(hashlib.sha256(file.read_bytes()).hexdigest() + "\n", encoding="ascii")
    print(f"{file}: {len(model.columns)} columns, {file.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()
