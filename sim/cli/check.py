"""sim check: problems of scenario files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from sim.cli.console import (
    BAD_INPUT,
    complain,
    problem_json,
    say,
    say_json,
    told_of_old_names,
)
from sim.cli.options import AsJson, Quiet
from sim.cli.wording import count_of
from sim.schema.errors import printable

if TYPE_CHECKING:
    from sim.schema import Decision, Scenario


def check(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Scenario files, or shipped names.")
    ],
    resolved: Annotated[
        bool, typer.Option("--resolved", help="Print the complete scenario, defaults filled in.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Check scenario files; all problems are reported at once."""
    from sim.scenario.reader import read
    from sim.scenario.size import told_of_size
    from sim.schema.errors import ScenarioError

    found: list[dict[str, Any]] = []
    texts: list[str] = []
    for file in files:
        problems: list[dict[str, Any]] = []
        summary: dict[str, Any] = {}
        try:
            with told_of_old_names() as warned:
                scenario = read(file)
                if _is_steep(scenario.decision):
                    from sim.engine.setup import build_world

                    build_world(scenario, scenario.seed)
                if not quiet and (large := told_of_size(scenario)):
                    complain(f"{printable(file)}: {large}")
                if scenario.sweep is not None:
                    from sim.experiments.plan import Study

                    study = Study(file)
                    study.check_points()
                    for note in () if quiet else study.notes:
                        complain(f"{printable(file)}: {printable(note)}")
        except ScenarioError as error:
            problems = [problem_json(problem) for problem in error.problems]
            complain(str(error))
        else:
            summary = _summary(scenario)
            if resolved:
                scenario = scenario.model_copy(update={"decision": _decision(scenario)})
            if resolved and as_json:
                summary["resolved"] = scenario.model_dump(mode="json", by_alias=True)
            elif resolved:
                from sim.scenario.writer import dump

                texts.append(dump(scenario))
            elif not (quiet or as_json):
                say(
                    f"{printable(file)}: ok ({count_of(summary['places'], 'place')}, "
                    f"{count_of(summary['corridors'], 'corridor')}, "
                    f"{summary['people']:,.0f} people)"
                )
        found.append(
            {
                "file": file,
                "ok": not problems,
                **summary,
                "problems": problems,
                "warnings": [problem_json(it) for it in warned],
            }
        )
    ok = all(one["ok"] for one in found)
    if as_json:
        say_json({"ok": ok, "files": found})
    elif texts:
        say("---\n".join(texts).rstrip("\n"))
    if not ok:
        raise typer.Exit(BAD_INPUT)


STEEP: Final = 10.0
"""Size of a coefficient over `decision.nest` from which values may overflow. They are a sum of such
coefficients times logarithms (of sizes 14 at most, of incomes and distances 5) and a few times 1,
some 40 in all, and have to stay below 700 (our assumption, with room to spare)."""


def _is_steep(decision: Decision) -> bool:
    """Whether only building the tables of choice tells if all values can be worked out.

    It takes seconds; coefficients that anybody means are far below.
    """
    numbers = [decision.home_attachment]
    for taste in (decision.livelihood, decision.flight):
        numbers += [it for it in taste.model_dump().values() if isinstance(it, float)]
    return max(map(abs, numbers)) / decision.nest > STEEP


def _decision(scenario: Scenario) -> Decision:
    """Return `decision`, for a variant with the rates of its base: a copy would solve its own."""
    base = scenario.variant_of
    if base is None:
        return scenario.decision
    from sim.engine.solve import can_alter, solve_base

    return (solve_base(scenario, base) if can_alter(scenario, base) else scenario).decision


def _summary(scenario: Scenario) -> dict[str, Any]:
    return {
        "name": scenario.name,
        "places": len(scenario.places),
        "corridors": len(scenario.corridors),
        "people": sum(place.people for place in scenario.places),
    }
