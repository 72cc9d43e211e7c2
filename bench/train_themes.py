"""Fits the model of nlp/theme_model.py, which tells the wider question of a topic, and writes data/insights/themes.npz.

    python bench/train_themes.py [--out FOLDER] [--leave-out] [--score]

Learns from the phrasings of data/atlas/ and from the insights of the companies in bench/training/topics/ whose topics
bench/training/themes.toml assigns to themes. What calls a topic by a theme, or by none, learns how far the rest can be
trusted: each half of the companies is heard by a model that has not learned from it. --leave-out: how often it is right
of the half that it has not learned from. --score: by what ships, of companies in bench/scored/ that are never learned
from.
"""

import argparse
import hashlib
import json
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from halves import HALVES
from train_topics import Remembering, fit_recogniser, open_half

from nlp.atlas import shipped_archetypes
from nlp.embedding import Encoders, Vectors, load_encoders, unit_rows
from nlp.facets import category_of
from nlp.records import Kind
from nlp.same_topic import load_same_topic
from nlp.space import Expression, RawRows, embed_expressions, lay_out_all_blocks
from nlp.theme_model import SIGNALS, Caller, Gist, ThemeModel, hear_by, load_theme_model, recognise
from nlp.themes import FEWEST_MEMBERS, Wide, choose_column, name_columns, see_widely, theme_columns
from nlp.views import LEAST_CHANCE, Recogniser

ROOT = Path(__file__).resolve().parent.parent
# A phrasing of the atlas counts one, what a buyer wrote three, what he was answered two: real mails are told otherwise
# than the atlas, and there are fewer of them.
SAID, ANSWERED = 3.0, 2.1
SHRINKAGE = 0.3  # of the covariance towards a sphere
SOFTNESS = 2.0  # linear discriminants are too sure of long prose
GIST_STRENGTH, DRAWS, NEVER_MEANT = 10.0, 3, -12.0
# Topics as the engine finds them: so many of each, with up to so many others for each member, from its next neighbours.
MIXES, MOST_STRANGERS, NEIGHBOURS = 2, 0.6, 3
CALLER_STRENGTH = 0.3
UNTAUGHT = Caller(np.zeros(len(SIGNALS), dtype=np.float32), 0.0)
TRAINING = ROOT / "bench/training/topics", ROOT / "bench/training/themes.toml"


@dataclass(frozen=True, slots=True)
class Company:
    """raw: vectors of n insights. topics: theirs. themes: topic -> the columns it may be called by, the first is it."""

    name: str
    raw: RawRows
    topics: tuple[str, ...]
    themes: dict[str, tuple[str, ...]]
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Topic:
    """signals: (g, 7), as `Wide.weigh_signals`. right: (g,), whether it may be called so."""

    signals: Vectors
    right: NDArray[np.bool_]


