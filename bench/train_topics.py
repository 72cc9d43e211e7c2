"""Fits the "same topic?" model of nlp/same_topic.py and writes data/topics/.

    python bench/train_topics.py [--out FOLDER] [--score COMPANY...] [--leave-out] [--shipped]

Learns from bench/training/topics/*.jsonl (insights of invented companies with their topics) and data/atlas/: which
archetype is it, how rare is a word, in which directions of the encoders' space topics differ (topic_metric.py, which
learns from bench/training/archetypes.jsonl, the archetypes as people say them, too), the trees that judge a pair by
itself, and those that judge it by what both have in common with the rest of the mailbox. The companies are halved
as they were for the encoders (train_encoder.py, train_multilingual.py): what one half has said is read and judged,
while fitting, by what was learned from the other one.
--leave-out: what the engine makes of each company's insights with a model that learned nothing from its half.
--score: the same for a labelled mailbox (truth.jsonl) or for a file like those of the companies, with the whole model;
it is never learned from. bench/scored/ has one of a thousand insights, as of a mailbox that has grown, and some in
which nobody repeats anybody. --shipped: fits nothing and scores what ships. Needs the group `bench` (onnx).
"""

import argparse
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from halves import HALVES, english_half, multilingual_half
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from topic_cases import Case, read_mailbox
from topic_metric import Spoken, fit_metric
from topic_model import open_fitted, write
from topic_telling import tell, tell_mean

from nlp.atlas import shipped_archetypes
from nlp.company import COMPANY_FEATURES, Mailbox, compare_in_company
from nlp.embedding import A_LITTLE, Embedder, Encoders, Vectors, load_encoders, teach_minilm, teach_multilingual
from nlp.same_topic import SameTopic, load_same_topic, run_trees
from nlp.space import (
    Block,
    Centre,
    Expression,
    RawRows,
    embed_expressions,
    first_centre,
    lay_out_all_blocks,
    widen_centre,
)
from nlp.views import FEATURES, Recogniser, Said, Views, compare_views, count_words_hashed, see, split_blocks

ROOT = Path(__file__).resolve().parent.parent
ATLAS_STRENGTH = 30.0  # inverse of the regularisation
# Mails whose answers are missing, or belong to another question: a scorer that has only seen perfect pairs trusts them.
MISSING, MIXED_UP = (0.4,), (0.3, 0.5)
YOUNG = (60, 120)  # insights of a mailbox's first weeks, when there is less company to tell from
APART = 0.25  # of the pairs of different topics; there are forty times as many as of the same
ALONE, IN_COMPANY = (200, 12), (400, 24)  # trees and their leaves


class Remembering:
    """An encoder that reads no text twice."""

    def __init__(self, encoder: Embedder) -> None:
        self.name, self.size, self._encoder = encoder.name, encoder.size, encoder
        self._known: dict[str, Vectors] = {}

    def embed(self, texts: Sequence[str]) -> Vectors:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(new, self._encoder.embed(new), strict=True))
        return np.stack([self._known[text] for text in texts]) if texts else self._encoder.embed([])


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

    spoken: the archetypes as people say them.
    """

    encoders: Encoders
    blocks: tuple[Block, ...]
    centre: Centre
    recogniser: Recogniser
    archetypes: tuple[str, ...]
    texts: tuple[str, ...]
    spoken: Spoken


@dataclass(frozen=True, eq=False)
class Pairs:
    """features: (p, f). same, weights: (p,)."""

    features: Vectors
    same: Any
    weights: Any


@dataclass(frozen=True, eq=False)
class Lesson:
    """Half of the companies. ground, judge: learned from the others, but for the judge's trees for pairs in company.

    alone, in_company: the pairs of each company, as this judge sees them.
    """

    ground: Ground
    companies: tuple[Company, ...]
    judge: SameTopic
    alone: list[Pairs]
    in_company: list[Pairs]


def main() -> None:
    """Fits, scores and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "data" / "topics")
    parser.add_argument("--score", nargs="*", type=Path, default=[])
    parser.add_argument("--leave-out", action="store_true")
    parser.add_argument("--shipped", action="store_true", help="score what ships and fit nothing")
    args = parser.parse_args()
    shipped = load_encoders()
    encoders = replace(shipped, english=Remembering(shipped.english), multilingual=Remembering(shipped.multilingual))
    if args.shipped:
        tell_sources(args.score, load_same_topic(), encoders)
        return
    files = sorted((ROOT / "bench/training/topics").glob("*.jsonl"))
    lessons, rarity = learn_apart(files, encoders)
    if args.leave_out:
        tell_apart(lessons)
    trees = fit_trees([pairs for lesson in lessons for pairs in lesson.alone], *ALONE)
    company_trees = fit_trees([pairs for lesson in lessons for pairs in lesson.in_company], *IN_COMPANY)
    model = replace(
        judge_by([read_company(file, encoders) for file in files], prepare(encoders), rarity),
        trees=open_fitted(trees, len(FEATURES)),
        company_trees=open_fitted(company_trees, len(COMPANY_FEATURES)),
    )
    tell_sources(args.score, model, encoders)
    write(args.out, trees, company_trees, model)


