"""One step of the world, as a table of contents of the model."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from sim.jit import FEW_PEOPLE, in_pieces, in_ranges
from sim.kernels.choice import Conditions
from sim.kernels.living import exposure_thresholds, pack_thresholds, refresh_masks
from sim.kernels.tally import count_people
from sim.model.admission import admit, prospects, withdraw
from sim.model.announcement import any_pending
from sim.model.asylum import decide_claims, execute_returns, receive, regularise
from sim.model.attempts import forget_returns
from sim.model.blocs import relocate
from sim.model.caravans import forming
from sim.model.custody import reunify
from sim.model.decide import (
    Answers,
    Asked,
    Sums,
    ask,
    ask_listed,
    current_conditions,
    decide_all,
    is_among,
    join_answers,
)
from sim.model.demography import renew_people
from sim.model.journey import (
    advance_parties,
    continue_stranded,
    leave,
    regular_price,
    step_years,
)
from sim.model.livelihood import update_means, update_support
from sim.model.policy import Rules
from sim.model.politics import economic_threat, foreigners
from sim.model.protection import exposed_odds, standing
from sim.model.spending import spend
from sim.rng import Purpose, key, mixed_array
from sim.scenario.errors import Problem, ScenarioError
from sim.state import DAYS_A_YEAR, F64, HEAD, I64, U16, U32
from sim.terms import N_THREATS, Activity, Status, Threat
from sim.world import Due, Heads, World

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario

Look = Callable[[Conditions, int], None]


class LostPeopleError(AssertionError):
    """The account of people does not close: a fault of the program, never of the scenario."""


Asking = tuple[I64, F64]
"""([n] rows of heads, [n] day from which they are asked)"""


class Census(dict[str, I64]):
    """What `count_people` counts at the end of a step: stocks, blocked, activities, exposed."""


def step_end(scenario: Scenario, day: int) -> int:
    """Day on which the step that begins on a day ends; both counted from the start."""
    time = scenario.time
    today = time.start + timedelta(days=day)
    if time.step == "day":
        end = today + timedelta(days=1)
    elif time.step == "week":
        end = today + timedelta(days=7)
    else:
        end = today.replace(year=today.year + today.month // 12, month=today.month % 12 + 1, day=1)
    return min((end - time.start).days, (time.end - time.start).days + 1)


def count_steps(scenario: Scenario) -> int:
    """Steps from the start of a scenario to its end."""
    day = steps = 0
    while day <= (scenario.time.end - scenario.time.start).days:
        day, steps = step_end(scenario, day), steps + 1
    return steps


def next_change(world: World, end: int) -> int:
    """First day after today on which a rule or a prevalence changes, at most the step's end.

    Dated events hold from their own day on, whatever the step.
    """
    days = world.changes + world.threats.dates
    return min((day for day in days if day > world.day), default=end)


def advance(world: World, look: Look | None = None) -> Census:
    """Move the world by one step, in stretches between which nothing dated happens.

    Args:
        world: Not at its end yet.
        look: Called when households are about to be asked, with what they live under and the day
            on which the stretch ends; it must change nothing.

    Returns:
        The census at the end of the step.
    """
    end = step_end(world.scenario, world.day)
    world.first_stretch = True
    while world.day < end:
        census = advance_to(world, min(end, next_change(world, end)), look)
        world.first_stretch = False
    world.step += 1
    return census


def advance_to(world: World, end: int, look: Look | None = None) -> Census:
    """Move the world to a day.

    Stages, in order: monthly, births and deaths -> what the world is like (threats, rules; monthly
    also exposure, means, networks, information, queues) -> what each household answers -> what
    becomes of those on the way -> what states decide about applications, claims, orders -> count.

    Returns:
        The census on that day.
    """
    dt = step_years(end - world.day)
    world.round = 0
    world.held_days[:] = 0.0
    take_stock(world)
    renew_people(world)
    set_scene(world)
    want, fear, severity, excess = world.threats.advance(
        world.day, end - world.day, world.weights_k, world.tolerable, world.voice,
        world.scenario.decision.voice,
    )  # fmt: skip
    now = current_conditions(world, want, fear)
    if look is not None:
        live_on(world)
        look(now, end)

    answers, unsettled, stranded = ask_everybody(world, now, end)
    once_more = [
        decide_all(world, excess, answers),
        continue_stranded(world, *from_today(world, stranded), end),
    ]
    admitted = admit(world, end)
    if len(admitted["head"]):
        price = regular_price(world, admitted["head"], admitted["goal"], admitted["channel"])
        leave(
            world, admitted["head"], admitted["goal"], admitted["channel"],
            admitted["companions"], price, admitted["answer"], admitted["ready"],
        )  # fmt: skip
        once_more.append((admitted["head"], admitted["ready"]))
    harms = world.counts.harms.copy()
    nobody = from_today(world, np.empty(0, np.int64))
    carry_on(world, now, excess, nobody, once_more, end)
    relocated = relocate(world, end)
    decided = decide_claims(world, end, dt)
    returned = execute_returns(world, end)
    carry_on(world, now, excess, returned, [nobody], end)
    withdraw(world)
    reunify(world, end)
    regularise(world, unsettled, dt)
    renew_exposure(world)

    census = count(world, end)
    world.counts.insecurity += census["exposed"] * severity[:, None, :] * dt
    spend(world, census["stocks"], world.counts.harms - harms, decided, relocated, end)
    world.day = end
    return census


def from_today(world: World, heads: I64) -> Asking:
    """Heads who are asked from the day on which the stretch begins."""
    return heads, np.full(len(heads), float(world.day))


def departures(world: World, end: int) -> tuple[U32, F64]:
    """([m] rows of heads who leave by an admission, ascending; [m] day until which to ask them)."""
    withdraw(world)
    queue = world.applications
    order = np.argsort(queue.head)
    until = np.clip(queue.ready[order], float(world.day), float(end))
    return queue.head[order].astype(np.uint32), until


def everybody(world: World, end: int) -> Asked:
    """All heads as a stretch asks them, for those who look at it from outside."""
    return asked_until(world, world.deciding, end, departures(world, end))


def asked_until(world: World, heads: U32, end: int, leaving: tuple[U32, F64]) -> Asked:
    """Some heads who live somewhere, asked until the stretch ends or they leave by an admission.

    Args:
        world: The world.
        heads: [n] rows, ascending.
        end: Day on which the stretch ends.
        leaving: As `departures` finds them.
    """
    rows, until = leaving
    n = len(heads)
    days = np.full(n, float(end - world.day))
    if n and len(rows):
        a, b = np.searchsorted(rows, heads[0]), np.searchsorted(rows, heads[-1], side="right")
        mine = a + np.flatnonzero(is_among(rows[a:b], heads))
        days[np.searchsorted(heads, rows[mine])] = until[mine] - world.day
    return Asked(heads, np.full(n, float(world.day)), days, np.full(n, world.first_stretch))


def carry_on(
    world: World, now: Conditions, excess: F64, newcomers: Asking, once_more: list[Asking], end: int
) -> None:
    """Let journeys go on to the end of the stretch, and ask again who can be asked again.

    Who arrives, cannot go on, applies or sends somebody ahead is asked for what is left of the
    stretch, round by round, until nobody sets off: so nobody's time is lost, however long it is.

    Args:
        world: The world.
        now: Conditions of the stretch.
        excess: [place, threat] mean of b_k max(s_k - tol_k, 0) over the stretch.
        newcomers: Who has come to live where they are without having travelled.
        once_more: Those who have decided in this stretch and are where they were.
        end: Day on which the stretch ends.
    """
    people = world.people
    while True:
        ended = advance_parties(world, end)
        receive(world, ended.arrived)
        forget_returns(world)
        new, since = join(
            newcomers, *((at["head"], at["due"]) for at in (ended.arrived, ended.left_behind))
        )
        expose(world, new)
        again, day = latest(*join(*once_more))
        # An applicant may have been admitted, have left and have arrived.
        still = ~np.isin(again, new)
        heads, since = join((new, since), (again[still], day[still]))
        if not len(heads):
            return
        world.round += 1
        order = np.argsort(heads, kind="stable")
        is_new = order < len(new)
        heads, since = heads[order], since[order]
        lives = people.activity[heads] <= Activity.waiting
        waits = people.activity[heads] == Activity.stranded
        asked = Asked(
            heads[lives].astype(np.uint32), since[lives], end - since[lives], is_new[lives]
        )
        once_more = [
            decide_all(world, excess, ask_listed(world, now, asked)),
            continue_stranded(world, heads[waits], since[waits], end),
        ]
        newcomers = from_today(world, new[:0])


def latest(heads: I64, since: F64) -> Asking:
    """Each head once, from the latest of its days: who sent one ahead may send another."""
    order = np.lexsort((since, heads))
    last = order[np.flatnonzero(np.diff(heads[order], append=-1))]
    return heads[last], since[last]


def join(*parts: Asking) -> Asking:
    """Those of all parts."""
    heads, since = zip(*parts, strict=True)
    return np.concatenate(heads), np.concatenate(since)


def prepare(world: World) -> None:
    """Bring the world up to the day on which households are about to be asked."""
    set_scene(world)
    live_on(world)


def set_scene(world: World) -> None:
    """Bring rules up to date, and once a month what people know and queue for.

    What becomes of the households themselves falls due: `live` does it.
    """
    first = world.day == 0
    today = world.date()
    ruled = (world.rules.when - world.scenario.time.start).days
    new_rules = first or any(ruled < day <= world.day for day in world.changes)
    last = world.date(world.last_tick)
    monthly = first or (today.year, today.month) != (last.year, last.month)
    changed = world.threats.update_prevalence(float(world.day))
    take_stock(world)
    if monthly or new_rules:
        threats = world.threats
        world.public.update(
            world.day, world.foreigners, world.residents,
            economic_threat(threats.severity, threats.prevalence),
        )  # fmt: skip
    if new_rules:
        world.public.vote(today)
        shift = world.public.shift()
        world.rules = Rules(world.scenario, world.network, today, shift)
        world.coming = None
        if world.scenario.decision.surge > 0 and any_pending(world.scenario, today):
            world.coming = Rules(world.scenario, world.network, today, shift, announced=True)
        apply_rights(world)
    if first or changed or new_rules:
        odds = exposed_odds(world.odds, world.rules.protection, world.country)
        threshold = np.zeros((*world.exposure_counts.shape, N_THREATS), np.int16)
        exposure_thresholds(world.threats.prevalence, odds, world.exposure_counts, threshold)
        world.threshold = pack_thresholds(threshold)
    years = 0.0
    if monthly:
        update_support(
            world.scenario, world.means, world.country, world.diaspora, world.residents,
            float(world.day),
        )  # fmt: skip
        years = np.inf if first else step_years(world.day - world.last_tick)
        strain = world.newcomers / np.maximum(world.capacity, 1.0)
        world.threats.strain = strain / (1.0 + strain)
        world.set_out_before = world.setting_out
        world.setting_out = np.zeros_like(world.setting_out)
        world.last_tick = world.day
    if monthly or changed:
        world.due = Due(years, world.threats.severity.copy())
    if monthly or new_rules:
        with np.errstate(over="ignore", invalid="ignore"):
            view_choices(world)


def take_stock(world: World) -> None:
    """Count on the first day who is where, before anybody is born: later on it is known."""
    if world.day == 0 and not world.residents.any():
        count(world, world.day)


def view_choices(world: World) -> None:
    """Bring up to date what people see of the places they could go to.

    Raises:
        ScenarioError: The coefficients of the decision make values that no number can hold.
    """
    expected = world.threats.severity * world.threats.prevalence
    joined = forming(world.scenario, world.set_out_before, world.day)
    world.choices.update_ways(world.rules, expected[:, Threat.personal], joined)
    chance, wait = prospects(world)
    world.choices.rebuild(world.diaspora, expected, chance, wait, float(world.day))
    if world.coming is not None:
        world.choices.anticipate(world.coming, *prospects(world, world.coming))
    world.bound = world.choices.bounds()
    if not np.isfinite(world.bound).all():
        message = "the coefficients of `decision` make some place infinitely good to go to"
        hint = "V / decision.nest must stay below 700; most coefficients lie between -2 and 2"
        raise ScenarioError([Problem(world.scenario.name, 0, 0, message, hint)])


def apply_rights(world: World) -> None:
    """Let today's rules say what every status is worth where."""
    living, protection = world.scenario.living, world.rules.protection
    world.means.status[:] = standing(living.status_income, protection)[world.country]
    speed = standing(living.status_settling, protection)[world.country]
    world.settling = speed / living.settling


