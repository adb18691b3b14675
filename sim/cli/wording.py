"""Numbers and times in words for a reader."""

from __future__ import annotations


def count_of(n: int, word: str) -> str:
    """Give a number with its noun: 1 run, 2,000 runs."""
    return f"{n:,} {word}{'' if n == 1 else 's'}"


def duration(seconds: float) -> str:
    """Write a time in a suitable unit."""
    for name, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {name}"
    return f"{seconds:.3g} s"
