"""Every key of a scenario explains itself, and the documents say what the declarations say."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.cli.app import main
from sim.mechanisms.policy import Rules
from sim.scenario import explain
from sim.scenario.checks.ids import refers
from sim.scenario.explain import Key, find, keys
from sim.scenario.whole import Policy, Scenario, json_schema
from sim.schema.key import OURS, Declaration, Part, parts
from sim.schema.key import key as declare
from sim.schema.types import CountryId, Id, RegionId, Share
from tests.small import small, world

DOCS = Path(__file__).parents[2] / "docs"
NUMBERS = ("number", "whole number", "numbers")
FILLING = {"the", "a", "an", "of", "or", "and", "in", "is", "its", "to", "what", "which", "for"}


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Return a function that runs a command and gives its code, stdout and stderr."""

    def run(*words: str) -> tuple[int, str, str]:
        code = main(words)
        done = capsys.readouterr()
        return code, done.out, done.err

    return run


def words(text: str) -> set[str]:
    """Words of a text, bare of the endings that make one word of another."""
    found = re.findall(r"[a-z]+", text.lower())
    return {re.sub(r"(ies|es|s|y)$", "", word) for word in found if word not in FILLING}


def properties(schema: Any) -> list[tuple[str, dict[str, Any]]]:
    """Every property of a JSON Schema, wherever it stands."""
    if isinstance(schema, list):
        return [it for part in schema for it in properties(part)]
    if not isinstance(schema, dict):
        return []
    own = schema.get("properties")
    found = list(own.items()) if isinstance(own, dict) else []
    return found + [it for part in schema.values() for it in properties(part)]


def test_every_property_of_the_json_schema_is_described_beyond_its_name() -> None:
    found = properties(json_schema())
    assert len(found) > 390
    for name, it in found:
        beyond = words(it.get("description", "")) - words(name.replace("_", " "))
        assert len(beyond) >= 2, name


@pytest.mark.parametrize("key", keys(), ids=lambda it: it.path)
def test_a_key_says_all_that_may_be_asked(key: Key) -> None:
    assert len(words(key.meaning) - words(key.name.replace("_", " "))) >= 2
    assert key.meaning.endswith(".")
    assert key.range
    assert not key.higher.endswith(".")
    if key.kind in NUMBERS:
        assert key.unit or key.path == "seed"  # a label
        assert len(words(key.higher)) >= 2
    else:
        assert not key.unit
        assert not key.higher
    if key.kind in NUMBERS and key.stated and key.default != "none":
        assert key.source
    if not key.stated:
        assert key.default.startswith("left out: ") or key.default == "none: it has to be stated"


def test_every_field_is_declared_by_a_key() -> None:
    for model in parts(Scenario):
        assert model.declared.keys() == model.model_fields.keys(), model.__name__


def named(source: str) -> bool:
    """Whether a source says whose figure it is: ours, or somebody's of a year."""
    return OURS in source or re.search(r"\b(1[89]|20)\d\d\b", source) is not None


def test_what_holds_where_no_rule_speaks_says_whose_figure_it_is() -> None:
    said = [it for part in parts(Scenario) for it in part.declared.values()]
    assert sum(it.otherwise is not None for it in said) > 25
    for it in said:
        if it.otherwise is not None:
            assert named(it.source), it.meaning
    for key in keys():
        if "world mean" in key.source or "fit" in key.source:
            assert named(key.source), key.path


def test_a_drought_and_a_campaign_have_ranges_of_their_own() -> None:
    (strength,) = explain.find("interventions.*.strength")
    assert strength.range == "a drought's 0 to 1, a campaign's -1 to 1"
    severity = [it for it in keys() if it.name in ("severity", "peak")]
    assert {it.unit for it in severity} == {"severity, 0 to 1"}


def test_old_names_are_free() -> None:
    """An old name is no name of today, and belongs to one key of its section."""
    for key in keys():
        if key.formerly:
            beside = explain.neighbours(key)
            assert key.formerly not in {it.name for it in beside}
            assert key.formerly not in {it.formerly for it in beside}


@pytest.mark.parametrize("fence", [{}, {"barrier": 0.5}], ids=["no rules", "fences"])
def test_what_is_said_to_hold_where_no_rule_speaks_is_what_its_statement_brings(
    fence: dict[str, float],
) -> None:
    """Every value that holds otherwise, stated by a rule of every country, changes nothing."""
    scenario = small()
    network = world(scenario).network
    said = {name: it.otherwise for name, it in Policy.declared.items() if it.otherwise is not None}
    said = {name: value for name, value in said.items() if name not in fence}
    by_channel = {"quota", "fee", "min_education"} | {n for n in said if isinstance(said[n], dict)}
    rules: list[dict[str, Any]] = []
    for channel in ("labour", "family", "asylum", "irregular"):
        stated = {n: said[n][channel] if isinstance(said[n], dict) else said[n] for n in by_channel}
        rules.append({"channel": channel} | stated)
    rules.append({name: value for name, value in said.items() if name not in by_channel})
    # No limit is no number, and cannot be stated.
    rules = [{name: it for name, it in rule.items() if it != np.inf} for rule in rules]

    def in_force(*stated: dict[str, Any]) -> Rules:
        policies = tuple(
            Policy.model_validate({"id": f"{country.id}_{i}", "into": country.id} | rule)
            for country in scenario.countries
            for i, rule in enumerate(stated)
        )
        spoken = scenario.model_copy(update={"policies": policies})
        return Rules(spoken, network, scenario.time.start)

    before, after = in_force(*([fence] if fence else [])), in_force(fence, *rules)
    assert before.added.keys() <= said.keys()
    compare = {**vars(before), **before.added, **before.custody._asdict()}
    found = {**vars(after), **after.added, **after.custody._asdict()}
    numbers = [name for name, value in compare.items() if isinstance(value, np.ndarray)]
    assert len(numbers) > 25
    for name in numbers:
        np.testing.assert_array_equal(compare[name], found[name], err_msg=name)