def live(world: World, heads: Heads, company: U16) -> None:
    """Do for some households what is due: expose them anew, let their means recover.

    Args:
        world: The world.
        heads: Whose households; those stranded on the way live on once a month only.
        company: Of the households of those who live somewhere.
    """
    if world.due is None:
        return
    draw_exposure(world, heads.deciding, company)
    if not world.due.years:
        return
    stranded = world.company_of(heads.stranded)
    draw_exposure(world, heads.stranded, stranded)
    for rows, theirs in ((heads.deciding, company), (heads.stranded, stranded)):
        update_means(
            world.scenario, world.people, rows, theirs, world.means, world.due.severity,
            world.due.years,
        )  # fmt: skip


def live_on(world: World) -> None:
    """Do for all households what is due."""

    def visit(first: int, last: int) -> None:
        heads = world.list_heads(first, last)
        live(world, heads, world.company_of(heads.deciding))

    in_pieces(visit, len(world.people.pid), world.threads)
    world.due = None


def ask_everybody(world: World, now: Conditions, end: int) -> tuple[Answers, I64, I64]:
    """Do for all households what is due, and ask those who live somewhere.

    Rows are visited piece by piece: what a piece needs for a while stays small, however many there
    are, and near the processor.

    Returns:
        (answers, rows of heads who are unsettled, rows of heads who are stranded).
    """
    leaving, sums = departures(world, end), Sums(world)

    def visit(first: int, last: int) -> tuple[Answers, U32, U32]:
        heads = world.list_heads(first, last)
        company = world.company_of(heads.deciding)
        live(world, heads, company)
        asked = asked_until(world, heads.deciding, end, leaving)
        return ask(world, now, asked, sums, company), heads.unsettled.copy(), heads.stranded.copy()

    parts = in_pieces(visit, len(world.people.pid), world.threads) or [visit(0, 0)]
    answers, *others = zip(*parts, strict=True)
    world.due = None
    unsettled, stranded = (np.concatenate(rows).astype(np.int64) for rows in others)
    return join_answers(list(answers)), unsettled, stranded


