"""The glossary explains every word that a column of the output can hold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from sim.mechanisms.spending import ITEMS
from sim.results.tables import TABLES, all_columns
from sim.schema import Observed
from tests.small import small

GLOSSARY = Path(__file__).parents[2] / "docs" / "glossary.md"
MERGED = {"outcome": ("status", "activity")}
"""Columns that also hold the words of others."""


def explained() -> dict[str, set[str]]:
    """Words that the glossary explains, by column."""
    found: dict[str, set[str]] = {}
    text = GLOSSARY.read_text(encoding="utf-8")
    for column, word in re.findall(r"^\| `(\w+)` \| `(\w+)` \| .+ \|$", text, re.M):
        found.setdefault(column, set()).add(word)
    return found


def held() -> dict[str, set[str]]:
    """Words of fixed vocabularies that columns can hold, by column."""
    scenario = small()
    found = {"item": set(ITEMS), "what": set(get_args(Observed.model_fields["what"].annotation))}
    for table in TABLES.values():
        for column in all_columns(table).values():
            if column.words is not None and column.unit == "word" and column.name != "age":
                found.setdefault(column.name, set()).update(column.words_in(scenario))
    return found


def test_every_word_of_the_output_is_explained() -> None:
    said, words = explained(), held()
    assert {"status", "channel", "harm", "stage", "activity"} <= words.keys()
    for column, known in words.items():
        here = said[column].union(*(said[it] for it in MERGED.get(column, ())))
        if column == "attempt":  # numbers, of which one stands for all
            known = {"first", "later"}
        assert known <= here, f"{column}: {sorted(known - here)}"
        assert said[column] <= known, f"{column}: {sorted(said[column] - known)} are never there"


def test_words_stand_in_order_and_once() -> None:
    first = GLOSSARY.read_text(encoding="utf-8").partition("## ")[0]
    words = [it.casefold() for it in re.findall(r"^\| ([^|`]+?) \|", first, re.M)][1:]
    assert len(words) > 50
    assert words == sorted(set(words))
    for mark in ("secure", "orderly", "regular", "humane"):
        assert mark in words
