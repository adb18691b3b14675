"""Nobody is lost and nothing is counted twice, at every step of a world in which all happens."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sim.core.state import HEAD, HELD
from sim.core.terms import Activity, Status
from sim.engine.step import advance
from sim.kernels.household import party_sizes
from sim.mechanisms import asylum, decide
from sim.mechanisms.admission import APPLICATIONS
from sim.mechanisms.asylum import CLAIMS
from sim.mechanisms.census import ACCOUNT, LostPeopleError
from sim.mechanisms.journey import PARTIES
from tests.small import HARSH, small, small_tables, steps, tables, world


def total() -> int:
    return ACCOUNT.of(world()).start


def test_account_and_stocks_close_every_month():
    found = small_tables()
    account = found["account"].pivot_table(
        index="date", columns="activity", values="people", aggfunc="sum", observed=False
    )
    months = [d.replace(day=1) for d in account.index]

    def by_month(table: str, what: str) -> np.ndarray:
        sums = found[table].query(what).groupby("date")["people"].sum()
        return sums.reindex(months, fill_value=0).to_numpy()

    births = by_month("vital", "event == 'birth'")
    assert births.sum() > 0
    everybody = total() + np.cumsum(births)
    assert (account.sum(axis=1) == everybody).all()
    stocks = found["stocks"].groupby("date")["people"].sum()
    assert (stocks + account["travelling"] + account["dead"] == everybody).all()
    natural, on_the_way = (
        by_month("vital", "event == 'death'"),
        by_month("harms", "harm == 'death'"),
    )
    assert natural.sum() > 0
    assert on_the_way.sum() > 0
    assert (np.diff(account["dead"], prepend=0) == natural + on_the_way).all()


@pytest.mark.parametrize("every", ["day", "week", "month"])
def test_everybody_is_in_exactly_one_state(every):
    at = world(small(f"time.step={every}", "time.end=2020-10"))
    people = before = at.people._replace(
        pid=at.people.pid.copy(), household=at.people.household.copy()
    )
    start = len(people.pid)
    n_moving = 0
    for census in steps(at):
        people = at.people
        weight = at.weight[people.home]
        n = len(before.pid)
        assert (people.pid[:n] == before.pid).all()
        assert len(np.unique(people.pid)) == len(people.pid)
        assert census.activities.sum() == ACCOUNT.of(at).start + ACCOUNT.of(at).born == weight.sum()
        assert ACCOUNT.of(at).born == weight[start:].sum()
        alive = people.activity != Activity.dead
        assert ((people.flags & HEAD > 0) <= alive).all()
        # Each household has exactly one head, and lives and moves together.
        heads = np.flatnonzero(people.flags & HEAD)
        assert len(np.unique(people.household[heads])) == len(heads)
        head_of = np.full(len(people.pid), -1)
        head_of[people.household[heads]] = heads
        mine = head_of[people.household]
        assert (mine[alive] >= 0).all()
        for column in (
            people.place, people.activity, people.status, people.mask, people.uprooted,
        ):  # fmt: skip
            assert (column[alive] == column[mine[alive]]).all()
        assert (people.means >= 0).all()
        # A household loses members to households of their own, or to death; it gains newborns.
        stays = people.household[:n] == before.household
        assert (stays | (people.household[:n] == np.arange(n))).all()
        before = people._replace(pid=people.pid.copy(), household=people.household.copy())
        # Birth households are rings that hold everybody once.
        assert (np.sort(people.sibling) == np.arange(len(people.pid))).all()
        # A party for all who travel or are held, an application for all who wait, a claim for
        # all who claim.
        parties = PARTIES.of(at).head
        n_moving += len(parties)
        assert len(np.unique(parties)) == len(parties)
        on_the_way = (Activity.travelling, Activity.detained, Activity.captive)
        away = heads[np.isin(people.activity[heads], on_the_way)]
        assert set(away) == set(parties)
        held = PARTIES.of(at).leg == HELD
        assert (held == (people.activity[parties] != Activity.travelling)).all()
        waiting = heads[people.activity[heads] == Activity.waiting]
        assert set(waiting) == set(APPLICATIONS.of(at).head)
        assert len(CLAIMS.of(at).person) == len(np.unique(CLAIMS.of(at).person))
        claimants = np.flatnonzero(alive & (people.status == Status.claimant))
        assert set(claimants) <= set(CLAIMS.of(at).person)
        # The blocked are residents' households.
        assert census.blocked_heads.sum() <= weight[heads].sum()
    assert n_moving > 20
    assert len(people.pid) > start


def test_the_five_answers_sum_to_the_heads_and_people_who_were_asked(monkeypatch):
    asked = {"heads": 0, "people": 0, "again": 0, "further": 0}
    ask = decide.ask
    spoken: set[int] = set()
    since: dict[int, tuple[int, int]] = {}

    def spy(at, now, asked_now, *rest):
        people, rows = at.people, asked_now.heads
        answers = ask(at, now, asked_now, *rest)
        events = answers.events
        # Once a step each, again where they have come to live within it, and again if they give
        # a second answer that is not to stay.
        first = len(rest) == 2  # everybody's households are known; those asked again come without
        if at.first_substep and first:
            spoken.clear()
            since.clear()
        now_here = dict(
            zip(
                rows.tolist(), zip(people.place[rows], people.moved[rows], strict=True), strict=True
            )
        )
        heads = {row for row, here in now_here.items() if since.get(row) != here}
        if first and not at.first_substep:
            heads = set()
        since.update(now_here)
        told = set(events.head.tolist())
        asked["again"] += len(told & spoken - heads)
        heads |= told & spoken
        spoken.update(told)
        rows = np.array(sorted(heads), np.int64)
        weight = at.weight[people.home]
        asked["heads"] += int(weight[rows].sum())
        inside = np.isin(people.household, people.household[rows])
        asked["people"] += int(weight[inside & (people.activity != Activity.dead)].sum())
        # So does who is told no more often than once, or moves after it.
        rows, further = np.unique(events.head, return_counts=True)
        further -= 1
        asked["heads"] += int((weight[rows] * further).sum())
        asked["people"] += int((weight[rows] * further * party_sizes(people, rows)).sum())
        asked["further"] += int(further.sum())
        return answers

    monkeypatch.setattr(decide, "ask", spy)
    found = tables()
    assert found["answers"]["households"].sum() == asked["heads"]
    assert (found["answers"]["households"] > 0).all()
    assert asked["again"] > 5
    assert asked["further"] > 100
    # Who is left of a household by a pioneer is counted, too: they stay.
    assert found["answers"]["people"].sum() == asked["people"]
    asked["heads"] = 0
    everyone = tables(small("outputs.by=[]"))["answers"]
    assert everyone["households"].sum() == asked["heads"] == found["answers"]["households"].sum()


def test_attribution_sums_to_the_people_who_move_of_necessity():
    found = small_tables()
    keys = ["date", "place"]
    forced = (
        found["answers"].query("answer == 'necessity'").groupby(keys, observed=True)["people"].sum()
    )
    shares = found["attribution"].groupby(keys, observed=True)["people"].sum()
    both = pd.concat([forced, shares], axis=1).fillna(0).to_numpy()
    assert len(both) > 50
    assert (both[:, 0] == both[:, 1]).all()


def test_a_threat_that_nobody_feels_is_blamed_for_nothing():
    found = tables(small("threats.default.community=0", "exposure.crowding.community=0"))
    assert found["attribution"].query("threat == 'community'")["people"].sum() == 0


def test_who_set_out_has_arrived_died_been_left_behind_or_is_on_the_way():
    # Births and natural deaths on the way are told by place, not by where people are bound.
    found = tables(small("population.demography=false"))
    flows = found["flows"]
    departed, arrived = flows["departed"].sum(), flows["arrived"].sum()
    account = found["account"][found["account"]["date"] == found["account"]["date"].max()]
    account = account.groupby("activity", observed=False)["people"].sum()
    under_way = account[["travelling", "detained", "captive"]].sum()
    harms = found["harms"].groupby("harm", observed=True)["people"].sum()
    assert departed == arrived + under_way + harms["death"] + harms["stranding"]
    # By channel: nobody is lost on regular travel.
    regular = flows[flows["channel"].isin(["labour", "family", "internal", "home"])]
    lost = regular["departed"].sum() - regular["arrived"].sum()
    assert 0 <= lost <= account["travelling"]


@pytest.mark.parametrize("changes", [(), HARSH], ids=["as it is", "harsh"])
def test_journeys_are_flows_by_corridors_into_other_countries(changes):
    found = tables(small("population.demography=false", *changes))
    flows, journeys = found["flows"], found["journeys"]
    of = {place.id: place.country for place in small().places}
    abroad = flows["origin"].map(of).astype(str) != flows["destination"].map(of).astype(str)
    irregular = flows[abroad & flows["channel"].isin(["asylum", "irregular"])]
    for column in ("departed", "arrived"):
        assert journeys[column].sum() == irregular[column].sum() > 0
    harms = found["harms"]
    ways = [corridor.id for corridor in small().corridors]
    home = harms.query("harm == 'forced_return'")
    home = home[home["corridor"].isin(ways)]["people"].sum()
    stranded = harms.query("harm == 'stranding'")["people"].sum()
    assert journeys["failed"].sum() == home + stranded > 0
    stopped = harms.query("harm == 'interception'")
    for by in (["date"], ["corridor"], ["citizenship"]):
        told, all_ = (
            frame.groupby(by, observed=True)["people"].sum()
            for frame in (found["interceptions"], stopped)
        )
        assert told.to_dict() == all_.to_dict()
    intercepted = found["interceptions"].groupby("party", observed=False)["people"].sum()
    # Few children travel alone, so it is left to chance whether one of them is intercepted.
    assert (intercepted[["adults", "families"]] > 0).all()
    assert (journeys.groupby("party", observed=False)["departed"].sum() > 0).all()
    assert bool(changes) == (home > 0) == bool((journeys["caravan"] == "walk").any())


@pytest.mark.parametrize("harm", ["activity", "head", "death", "birth", "burial"])
def test_a_loss_is_noticed(harm):
    at = world()
    while not len(PARTIES.of(at).head):
        advance(at)
    if harm == "activity":
        at.people.activity[PARTIES.of(at).head[0]] = Activity.resident
        PARTIES.of(at).due[:] = 1e9
    elif harm == "head":
        ACCOUNT.of(at).start += 1
    elif harm == "birth":
        ACCOUNT.of(at).born += 1
    elif harm == "burial":
        ACCOUNT.of(at).died -= 1
    else:
        at.people.activity[at.deciding[5]] = Activity.dead
    with pytest.raises(LostPeopleError, match=str(at.date().year)):
        advance(at)


def test_camps_are_never_overfull(monkeypatch):
    at = world(small("places.BB_K.capacity=20000", "decision.base_flight=.3"))
    camp = [p.id for p in at.scenario.places].index("BB_K")
    fullest = 0
    for census in steps(at):
        inside = int(census.stocks[camp].sum())
        assert inside <= 20_000
        fullest = max(fullest, inside)
    assert fullest > 19_000


def test_nobody_is_taken_to_a_camp_without_encampment():
    found = tables(small("policies.bb_refuge.encampment=0"))
    assert found["stocks"].query("place == 'BB_K'")["people"].sum() == 0


def test_quotas_hold_over_every_year_within_one_household():
    """Admissions are those who set out by a channel whose wait is nil."""
    at = small(
        "policies.bb_work.wait=0", "policies.bb_work.quota=12000", "decision.baseline_rate=.3",
        "time.end=2022-12",
    )  # fmt: skip
    flows = tables(at)["flows"]
    into = flows[(flows["channel"] == "labour") & flows["destination"].isin(["BB_T", "BB_C"])]
    by_month = into.groupby("date")["departed"].sum()
    household = 12 * at.places[0].people_per_agent
    assert by_month.sum() > 0.9 * 36_000 - household
    months = pd.date_range("2020-01-01", "2022-12-01", freq="MS")
    by_month = by_month.reindex(months, fill_value=0)
    in_a_year = by_month.rolling(12).sum().dropna()
    assert in_a_year.max() <= 12_000 * 366 / 365.25 + household


def test_courts_decide_no_more_claims_than_they_can(monkeypatch):
    """In real people; one household's claims may be carried over."""
    decided = []
    decide = asylum.take

    def spy(table, keep):
        if type(table).__name__ == "Claims" and keep.dtype == bool:
            decided.append(table.person[~keep])
        decide(table, keep)

    monkeypatch.setattr(asylum, "take", spy)
    at = world(small("policies.bb_courts.capacity=9000", "policies.bb_tighter.start=2020-03"))
    bb = [c.id for c in at.scenario.countries].index("BB")
    n = 0
    for _ in steps(at):
        people = at.people
        for rows in decided:
            done = rows[
                np.isin(people.status[rows], (Status.refugee, Status.ordered))
                & (at.country[people.place[rows]] == bb)
            ]
            n += int(at.weight[people.home[done]].sum())
        decided.clear()
        waiting = np.isin(CLAIMS.of(at).country, bb).sum() * at.weight[0]
        elapsed = at.day / 365.25
        assert n <= 9_000 * elapsed + 12 * at.weight.max()
    assert n > 5_000
    assert waiting > 0


def test_expected_answers_sum_to_the_heads_whom_realised_ones_sum_to():
    """The war and the rules cut steps into sub-steps: nobody is expected to stay twice a step."""
    answers = tables(small("outputs.expected=true", "time.end=2020-12"))["answers"]
    by_month = answers.groupby("date")[["households", "expected"]].sum()
    # Only how often people are told no more than once is left to chance.
    np.testing.assert_allclose(by_month["expected"], by_month["households"], rtol=0.005)
    assert (answers["expected"] > -1e-6).all()