def draw_exposure(world: World, heads: U32, company: U16) -> None:
    """Draw which threats households are exposed to where they live."""
    exposure, draws = world.scenario.exposure, key(world.seed, Purpose.exposure)
    phase = world.day / DAYS_A_YEAR / exposure.spell
    epochs = np.array([math.floor(phase), math.floor(phase) + 1], np.uint64)
    salt = mixed_array(mixed_array(world.choices.ident[:, None] + epochs) ^ draws)
    shared = np.uint64(round(65536 * exposure.overlap))
    spells = key(world.seed, Purpose.spell)
    refresh_masks(
        world.people, heads, company, world.threshold, salt, spells, phase, shared
    )  # fmt: skip


def expose(world: World, heads: I64) -> None:
    """Draw exposure for a few heads, wherever their rows are."""
    rows = heads.astype(np.uint32)
    draw_exposure(world, rows, world.company_of(rows))


def renew_exposure(world: World) -> None:
    """Draw anew for those who have come to live elsewhere in this step."""
    people = world.people

    def find(first: int, last: int) -> I64:
        return first + np.flatnonzero(people.moved[first:last] >= world.day)

    parts = in_pieces(find, len(people.pid), world.threads)
    rows = np.concatenate([np.empty(0, np.int64), *parts])
    heads = (people.flags[rows] & HEAD > 0) & (people.activity[rows] != Activity.travelling)
    expose(world, rows[heads])