@pytest.mark.parametrize(
    ("otherwise", "text"),
    [
        (0.3, "0.3"),
        (24.0, "24"),
        (False, "false"),
        (np.inf, "no limit"),
        ({"family": 12.0, "asylum": 6.0}, "family 12, asylum 6"),
    ],
)
def test_what_holds_otherwise_is_put_in_words(otherwise: Any, text: str) -> None:
    assert Declaration(None, "Something.", otherwise=otherwise).left_out == text


def test_keys_md_is_what_the_declarations_say() -> None:
    assert (DOCS / "keys.md").read_text(encoding="utf-8") == explain.keys_document(), "make docs"


def test_the_defaults_of_the_model_are_what_the_declarations_say() -> None:
    text = (DOCS / "model.md").read_text(encoding="utf-8")
    assert explain.model_document(text) == text, "make docs"


def test_model_md_is_left_alone_but_for_its_tables() -> None:
    before = f"above\n{explain.BEGIN}\nold\n{explain.END}\nbelow\n"
    after = explain.model_document(before)
    assert after.startswith(f"above\n{explain.BEGIN}\n")
    assert after.endswith(f"{explain.END}\nbelow\n")
    assert "old" not in after.splitlines()
    assert "| `decision.nest` | 0.3 | scale from 0 to 1 | mu |" in after


def test_keys_are_those_of_the_schema() -> None:
    paths = {it.path for it in keys()}
    assert {it.alias or name for name, it in Scenario.model_fields.items()} <= paths
    assert {"policies.*.except", "stocks.*.from", "threats.*.*.severity", "scenario"} <= paths
    assert "sweep.vary.*.low" in paths
    assert len(paths) == len(keys())


# --- sim explain -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "paths"),
    [
        ("decision.nest", ["decision.nest"]),
        ("nest", ["decision.nest"]),
        ("policies.*.quota", ["policies.*.quota"]),
        ("policies.quota", ["policies.*.quota"]),
        ("policies.wall.quota", ["policies.*.quota"]),
        ("quota", ["policies.*.quota", "politics.levers.quota"]),
        ("levers.quota", ["politics.levers.quota"]),
        ("decision.tie", ["decision.home_attachment"]),
        ("rush", ["decision.surge"]),
        ("corridors.tactics", ["corridors.*.route_options"]),
        ("decision", ["decision"]),
        ("threats.ALE.food.severity", ["threats.*.*.severity"]),
        ("nst", []),
        ("", []),
        ("decision.quota", []),
    ],
)
def test_what_a_word_means(word: str, paths: list[str]) -> None:
    assert [it.path for it in find(word)] == paths


def test_explain(call: Any) -> None:
    code, out, err = call("explain", "decision.home_attachment")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "decision.home_attachment"
    assert lines[1].startswith("  How strongly people are attached to the place they come from.")
    for line in (
        "  unit              log rate; utility",
        "  range             -50 to 50",
        "  default           1",
        "  a higher value    fewer people leave home to live better, and more come back",
        "  source            our assumption",
        "  old name          tie",
        "Beside it in decision:",
    ):
        assert line in lines
    assert any(it.startswith("  place_attachment ") for it in lines)
    assert max(map(len, lines[: lines.index("Beside it in decision:")])) <= explain.WIDTH


def test_explain_a_section_lists_its_keys(call: Any) -> None:
    _, out, _ = call("explain", "corridors")
    assert "Keys of corridors:" in out
    assert "  route_options " in out
    assert "  money_lost " in out


def test_explain_lists_several(call: Any) -> None:
    code, out, _ = call("explain", "quota")
    assert code == 0
    assert out.splitlines()[0].startswith("policies.*.quota ")
    assert out.splitlines()[1].startswith("politics.levers.quota ")


def test_explain_as_json(call: Any) -> None:
    _, out, _ = call("explain", "decision.nest", "--json")
    (found,) = json.loads(out)
    assert (found["path"], found["range"], found["default"]) == (
        "decision.nest",
        "0.05 to 1",
        "0.3",
    )
    assert "decision.risk" in found["neighbours"]


def test_explain_quietly(call: Any) -> None:
    assert call("explain", "decision.nest", "--quiet") == (0, "", "")


def test_an_unknown_key_is_told_with_the_nearest(call: Any) -> None:
    code, out, err = call("explain", "decision.nst")
    assert (code, out) == (2, "")
    assert "no key of a scenario is called 'decision.nst'; did you mean decision.nest" in err
    code, _, err = call("explain", "zzzz")
    assert code == 2
    assert "`sim schema` prints all" in err


def test_what_an_id_names_is_read_off_its_type_whatever_holds_it() -> None:
    class Pledge(Part):
        host: CountryId = declare(..., "Country that takes refugees.")
        by: CountryId | None = declare(None, "Country that pays.", left_out="no one pays")
        camps: tuple[RegionId, ...] = declare((), "Where they are taken from.")
        shares: dict[CountryId, Share] = declare({}, "Shares by country.")
        id: Id = declare(..., "Word by which reports name it.")

    assert refers(Pledge, "host") == refers(Pledge, "by") == refers(Pledge, "shares")
    assert refers(Pledge, "host") == ("countries",)
    assert refers(Pledge, "camps") == ("places", "countries")
    assert refers(Pledge, "id") == ()
