"""The space in which insights are compared: question and answer passage, both encoders, centred and smoothed.

Pure functions over arrays. A row is one insight; its columns are the blocks of the encoders, one after the other.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harvester.resources import data_folder
from nlp.embedding import Embedder, Encoders, Vectors, unit_rows

# Colleagues of one company answer the same thing in the same words: the answer normalises the question.
ANSWER_WEIGHT = 1.0
# The English encoder's share in the similarity of two English insights: it is the better one where many short requests
# are alike; in the long prose of few companies the multilingual encoder is.
LOOSE_ENGLISH_SHARE, DENSE_ENGLISH_SHARE = 0.45, 0.6
LOOSE, DENSE = 0.3, 0.55  # closeness of a mailbox, see `measure_closeness`
FOREIGN_SCALE = 1.1  # the multilingual encoder speaks alone for other languages, a little louder
FREEZE_CENTRE_AT = 500  # insights
NEIGHBOURS = 5
OWN_SHARE = 0.3
SHARPNESS = 4  # power of the similarity by which neighbours are weighed: near ones count, far ones hardly
MIN_LENGTH = 0.3  # a row shorter than this after centring says nothing and must not be blown up to unit length
SHORT_QUESTION_WORDS = 6
CHUNK_ROWS = 256
SAMPLE = 2_000


@dataclass(frozen=True, slots=True)
class Block:
    """The columns of one encoder."""

    encoder: Embedder
    columns: slice
    english_only: bool


@dataclass(frozen=True, slots=True)
class Expression:
    """What is compared of an insight."""

    text: str
    context: str
    answer: str | None
    language: str

    @property
    def question(self) -> str:
        """With the sentence before it when it is short: "Would that work?" means nothing alone."""
        is_short = len(self.text.split()) < SHORT_QUESTION_WORDS
        return f"{self.context} {self.text}" if is_short and self.context else self.text


@dataclass(frozen=True, slots=True)
class RawRows:
    """questions, answers: (n, d); each block a unit row, zero where the encoder is silent or nothing answered."""

    questions: Vectors
    answers: Vectors


@dataclass(frozen=True, slots=True)
class Centre:
    """Sums and counts of all rows seen before the centre was frozen. question_counts, answer_counts: per column."""

    question_sum: NDArray[np.float64]
    answer_sum: NDArray[np.float64]
    question_counts: NDArray[np.float64]
    answer_counts: NDArray[np.float64]
    insights: int = 0

    @property
    def is_frozen(self) -> bool:
        """True once there was enough history; from then on no placed insight's vector ever changes."""
        return self.insights >= FREEZE_CENTRE_AT


def lay_out_blocks(encoders: Encoders) -> tuple[Block, ...]:
    """The blocks of the space. The English encoder first; it keeps silent on other languages when there is one that
    reads them.
    """
    english = Block(encoders.english, slice(0, encoders.english.size), encoders.multilingual is not None)
    if encoders.multilingual is None:
        return (english,)
    start = encoders.english.size
    return (english, Block(encoders.multilingual, slice(start, start + encoders.multilingual.size), False))


def lay_out_all_blocks(encoders: Encoders) -> tuple[Block, ...]:
    """Those of the space and, after them, what only the learned model sees."""
    blocks = list(lay_out_blocks(encoders))
    for encoder, english_only in ((encoders.taught, True), (encoders.taught_multilingual, False)):
        if encoder is not None:
            start = blocks[-1].columns.stop
            blocks.append(Block(encoder, slice(start, start + encoder.size), english_only))
    return tuple(blocks)


