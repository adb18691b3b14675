"""What mechanisms declare: written down as it is, and every name and number once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from sim.core.rng import REPLICATE, Draw
from sim.engine import declarations
from sim.engine.declarations import declared, files
from sim.engine.stages import STAGES
from sim.experiments.design import SAMPLE, STRATUM
from sim.mechanisms import custody, demography, lives
from sim.mechanisms.registry import MECHANISMS
from sim.model import declare
from sim.model.declare import Fault, Hook, Mechanism, keys_of
from sim.scenario import checks
from sim.scenario.reader import read
from sim.schema import Scenario as CommonScenario
from sim.schema.errors import ScenarioError
from sim.schema.key import Part, key
from tests.small import FILE

DRAWS = [REPLICATE, STRATUM, SAMPLE, *(draw for it in MECHANISMS for draw in it.draws)]


def twice(names: Iterable[object]) -> list[object]:
    """Those that are there more than once."""
    names = list(names)
    return [name for name in names if names.count(name) > 1]


def test_what_is_written_down_is_what_is_declared() -> None:
    for path, text in files().items():
        assert path.read_text(encoding="utf-8") == text, (
            f"{path.name} is out of date: run python -m sim.engine.declarations"
        )


def test_the_registry_and_the_stages_hold_all_that_is_declared() -> None:
    assert list(MECHANISMS) == declared()
    listed = [(name, hook) for name, hooks in STAGES for hook in hooks]
    hooks = [hook for it in MECHANISMS for hook in it.hooks]
    assert [name for name, _ in STAGES] == list(declare.STAGES)
    assert len(listed) == len(hooks)
    ranks = {stage: n for n, stage in enumerate(declare.STAGES)}
    in_order = sorted(hooks, key=lambda it: (ranks[it.stage], it.order))
    assert listed == [(it.stage, it.do) for it in in_order]


def test_every_counter_state_and_table_has_a_name_of_its_own() -> None:
    for kind in ("counters", "states", "tables"):
        names = [it.name for mechanism in MECHANISMS for it in getattr(mechanism, kind)]
        assert len(names) > 10
        assert not twice(names), kind
    assert not twice(it.name for it in MECHANISMS)


def test_every_kind_of_draw_has_a_name_and_a_number_of_its_own() -> None:
    """Two of one number would share their luck."""
    assert len(DRAWS) > 30
    free = 1 + max(draw.number for draw in DRAWS)
    assert not twice(draw.number for draw in DRAWS), f"the next number that is free is {free}"
    assert not twice(draw.name for draw in DRAWS)


def test_every_draw_of_a_mechanism_is_declared() -> None:
    for mechanism in MECHANISMS:
        others = {draw for it in MECHANISMS if it is not mechanism for draw in it.draws}
        used = draws_in(import_module(f"sim.mechanisms.{mechanism.name}"))
        assert used - others == set(mechanism.draws), mechanism.name


def draws_in(module: ModuleType) -> set[Draw]:
    """Kinds of draws that stand in a module, alone or several together."""
    values = [it if type(it) is tuple else (it,) for it in vars(module).values()]
    return {it for some in values for it in some if isinstance(it, Draw)}


@pytest.fixture
def declaring(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets a file of the mechanisms declare something else."""

    def change(module: ModuleType, mechanism: Mechanism) -> None:
        monkeypatch.setattr(module, "MECHANISM", mechanism)

    return change


def test_two_hooks_in_one_place_are_refused(declaring: Callable[..., None]) -> None:
    taken = demography.MECHANISM.hooks[0]
    hooks = (*lives.MECHANISM.hooks, Hook(taken.stage, taken.order, lives.tell_lives))
    declaring(lives, replace(lives.MECHANISM, hooks=hooks))
    name = taken.do.__name__
    message = f"{name} and tell_lives share place {taken.order} of stage 'people'"
    with pytest.raises(ValueError, match=message):
        declared()


def test_the_same_place_in_another_stage_is_another(declaring: Callable[..., None]) -> None:
    """The control of the above."""
    taken = demography.MECHANISM.hooks[0]
    hooks = (*lives.MECHANISM.hooks, Hook("count", taken.order + 1000, lives.tell_lives))
    declaring(lives, replace(lives.MECHANISM, hooks=hooks))
    assert lives.MECHANISM in declared()


def test_a_declaration_that_is_not_called_as_its_file_is_refused(
    declaring: Callable[..., None],
) -> None:
    declaring(custody, replace(custody.MECHANISM, name="jail"))
    with pytest.raises(ValueError, match=r"custody\.py declares a mechanism 'jail'"):
        declared()


def test_a_new_file_is_found_and_one_that_declares_nothing_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    new, silent = ModuleType("sim.mechanisms.new"), ModuleType("sim.mechanisms.silent")
    new.MECHANISM = Mechanism(
        "new", "does something new", hooks=(Hook("count", 999, lives.tell_lives),)
    )
    before = declared()
    for module in (new, silent):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    found = [*declarations.pkgutil.iter_modules(declarations.sim.mechanisms.__path__)]
    found += [SimpleNamespace(name="new"), SimpleNamespace(name="silent")]
    monkeypatch.setattr(declarations.pkgutil, "iter_modules", lambda _: iter(found))
    assert declared() == [*before, new.MECHANISM]
    registry, stages, _ = files().values()
    assert "    new.MECHANISM,\n" in registry
    assert "            new.tell_lives,\n" in stages
    assert "silent" not in registry


def test_keys_of_rules_that_no_table_can_hold_are_refused() -> None:
    class Rule(Part):
        hosts: tuple[str, ...] | None = key(None, "Where refugees are taken from.")

    with pytest.raises(TypeError, match="the key hosts of rules is neither a number nor"):
        Mechanism("new", "does something new", rule_keys=Rule)


def test_keys_of_rules_without_a_value_where_no_rule_speaks_are_refused() -> None:
    class Rule(Part):
        hosted: float | None = key(None, "Share of refugees who live with a family.")

    with pytest.raises(TypeError, match="the key hosted of rules does not say what holds"):
        Mechanism("new", "does something new", rule_keys=Rule)


def test_a_section_of_a_mechanism_is_read_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Other(Part):
        pass

    scenario = read(FILE)
    assert keys_of(CommonScenario, scenario) is scenario
    with pytest.raises(TypeError, match="lacks the keys of Other"):
        keys_of(Other, scenario)

    def faults(found: Any) -> list[Fault]:
        return [Fault(("policies", 0, "barrier"), "{} is a fault", "mend it")]

    new = Mechanism("new", "does something new", checks=faults)
    monkeypatch.setattr(checks, "MECHANISMS", (new,))
    with pytest.raises(ScenarioError, match=r"policies\[bb_border\]\.barrier is a fault"):
        read(FILE)
