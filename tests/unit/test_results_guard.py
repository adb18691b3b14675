"""What the guard of results says of two runs, and when hashes may be stored anew."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks import results_guard
from benchmarks.results_guard import (
    added,
    changed,
    first_difference,
    report,
    stored_anew,
    summary,
    told,
)
from benchmarks.results_probe import digest, where_apart

LOG = """# Changelog
## Unreleased
### Added
- A table.
### Results change
- People walk faster.
## 0.1.0
### Results change
- Nobody knows.
"""


def two(pid: str = "a", flags: str = "b", table: str = "t") -> dict[str, Any]:
    first = {"persons.pid": "0", "households.flags": "0"}
    return {
        "steps": [first, {"persons.pid": pid, "households.flags": flags}],
        "end": {"table.flows.people": table, "headline.dead": "1.0"},
        "apart": {},
    }


def test_equal_runs_are_the_same():
    lines, good = report({"w": two()}, {"w": two()}, {})
    assert good
    assert lines == ["  1 of 1 worlds are the same (2 steps)"]


def test_no_worlds_are_no_proof():
    assert not report({}, {}, {})[1]


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (two(flags="x"), "step 2: households.flags"),
        (two(pid="x", flags="x", table="x"), "step 2: persons.pid, households.flags"),
        (two(table="x"), "the end: table.flows.people"),
        (
            two() | {"end": two()["end"] | {"headline.dead": "2.0"}},
            "the end: headline.dead 1.0 -> 2.0",
        ),
        (two() | {"end": {"headline.dead": "1.0"}}, "the end: table.flows.people is missing"),
        (two() | {"steps": two()["steps"][:1]}, "1 steps instead of 2"),
        (two() | {"steps": [*two()["steps"], {}]}, "3 steps instead of 2"),
    ],
)
def test_the_first_difference_is_named(head: dict[str, Any], said: str):
    found = first_difference(two(), head, {})
    assert found is not None
    assert found.endswith(said)
    lines, good = report({"w": two()}, {"w": head}, {})
    assert not good
    assert lines[0] == f"  w: {found}"
    assert lines[-1] == "  0 of 1 worlds are the same (2 steps)"


def test_few_of_many_columns_are_named():
    base, head = ({"steps": [{str(i): value for i in range(9)}], "end": {}} for value in "ab")
    assert first_difference(base, head, {}) == "step 1: 0, 1, 2, 3, and 5 more"


def test_a_world_that_head_lacks_is_a_difference():
    lines, good = report({"w": two(), "v": two()}, {"w": two()}, {})
    assert not good
    assert lines[0] == "  v: head has no such world"


def test_a_way_that_gives_something_else_is_a_difference():
    lines, good = report({"w": two()}, {"w": two() | {"apart": {"resumed": "step 1, x"}}}, {})
    assert not good
    assert lines[0] == "  w: head differs from itself resumed, step 1, x"


def renamed_world() -> dict[str, Any]:
    steps = [{"person.id": it["persons.pid"]} for it in two()["steps"]]
    return {"steps": steps, "end": {"table.moves.people": "t", "headline.deaths": "1.0"}}


NAMES = {
    "persons.pid": "person.id",
    "households.flags": None,
    "table.flows": "table.moves",
    "headline.dead": "headline.deaths",
}


def test_new_names_and_what_is_gone_on_purpose_are_allowed():
    assert first_difference(two(), renamed_world(), NAMES) is None
    assert added({"w": two()}, {"w": renamed_world()}, NAMES) == []


@pytest.mark.parametrize("left_out", NAMES)
def test_what_is_not_said_to_have_a_new_name_is_missing(left_out: str):
    names = {old: new for old, new in NAMES.items() if old != left_out}
    found = first_difference(two(), renamed_world(), names)
    assert found is not None
    assert left_out in found
    assert found.endswith("is missing")


def test_a_renamed_column_that_differs_is_named_by_both_names():
    head = renamed_world()
    head["steps"][1]["person.id"] = "x"
    assert first_difference(two(), head, NAMES) == "step 2: persons.pid (now person.id)"


def test_what_head_adds_is_listed_and_no_difference():
    head = two()
    head["steps"][1]["persons.mood"] = "m"
    head["end"]["table.flows.country"] = "c"
    lines, good = report({"w": two()}, {"w": head, "new": two()}, {})
    assert good
    assert lines[:-1] == ["  added: persons.mood", "  added: table.flows.country"]


def test_ways_are_compared_by_step_and_column():
    assert where_apart([{"a": "1"}, {"t": "2"}], [{"a": "1"}, {"t": "2"}]) is None
    assert where_apart([{"a": "1"}, {"t": "2"}], [{"a": "3"}, {"t": "2"}]) == "step 1, a"
    assert where_apart([{"a": "1"}, {"t": "2"}], [{"a": "1"}, {"t": "3"}]) == "the end, t"
    assert where_apart([{"a": "1"}, {"t": "2"}], [{"a": "1"}]) == "the end, t"


def test_a_hash_knows_bits_types_shapes_and_words():
    ones = np.ones(4, np.int64)
    columns = [
        ones, ones.astype(np.int32), ones.astype(float), ones.reshape(2, 2), ones[:3],
        np.array([0.0]), np.array([-0.0]), ["a", "b"], ["b", "a"],
    ]  # fmt: skip
    assert len({digest(it) for it in columns}) == len(columns)
    assert digest(np.ones((2, 3)).T) == digest(np.ones((3, 2)))


def test_categories_count_by_their_words():
    words = pd.Series(pd.Categorical(["a", "b", "a"], ["a", "b"]))
    assert digest(words) == digest(words.cat.set_categories(["c", "b", "a"]))
    assert digest(words) != digest(words.cat.rename_categories({"b": "c"}))


def test_what_is_stored_knows_every_step_and_each_column_by_itself():
    stored = summary({"w": two()})
    early = two()
    early["steps"][0]["persons.pid"] = "x"
    assert changed(stored, summary({"w": early}), {}) == ["w: persons.pid"]
    more = two()
    more["steps"][0]["persons.mood"] = "m"
    assert changed(stored, summary({"w": more, "v": two()}), {}) == []
    assert changed(stored, summary({"w": renamed_world()}), NAMES) == []
    assert changed(stored, {}, {}) == [f"w: {name}" for name in stored["w"]]


def test_hashes_are_stored_anew_only_with_a_line_on_changed_results():
    old = stored_anew(None, summary({"w": two()}), LOG)
    assert stored_anew(old, summary({"w": two(), "v": two()}), LOG)["worlds"].keys() == {"w", "v"}
    other = summary({"w": two(flags="x")})
    for log in (LOG, LOG.replace("A table", "Two tables"), LOG.replace("faster", "\n  faster")):
        with pytest.raises(SystemExit, match=r"1 hashes changed, the first is w: households.flags"):
            stored_anew(old, other, log)
    new = LOG.replace("faster.", "faster.\n- Flags fly.")
    assert stored_anew(old, other, new)["worlds"] == other


def test_other_versions_may_give_other_hashes(monkeypatch):
    old = stored_anew(None, summary({"w": two()}), LOG)
    monkeypatch.setattr(results_guard, "where", lambda: old["of"] | {"numpy": "9"})
    new = stored_anew(old, summary({"w": two(flags="x")}), LOG)
    assert new["of"]["numpy"] == "9"
    assert changed(old["worlds"], new["worlds"], {}) == ["w: households.flags"]


def test_hashes_are_stored_on_one_kind_of_machine(monkeypatch):
    monkeypatch.setattr(results_guard, "where", lambda: {"machine": "Darwin arm64"})
    with pytest.raises(SystemExit, match="on Linux x86_64 alone"):
        results_guard.store()


def test_all_sections_on_changed_results_count():
    assert told(LOG) != told(LOG.replace("Nobody", "Somebody"))
    assert told(LOG) != told(LOG.replace("faster", "slower"))
    assert told(LOG) == told(LOG.replace("A table", "Two tables"))


def test_a_probe_that_fails_is_told(tmp_path):
    process = results_guard.probe(results_guard.ROOT, "hash", tmp_path)
    with pytest.raises(SystemExit, match=r"(?s)the probe of head fails.*required: out"):
        results_guard.finish("head", process)