def learn_apart(files: Sequence[Path], encoders: Encoders) -> tuple[list[Lesson], Any]:
    """The lesson of each half of the companies, read and judged as the other half taught; and the rarity of words."""
    grounds = [prepare(open_half(1 - half, encoders)) for half in range(HALVES)]
    read = [[read_company(file, ground.encoders) for file in files] for ground in grounds]
    rarity = fit_rarity(read[0], grounds[0])
    lessons = []
    for half, (ground, companies) in enumerate(zip(grounds, read, strict=True)):
        own, others = companies[half::HALVES], companies[1 - half :: HALVES]
        learned = judge_by(others, ground, rarity)
        lessons.append(Lesson(ground, tuple(own), learned, [pair_up(one, learned, ground) for one in own], []))
    return [bring_into_company(*both) for both in zip(lessons, reversed(lessons), strict=True)], rarity


def bring_into_company(lesson: Lesson, other: Lesson) -> Lesson:
    """With the pairs among all others, judged by trees that the other half taught."""
    learned = replace(lesson.judge, trees=open_fitted(fit_trees(other.alone, *ALONE), len(FEATURES)))
    in_company = [meet_company(one, learned, lesson.ground) for one in lesson.companies]
    return replace(lesson, judge=learned, in_company=in_company)


def open_half(half: int, encoders: Encoders) -> Encoders:
    """As every second company taught them."""
    english, multilingual = english_half(half), multilingual_half(half)
    return replace(
        encoders,
        english=teach_minilm(english, hash_of(english), A_LITTLE),
        taught=teach_minilm(english, hash_of(english)),
        taught_multilingual=teach_multilingual(multilingual, hash_of(multilingual)),
    )


def hash_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def tell_apart(lessons: Sequence[Lesson]) -> None:
    """What the engine makes of each company by a model that learned nothing from its half."""
    told = []
    for lesson, other in zip(lessons, reversed(lessons), strict=True):
        fitted = fit_trees(other.in_company, *IN_COMPANY)
        model = replace(lesson.judge, company_trees=open_fitted(fitted, len(COMPANY_FEATURES)))
        told += [tell(company.name, company.cases, model, lesson.ground.encoders) for company in lesson.companies]
    tell_mean(told)


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
    return embed_expressions(lay_out_all_blocks(encoders), expressions)


def prepare(encoders: Encoders) -> Ground:
    """What the atlas tells."""
    archetypes = shipped_archetypes()
    spoken = [(number, *phrasing) for number, one in enumerate(archetypes) for phrasing in one.phrasings]
    cases = [Case(text, archetypes[number].id, "", "", language) for number, language, text in spoken]
    phrasings = embed(cases, encoders).questions
    recogniser = fit_recogniser(phrasings, [number for number, _, _ in spoken], len(archetypes))
    blocks = lay_out_all_blocks(encoders)
    centre = first_centre(blocks)
    cases += read_archetypes()
    said = speak(Company("atlas", tuple(cases), embed(cases, encoders)), centre, blocks)
    texts = tuple(text for _, _, text in spoken)
    return Ground(encoders, blocks, centre, recogniser, tuple(one.id for one in archetypes), texts, said)


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