def main() -> None:
    """Fits, scores and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "data" / "insights")
    parser.add_argument("--leave-out", action="store_true")
    parser.add_argument("--score", action="store_true", help="tell of what ships by bench/scored/ and fit nothing")
    args = parser.parse_args()
    shipped = load_encoders()
    encoders = replace(shipped, multilingual=Remembering(shipped.multilingual))
    if args.score:
        model, recogniser = load_theme_model(), load_same_topic().recogniser
        for company in read_companies(encoders, ROOT / "bench/scored", ROOT / "bench/scored/themes.toml"):
            wide = hear_company(company, model, recogniser)
            tell(company.name, [weigh(wide, *topic) for topic in list_topics(company)], model.caller)
        return
    halves = [hear_half(half, encoders) for half in range(HALVES)]
    if args.leave_out:
        for half, (own, others) in enumerate(zip(halves, reversed(halves), strict=True)):
            tell(f"half {half}", own, fit_caller(others))
    model = fit(read_companies(encoders, *TRAINING), *embed_phrasings(encoders), encoders.name)
    write(args.out, replace(model, caller=fit_caller([topic for topics in halves for topic in topics])))


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
    """(vectors, the archetype of each)."""
    spoken = [(one.id, language, text) for one in shipped_archetypes() for language, text in one.phrasings]
    said = [Expression(text, "", None, language) for _, language, text in spoken]
    return embed_expressions(lay_out_all_blocks(encoders), said).questions, [archetype for archetype, _, _ in spoken]


def hear_half(half: int, encoders: Encoders) -> list[Topic]:
    """Topics of one half of the companies, as a model hears them that has learned from the other half only."""
    taught = open_half(1 - half, encoders)
    companies = read_companies(taught, *TRAINING)
    phrasings, asked = embed_phrasings(taught)
    model = fit(companies[1 - half :: HALVES], phrasings, asked, taught.name)
    places = {archetype.id: place for place, archetype in enumerate(shipped_archetypes())}
    recogniser = fit_recogniser(phrasings, [places[one] for one in asked], len(places))
    rng = np.random.default_rng(half)
    topics = []
    for company in companies[half::HALVES]:
        wide = hear_company(company, model, recogniser)
        topics += [weigh(wide, *topic) for topic in (*list_topics(company), *mix_topics(company, rng))]
    return topics


def weigh(wide: Wide, rows: NDArray[np.intp], right: Sequence[str]) -> Topic:
    """right: what these rows may be called by."""
    return Topic(wide.weigh_signals(rows), np.isin([meaning.id for meaning in wide.meanings], right))


def hear_company(company: Company, model: ThemeModel, recogniser: Recogniser) -> Wide:
    """recogniser: of all archetypes of the atlas, in its order."""
    chances = recognise(recogniser, company.raw)
    heard = hear_by(model, company.raw)
    return see_widely(model, heard, shipped_archetypes(), chances, recogniser.usual, company.categories)


def list_topics(company: Company) -> list[tuple[NDArray[np.intp], tuple[str, ...]]]:
    """(rows, what it may be called by) of every topic that is large enough to be called by anything."""
    topics = np.array(company.topics)
    all_rows = ((topic, np.flatnonzero(topics == topic)) for topic in sorted(set(company.topics)))
    return [(rows, company.themes.get(topic, ())) for topic, rows in all_rows if len(rows) >= FEWEST_MEMBERS]


def mix_topics(company: Company, rng: np.random.Generator) -> list[tuple[NDArray[np.intp], tuple[str, ...]]]:
    """The same as the engine finds them: some of the members, and some of neighbouring topics."""
    topics = np.array(company.topics)
    ids = sorted(set(company.topics))
    centres = np.array([company.raw.questions[topics == topic].mean(axis=0) for topic in ids])
    likeness = unit_rows(centres) @ unit_rows(centres).T
    np.fill_diagonal(likeness, -1)
    mixed = []
    for rows, right in list_topics(company) * MIXES:
        own = rng.choice(rows, rng.integers(FEWEST_MEMBERS, len(rows) + 1), replace=False)
        near = np.argsort(-likeness[ids.index(topics[rows[0]])])[:NEIGHBOURS]
        strangers = np.flatnonzero(np.isin(topics, [ids[place] for place in near]))
        count = min(len(strangers), round(rng.uniform(0, MOST_STRANGERS) * len(own)))
        mixed.append((np.sort(np.append(own, rng.choice(strangers, count, replace=False))), right))
    return mixed


def fit_caller(topics: Sequence[Topic]) -> Caller:
    """Logistic regression; scaling is put into the weights."""
    signals = np.vstack([topic.signals for topic in topics])
    scale = signals.std(axis=0)
    model = LogisticRegression(C=CALLER_STRENGTH, max_iter=1000)
    model.fit(signals / scale, np.concatenate([topic.right for topic in topics]))
    return Caller((model.coef_[0] / scale).astype(np.float32), float(model.intercept_[0]))


def fit(companies: Sequence[Company], phrasings: Vectors, asked: Sequence[str], encoders: str) -> ThemeModel:
    """Of what a theme is, all but what calls a topic by it. asked: the archetype of each phrasing."""
    columns = name_columns()
    place = {column: row for row, column in enumerate(columns)}
    column_of = theme_columns()
    rows, weights = [phrasings], [np.ones(len(asked))]
    meant = [np.array([place[column_of[archetype]] for archetype in asked], dtype=np.intp)]
    for company in companies:
        known = [row for row, topic in enumerate(company.topics) if topic in company.themes]
        answered = [row for row in known if company.raw.answers[row].any()]
        for matrix, chosen, weight in ((company.raw.questions, known, SAID), (company.raw.answers, answered, ANSWERED)):
            rows.append(matrix[chosen])
            meant.append(np.array([place[company.themes[company.topics[row]][0]] for row in chosen], dtype=np.intp))
            weights.append(np.full(len(chosen), weight))
    found = discriminate(np.vstack(rows).astype(np.float64), np.concatenate(meant), np.concatenate(weights), len(place))
    usual = np.log(found.chances(phrasings) + LEAST_CHANCE).mean(axis=0).astype(np.float32)
    recogniser = Recogniser(found.weights, found.bias, usual)
    return ThemeModel(encoders, columns, recogniser, fit_gist(companies, place), UNTAUGHT)


def fit_gist(companies: Sequence[Company], place: Mapping[str, int]) -> Gist:
    """Multinomial logistic regression on whole topics and on some of their members. place: of each column."""
    rng = np.random.default_rng(0)
    said, answers, meant = [], [], []
    for company in companies:
        topics = np.array(company.topics)
        for topic, (column, *_) in company.themes.items():
            rows = np.flatnonzero(topics == topic)
            draws = [rng.choice(rows, rng.integers(1, len(rows) + 1), replace=False) for _ in range(DRAWS)]
            for drawn in (rows, *draws):
                replied = company.raw.answers[drawn]
                replied = replied[replied.any(axis=1)]
                said.append(company.raw.questions[drawn].mean(axis=0))
                answers.append(replied.mean(axis=0) if len(replied) else np.zeros(replied.shape[1], np.float32))
                meant.append(place[column])
    model = LogisticRegression(C=GIST_STRENGTH, max_iter=200).fit(np.hstack([said, answers]), meant)
    # What no company was asked yet is not called.
    bias = np.full(len(place), NEVER_MEANT, dtype=np.float32)
    weights = np.zeros((model.coef_.shape[1], len(place)), dtype=np.float32)
    bias[model.classes_], weights[:, model.classes_] = model.intercept_, model.coef_.T.astype(np.float16)
    width = len(weights) // 2
    return Gist(weights[:width], weights[width:], bias)


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


def tell(name: str, topics: Sequence[Topic], caller: Caller) -> None:
    """How many topics are called by a theme, and how many of these rightly."""
    called = [(topic, choose_column(topic.signals, caller)) for topic in topics]
    right = [bool(topic.right[column]) for topic, column in called if column is not None]
    print(f"{name:20} {len(topics)} topics, {len(right)} called by a theme, {sum(right)} of them rightly", flush=True)


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
        gist_asked=model.gist.asked.astype(np.float16),
        gist_replied=model.gist.replied.astype(np.float16),
        gist_bias=model.gist.bias,
        caller=model.caller.weights,
        caller_bias=np.float32(model.caller.bias),
    )
    (folder / "themes.sha256").write_text(hashlib.sha256(file.read_bytes()).hexdigest() + "\n", encoding="ascii")
    print(f"{file}: {len(model.columns)} columns, {file.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()
