"""Nobody is lost and nothing is counted twice, at every step of a world in which all happens."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.asking import Events
from sim.core.state import BLOCKED, BLOCKED_PERMISSION, DIED, HELD, I64, LONG_AGO, NOBODY
from sim.core.terms import Activity, Answer, Status
from sim.engine.recorder import Recorder
from sim.engine.step import advance
from sim.mechanisms.census import ACCOUNT, LostPeopleError
from sim.mechanisms.decide import HOUSEHOLDS, MOVE
from sim.mechanisms.plans import PLANS
from sim.model.world import World
from tests.recount import Recount
from tests.small import HARSH, small, small_tables, steps, tables, world
from tests.worlds import events_of, living_members, random_world, take_out


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
    n_moving = n_claims = n_joined = n_founded = 0
    for census in steps(at):
        households, persons, account = at.households, at.persons, ACCOUNT.of(at)
        n, founded = len(pid), ident != 0
        assert (persons.pid[:n] == pid).all()
        # Rows that nobody had founded yet may have been founded; others are as they were.
        assert (households.ident[: len(ident)][founded] == ident[founded]).all()
        founded = np.append(founded, np.zeros(len(households.ident) - len(ident), bool))
        spare = households.ident == 0
        assert (households.size[spare] == 0).all()
        assert (households.activity[spare] == Activity.dead).all()
        assert len(np.unique(persons.pid)) == len(persons.pid)
        assert len(np.unique(households.ident[~spare])) == (~spare).sum()
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
        # Who lives in another household than before is alive there, or has died since.
        left = np.flatnonzero((persons.household[:n] != house) & alive[:n])
        theirs = persons.household[left]
        assert (households.size[theirs] > 0).all()
        n_joined += founded[theirs].sum()
        n_founded += (~founded[theirs]).sum()
        assert not spare[persons.household].any()
        pid, house, ident = (it.copy() for it in (persons.pid, persons.household, households.ident))
        # A plan for all who travel, are held, or wait; others have one only for a day in court.
        plans = PLANS.of(at)
        assert (np.diff(plans.household) > 0).all()
        planned = (Activity.travelling, Activity.detained, Activity.captive, Activity.waiting)
        away = np.flatnonzero(np.isin(households.activity, planned))
        active = np.isin(plans.household, away)
        assert set(away) <= set(plans.household)
        assert (households.activity[plans.household[~active]] == Activity.resident).all()
        assert np.isfinite(plans.court[~active]).all()
        n_moving += len(away)
        activity = households.activity[plans.household]
        held = active & (plans.leg <= HELD) & (activity != Activity.waiting)
        assert (held == np.isin(activity, (Activity.detained, Activity.captive))).all()
        # All has happened that was to happen by today.
        assert (plans.now == at.day).all()
        assert (plans.due[active] > at.day).all()
        # Claims and orders have a day on which they were made, and are about where people are.
        status = households.status
        lawful = (households.size > 0) & np.isin(status, (Status.claimant, Status.ordered))
        assert (households.since[lawful] < at.day).all()
        assert (households.since[lawful] > LONG_AGO).all()
        n_claims += (status[lawful] == Status.claimant).sum()
        home = at.country[households.home] == at.country[households.place]
        assert not (home & lawful & (households.activity <= Activity.waiting)).any()
        # The blocked are residents' households.
        lives = households.size > 0
        assert census.blocked_households.sum() <= households.weight[lives].sum()
    assert n_moving > 20
    assert n_claims > 5
    assert n_joined > 20
    assert n_founded > 20
    assert len(persons.pid) > n_start


def test_days_at_risk_are_those_of_the_households_that_live_somewhere():
    """By day: of all who decide where they live as a day begins, counted person by person."""
    at = world(small("time.step=day", "time.end=2020-04", "outputs.tables=[at_risk]"))
    weight, sizes = [], []

    def look(_now, _end):
        houses = np.flatnonzero(at.households.activity <= Activity.waiting)
        each = at.households.weight[houses].astype(np.int64)
        weight.append(each.sum())
        sizes.append((each * sizes_of(at)[houses]).sum())

    recorder = Recorder(at)
    while at.date() <= at.scenario.time.end:
        recorder.record(at, advance(at, look))
    found = recorder.frames(0)["at_risk"].groupby("date")
    assert found["household_days"].sum().tolist() == weight
    assert found["person_days"].sum().tolist() == sizes
    assert len(set(sizes)) > 50
    # However they are told apart, they are as many.
    everyone, by_head = (
        tables(small(f"outputs.by={by}", "time.end=2020-12"))["at_risk"].groupby("date")
        for by in ("[]", "[place, home, citizenship, group, sex, education, age]")
    )
    for days in ("household_days", "person_days"):
        assert everyone[days].sum().tolist() == by_head[days].sum().tolist()
        assert by_head[days].min().min() > 0


def test_every_answer_that_a_plain_look_foretells_is_counted():
    """Moves and refusals of all who decide as a segment begins, one by one until they move.

    Those who then arrive, apply or send somebody ahead decide at later points of the segment too,
    so there are some more answers.
    """
    at = world(small("time.end=2020-12"))
    foretold, found, total = np.zeros(4, int), 0, np.zeros(4, int)
    last: list[Events] = []
    size = np.empty(0, np.int64)

    def look(now, end):
        nonlocal size
        if not last:
            # After births and deaths, which happen as a month begins.
            size = at.households.size.copy()
        last.append(events_of(at, now, at.plane(MOVE), at.deciding, at.day, end))

    while at.date() <= at.scenario.time.end:
        last.clear()
        households = at.households
        idle = np.isin(np.arange(len(households.ident)), PLANS.of(at).household, invert=True)
        before, began = households.status.copy(), at.day
        counted = HOUSEHOLDS.of(at).sum(axis=0)
        advance(at, look)
        households = at.households
        total += (HOUSEHOLDS.of(at).sum(axis=0) - counted)[:4]
        for events in last:
            weight = households.weight[events.house].astype(np.int64)
            foretold += np.bincount(events.answer, weight, 4).astype(int)[:4]
        # Of those to whom nothing else happens, the last refusal is kept, and why.
        houses, times, answers = (
            np.concatenate([getattr(it, name) for it in last])
            for name in ("house", "time", "answer")
        )
        # But for households that were founded since.
        order = np.lexsort((times, houses))
        order = order[houses[order] < len(idle)]
        houses, times, answers = houses[order], times[order], answers[order]
        final = np.append(houses[1:] != houses[:-1], True)
        houses, times, answers = houses[final], times[final], answers[final]
        refused = answers >= Answer.no_means
        same = idle[houses] & (before[houses] == households.status[houses])
        mine = (
            same & refused & (households.moved[houses] < began) & (households.activity[houses] == 0)
        )
        assert (households.blocked_on[houses[mine]] == times[mine].astype(int)).all()
        flags = households.flags[houses[mine]] & (BLOCKED | BLOCKED_PERMISSION)
        by_permission = answers[mine] == Answer.no_permission
        assert (flags == np.where(by_permission, BLOCKED | BLOCKED_PERMISSION, BLOCKED)).all()
        found += mine.sum()
        # Who is to move does, applies, or sends somebody ahead.
        moves = houses[same & ~refused]
        gone = households.moved[moves] >= began
        gone |= households.activity[moves] != Activity.resident
        gone |= households.size[moves] < size[moves]
        assert gone.all()
    assert found > 100
    assert (total >= foretold).all()
    assert (total <= 1.2 * foretold).all()
    assert (foretold > 0).all()


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
    advance(at)
    households, account = at.households, ACCOUNT.of(at)
    if harm == "activity":
        # On the way, without being bound for anywhere.
        households.activity[at.deciding[5]] = Activity.travelling
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
        left += (at.households.ident != 0).sum() - n_households
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


def split_family(at: World) -> None:
    """A family of one household and another one are two."""
    households = at.households
    one = np.flatnonzero(
        (households.size > 0) & (households.relative != np.arange(len(households.size)))
    )
    before = np.flatnonzero(households.relative == one[0])
    households.relative[before], households.relative[one[0]] = households.relative[one[0]], one[0]


def founded_by_nobody(at: World) -> None:
    house = two_that_live(at)[0]
    at.households.ident[house] += np.uint64(1)


def of_another_weight(at: World) -> None:
    one, _ = two_that_live(at)
    at.households.weight[one] += 1


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
        (split_family, "in two circles"),
        (founded_by_nobody, "nobody has founded"),
        (of_another_weight, "stands for other people"),
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
        "time.end=2022-12", "politics.levers.quota=0",
    )  # fmt: skip
    flows = tables(at)["flows"]
    into = flows[(flows["channel"] == "labour") & flows["destination"].isin(["BB_T", "BB_C"])]
    by_month = into.groupby("date")["departed"].sum()
    household = 12 * at.places[0].people_per_agent
    # Some who are admitted have gone elsewhere by the day from which they may travel.
    assert by_month.sum() > 0.7 * 36_000 - household
    months = pd.date_range("2020-01-01", "2022-12-01", freq="MS")
    by_month = by_month.reindex(months, fill_value=0)
    in_a_year = by_month.rolling(12).sum().dropna()
    assert in_a_year.max() <= 12_000 * 366 / 365.25 + household


def test_courts_decide_no_more_claims_than_they_can():
    """In real people; what one household's claim lacks may be carried over."""
    at = small("policies.bb_courts.capacity=9000", "policies.bb_tighter.start=2020-03")
    found = tables(at)
    claims = found["claims"]
    decided = claims[(claims["country"] == "BB") & claims["stage"].isin(["recognised", "rejected"])]
    by_month = decided.groupby("date")["people"].sum()
    months = pd.date_range("2020-01-01", "2021-12-01", freq="MS")
    by_month = by_month.reindex(months, fill_value=0)
    household = 12 * at.places[0].people_per_agent
    for first in range(len(months)):
        so_far = np.cumsum(by_month[first:])
        days = [(month - months[first]).days + month.days_in_month for month in so_far.index]
        assert (so_far <= 9_000 * np.array(days) / 365.25 + household + 1).all()
    assert by_month.sum() > 5_000
    queues = found["queues"]
    assert queues[queues["country"] == "BB"]["pending"].iloc[-1] > 0


def test_expected_answers_are_as_many_as_realised_ones():
    """But for chance, and for those who answer more than once a month.

    They are worked out in the middle of each month, for those who live somewhere on that day.
    """
    answers = tables(small("outputs.expected=true", "time.end=2020-12", "population.agents=40000"))[
        "answers"
    ]
    both = answers.groupby("answer", observed=True)[["households", "expected"]].sum()
    assert set(both.index) == {"choice", "necessity", "no_means", "no_permission"}
    np.testing.assert_allclose(both["expected"], both["households"], rtol=0.15)
    assert (answers["expected"] > -1e-6).all()