def judge_by(companies: Sequence[Company], ground: Ground, rarity: Any) -> SameTopic:
    """The model that these companies teach, without trees."""
    spoken = [speak(company, ground.centre, ground.blocks) for company in companies]
    metric = fit_metric(ground.spoken, spoken).astype(np.float16).astype(np.float32)  # as exact as it is stored
    return SameTopic(ground.encoders.name, ground.archetypes, ground.recogniser, rarity, metric, None, None)


def fit_rarity(companies: Sequence[Company], ground: Ground) -> Any:
    """Inverse document frequency of every hashed word."""
    said = [text for company in companies for one in company.said for text in (one.text, one.answer)]
    idf = TfidfTransformer().fit(count_words_hashed([*ground.texts, *said])).idf_
    return idf.astype(np.float16).astype(np.float32)


def pair_up(company: Company, judge: SameTopic, ground: Ground) -> Pairs:
    """Pairs by themselves, as they are and with imperfect answers."""
    chosen, same, weights = choose_pairs(company)
    seen = [view(variant, ground, judge) for variant in variants(company)]
    features = [compare_views(one, one)[chosen] for one in seen]
    return Pairs(np.vstack(features), np.tile(same, len(seen)), np.tile(weights, len(seen)))


def meet_company(company: Company, judge: SameTopic, ground: Ground) -> Pairs:
    """Pairs among all others, in a mailbox of this age and in a younger one, with good answers and with worse."""
    plain, missing, mixed, _ = variants(company)
    features, same, weights = [], [], []
    for one in (plain, missing, mixed, *(begin(plain, insights) for insights in YOUNG)):
        mailbox = Mailbox(view(one, ground, judge), number_mails(one))
        chosen, is_same, weight = choose_pairs(one)
        features.append(compare_in_company(mailbox, partial(run_trees, judge.trees)).features(*chosen))
        same.append(is_same)
        weights.append(weight)
    return Pairs(np.vstack(features), np.concatenate(same), np.concatenate(weights))


def choose_pairs(company: Company) -> tuple[Any, Any, Any]:
    """((rows, others), same, weights): all pairs of one topic and some of the others, which weigh for all of them."""
    rows, others = np.triu_indices(len(company.cases), 1)
    labels = np.array([case.label for case in company.cases])
    same = labels[rows] == labels[others]
    kept = same | (np.random.default_rng(0).random(len(rows)) < APART)
    return (rows[kept], others[kept]), same[kept], np.where(same[kept], 1.0, 1 / APART)


def fit_trees(pairs: Sequence[Pairs], trees: int, leaves: int) -> Any:
    """Gradient boosting over pairs of insights of one company. trees: how many; leaves: of each at most."""
    model = HistGradientBoostingClassifier(
        max_iter=trees,
        learning_rate=0.05,
        max_leaf_nodes=leaves,
        l2_regularization=5,
        min_samples_leaf=200,
        early_stopping=False,
        random_state=0,
    )
    same, weights = (np.concatenate(column) for column in zip(*((one.same, one.weights) for one in pairs), strict=True))
    return model.fit(np.vstack([one.features for one in pairs]), same, weights)


def view(company: Company, ground: Ground, judge: SameTopic) -> Views:
    """The company's insights as the program would see them when all had arrived."""
    centre = widen_centre(ground.centre, company.raw, ground.blocks)
    return see(company.said, company.raw, centre, ground.blocks, ground.recogniser, judge.rarity, judge.metric)


def number_mails(company: Company) -> Any:
    """(n,), equal where the mail is."""
    return np.unique([case.mail for case in company.cases], return_inverse=True)[1].astype(np.int64)


def begin(company: Company, insights: int) -> Company:
    """Its first ones."""
    raw = RawRows(company.raw.questions[:insights], company.raw.answers[:insights])
    return Company(company.name, company.cases[:insights], raw)


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


def tell_sources(sources: Sequence[Path], model: SameTopic, encoders: Encoders) -> None:
    """What the engine makes of each mailbox or file of a company."""
    told = []
    for source in sources:
        read = read_company if source.suffix == ".jsonl" else read_mailbox_company
        company = read(source, encoders)
        told.append(tell(company.name, company.cases, model, encoders))
    if len(told) > 1:
        tell_mean(told)


if __name__ == "__main__":
    main()
