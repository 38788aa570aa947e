"""Drawn vectors: as many unit vectors as are wanted, placed around real ones.

real window vectors -> VectorDrawer -> the vector of key K, always the same. A drawn vector is

    v = sqrt(s) b + sqrt(1 - s) u

where b is a real vector, s a similarity that a real vector has to its nearest neighbour, and u the
difference of two real vectors, made orthogonal to b and of unit length. Two vectors around one b
have a cosine of about s: neighbours are as near as real ones are. Differences of real vectors keep
what noise in every direction would lose, that embeddings vary in few directions: an index over
them is neither harder nor easier to quantise. `compare_neighbours` says how near it comes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from filesearch.protocols import Embedder
from filesearch.types import (
    BitMatrix,
    FloatMatrix,
    FloatVector,
    IntArray,
    QuestionEmbedding,
    TokenSigns,
    WindowEmbeddings,
)

Keys = npt.NDArray[np.uint64]

SAMPLE = 2000
# Copies of a window are no neighbours: as if every drawn vector came twice.
MAX_SIMILARITY = 0.99
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_BLOCK = 1 << 14
_FLIP_ROWS = 1 << 15
_KEY_BITS = 20  # windows of one document


@dataclass(frozen=True, slots=True, eq=False)
class RealWindows:
    """What a model made of real windows.

    Attributes:
        vectors: float32 (n, dimension), unit rows, n at least 3.
        signs: Of the same windows; None for none.
    """

    vectors: FloatMatrix
    signs: TokenSigns | None = None


class VectorDrawer:
    """Draws vectors around real ones.

    Args:
        real: What they are drawn around.
        seed: Another one gives other vectors.
    """

    def __init__(self, real: RealWindows, *, seed: int = 0) -> None:
        self.real = real
        self._seed = seed
        self.dimension = int(real.vectors.shape[1])

    @cached_property
    def similarities(self) -> FloatVector:
        """How near real vectors have their nearest neighbour: float32, ascending."""
        found = np.sort(nearest_similarities(self.real.vectors, self.real.vectors))
        kept = found[found < MAX_SIMILARITY]
        return kept if len(kept) else np.full(1, MAX_SIMILARITY, np.float32)

    def draw(self, keys: Keys) -> FloatMatrix:
        """Return the vectors of some keys: float32 (n, dimension), unit rows."""
        vectors = np.empty((len(keys), self.dimension), np.float32)
        for start in range(0, len(keys), _BLOCK):
            vectors[start : start + _BLOCK] = self._draw(keys[start : start + _BLOCK])
        return vectors

    def _draw(self, keys: Keys) -> FloatMatrix:
        real = self.real.vectors
        base = real[self._choose(keys, 0, len(real))]
        other = real[self._choose(keys, 1, len(real))] - real[self._choose(keys, 2, len(real))]
        share = self.similarities[self._choose(keys, 3, len(self.similarities))][:, None]
        other -= np.einsum("ij,ij->i", other, base)[:, None] * base
        norms = np.linalg.norm(other, axis=1, keepdims=True)
        # The same vector twice: no direction is left.
        other /= np.maximum(norms, 1e-6)
        mixed = np.sqrt(share) * base + np.sqrt(1 - share) * other
        unit: FloatMatrix = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
        return unit

    def draw_signs(self, keys: Keys) -> TokenSigns:
        """Return token signs of some keys: those of the real window, one bit of eight flipped.

        Signs of vectors at an angle a differ in a share of a / pi of their bits (Charikar 2002): an
        eighth stands for a cosine of 0.92.
        """
        signs = self.real.signs
        assert signs is not None, "the real windows have token signs"
        rows = self._choose(keys, 0, len(signs.counts))
        counts = signs.counts[rows]
        first = self._sign_starts[rows]
        starts = np.cumsum(counts) - counts
        place = np.arange(int(counts.sum()))
        flips = self._choose(keys, 4, _FLIP_ROWS)
        flip_rows = (place + np.repeat(flips - starts, counts)) % _FLIP_ROWS
        bits: BitMatrix = signs.bits[place + np.repeat(first - starts, counts)]
        return TokenSigns(bits ^ self._flips[flip_rows], counts)

    @cached_property
    def _flips(self) -> BitMatrix:
        """Rows of which one bit of eight is set."""
        rng = np.random.default_rng(self._seed)
        drawn = rng.integers(0, 256, (3, _FLIP_ROWS, self.dimension // 8), np.uint8)
        flips: BitMatrix = drawn[0] & drawn[1] & drawn[2]
        return flips

    @cached_property
    def _sign_starts(self) -> IntArray:
        assert self.real.signs is not None, "the real windows have token signs"
        counts = self.real.signs.counts
        starts: IntArray = np.cumsum(counts) - counts
        return starts

    def _choose(self, keys: Keys, which: int, count: int) -> IntArray:
        """Return a number below `count` for each key."""
        salt = np.uint64((8 * self._seed + which + 1) * 0x9E3779B97F4A7C15 % (1 << 64))
        chosen: IntArray = (_mix(_mix(keys) + salt) % np.uint64(count)).astype(np.int64)
        return chosen


def _mix(keys: Keys) -> Keys:
    """Return keys with their bits well mixed: the finaliser of SplitMix64 (Steele et al. 2014)."""
    mixed = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def window_keys(number: int, count: int) -> Keys:
    """Return the keys of the windows 0..count - 1 of document `number`."""
    return (np.uint64(number) << np.uint64(_KEY_BITS)) + np.arange(count, dtype=np.uint64)


def text_keys(texts: Sequence[str]) -> Keys:
    """Return a key for each text; equal texts have equal keys."""
    digests = [hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts]
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)


def nearest_similarities(
    asked: FloatMatrix, among: FloatMatrix, *, sample: int = SAMPLE, seed: int = 0
) -> FloatVector:
    """Return how near vectors have their nearest neighbour: float32 (at most `sample`,).

    Args:
        asked: Vectors of which `sample` are drawn.
        among: Where neighbours are sought. Of each vector its best match of cosine 1 is itself
            where `asked` is `among`, and left out.
    """
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(asked))[:sample]
    itself = asked is among
    best = np.full(len(rows), -1, np.float32)
    for start in range(0, len(among), _BLOCK):
        scores = asked[rows] @ among[start : start + _BLOCK].T
        if itself:
            inside = np.flatnonzero((rows >= start) & (rows < start + _BLOCK))
            scores[inside, rows[inside] - start] = -1
        np.maximum(best, scores.max(axis=1), out=best)
    return best


def compare_neighbours(
    drawer: VectorDrawer, keys: Keys, questions: FloatMatrix
) -> dict[str, list[float]]:
    """Return, for real and drawn vectors, how near neighbours are, at `QUANTILES`.

    Args:
        drawer: What drew them.
        keys: Of the drawn vectors.
        questions: float32 (n, dimension): what is asked of them.
    """
    real, drawn = drawer.real.vectors, drawer.draw(keys)
    found = {
        "real window to real window": nearest_similarities(real, real),
        "drawn window to drawn window": nearest_similarities(drawn, drawn),
        "question to real window": nearest_similarities(questions, real),
        "question to drawn window": nearest_similarities(questions, drawn),
    }
    return {
        name: [round(float(np.quantile(values, share)), 3) for share in QUANTILES]
        for name, values in found.items()
    }


class DrawnEmbedder:
    """An Embedder whose windows are drawn by their text, and whose questions a model embeds.

    It goes by the model's name and fingerprint, so that the model can open what it filled. A
    TokenEmbedder as well, where the real windows have signs.

    Args:
        model: What embeds questions and cuts text into word pieces.
        drawer: What draws windows.
    """

    def __init__(self, model: Embedder, drawer: VectorDrawer) -> None:
        self._model, self._drawer = model, drawer
        self.name, self.fingerprint = model.name, model.fingerprint
        self.dimension, self.max_tokens = model.dimension, model.max_tokens
        self.languages = model.languages

    def token_offsets(self, text: str) -> IntArray:
        """Return where each word piece stands, as the model does."""
        return self._model.token_offsets(text)

    def embed_texts(self, texts: Sequence[str]) -> FloatMatrix:
        """Return one drawn unit vector per text; equal texts have equal ones."""
        return self._drawer.draw(text_keys(texts))

    def embed_windows(self, texts: Sequence[str]) -> WindowEmbeddings:
        """Return the vectors of `embed_texts`, and drawn signs."""
        keys = text_keys(texts)
        return WindowEmbeddings(self._drawer.draw(keys), self._drawer.draw_signs(keys))

    def embed_query(self, text: str) -> FloatVector:
        """Return what the model makes of a question."""
        return self._model.embed_query(text)

    def embed_question(self, text: str) -> QuestionEmbedding:
        """Return what the model makes of a question and of its word pieces."""
        found: QuestionEmbedding = self._model.embed_question(text)  # type: ignore[attr-defined]
        return found
