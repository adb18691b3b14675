"""By which country people came, where that led, and what is decided on claims for asylum."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sim.core.state import GROUNDS, HEAD, I64, Reasons
from sim.core.terms import Activity, Answer, Channel, ClaimStage, Companions, Status
from sim.engine.recorder import Recorder
from sim.mechanisms.asylum import CLAIMED, decide_claims, receive
from sim.mechanisms.census import take_census
from sim.mechanisms.choice import CHOICES
from sim.mechanisms.history import ON_THE_WAY
from sim.mechanisms.journey import advance_parties, set_out
from sim.mechanisms.policy import RULES
from sim.mechanisms.relocation import bring
from sim.mechanisms.removal import execute_returns, order_to_leave
from sim.model.substep import substep_of
from sim.model.world import World
from tests.small import small, small_tables, steps, world
from tests.worlds import prepare

PLACES = [place.id for place in small().places]
NORTH, SOUTH, TOWN, CITY, PORT, FAR = (
    PLACES.index(it) for it in ("AA_N", "AA_S", "BB_T", "BB_C", "CC_P", "CC_C")
)
AA, BB, CC = 0, 1, 2


def safe() -> World:
    """A world on its first day in which nothing happens on the way, and all are rich."""
    at = world(
        small("population.agents=20000", "decision.base_livelihood=1", "decision.flight_norm=1")
    )
    prepare(at)
    legs, way = at.network.legs, CHOICES.of(at).way
    for hazard in (legs.death, legs.violence, legs.extortion, legs.kidnapping, way.intercepted):
        hazard[:] = 0
    at.people.means[:] = 1e6
    RULES.of(at).stated("encampment")[:] = 0
    return at


def heads_of(at: World, place: int, n: int) -> I64:
    """Heads at home in a place."""
    people = at.people
    mine = (people.flags & HEAD > 0) & (people.place == place) & (people.home == place)
    return np.flatnonzero(mine)[:n]


def members(at: World, heads: I64) -> I64:
    return np.flatnonzero(np.isin(at.people.household, at.people.household[heads]))


def go(at: World, heads: I64, goal: int, channel: Channel) -> None:
    """Send people off and let all of them arrive, whatever lies between, in one go."""
    n = len(heads)
    set_out(
        at, heads, np.full(n, goal), np.full(n, int(channel)),
        np.full(n, int(Companions.whole)), np.zeros(n),
        Reasons(np.full(n, int(Answer.necessity)), np.zeros(n, int)), np.zeros(n),
    )  # fmt: skip
    receive(at, advance_parties(at, substep_of(at, 400)).arrived)


def test_who_ended_up_elsewhere_came_from_somewhere_else() -> None:
    at = world()
    start = at.country[at.people.place].copy()
    n = len(start)
    for _ in steps(at):
        people, here = at.people, at.country[at.people.place]
        assert (people.came[:n][here[:n] != start] > 0).all()
        crossed = people.came > 0
        assert (people.came[crossed] - 1 != here[crossed]).all()
        assert (here[:n][~crossed[:n]] == start[~crossed[:n]]).all()
    came = people.came[crossed] - 1
    assert set(came) == {AA, BB, CC}
    # Births abroad are in it, with their mother's way.
    assert (people.came[n:] > 0).any()


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
    heads = heads_of(at, NORTH, 60)
    rows = members(at, heads)
    go(at, heads, goal, channel)
    there = rows[at.people.place[rows] == goal]
    assert len(there) > 40
    assert (at.people.came[there] == (0 if came is None else came + 1)).all()
    others = np.setdiff1d(np.arange(len(at.people.pid)), rows)
    assert not at.people.came[others].any()


def test_states_that_send_people_on_are_where_they_came_from() -> None:
    at = safe()
    RULES.of(at).return_to[:, CC] = BB
    heads = heads_of(at, NORTH, 60)
    rows = members(at, heads)
    go(at, heads, PORT, Channel.asylum)
    assert (at.country[at.people.place[rows]] == BB).all()
    assert (at.people.came[rows] == CC + 1).all()
    # States that share claimants, and a state that carries out an order.
    bring(at, heads, CC, 30)
    assert (at.people.came[rows] == BB + 1).all()
    at.people.status[rows] = Status.ordered
    order_to_leave(at, rows, np.zeros(len(rows)))
    RULES.of(at).stated("returns")[:] = 0.999
    execute_returns(at, substep_of(at, 3650))
    home = at.people.place[rows] == NORTH
    assert home.mean() > 0.9
    assert (at.people.came[rows[home]] == CC + 1).all()


def test_paths_count_each_row_once() -> None:
    """Against a plain recount, row by row."""
    at = world()
    for _ in steps(at):
        pass
    # Nobody happens to be held before the first border on that day, or stranded.
    before_it = np.flatnonzero((at.people.came == 0) & (at.people.activity == Activity.resident))
    at.people.activity[before_it[:7]] = Activity.detained
    abroad = np.flatnonzero((at.people.came > 0) & (at.people.activity == Activity.resident))
    at.people.activity[abroad[:7]] = Activity.stranded
    recorder = Recorder(at)
    recorder.record_end(at, take_census(at, at.day))
    found = recorder.frames(0)["paths"]
    people, names = at.people, [it.id for it in at.scenario.countries]
    rows = []
    for row in range(len(people.pid)):
        activity = Activity(people.activity[row])
        crossed, natural = people.came[row] > 0, bool(people.flags[row] & 128)
        if activity == Activity.dead:
            outcome = "died_naturally" if natural else "died_on_the_way"
            if natural and not crossed:
                continue
        elif activity in (Activity.detained, Activity.captive):
            outcome = activity.name
        elif not crossed:
            continue
        elif activity.name in ON_THE_WAY:
            outcome = activity.name
        else:
            outcome = Status(people.status[row]).name
        home, here = at.country[people.home[row]], at.country[people.place[row]]
        came = people.came[row] - 1 if crossed else home
        rows.append((names[home], names[came], names[here], outcome, at.weight[people.home[row]]))
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
    RULES.of(at).capacity[:] = np.inf
    RULES.of(at).wait[:, :, Channel.asylum] = 0
    heads = heads_of(at, NORTH, 400)
    at.people.traits[members(at, heads[::2])] |= GROUNDS
    go(at, heads, PORT, Channel.asylum)
    claimants = np.flatnonzero(at.people.status == Status.claimant)
    decide_claims(at, substep_of(at, 4000))
    counts, weight = CLAIMED.of(at), at.weight[NORTH]
    for stage, status in (
        (ClaimStage.recognised, Status.refugee),
        (ClaimStage.rejected, Status.ordered),
    ):
        rows = (at.people.status[claimants] == status).sum()
        assert counts[CC, AA, stage] == counts[:, :, stage].sum() == rows * weight > 0
    assert counts[CC, AA, ClaimStage.claimed] == len(claimants) * weight
