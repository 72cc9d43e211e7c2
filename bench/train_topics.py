"""Fits the "same topic?" model of nlp/same_topic.py and writes data/topics/.

    python bench/train_topics.py [--out FOLDER] [--score COMPANY...] [--leave-out]

Learns from bench/training/topics/*.jsonl (insights of invented companies with their topics) and data/atlas/: which
archetype is it, how rare is a word, in which directions of the encoders' space topics differ (topic_metric.py), the
trees that judge a pair, and how much the company counts that two insights share. The companies are parted in three:
what one part has said is judged, while fitting, by what was learned from the others. The metric learns from
bench/training/metric/*.jsonl (more companies) and bench/training/archetypes.jsonl (the archetypes as people say them),
too. --leave-out: what the engine makes of each company's insights with a model that learned nothing from its part.
--score: the same for a labelled mailbox (truth.jsonl) or for a file like those of the companies, with the whole model;
it is never learned from. bench/scored/ has one of a thousand insights, as of a mailbox that has grown. Needs the group
`bench` (onnx).
"""

import argparse
import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from topic_cases import Case, read_mailbox
from topic_metric import Spoken, fit_metric
from topic_model import assemble, write
from topic_scores import agreement, judge
from topic_stream import SUGGESTIONS, run_stream

from nlp.atlas import shipped_archetypes
from nlp.embedding import Encoders, Vectors, load_encoders
from nlp.likeness import compare_company, find_company
from nlp.same_topic import CompanyWeights, SameTopic
from nlp.space import Block, Centre, Expression, RawRows, embed_expressions, first_centre, lay_out_blocks, widen_centre
from nlp.views import Recogniser, Said, Views, compare_views, count_words_hashed, see, split_blocks

ROOT = Path(__file__).resolve().parent.parent
ATLAS_STRENGTH = 30.0  # inverse of the regularisation
# Mails whose answers are missing, or belong to another question: a scorer that has only seen perfect pairs trusts them.
MISSING, MIXED_UP = (0.4,), (0.3, 0.5)
PARTS = 3  # of the companies; each is judged by what was learned from the others
WEEKS = (1, 10)  # all at once, and one batch after the other


@dataclass(frozen=True, eq=False)
class Company:
    """raw: vectors of its n insights."""

    name: str
    cases: tuple[Case, ...]
    raw: RawRows

    @property
    def said(self) -> tuple[Said, ...]:
        return tuple(Said(case.text, case.answer or "", case.kind, case.language) for case in self.cases)


