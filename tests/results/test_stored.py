"""A few worlds give what they gave when their hashes were stored."""

from __future__ import annotations

import json

import pytest

from benchmarks.renamed import RENAMED
from benchmarks.results_guard import (
    CHANGELOG,
    RULE,
    STORED,
    changed,
    slice_of_worlds,
    told,
    where,
)


def test_results_are_those_that_are_stored():
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    if stored["of"] != where():
        pytest.skip(f"hashes are stored for {stored['of']}, and this is {where()}")
    apart = changed(stored["worlds"], slice_of_worlds(), RENAMED)
    assert not apart, f"{len(apart)} hashes differ, first {', '.join(apart[:5])}. {RULE}"


def test_hashes_are_stored_together_with_what_is_said_of_them():
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    assert stored["told"] == told(CHANGELOG.read_text(encoding="utf-8")), (
        "CHANGELOG.md tells another story of changed results than when hashes were stored."
        " Store them anew: python -m benchmarks.results_guard --store"
    )
