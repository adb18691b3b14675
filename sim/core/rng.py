"""Counter-based randomness: every draw is a pure function of (seed, kind of draw, when, who).

There is no generator state, so a draw does not depend on the order in which people are processed,
on threads, or on who else exists. The mixer is the finaliser of SplitMix64 (Steele, Lea & Flood
2014); ids are themselves hashes, so one round per draw is enough.
"""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.core.jit import equation

U64 = NDArray[np.uint64]
MASK: Final = (1 << 64) - 1
GOLDEN: Final = 0x9E3779B97F4A7C15
BLOCK: Final = 512
"""Draws that kernels make at a time: in a loop alone, the processor makes several at once."""


class Draw(NamedTuple):
    """A kind of random draw. Its number is unique and never reused."""

    name: str
    number: int


REPLICATE: Final = Draw("replicate", 1)


def mix(z: int) -> int:
    """Scramble 64 bits (plain Python twin of `mixed`, for keys)."""
    z = (z + GOLDEN) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def key_of(seed: int, draw: Draw, when: int = 0) -> np.uint64:
    """Key of all draws of one kind at one time.

    Args:
        seed: The run's seed, 0 to 2**63 - 1.
        draw: What the draws decide.
        when: Step, day or epoch, any integer.

    Returns:
        64-bit key to be combined with ids by `uniform`.
    """
    return np.uint64(mix(mix(mix(seed) ^ draw.number) ^ (when & MASK)))


def name_hash(kind: str, name: str) -> np.uint64:
    """64-bit hash of an object's id, the same in every process."""
    digest = hashlib.blake2b(f"{kind}:{name}".encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


def replicate_seed(seed: int, replicate: int) -> int:
    """Seed of a replicate; replicate 0 has the run's own seed."""
    return seed if replicate == 0 else int(key_of(seed, REPLICATE, replicate)) >> 1


@equation
def mixed(z):
    """Scramble a uint64 (SplitMix64's finaliser)."""
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@equation
def unit(word):
    """Uniform in (0, 1), never 0 or 1, from a hash (uint64)."""
    # Uses 52 bits plus one half: with 53 bits the largest value would round to 1.
    return (np.float64(word >> np.uint64(12)) + 0.5) * (1.0 / 4503599627370496.0)


@equation
def uniform(key, who):
    """Uniform in (0, 1) from a key and an id (both uint64)."""
    return unit(mixed(key ^ who))


@equation
def uniform2(key, who, what):
    """Uniform in (0, 1) from a key and two ids (all uint64)."""
    return unit(mixed(mixed(key ^ who) ^ what))


def mixed_array(z: U64) -> U64:
    """`mixed` over an array (NumPy wraps silently on arrays)."""
    z = z + np.uint64(GOLDEN)
    z ^= z >> 30
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> 27
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> 31
    return z


def uniform_array(key: np.uint64, who: U64) -> NDArray[np.float64]:
    """`uniform` over an array of ids."""
    words = mixed_array(who ^ key) >> 12
    return (words.astype(np.float64) + 0.5) * (1.0 / 4503599627370496.0)
