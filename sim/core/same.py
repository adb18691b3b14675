"""A thing as the key of a cache."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Same(Generic[T]):
    """A thing that equals nothing but itself, so that a cache finds it without reading all of it.

    It must never change: two things that say the same are two keys, but one that changed would
    still be the old key. A cache that holds it keeps it alive, so its place in memory is not given
    to another thing.

    Attributes:
        it: The thing.
    """

    __slots__ = ("it",)

    def __init__(self, it: T) -> None:
        self.it = it

    def __hash__(self) -> int:
        """Hash of its place in memory."""
        return id(self.it)

    def __eq__(self, other: object) -> bool:
        """Whether another key is about the very same thing."""
        return isinstance(other, Same) and self.it is other.it
