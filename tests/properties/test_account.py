"""Nobody is lost and nothing is counted twice, at every step of a world in which all happens."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sim.core.state import DIED, HELD, I64, NOBODY
from sim.core.terms import Activity, Status
from sim.engine.step import advance
from sim.mechanisms import asylum, decide, rounds
from sim.mechanisms.admission import APPLICATIONS
from sim.mechanisms.asylum import CLAIMS
from sim.mechanisms.census import ACCOUNT, LostPeopleError
from sim.mechanisms.journey import PARTIES
from sim.model.world import World
from tests.recount import Recount
from tests.small import HARSH, small, small_tables, steps, tables, world
from tests.worlds import living_members, random_world, take_out


def total() -> int:
    return int(ACCOUNT.of(world()).start.sum())


def sizes_of(at: World) -> I64:
    """[household] living members, counted person by person."""
    alive = at.persons.past & DIED == 0
    return np.bincount(at.persons.household[alive], minlength=len(at.households.ident))


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
    recount, n_start = Recount(at), len(at.persons.pid)
    pid, house, ident = (
        it.copy() for it in (at.persons.pid, at.persons.household, at.households.ident)
    )
    n_moving = 0
    for census in steps(at):
        households, persons, account = at.households, at.persons, ACCOUNT.of(at)
        n, m = len(pid), len(ident)
        assert (persons.pid[:n] == pid).all()
        assert (households.ident[:m] == ident).all()
        assert len(np.unique(persons.pid)) == len(persons.pid)
        assert len(np.unique(households.ident)) == len(households.ident)
        weight = households.weight[persons.household].astype(np.int64)
        assert weight.sum() == (account.start + account.born).sum()
        assert account.born.sum() == weight[n_start:].sum()
        alive = persons.past & DIED == 0
        citizenship = at.country[households.home[persons.household]]
        for c in range(at.n_countries):
            living = weight[alive & (citizenship == c)].sum()
            gone = account.died[c] + account.dead[c]
            assert census.activities[c].sum() == living == account.start[c] + account.born[c] - gone
            assert weight[~alive & (citizenship == c)].sum() == gone
        # Each household has exactly one list of members, and each family one circle.
        assert not recount.faults(at)
        assert (households.means >= 0).all()
        # A household loses members to households of their own, or to death; it gains newborns.
        left = np.flatnonzero(persons.household[:n] != house)
        assert (persons.household[left] >= m).all()
        assert (households.ident[persons.household[left]] == persons.pid[left]).all()
        assert set(persons.household[n:]) <= set(range(len(households.ident)))
        pid, house, ident = (it.copy() for it in (persons.pid, persons.household, households.ident))
        # A party for all who travel or are held, an application for all who wait, a claim for
        # all who claim.
        parties = PARTIES.of(at).household
        n_moving += len(parties)
        assert len(np.unique(parties)) == len(parties)
        on_the_way = (Activity.travelling, Activity.detained, Activity.captive)
        away = np.flatnonzero(np.isin(households.activity, on_the_way))
        assert set(away) == set(parties)
        held = PARTIES.of(at).leg == HELD
        assert (held == (households.activity[parties] != Activity.travelling)).all()
        waiting = np.flatnonzero(households.activity == Activity.waiting)
        applied = APPLICATIONS.of(at).household
        assert sorted(waiting) == sorted(applied)
        claims = CLAIMS.of(at).household
        assert len(claims) == len(np.unique(claims))
        claimants = (households.size > 0) & (households.status == Status.claimant)
        assert set(np.flatnonzero(claimants)) <= set(claims)
        # The blocked are residents' households.
        lives = households.size > 0
        assert census.blocked_households.sum() <= households.weight[lives].sum()
    assert n_moving > 20
    assert len(persons.pid) > n_start


def test_the_five_answers_sum_to_the_households_and_people_who_were_asked(monkeypatch):
    asked = {"households": 0, "people": 0, "again": 0, "further": 0}
    ask, ask_listed = decide.ask, decide.ask_listed
    spoken: set[int] = set()
    since: dict[int, tuple[int, int]] = {}
    listed = [False]

    def spy_listed(*rest):
        listed[0] = True
        answers = ask_listed(*rest)
        listed[0] = False
        return answers

    def spy(at, now, asked_now, *rest):
        households, houses = at.households, asked_now.houses
        answers = ask(at, now, asked_now, *rest)
        events = answers.events
        # Once a step each, again where they have come to live within it, and again if they give
        # a second answer that is not to stay.
        first = not listed[0]
        if at.first_substep and first:
            spoken.clear()
            since.clear()
        places = zip(households.place[houses], households.moved[houses], strict=True)
        now_here = dict(zip(houses.tolist(), places, strict=True))
        counted = {house for house, here in now_here.items() if since.get(house) != here}
        if first and not at.first_substep:
            counted = set()
        since.update(now_here)
        told = set(events.house.tolist())
        asked["again"] += len(told & spoken - counted)
        counted |= told & spoken
        spoken.update(told)
        houses, weight = np.array(sorted(counted), np.int64), households.weight.astype(np.int64)
        asked["households"] += int(weight[houses].sum())
        sizes = sizes_of(at)
        asked["people"] += int((weight * sizes)[houses].sum())
        # So does who is told no more often than once, or moves after it.
        houses, further = np.unique(events.house, return_counts=True)
        further -= 1
        asked["households"] += int((weight[houses] * further).sum())
        asked["people"] += int((weight[houses] * further * sizes[houses]).sum())
        asked["further"] += int(further.sum())
        return answers

    monkeypatch.setattr(decide, "ask", spy)
    monkeypatch.setattr(rounds, "ask_listed", spy_listed)
    found = tables()
    assert found["answers"]["households"].sum() == asked["households"]
    assert (found["answers"]["households"] > 0).all()
    assert asked["again"] > 5
    assert asked["further"] > 100
    # Who is left of a household by a pioneer is counted, too: they stay.
    assert found["answers"]["people"].sum() == asked["people"]
    asked["households"] = 0
    everyone = tables(small("outputs.by=[]"))["answers"]
    assert (
        everyone["households"].sum() == asked["households"] == found["answers"]["households"].sum()
    )


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


@pytest.mark.parametrize(
    "harm", ["activity", "start", "citizenship", "size", "death", "birth", "burial"]
)
def test_a_loss_is_noticed(harm):
    at = world()
    while not len(PARTIES.of(at).household):
        advance(at)
    households, account = at.households, ACCOUNT.of(at)
    if harm == "activity":
        households.activity[PARTIES.of(at).household[0]] = Activity.resident
        PARTIES.of(at).due[:] = 1e9
    elif harm == "start":
        account.start[0] += 1
    elif harm == "citizenship":
        # Nobody is missing in all.
        account.start[:2] += (1, -1)
    elif harm == "size":
        households.size[at.deciding[5]] += 1
    elif harm == "birth":
        account.born[0] += 1
    elif harm == "burial":
        account.died[0] -= 1
    else:
        households.activity[at.deciding[5]] = Activity.dead
    with pytest.raises(LostPeopleError, match=str(at.date().year)):
        advance(at)


def test_what_households_keep_of_their_members_is_what_a_recount_finds():
    """After every step of all random worlds, in which members die, are born and go ahead."""
    died = born = left = 0
    for number in range(24):
        at = random_world(number)
        recount, n_households, n_persons = (
            Recount(at),
            len(at.households.ident),
            len(at.persons.pid),
        )
        gone = (at.persons.past & DIED > 0).sum()
        assert not recount.faults(at), number
        for _ in steps(at):
            assert not recount.faults(at), (number, at.date())
            assert (at.households.size == sizes_of(at)).all(), (number, at.date())
        died += (at.persons.past & DIED > 0).sum() - gone
        born += len(at.persons.pid) - n_persons
        left += len(at.households.ident) - n_households
    assert died > 100
    assert born > 10
    assert left > 50


def two_that_live(at: World) -> tuple[int, int]:
    """Two households of several members, of different families."""
    one, other = np.flatnonzero(at.households.size > 2)[:2]
    return int(one), int(other)


def too_large(at: World) -> None:
    at.households.size[two_that_live(at)[0]] += 1


def not_dead(at: World) -> None:
    """The last member is gone, and the household goes on."""
    house = np.flatnonzero(at.households.size == 1)[0]
    at.persons.past[at.households.head[house]] |= DIED
    at.households.head[house], at.households.size[house] = NOBODY, 0


def headless(at: World) -> None:
    at.households.head[two_that_live(at)[0]] = NOBODY


def led_by_the_second(at: World) -> None:
    """A list that begins with the second member does not reach the first."""
    one, _ = two_that_live(at)
    at.households.head[one] = at.persons.next[at.households.head[one]]


def led_by_the_dead(at: World) -> None:
    one, _ = two_that_live(at)
    at.persons.past[at.households.head[one]] |= DIED
    at.households.size[one] -= 1


def cut_short(at: World) -> None:
    at.persons.next[at.households.head[two_that_live(at)[0]]] = NOBODY


def without_end(at: World) -> None:
    one, _ = two_that_live(at)
    at.persons.next[living_members(at, one)[-1]] = at.households.head[one]


def into_another(at: World) -> None:
    """The list of a household goes on with the members of another one."""
    one, other = two_that_live(at)
    at.persons.next[living_members(at, one)[-1]] = at.households.head[other]


def moved_by_half(at: World) -> None:
    """Somebody says to be in a household whose list does not say so."""
    one, other = two_that_live(at)
    at.persons.household[living_members(at, one)[1]] = other
    at.households.size[one] -= 1
    at.households.size[other] += 1


def adopted(at: World) -> None:
    """Somebody is in a household of another family, by all lists and sizes."""
    one, other = two_that_live(at)
    row = living_members(at, one)[1]
    take_out(at, row)
    at.persons.next[row] = at.households.head[other]
    at.households.head[other] = row
    at.persons.household[row] = other
    at.households.size[other] += 1


def open_circle(at: World) -> None:
    one, other = two_that_live(at)
    at.households.relative[one] = other


def two_families(at: World) -> None:
    """The circles of two families have become one."""
    relative, (one, other) = at.households.relative, two_that_live(at)
    relative[one], relative[other] = relative[other], relative[one]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (too_large, "of size"),
        (not_dead, "is resident"),
        (headless, "no list reaches"),
        (led_by_the_second, "no list reaches"),
        (led_by_the_dead, "nobody alive"),
        (cut_short, "no list reaches"),
        (without_end, "again"),
        (into_another, "reaches person"),
        (moved_by_half, "reaches person"),
        (adopted, "is in family"),
        (open_circle, "is the next of"),
        (two_families, "is in family"),
    ],
)
def test_a_recount_finds_what_is_wrong(damage, words):
    at = world(small("time.end=2020-03"))
    recount = Recount(at)
    advance(at)
    assert not recount.faults(at)
    damage(at)
    assert any(words in fault for fault in recount.faults(at))


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
            decided.append(table.household[~keep])
        decide(table, keep)

    monkeypatch.setattr(asylum, "take", spy)
    at = world(small("policies.bb_courts.capacity=9000", "policies.bb_tighter.start=2020-03"))
    bb = [c.id for c in at.scenario.countries].index("BB")
    n = 0
    for _ in steps(at):
        households = at.households
        for houses in decided:
            done = houses[
                np.isin(households.status[houses], (Status.refugee, Status.ordered))
                & (at.country[households.place[houses]] == bb)
            ]
            n += int(at.n_people(done).sum())
        decided.clear()
        waiting = (CLAIMS.of(at).country == bb).sum()
        elapsed = at.day / 365.25
        assert n <= 9_000 * elapsed + 12 * at.households.weight.max()
    assert n > 5_000
    assert waiting > 0


def test_expected_answers_sum_to_the_households_that_realised_ones_sum_to():
    """The war and the rules cut steps into sub-steps: nobody is expected to stay twice a step."""
    answers = tables(small("outputs.expected=true", "time.end=2020-12"))["answers"]
    by_month = answers.groupby("date")[["households", "expected"]].sum()
    # Only how often people are told no more than once is left to chance.
    np.testing.assert_allclose(by_month["expected"], by_month["households"], rtol=0.005)
    assert (answers["expected"] > -1e-6).all()