@dataclass(frozen=True, eq=False)
class Ground:
    """What is known before any company is that is judged. texts: all phrasings of the atlas.

    spoken: the archetypes as people say them; others: companies that only the metric learns from.
    """

    encoders: Encoders
    blocks: tuple[Block, ...]
    centre: Centre
    recogniser: Recogniser
    archetypes: tuple[str, ...]
    texts: tuple[str, ...]
    spoken: Spoken
    others: tuple[Spoken, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """Of one stream. f1: pairwise; advised: after the suggestions were answered by the truth; anew: after all was
    grouped anew. topics: found : true.

    unplaced: share. top: how many of the true top eight are among our top ten.
    """

    f1: float
    advised: float
    anew: float
    topics: float
    unplaced: float
    top: float


def main() -> None:
    """Fits, scores and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "data" / "topics")
    parser.add_argument("--score", nargs="*", type=Path, default=[])
    parser.add_argument("--leave-out", action="store_true")
    args = parser.parse_args()
    ground = prepare(load_encoders())
    files = sorted((ROOT / "bench/training/topics").glob("*.jsonl"))
    companies = tuple(read_company(file, ground.encoders) for file in files)
    if args.leave_out:
        tell_mean(
            [
                tell(company, model, ground.encoders)
                for part in split_companies(companies)
                for model in [learn(without(companies, part), ground)]
                for company in part
            ]
        )
    whole = learn(companies, ground)
    print(f"company counts: {whole.company}", flush=True)
    for source in args.score:
        read = read_company if source.suffix == ".jsonl" else read_mailbox_company
        tell(read(source, ground.encoders), whole, ground.encoders)
    write(args.out, fit_trees(companies, ground), whole)


def read_company(file: Path, encoders: Encoders) -> Company:
    """One file of training data; what a company says in a row is one mail."""
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    mails = np.cumsum([True, *(one["company"] != other["company"] for one, other in pairwise(rows))])
    cases = tuple(
        Case(row["text"], row["topic"], row["company"], f"m{mail}", row["language"], row["answer"], row["kind"])
        for row, mail in zip(rows, mails, strict=True)
    )
    return Company(file.stem, cases, embed(cases, encoders))


def read_mailbox_company(folder: Path, encoders: Encoders) -> Company:
    """The true insights of a labelled mailbox with the passages that the program pairs them with."""
    cases = tuple(read_mailbox(folder, encoders))
    return Company(folder.name, cases, embed(cases, encoders))


def embed(cases: Sequence[Case], encoders: Encoders) -> RawRows:
    """Raw vectors, as the program makes them."""
    expressions = [Expression(case.text, "", case.answer or None, case.language) for case in cases]
    return embed_expressions(lay_out_blocks(encoders), expressions)


def prepare(encoders: Encoders) -> Ground:
    """What the atlas, and the companies that only the metric learns from, tell."""
    archetypes = shipped_archetypes()
    spoken = [(number, *phrasing) for number, one in enumerate(archetypes) for phrasing in one.phrasings]
    cases = [Case(text, archetypes[number].id, "", "", language) for number, language, text in spoken]
    phrasings = embed(cases, encoders).questions
    recogniser = fit_recogniser(phrasings, [number for number, _, _ in spoken], len(archetypes))
    blocks = lay_out_blocks(encoders)
    centre = first_centre(blocks)
    cases += read_archetypes()
    said = speak(Company("atlas", tuple(cases), embed(cases, encoders)), centre, blocks)
    files = sorted((ROOT / "bench/training/metric").glob("*.jsonl"))
    others = tuple(speak(read_company(file, encoders), centre, blocks) for file in files)
    texts = tuple(text for _, _, text in spoken)
    return Ground(encoders, blocks, centre, recogniser, tuple(one.id for one in archetypes), texts, said, others)


def fit_recogniser(raw: Vectors, meant: Sequence[int], archetypes: int) -> Recogniser:
    """Which archetype of the atlas is it? raw: (n, d) of its phrasings. meant: the number of each."""
    model = LogisticRegression(C=ATLAS_STRENGTH, max_iter=300).fit(raw, meant)
    weights = model.coef_.T.astype(np.float16).astype(np.float32)
    recogniser = Recogniser(weights, model.intercept_.astype(np.float32), np.zeros(archetypes, np.float32))
    return replace(recogniser, usual=np.log(recogniser.chances(raw) + 1e-4).mean(axis=0).astype(np.float32))


def read_archetypes() -> list[Case]:
    """What buyers really say when they mean an archetype, with an answer."""
    rows = map(json.loads, (ROOT / "bench/training/archetypes.jsonl").read_text(encoding="utf-8").splitlines())
    return [Case(row["text"], row["archetype"], "", "", row["language"], row["answer"]) for row in rows]


def speak(company: Company, centre: Centre, blocks: tuple[Block, ...]) -> Spoken:
    """The company's insights as the program would compare them when all had arrived."""
    questions, answers = split_blocks(company.raw, widen_centre(centre, company.raw, blocks), blocks)
    labels = np.array([case.label for case in company.cases])
    return Spoken(np.hstack(questions), np.hstack(answers), labels)


def split_companies(companies: tuple[Company, ...]) -> list[tuple[Company, ...]]:
    """In `PARTS` parts."""
    return [part for first in range(PARTS) if (part := companies[first::PARTS])]


def without(companies: tuple[Company, ...], some: tuple[Company, ...]) -> tuple[Company, ...]:
    """All others."""
    return tuple(company for company in companies if company not in some)


def learn(companies: tuple[Company, ...], ground: Ground) -> SameTopic:
    """All that these companies teach."""
    return replace(judge_by(companies, ground), company=fit_company(companies, ground))


def fit_company(companies: tuple[Company, ...], ground: Ground) -> CompanyWeights:
    """Logistic regression over the pairs that the trees learn from, each company seen by trees of other parts."""
    odds, same = [], []
    for part in split_companies(companies):
        model = judge_by(without(companies, part), ground)
        for company in part:
            for variant in variants(company):
                views = view(variant, ground, model.rarity, model.metric)
                upper = np.triu_indices(len(views), 1)
                shared = find_company(model, views)
                own = model.log_odds(views, views)[upper]
                odds.append(np.column_stack([own, compare_company(shared, shared)[upper]]))
                same.append(labels_equal(company)[upper])
    model = LogisticRegression(C=np.inf).fit(np.vstack(odds), np.concatenate(same))
    own, shared, bias = (round(float(one), 2) for one in (*model.coef_[0], model.intercept_[0]))
    return CompanyWeights(own, shared, bias)


@cache
def judge_by(companies: tuple[Company, ...], ground: Ground) -> SameTopic:
    """The model as the program would read it, without the weights of company."""
    rarity, metric = fit_rarity(companies, ground), metric_of(companies, ground)
    trees = fit_trees(companies, ground)
    return assemble(trees, ground.recogniser, ground.archetypes, rarity, metric, ground.encoders.name)


@cache
def metric_of(companies: tuple[Company, ...], ground: Ground) -> Vectors:
    """In which directions topics differ; as exact as it is stored."""
    spoken = [speak(company, ground.centre, ground.blocks) for company in companies]
    return fit_metric(ground.spoken, (*spoken, *ground.others)).astype(np.float16).astype(np.float32)


@cache
def fit_rarity(companies: tuple[Company, ...], ground: Ground) -> Any:
    """Inverse document frequency of every hashed word."""
    said = [text for company in companies for one in company.said for text in (one.text, one.answer)]
    idf = TfidfTransformer().fit(count_words_hashed([*ground.texts, *said])).idf_
    return idf.astype(np.float16).astype(np.float32)


@cache
def fit_trees(companies: tuple[Company, ...], ground: Ground) -> Any:
    """Gradient boosting over pairs of insights of one company, under a metric learned from other parts."""
    rarity = fit_rarity(companies, ground)
    features, same = [], []
    for part in split_companies(companies):
        metric = metric_of(without(companies, part), ground)
        for company in part:
            for variant in variants(company):
                views = view(variant, ground, rarity, metric)
                upper = np.triu_indices(len(views), 1)
                features.append(compare_views(views, views)[upper])
                same.append(labels_equal(company)[upper])
    model = HistGradientBoostingClassifier(
        max_iter=200,
        learning_rate=0.05,
        max_leaf_nodes=12,
        l2_regularization=5,
        min_samples_leaf=200,
        early_stopping=False,
        random_state=0,
    )
    return model.fit(np.vstack(features), np.concatenate(same))


def view(company: Company, ground: Ground, rarity: Any, metric: Vectors) -> Views:
    """The company's insights as the program would see them when all had arrived."""
    centre = widen_centre(ground.centre, company.raw, ground.blocks)
    return see(company.said, company.raw, centre, ground.blocks, ground.recogniser, rarity, metric)


def variants(company: Company) -> Iterator[Company]:
    """The company as it is, and as it would be with imperfect answers."""
    yield company
    random = np.random.default_rng(0)
    for share in MISSING:
        rows = np.flatnonzero(random.random(len(company.cases)) < share)
        yield exchange(company, rows, None)
    for share in MIXED_UP:
        rows = np.flatnonzero(random.random(len(company.cases)) < share)
        yield exchange(company, rows, random.permutation(rows))


def exchange(company: Company, rows: Any, others: Any) -> Company:
    """The answers of `rows` replaced by those of `others`, or taken away."""
    cases, answers = list(company.cases), company.raw.answers.copy()
    answers[rows] = 0 if others is None else company.raw.answers[others]
    for place, row in enumerate(rows):
        answer = None if others is None else company.cases[others[place]].answer
        cases[row] = replace(company.cases[row], answer=answer)
    return Company(company.name, tuple(cases), RawRows(company.raw.questions, answers))


def labels_equal(company: Company) -> Any:
    """(n, n)."""
    labels = np.array([case.label for case in company.cases])
    return labels[:, None] == labels[None, :]


def tell(company: Company, model: SameTopic, encoders: Encoders) -> list[Told]:
    """What the engine makes of the company with this model, all at once and week by week."""
    truth = [case.label for case in company.cases]
    found = []
    for weeks in WEEKS:
        stream = run_stream(company.cases, encoders, weeks, in_order=True, judge=model)
        score = judge(truth, stream.weeks)
        advised = stream.advised or stream.weeks[-1]
        better, anew = (
            agreement(truth, [placed[row] for row in range(len(truth))])[1] for placed in (advised, stream.regrouped)
        )
        found.append(Told(score.f1, better, anew, score.topics / len(set(truth)), score.unplaced, stream.top))
        print(describe(company.name, weeks, found[-1]), flush=True)
    return found


def tell_mean(companies: Sequence[Sequence[Told]]) -> None:
    """Over the companies."""
    for weeks, told in zip(WEEKS, zip(*companies, strict=True), strict=True):
        columns = zip(*map(astuple, told), strict=True)
        print(describe(f"mean of {len(told)}", weeks, Told(*map(statistics.fmean, columns))), flush=True)


def describe(name: str, weeks: int, told: Told) -> str:
    """One line."""
    return (
        f"{name[:22]:22}{weeks:3} {'weeks' if weeks > 1 else 'week '}  pairwise F1 {told.f1:.3f}, with {SUGGESTIONS}"
        f" suggestions answered {told.advised:.3f}, grouped anew {told.anew:.3f}, topics : true {told.topics:.2f},"
        f" unplaced {100 * told.unplaced:.1f} %, true top eight in our top ten {told.top:.1f}"
    )


if __name__ == "__main__":
    main()
