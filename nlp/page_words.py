"""Which words a topic and a page share, and how much that tells. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from nlp.embedding import Vectors

STEM = 6
MOST_WORTH = 2.0  # so that no one word decides
TELLING_WORDS, TELLING_WORTH = 3, 0.8
_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True, slots=True)
class PassageVectors:
    """pages: page of each passage row, page by page. texts: the passage. blocks: (rows, d) per encoder."""

    pages: tuple[int, ...]
    texts: tuple[str, ...]
    blocks: tuple[Vectors, ...]


@dataclass(frozen=True, slots=True)
class SharedWords:
    """said: (topics, stems), written: (pages, stems), both weighted. shown: page -> stem -> the word as written.

    rarity: stem -> how much it tells when both have it.
    """

    said: csr_matrix
    written: csr_matrix
    shown: Mapping[int, Mapping[str, str]]
    rarity: Mapping[str, float]

    def worth(self) -> NDArray[np.float32]:
        """(topics, pages): rare words in common weigh much, words that everybody uses little."""
        dense = np.asarray((self.said @ self.written.T).todense(), dtype=np.float32)
        return np.minimum(dense, MOST_WORTH, out=dense)

    def telling(self, texts: Sequence[str], page: int) -> tuple[str, ...]:
        """The words in common that tell most, as the page writes them."""
        counts = count_stems(texts)
        shown = self.shown[page]
        worth = {
            stem: self.rarity.get(stem, 0.0) * min(1.0, 2 * counts[stem] / len(texts))
            for stem in shown
            if stem in counts
        }
        best = sorted(worth, key=lambda stem: (-worth[stem], stem))[:TELLING_WORDS]
        return tuple(shown[stem] for stem in best if worth[stem] > TELLING_WORTH)


def share_words(topics: Sequence[Sequence[str]], pages: PassageVectors, numbers: Sequence[int]) -> SharedWords:
    """topics: the texts of each. numbers: the pages, in the order of the columns."""
    said = [count_stems(texts) for texts in topics]
    shown: dict[int, dict[str, str]] = {number: {} for number in numbers}
    for page, text in zip(pages.pages, pages.texts, strict=True):
        shown[page].update({word[:STEM].lower(): word for word in _WORD.findall(text)})
    spoken = Counter(stem for counts in said for stem in counts)
    written = Counter(stem for stems in shown.values() for stem in stems)
    rarity = {
        stem: float(np.log1p(len(topics) / spoken[stem]) * np.log1p(len(numbers) / written[stem]))
        for stem in spoken
        if stem in written
    }
    place = {stem: column for column, stem in enumerate(rarity)}
    left = (
        (row, place[stem], rarity[stem] * min(1.0, 2 * count / len(topics[row])))
        for row, counts in enumerate(said)
        for stem, count in counts.items()
        if stem in place
    )
    right = (
        (row, place[stem], 1 / (5 * np.sqrt(len(shown[number]))))
        for row, number in enumerate(numbers)
        for stem in shown[number]
        if stem in place
    )
    width = max(len(place), 1)
    return SharedWords(_matrix(left, len(topics), width), _matrix(right, len(numbers), width), shown, rarity)


def count_stems(texts: Sequence[str]) -> Counter[str]:
    """In how many of the texts each stem occurs."""
    return Counter(stem for text in texts for stem in {word[:STEM].lower() for word in _WORD.findall(text)})


def _matrix(cells: Iterable[tuple[int, int, float]], height: int, width: int) -> csr_matrix:
    rows = list(cells)
    values, places = [cell[2] for cell in rows], ([cell[0] for cell in rows], [cell[1] for cell in rows])
    return csr_matrix((values, places), shape=(height, width), dtype=np.float32)
