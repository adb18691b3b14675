"""By which country people came, where that led, and what is decided on claims for asylum."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sim.core.state import DIED, DIED_NATURALLY, GROUNDS, I64
from sim.core.terms import Activity, Channel, ClaimStage, Status
from sim.engine.recorder import Recorder
from sim.kernels.household import died_at
from sim.mechanisms.asylum import CLAIMED
from sim.mechanisms.census import take_census
from sim.mechanisms.history import ON_THE_WAY
from sim.mechanisms.law import LAW, yearly_rate
from sim.mechanisms.relocation import bring
from sim.model.world import World
from tests.small import (
    AA,
    BB,
    CAPITAL,
    CC,
    NORTH,
    PORT,
    SOUTH,
    TOWN,
    small_tables,
    steps,
    world,
)
from tests.unit.test_journey import houses_of, move_on, safe, send
from tests.worlds import live_on

FAR = CAPITAL


def ways_of(at: World) -> tuple[I64, I64]:
    """([person] place, [person] country they came from, + 1); of the dead, as they died."""
    houses, persons = at.persons.household, at.persons
    place = at.households.place[houses].astype(np.int64)
    came = at.households.came[houses].astype(np.int64)
    dead = persons.past & DIED > 0
    place[dead], came[dead] = died_at(persons.next[dead])
    return place, came


def go(at: World, houses: I64, goal: int, channel: Channel) -> None:
    """Send people off and let all of them arrive, whatever lies between."""
    send(at, houses, goal, channel)
    move_on(at, at.day + 200)


def test_who_ended_up_elsewhere_came_from_somewhere_else() -> None:
    at = world()
    start = at.country[ways_of(at)[0]]
    n = len(start)
    for _ in steps(at):
        place, came = ways_of(at)
        here = at.country[place]
        assert (came[:n][here[:n] != start] > 0).all()
        crossed = came > 0
        assert (came[crossed] - 1 != here[crossed]).all()
        assert (here[:n][~crossed[:n]] == start[~crossed[:n]]).all()
    assert set(came[crossed] - 1) == {AA, BB, CC}
    # Births abroad are in it, with their mother's way.
    assert (came[n:] > 0).any()


@pytest.mark.parametrize(
    ("channel", "goal", "came"),
    [
        (Channel.irregular, TOWN, AA),
        (Channel.irregular, FAR, BB),  # by way of BB, all in one step
        (Channel.labour, FAR, AA),  # not by land
        (Channel.asylum, PORT, BB),
        (Channel.internal, SOUTH, None),
    ],
)
def test_the_last_border_says_where_people_came_from(
    channel: Channel, goal: int, came: int | None
) -> None:
    at = safe()
    houses = houses_of(at, NORTH, 60)
    go(at, houses, goal, channel)
    there = houses[at.households.place[houses] == goal]
    assert len(there) > 40
    assert (at.households.came[there] == (0 if came is None else came + 1)).all()
    others = np.setdiff1d(np.arange(len(at.households.ident)), houses)
    assert not at.households.came[others].any()


def test_states_that_send_people_on_are_where_they_came_from() -> None:
    at = safe()
    LAW.of(at).return_to[:, CC] = BB
    houses = houses_of(at, NORTH, 60)
    go(at, houses, PORT, Channel.asylum)
    assert (at.country[at.households.place[houses]] == BB).all()
    assert (at.households.came[houses] == CC + 1).all()
    # States that share claimants, and a state that carries out an order.
    bring(at, houses, CC)
    assert (at.households.came[houses] == BB + 1).all()
    at.households.status[houses] = Status.ordered
    at.households.since[houses] = at.day
    LAW.of(at).removal[:], LAW.of(at).orders_last[:] = yearly_rate(np.array(0.999)), 1e6
    live_on(at, at.day + 1000)
    home = at.households.place[houses] == NORTH
    assert home.mean() > 0.9
    assert (at.households.came[houses[home]] == CC + 1).all()


def test_paths_count_each_row_once() -> None:
    """Against a plain recount, row by row."""
    at = world()
    for _ in steps(at):
        pass
    # Nobody happens to be held before the first border on that day, or stranded.
    households, persons = at.households, at.persons
    resident = households.activity == Activity.resident
    households.activity[np.flatnonzero((households.came == 0) & resident)[:7]] = Activity.detained
    households.activity[np.flatnonzero((households.came > 0) & resident)[:7]] = Activity.stranded
    recorder = Recorder(at)
    recorder.record_end(at, take_census(at, at.day))
    found = recorder.frames(0)["paths"]
    names = [it.id for it in at.scenario.countries]
    rows = []
    for past, house, place, came in zip(
        persons.past, persons.household, *ways_of(at), strict=True
    ):  # fmt: skip
        activity, home = Activity(households.activity[house]), at.country[households.home[house]]
        if past & DIED:
            natural = bool(past & DIED_NATURALLY)
            outcome = "died_naturally" if natural else "died_on_the_way"
            if natural and not came:
                continue
        elif activity in (Activity.detained, Activity.captive):
            outcome = activity.name
        elif not came:
            continue
        elif activity.name in ON_THE_WAY:
            outcome = activity.name
        else:
            outcome = Status(households.status[house]).name
        left = came - 1 if came else home
        rows.append(
            (names[home], names[left], names[at.country[place]], outcome, households.weight[house])
        )
    by = ["citizenship", "came_from", "country", "outcome"]
    counted = pd.DataFrame(rows, columns=[*by, "people"]).groupby(by)["people"].sum()
    table = found.astype(dict.fromkeys(by, object)).groupby(by)["people"].sum()
    assert table.to_dict() == counted.to_dict()
    assert {"died_on_the_way", "died_naturally", "refugee", "stranded"} <= set(
        table.index.levels[3]
    )
    assert (found["date"] == pd.Timestamp(at.scenario.time.end)).all()


def test_paths_and_claims_agree_with_other_tables() -> None:
    found = small_tables()
    paths, harms = found["paths"], found["harms"]
    died = paths.loc[paths["outcome"] == "died_on_the_way", "people"].sum()
    assert died == harms.loc[harms["harm"] == "death", "people"].sum() > 0
    claims, flows = found["claims"], found["flows"]
    stages = claims.groupby("stage", observed=True)["people"].sum()
    assert set(stages.index) == {it.name for it in ClaimStage}
    # Who arrives for asylum claims it, or is taken for a refugee at once.
    foreign = flows["destination"].astype(str).str[:2] != flows["citizenship"].astype(str)
    arrived = flows.loc[(flows["channel"] == "asylum") & foreign, "arrived"].sum()
    assert stages["claimed"] + stages["accepted"] == arrived > 0
    assert 0 < stages["recognised"] + stages["rejected"] < 1.1 * stages["claimed"]


def test_decisions_are_counted_where_and_on_whom_they_fall() -> None:
    at = safe()
    law = LAW.of(at)
    law.courts[:], law.wait[:, :, Channel.asylum] = False, 1000
    houses = houses_of(at, NORTH, 400)
    at.households.flags[houses[::2]] |= GROUNDS
    go(at, houses, PORT, Channel.asylum)
    claimants = np.flatnonzero(at.households.status == Status.claimant)
    assert not CLAIMED.of(at)[:, :, ClaimStage.recognised :].any()
    law.wait[:, :, Channel.asylum] = 0
    live_on(at, at.day + 1)
    assert not (at.households.status == Status.claimant).any()
    counts = CLAIMED.of(at)
    for stage, status in (
        (ClaimStage.recognised, Status.refugee),
        (ClaimStage.rejected, Status.ordered),
    ):
        people = at.n_people(claimants[at.households.status[claimants] == status]).sum()
        assert counts[CC, AA, stage] == counts[:, :, stage].sum() == people > 0
    assert counts[CC, AA, ClaimStage.claimed] == at.n_people(claimants).sum()