def embed_expressions(blocks: Sequence[Block], expressions: Sequence[Expression]) -> RawRows:
    """Embed questions and answers with every encoder that reads their language."""
    width = blocks[-1].columns.stop
    questions = np.zeros((len(expressions), width), dtype=np.float32)
    answers = np.zeros_like(questions)
    for block in blocks:
        rows = [row for row, e in enumerate(expressions) if not block.english_only or e.language == "en"]
        questions[rows, block.columns] = block.encoder.embed([expressions[row].question for row in rows])
        answered = [(row, answer) for row in rows if (answer := expressions[row].answer)]
        # One passage often answers several questions of a mail: embed it once.
        passages = sorted({answer for _, answer in answered})
        position = {passage: index for index, passage in enumerate(passages)}
        vectors = block.encoder.embed(passages)
        for row, answer in answered:
            answers[row, block.columns] = vectors[position[answer]]
    return RawRows(questions, answers)


def first_centre(blocks: Sequence[Block]) -> Centre:
    """The centre before the first insight: what buyers and colleagues write everywhere."""
    languages = tomllib.loads((data_folder() / "embedding" / "centre.toml").read_text(encoding="utf-8"))
    questions = [Expression(text, "", None, code) for code, said in languages.items() for text in said["questions"]]
    answers = [Expression(text, "", None, code) for code, said in languages.items() for text in said["answers"]]
    asked = embed_expressions(blocks, questions).questions
    answered = embed_expressions(blocks, answers).questions
    return Centre(
        asked.sum(axis=0, dtype=np.float64),
        answered.sum(axis=0, dtype=np.float64),
        _count_spoken(asked, blocks),
        _count_spoken(answered, blocks),
    )


def widen_centre(centre: Centre, rows: RawRows, blocks: Sequence[Block]) -> Centre:
    """Take new rows into the centre; a frozen centre stays as it is."""
    if centre.is_frozen:
        return centre
    return Centre(
        centre.question_sum + rows.questions.sum(axis=0, dtype=np.float64),
        centre.answer_sum + rows.answers.sum(axis=0, dtype=np.float64),
        centre.question_counts + _count_spoken(rows.questions, blocks),
        centre.answer_counts + _count_spoken(rows.answers, blocks),
        centre.insights + len(rows.questions),
    )


def centre_rows(rows: RawRows, centre: Centre, blocks: Sequence[Block]) -> Vectors:
    """(n, d): each block the question less what all questions share, plus the answer less what all answers share."""
    questions, answers = centre_apart(rows, centre, blocks)
    centred = np.zeros_like(questions)
    for block in blocks:
        both = questions[:, block.columns] + np.float32(ANSWER_WEIGHT) * answers[:, block.columns]
        centred[:, block.columns] = unit_rows(both)
    return centred


def centre_apart(rows: RawRows, centre: Centre, blocks: Sequence[Block]) -> tuple[Vectors, Vectors]:
    """(questions, answers), both (n, d): each less what all of its kind share; zero where an encoder is silent."""
    question_mean = centre.question_sum / np.maximum(centre.question_counts, 1)
    answer_mean = centre.answer_sum / np.maximum(centre.answer_counts, 1)
    questions, answers = np.zeros_like(rows.questions), np.zeros_like(rows.answers)
    for block in blocks:
        questions[:, block.columns] = _less_mean(rows.questions[:, block.columns], question_mean[block.columns])
        answers[:, block.columns] = _less_mean(rows.answers[:, block.columns], answer_mean[block.columns])
    return questions, answers


def density_of(closeness: float) -> float:
    """0 for a mailbox whose insights are hardly alike to 1 for one of many similar requests."""
    return min(1.0, max(0.0, (closeness - LOOSE) / (DENSE - LOOSE)))