def count(world: World, end: int) -> Census:
    """Take the census and check the account of people.

    Raises:
        LostPeopleError: Somebody is in no state or in two.
    """
    n_places, n_countries = len(world.country), len(world.diaspora)
    census = Census(
        stocks=np.zeros((n_places, n_countries, len(Status)), np.int64),
        blocked_heads=np.zeros((n_places, n_countries, 2), np.int64),
        blocked=np.zeros((n_places, n_countries, 2), np.int64),
        activities=np.zeros(len(Activity), np.int64),
        exposed=np.zeros((n_places, n_countries, N_THREATS), np.int64),
    )
    n = len(world.people.pid)

    def work(first: int, last: int) -> Census:
        part = Census({name: np.zeros_like(counts) for name, counts in census.items()})
        count_people(
            world.people, first, last, world.country, world.weight, float(end), part["stocks"],
            part["blocked_heads"], part["blocked"], part["activities"], part["exposed"],
        )  # fmt: skip
        return part

    for _, part in in_ranges(work, n, world.threads, FEW_PEOPLE):
        for name, counts in part.items():
            census[name] += counts
    check_account(world, census)
    by_country = np.zeros((n_countries, n_countries), np.int64)
    np.add.at(by_country, world.country, census["stocks"].sum(axis=2))
    world.diaspora = by_country.T.copy()
    world.residents = census["stocks"].sum(axis=(1, 2))
    citizens = [Status.citizen, Status.regular]
    settled = census["stocks"][:, :, citizens].sum(axis=(1, 2))
    world.newcomers = world.residents - settled
    world.foreigners = foreigners(world.country, census["stocks"])
    return census


def check_account(world: World, census: Census) -> None:
    """Check that everybody is in exactly one state, and births and deaths are those counted."""
    activities = census["activities"]
    travelling = int(activities[Activity.travelling])
    dead = int(activities[Activity.dead])
    somewhere = int(census["stocks"].sum())
    everybody = world.total + world.born
    if int(activities.sum()) != everybody or somewhere + travelling + dead != everybody:
        raise LostPeopleError(
            f"{world.date()}: {somewhere} somewhere + {travelling} travelling + {dead} dead"
            f" of {world.total} at the start + {world.born} born"
        )
    if dead != world.dead + world.died:
        raise LostPeopleError(
            f"{world.date()}: {dead} dead, but {world.dead} deaths on the way"
            f" + {world.died} natural deaths counted"
        )
    people = world.people
    on_the_way = int((people.activity[world.parties.head] == Activity.travelling).sum())
    held = int(
        np.isin(people.activity[world.parties.head], (Activity.detained, Activity.captive)).sum()
    )
    if on_the_way + held != len(world.parties.head):
        raise LostPeopleError(f"{world.date()}: a party on the way has no travellers")
