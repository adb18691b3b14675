"""What a government's public, its elections, its partners and its bills do to a run.

Whole runs of the world of `test_mechanisms.py`, each with a control in which the mechanism is off.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sim
from sim.core.state import VULNERABLE
from sim.core.terms import Status
from sim.mechanisms.policy import Rules
from sim.mechanisms.politics import Public, elections, pulled
from sim.mechanisms.relocation import RELOCATED, relocate
from sim.model.segment import segment_of
from sim.results.record import Record
from sim.schema import Opinion
from tests.properties.test_mechanisms import (
    FILE,
    NEXT,
    NEXT_BORDER,
    ROOM,
    WAR,
    departed,
    harmed,
    on,
    rows,
    run,
    stock,
)
from tests.recount import Recount
from tests.small import differing, small, steps, world

HALF = pd.Timestamp("2020-07-01")


def union(more: str) -> str:
    return f"blocs=[{{id: union, members: [NX, FR], {more}}}]"


FREE = union("free_movement: true")
# Members by as small rows as the others, and of them many who move.
MEMBERS = (
    "population.focus=[HO, NX]", "population.others=decide", ROOM, "decision.base_livelihood=4",
)  # fmt: skip


def hoped(record: Record, **where: Any) -> float:
    """People expected to set out: citizens of FR are many to a row, and few of them move."""
    return float(rows(record.flows, **where).expected.sum())


# Free movement ---------------------------------------------------------------------------------


def test_free_movement_moves_members_and_leaves_others_alone() -> None:
    """G9."""
    apart, free = (run(*MEMBERS, *rule, "outputs.expected=true") for rule in ((), (FREE,)))
    for a, b, citizens in ((NEXT, "fr_c", "NX"), ("fr_c", NEXT, "FR")):
        there = {"citizenship": citizens, "origin": a, "destination": b}
        # 13,700 -> 23,700 people from next door to the far country, 3,600 -> 6,900 back.
        assert hoped(free, **there) > 1.2 * hoped(apart, **there)
        assert departed(free, channel="free", **there) == departed(free, **there)
    # Nobody else uses it, and nobody else's moves change, but by what members do to queues.
    assert departed(apart, channel="free") == departed(free, channel="free", citizenship="HO") == 0
    one, other = (rows(r.flows, citizenship="HO") for r in (apart, free))
    assert not differing(*({"f": flows[flows.date < "2020-02"]} for flows in (one, other)))
    assert one.departed.sum() == pytest.approx(other.departed.sum(), rel=0.03)
    # They come to live there in regular standing.
    new = {"citizenship": "NX", "place": "fr_c"}
    assert stock(free, status="regular", **new) > stock(apart, status="regular", **new) + 3_000
    assert stock(free, status=("irregular", "claimant", "ordered"), **new) == 0


@pytest.mark.parametrize(
    ("rule", "free_first", "free_later"),
    [
        ("entries: {NX: 2020-07-01}", False, True),
        ("exits: {NX: 2020-06-30}", True, False),
        ("transitional: [{citizens_of: [NX], into: [FR], end: 2020-06-30}]", False, True),
        ("enabled: false", False, False),
    ],
)
def test_free_movement_holds_from_entry_to_exit(
    rule: str, free_first: bool, free_later: bool
) -> None:
    found = run(*MEMBERS, union(f"free_movement: true, {rule}"))
    flows = rows(found.flows, citizenship="NX", channel="free")
    assert (flows[flows.date < HALF].departed.sum() > 0) == free_first
    assert (flows[flows.date >= HALF].departed.sum() > 0) == free_later


def test_a_bloc_without_free_movement_changes_nothing() -> None:
    assert not differing(run().tables, run(union("free_movement: false")).tables)


# Relocation ------------------------------------------------------------------------------------


def sharing(pledge: float, compliance: float = 1.0) -> str:
    return union(
        f"sharing: {{from: [NX], key: {{FR: .5}}, compliance: {{FR: {compliance}}}, "
        f"pledge: {pledge}, start: 2020-06-01, end: 2020-12-31}}"
    )


def test_relocation_moves_at_most_what_is_promised_and_kept() -> None:
    """G9."""
    none, some, more = run(WAR), run(WAR, sharing(10_000)), run(WAR, sharing(20_000))
    moved = [departed(r, channel="relocation") for r in (none, some, more)]
    # 0, 4,200, 8,200 people; a household of a dozen rows is 1,300. The last are moved as December
    # begins, when 183 of 214 days have passed.
    assert moved[0] == 0
    assert 5_000 * 183 / 214 - 1_300 < moved[1] <= 5_000 * 183 / 214
    assert 10_000 * 183 / 214 - 1_300 < moved[2] <= 10_000 * 183 / 214
    # Who keeps half of a promise takes as many as who promised half; who keeps none takes none.
    assert departed(run(WAR, sharing(20_000, 0.5)), channel="relocation") == moved[1]
    assert departed(run(WAR, sharing(20_000, 0)), channel="relocation") == 0
    # Where more are promised than there are claimants, all of them go as a month begins. On that
    # morning some are born, and some come to live with refugees of their family.
    all_ = run(WAR, sharing(1e6))
    there = rows(all_.stocks, place=NEXT, status="claimant").groupby("date").people.sum()
    went = rows(all_.flows, channel="relocation").groupby("date").departed.sum()
    for day in pd.date_range("2020-06-30", "2020-11-30", freq="ME"):
        assert went[day + pd.Timedelta(days=1)] == pytest.approx(there[day], rel=0.1)
    assert went.sum() > 1.5 * moved[2]
    flows = rows(more.flows, channel="relocation")
    assert set(flows.origin) <= set(NEXT)
    assert set(flows.destination) == {"fr_c"}
    assert flows.date.min() >= pd.Timestamp("2020-06-01")
    # They are in the other country, and counted once.
    there = {"citizenship": "HO", "place": "fr_c"}
    protected = ("claimant", "refugee", "ordered")
    gained = stock(more, status=protected, **there) - stock(none, status=protected, **there)
    assert gained > 0.7 * moved[2]
    assert more.account.groupby("date").people.sum().nunique() == 1


def test_relocation_takes_whole_households_and_their_claims() -> None:
    scenario = sim.read(FILE, (WAR, sharing(1e6), "time.end=2020-07"))
    at = world(scenario)
    recount = Recount(at)
    for _ in steps(at):
        assert not recount.faults(at)
    before = {name: column.copy() for name, column in at.households._asdict().items()}
    already = int(RELOCATED.of(at).sum())
    assert already > 0
    relocate(at, segment_of(at, at.day + 31))
    assert not recount.faults(at)
    households, countries = at.households, [country.id for country in scenario.countries]
    nx, fr = countries.index("NX"), countries.index("FR")
    brought = np.flatnonzero(households.place != before["place"])
    assert len(brought) > 10
    assert at.n_people(brought).sum() == RELOCATED.of(at).sum() - already
    # They claimed in one country, and now claim in the other, from today on.
    assert (before["status"][brought] == Status.claimant).all()
    assert (households.status[brought] == Status.claimant).all()
    assert (at.country[before["place"][brought]] == nx).all()
    assert (at.country[households.place[brought]] == fr).all()
    assert (households.since[brought] == at.day).all()
    assert (households.came[brought] == nx + 1).all()
    # Nothing else is changed, by anybody.
    for name, column in households._asdict().items():
        if name == "makeup":  # exposure is to be drawn anew
            assert ((column ^ before[name])[brought] & VULNERABLE == 0).all()
        elif name not in ("place", "moved", "since", "came", "activity", "flags", "mask"):
            assert (column == before[name]).all(), name
        others = np.delete(np.arange(len(column)), brought)
        assert (column[others] == before[name][others]).all(), name


# First country ---------------------------------------------------------------------------------


def first_country(transfers: float, more: str = "") -> str:
    return union(f"first_country: {{transfers: {transfers}{more}}}")


def test_claimants_are_sent_to_the_member_they_came_through() -> None:
    """J9, G9."""
    sent = [harmed(run(WAR, first_country(x)), "forced_return", corridor="FR") for x in (0, 0.3, 1)]
    assert sent[1] > 1.5 * sent[0] + 500
    assert sent[2] > 1.5 * sent[1]
    for pause in ("{by: [FR]}", "{to: [NX]}", "{end: 2020-12}"):
        paused = run(WAR, first_country(1, f", suspended: [{pause}]"))
        assert harmed(paused, "forced_return", corridor="FR") == sent[0]
    later = run(WAR, first_country(1, ", suspended: [{by: [FR], end: 2020-06-30}]"))
    harms = rows(later.harms, harm="forced_return", corridor="FR")
    off = rows(run(WAR, first_country(0)).harms, harm="forced_return", corridor="FR")
    before = [h[h.date < HALF].people.sum() for h in (harms, off)]
    after = [h[h.date >= HALF].people.sum() for h in (harms, off)]
    assert before[0] == before[1]
    assert after[0] > 1.5 * after[1]


# Opinion ---------------------------------------------------------------------------------------

FOLLOWED = "countries.NX.opinion={start: .4, elections: [2020-08-01]}"


def final(record: Record, column: str = "opinion") -> float:
    return float(record.opinion[column].iloc[-1])


def test_opinion_follows_what_is_perceived_and_not_what_is() -> None:
    """G1."""
    calm, war = run(FOLLOWED), run(WAR, FOLLOWED)
    # .40 -> .44 and .91.
    assert final(war) > final(calm) + 0.3
    fair, blind = (run(WAR, FOLLOWED, f"politics.bias={x}") for x in (1, 0))
    # The same people have come; what is seen of them differs.
    assert not differing(
        {"flows": war.flows, "stocks": war.stocks}, {"flows": fair.flows, "stocks": fair.stocks}
    )
    assert final(war, "foreign") == final(fair, "foreign") == final(blind, "foreign")
    assert final(war, "perceived") == pytest.approx(2.3 * final(fair, "perceived"))
    assert final(war) - 0.4 == pytest.approx(2.3 * (final(fair) - 0.4), rel=0.05)
    # Control: a public that sees nobody does not turn, nor one that does not mind.
    assert abs(final(blind) - 0.4) < 0.01
    assert abs(final(run(WAR, FOLLOWED, "politics.stock=0")) - 0.4) < 0.01
    # Irregular newcomers weigh more: with equal weights less is perceived.
    alike = "politics.newcomers={refugee: 1, claimant: 1, irregular: 1, ordered: 1}"
    assert final(run(WAR, FOLLOWED, alike)) < final(war) - 0.1
    # The country's own bias goes before that of all.
    own = run(WAR, "countries.NX.opinion={start: .4, bias: 1}")
    assert final(own) == final(fair)


def test_a_campaign_and_a_slump_harden_opinion_and_contact_softens_it() -> None:
    """G2, G3, G4."""
    plain = final(run(FOLLOWED))
    campaign = "politics.campaigns=[{id: fear, at: [NX], start: 2020-03-01, end: 2020-12-31}]"
    # A tenth a year at full salience, over ten months.
    assert final(run(FOLLOWED, campaign)) == pytest.approx(plain + 0.1 * 9 / 12, abs=0.015)
    assert final(run(FOLLOWED, campaign.replace("[NX]", "[FR]"))) == plain
    slump = ["shocks.slump.at=[nx_c]", "shocks.slump.enabled=true"]
    hit = run(FOLLOWED, *slump)
    assert final(hit) > plain + 0.03
    assert final(run(FOLLOWED, *slump, "politics.economy=0")) < final(hit) - 0.03
    # As refugees, in whom people meet neighbours, newcomers turn the same public less against them.
    refuge = "policies.nx_courts.recognition=1"
    hostile, mild = (run(WAR, FOLLOWED, refuge, f"politics.contact={x}") for x in (0, 5))
    assert final(mild) < final(hostile) - 0.05


def test_contact_is_with_those_who_may_stay() -> None:
    """G4: not with those whose stay is undecided, irregular or to end."""
    scenario = sim.read(FILE, (FOLLOWED, "politics.stock=0", "politics.contact=1"))
    residents, calm = np.full(6, 100_000), np.zeros(6)

    def turned(status: Status) -> float:
        public = Public(scenario)
        people = np.zeros((3, len(Status)), np.int64)
        public.update(0, people, residents, calm)
        people[1, status] = 50_000
        public.update(365, people, residents, calm)
        return float(public.opinion[1]) - 0.4

    for status in Status:
        met = status in (Status.regular, Status.refugee)
        assert turned(status) < -0.1 if met else turned(status) == 0, status.name


def test_elections_move_rules_only_by_a_table() -> None:
    """G2."""
    # A border that most get through: opinion goes by them, and what it does to them can be counted.
    world_ = (WAR, NEXT_BORDER, "policies.nx_border.barrier=.2")
    quiet = run(*world_, FOLLOWED, "politics.response=0")
    voted = run(*world_, FOLLOWED)
    # Stringency goes half of the way to opinion on the day, and rules stay.
    series = voted.opinion.set_index("date").stringency
    assert (series[:"2020-07-31"] == 0.4).all()
    assert series["2020-08-31"] == series.iloc[-1] > 0.42
    assert not differing({"f": quiet.flows, "h": quiet.harms}, {"f": voted.flows, "h": voted.harms})
    # With a table they follow, from that day on and not before.
    stricter = run(*world_, FOLLOWED, "politics.levers.barrier=8")
    laxer = run(*world_, FOLLOWED, "politics.levers.barrier=-20")
    rate = []
    for record in (voted, stricter, laxer):
        after = record.harms[record.harms.date >= pd.Timestamp("2020-09-01")]
        tries = record.crossings[record.crossings.date >= pd.Timestamp("2020-09-01")]
        caught = rows(after, harm="interception", corridor=("ho_n_nx_b", "ho_s_nx_b"))
        came = rows(tries, corridor=("ho_n_nx_b", "ho_s_nx_b"))
        rate.append(caught.people.sum() / came.people.sum())
        early = record.flows[record.flows.date < pd.Timestamp("2020-08-01")]
        base = voted.flows[voted.flows.date < pd.Timestamp("2020-08-01")]
        assert not differing({"f": early}, {"f": base})
    # Caught for one who comes through: .15 -> .78 and .02.
    assert rate[1] > 1.3 * rate[0]
    assert rate[2] < 0.8 * rate[0]
    # Control: no election, no change, whatever the table says.
    never = "countries.NX.opinion={start: .4}"
    one, other = run(*world_, never), run(*world_, never, "politics.levers.barrier=20")
    assert not differing({"f": one.flows}, {"f": other.flows})


def test_opinion_is_the_same_by_day_and_by_month() -> None:
    scenario = sim.read(FILE, (FOLLOWED, "politics.memory=1"))
    people, residents = np.zeros((3, len(Status)), np.int64), np.full(6, 100_000)
    calm = np.zeros(6)

    def after(days: list[int]) -> float:
        public = Public(scenario)
        public.update(0, people, residents, calm)
        grown = people.copy()
        for day in days:
            # A stock that grows evenly, and a slump that is there from the first day on.
            grown[1, Status.refugee] = 100 * day
            public.update(day, grown, residents, calm + 0.5)
        return float(public.opinion[1])

    daily, monthly, once = after(list(range(1, 301))), after([30, 120, 300]), after([300])
    # Contact, which grows with the stock, is taken at the end of each span.
    assert daily == pytest.approx(monthly, abs=0.02)
    scenario = sim.read(FILE, (FOLLOWED, "politics.memory=1", "politics.contact=0"))
    assert after(list(range(1, 301))) == pytest.approx(after([300]), rel=1e-9)
    assert once != daily


def test_terms_follow_the_last_stated_election() -> None:
    scenario = sim.read(FILE, ("time.end=2029-12",))
    days = elections(Opinion(elections=(date(2013, 9, 22), date(2017, 9, 24)), term=4.0), scenario)
    assert sorted(days)[:3] == [date(2013, 9, 22), date(2017, 9, 24), date(2021, 9, 24)]
    assert len(days) == 5
    assert elections(Opinion(elections=(date(2020, 1, 5),)), scenario) == {date(2020, 1, 5)}


def test_levers_stay_within_their_range() -> None:
    shift = np.array([-2.0, -0.1, 0.0, 0.1, 2.0])
    np.testing.assert_allclose(pulled(np.full(5, 0.5), 1.0, shift), [0.0, 0.45, 0.5, 0.55, 1.0])
    np.testing.assert_allclose(pulled(np.full(5, 0.5), -1.0, shift), [1.0, 0.55, 0.5, 0.45, 0.0])
    np.testing.assert_array_equal(pulled(np.full(5, 0.3), 0.0, shift), 0.3)


@pytest.mark.parametrize("name", ["returns", "encampment"])
def test_a_lever_pulls_the_key_of_a_mechanism(name: str) -> None:
    scenario = small(f"politics.levers.{name}=.4")
    network, shift = world(scenario).network, np.array([0.0, 0.5, -0.5])
    before, after = (
        Rules(scenario, network, scenario.time.start, it).stated(name) for it in (None, shift)
    )
    np.testing.assert_array_equal(after, pulled(before, 0.4, shift))
    assert (after[:, 1] > before[:, 1]).all()
    other = Rules(scenario, network, scenario.time.start, shift).stated("orders_last")
    np.testing.assert_array_equal(other, 24.0)


# Spending --------------------------------------------------------------------------------------

COSTS = (
    "costs={default: {claimant: 1000, decision: 500, forced_return: 2000, camp: 10, refugee: 100, "
    "detention: 3}, FR: {decision: 900}}"
)
BUSY = (WAR, NEXT_BORDER, on("policies.nx_camps"), "policies.nx_border.detention=.5")


def spent(record: Record, **where: str) -> float:
    return float(rows(record.spending, **where).amount.sum())


def years_after(people: pd.Series) -> float:
    """Person-years in each month of 2020 of those who were there on the last day before it."""
    following = {day: day + pd.Timedelta(days=1) for day in people.index}
    days = sum(
        people[day] * after.days_in_month for day, after in following.items() if after.year == 2020
    )
    return float(days) / 365.25


def test_what_has_a_unit_cost_is_booked_as_often_as_it_was_done() -> None:
    """P11."""
    free, dear = run(*BUSY), run(*BUSY, COSTS)
    assert free.spending.empty
    assert not differing({"f": free.flows, "h": free.harms}, {"f": dear.flows, "h": dear.harms})
    caught = harmed(dear, "detention", corridor=("ho_n_nx_b", "ho_s_nx_b", "fr_c_nx_c"))
    assert caught > 1_000
    assert spent(dear, item="detention", country="NX") == pytest.approx(3 * 30 * caught)
    for country in ("NX", "FR"):
        removed = harmed(dear, "forced_return", corridor=country)
        booked = spent(dear, item="forced_return", country=country)
        assert booked == pytest.approx(2000 * removed)
    # A stock costs a twelfth of its year in the month that follows.
    camp = rows(dear.stocks, place="nx_k").groupby("date").people.sum()
    assert camp.iloc[-2] > 0
    assert spent(dear, item="camp") == pytest.approx(10 * years_after(camp))
    claimants = rows(dear.stocks, place="fr_c", status="claimant").groupby("date").people.sum()
    assert spent(dear, item="claimant", country="FR") == pytest.approx(
        1000 * years_after(claimants)
    )
    # A country's own price goes before the default.
    cheap = run(*BUSY, COSTS.replace("900", "500"))
    assert spent(dear, item="decision", country="FR") == pytest.approx(
        1.8 * spent(cheap, item="decision", country="FR")
    )
    assert spent(dear, item="decision", country="FR") > 0


def test_relocations_are_paid_for_by_head() -> None:
    record = run(WAR, sharing(20_000), "costs={FR: {relocation: 6000}}")
    moved = departed(record, channel="relocation")
    assert spent(record, item="relocation", country="FR") == 6000 * moved > 0


def test_relief_is_booked_where_it_is_spent() -> None:
    record = run(on("interventions.relief"))
    assert set(record.spending.country.astype(str)) == {"HO"}
    assert spent(record) == pytest.approx(2e9, rel=0.01)
    assert run(on("interventions.relief")).against(run()).set_index(["figure", "threat"]).value[
        "extra_spending", "all"
    ] == pytest.approx(2e9, rel=0.01)