def smooth_rows(
    rows: Vectors,
    row_numbers: NDArray[np.intp],
    base: Vectors,
    messages: NDArray[np.int64],
    blocks: Sequence[Block],
    density: float,
) -> Vectors:
    """Pull each row towards its nearest neighbours, block by block, and weigh the blocks.

    rows: (m, d) centred. row_numbers: the row of each in `base`. base: (n, d) all insights, placed ones as frozen.
    messages: (n,) of `base`; sentences of one mail are no neighbours: they share author and answer, not meaning.
    density: see `density_of`.
    Returns (m, d); the dot product of two rows is their similarity.
    """
    smoothed = np.zeros_like(rows)
    foreign: NDArray[np.bool_] = np.logical_not(np.any(rows[:, blocks[0].columns], axis=1))
    for position, block in enumerate(blocks):
        neighbours = unit_rows(base[:, block.columns])
        scale = _block_scale(position, len(blocks), foreign, density)
        for start in range(0, len(rows), CHUNK_ROWS):
            chunk = slice(start, start + CHUNK_ROWS)
            own = unit_rows(rows[chunk, block.columns])
            pulled = _pull_to_neighbours(own, row_numbers[chunk], neighbours, messages)
            smoothed[chunk, block.columns] = pulled * scale[chunk, None]
    return smoothed


def keep_common_columns(rows: Vectors) -> Vectors:
    """(n, c): what every row has. rows: (n, d), zero in the first columns where an encoder does not read a language.

    What only some have makes those alike that are said in one language, whatever they mean.
    """
    spoken = rows[rows.any(axis=1)] != 0
    return rows[:, spoken.argmax(axis=1).max() :] if len(spoken) else rows


def measure_closeness(rows: Vectors, messages: NDArray[np.int64], blocks: Sequence[Block]) -> float:
    """The median similarity of a row to its nearest neighbour in another mail, mean over the encoders; 0 for one row.

    rows: (n, d) centred, not smoothed.
    """
    if len(rows) < 2:
        return 0.0
    sample = np.arange(len(rows)) if len(rows) <= SAMPLE else np.linspace(0, len(rows) - 1, SAMPLE).astype(np.intp)
    medians = []
    for block in blocks:
        spoken = sample[np.any(rows[sample, block.columns], axis=1)]
        similarity = rows[spoken, block.columns] @ rows[:, block.columns].T
        similarity[messages[spoken][:, None] == messages[None, :]] = -1
        if len(spoken):
            medians.append(float(np.median(similarity.max(axis=1))))
    return max(0.0, sum(medians) / len(medians)) if medians else 0.0


def _pull_to_neighbours(
    own: Vectors, numbers: NDArray[np.intp], neighbours: Vectors, messages: NDArray[np.int64]
) -> Vectors:
    similarity = own @ neighbours.T
    similarity[messages[numbers][:, None] == messages[None, :]] = -1
    count = min(NEIGHBOURS, similarity.shape[1])
    nearest = np.argpartition(-similarity, count - 1, axis=1)[:, :count]
    weights = np.take_along_axis(similarity, nearest, axis=1).clip(0) ** SHARPNESS
    around = unit_rows(np.einsum("nk,nkd->nd", weights, neighbours[nearest]))
    return unit_rows(np.float32(OWN_SHARE) * own + np.float32(1 - OWN_SHARE) * around)


def _block_scale(position: int, blocks: int, foreign: NDArray[np.bool_], density: float) -> Vectors:
    if blocks == 1:
        return np.ones(len(foreign), dtype=np.float32)
    english = LOOSE_ENGLISH_SHARE + (DENSE_ENGLISH_SHARE - LOOSE_ENGLISH_SHARE) * density
    share = english if position == 0 else 1 - english
    return np.where(foreign, FOREIGN_SCALE, np.sqrt(share)).astype(np.float32)


def _less_mean(rows: Vectors, mean: NDArray[np.float64]) -> Vectors:
    spoken: NDArray[np.bool_] = np.any(rows, axis=1, keepdims=True)
    rest = np.where(spoken, rows - mean.astype(np.float32), np.float32(0))
    lengths = np.linalg.norm(rest, axis=1, keepdims=True)
    return np.asarray(rest / np.maximum(lengths, MIN_LENGTH), dtype=np.float32)


def _count_spoken(rows: Vectors, blocks: Sequence[Block]) -> NDArray[np.float64]:
    counts = np.zeros(rows.shape[1], dtype=np.float64)
    for block in blocks:
        counts[block.columns] = rows[:, block.columns].any(axis=1).sum()
    return counts
