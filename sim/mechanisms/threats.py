"""Seven threats by place: severity, prevalence, shocks, coupling, crowding (docs/model.md, 3.4)."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sim.core.state import DAYS_A_YEAR, F64, I64, Bool
from sim.core.terms import FEAR, N_THREATS, WANT, Threat
from sim.kernels.severity import HALF, Courses, course, disturb, products, relax
from sim.mechanisms.census import STOCKS
from sim.model.columns import CITIZENSHIP, PLACE, THREAT, Column
from sim.model.declare import (
    NONE_COUNTED,
    Absent,
    Hook,
    Mechanism,
    Rows,
    State,
    Table,
    dense,
    nonzero,
)

if TYPE_CHECKING:
    from sim.model.segment import Segment
    from sim.model.world import Census, World
    from sim.schema import Intervention, Scenario, Shock

MONTH = DAYS_A_YEAR / 12
FADED = 2.0
"""Half-lives after which a shock no longer raises prevalence (our assumption)."""


SETS = (np.arange(1 << len(FEAR))[:, None] >> np.arange(len(FEAR)) & 1).astype(bool)
"""[8, fear] which fears belong to each set of fears."""


class Rises(NamedTuple):
    """Dated rises of prevalence, one row each."""

    start: F64
    """Day from which it holds."""
    end: F64
    """Day from which it no longer holds."""
    place: I64
    threat: I64
    prevalence: F64
    by_state: Bool


@dataclass(frozen=True)
class Disturbance:
    """One dated rise of one threat: a shock of the scenario, or a drought."""

    places: tuple[int, ...]
    threat: int
    start: float
    """Day of onset."""
    top: float
    """Day on which the peak is reached."""
    decay: float
    """Day on which decay sets in."""
    half_life: float
    """Days."""
    peak: float
    prevalence: float
    by_state: bool

    def added(self, day: float) -> float:
        """Severity added on a day: linear rise, plateau, exponential decay."""
        return float(course(day, self.start, self.top, self.decay, self.half_life, self.peak, HALF))

    def last(self) -> float:
        """Day after which it no longer raises prevalence."""
        return self.decay + FADED * self.half_life


def courses_of(disturbances: list[Disturbance]) -> Courses:
    """The same disturbances as arrays."""
    columns = {
        name: np.array([getattr(it, name) for it in disturbances], np.float64)
        for name in ("start", "top", "decay", "half_life", "peak")
    }
    return Courses(
        **columns,
        threat=np.array([it.threat for it in disturbances], np.int64),
        first=np.cumsum([0, *(len(it.places) for it in disturbances)], dtype=np.int64),
        place=np.array([p for it in disturbances for p in it.places], np.int64),
    )


def coupling_matrix(scenario: Scenario) -> F64:
    """[to, from] C': severity that a unit of one threat adds to another."""
    matrix = np.zeros((N_THREATS, N_THREATS))
    for source, targets in scenario.exposure.coupling.items():
        for target, share in targets.items():
            matrix[Threat[target], Threat[source]] = share
    return matrix


def per_threat(values: Mapping[Any, float]) -> F64:
    """[threat] from a mapping by name, 0 where absent."""
    return np.array([values.get(threat.name, 0.0) for threat in Threat], np.float64)


class Threats:
    """Severity and prevalence of the threats in all places, updated day by day.

    Attributes:
        severity: [place, threat], 0 to 1.
        prevalence: [place, threat], 0 to 1, as of the last dated event.
        by_state: [place, threat] whether the state is the perpetrator.
    """

    def __init__(self, scenario: Scenario, strain: F64) -> None:
        places = [place.id for place in scenario.places]
        self.n_places = len(places)
        self.start = scenario.time.start
        observed = np.zeros((self.n_places, N_THREATS))
        self.base_prevalence = np.zeros((self.n_places, N_THREATS))
        self.base_by_state = np.zeros((self.n_places, N_THREATS), bool)
        for p, name in enumerate(places):
            for threat in Threat:
                level = scenario.threats[name][threat.name]  # type: ignore[index]
                observed[p, threat] = level.severity
                self.base_prevalence[p, threat] = level.prevalence
                self.base_by_state[p, threat] = level.by_state
        self.coupling = coupling_matrix(scenario)
        # Observed levels already include coupling: without disturbances they stay constant.
        self.chronic = observed - observed @ self.coupling.T
        self.severity = observed.copy()
        self.prevalence = self.base_prevalence.copy()
        self.by_state = self.base_by_state.copy()
        self.crowding = per_threat(scenario.exposure.crowding)
        self.strain = strain
        """[place] strain x / (1 + x), where x is newcomers / capacity; set monthly."""
        self.weight = per_threat(scenario.decision.threat_weight)
        """[threat] b_k."""
        self.tolerable = per_threat(scenario.decision.tolerable)
        """[threat] tol_k."""
        voice = {it.id: it.voice for it in scenario.countries}
        unheard = np.array([1.0 - voice[it.country] for it in scenario.places])
        self.stress = np.ones((self.n_places, N_THREATS))
        self.stress[:, : len(WANT)] += scenario.decision.voice * unheard[:, None]
        """[place, threat] factor by which lack of political voice raises the threats of want."""
        self.relaxation = scenario.exposure.relaxation * DAYS_A_YEAR
        index = {name: i for i, name in enumerate(places)}
        stated = [(s.enabled, self._shock(s, index)) for s in scenario.shocks] + [
            (i.enabled, self._drought(i, index))
            for i in scenario.interventions
            if i.kind == "drought"
        ]
        self.disturbances = [one for enabled, one in stated if enabled]
        self.courses = courses_of(self.disturbances)
        self.events = self._prevalence_events(self.disturbances)
        # Include disturbances that are switched off, so that runs with and without them are cut
        # into the same segments: then they add up fractions in the same order, to the same bits.
        others = self._prevalence_events([one for _, one in stated])
        self.dates = sorted({*self._dates(self.events), *self._dates(others)})
        """Days on which a prevalence or perpetrator changes, or would if all were enabled."""
        self.update_prevalence(0.0)

    def day_of(self, when: date) -> float:
        """Days from the start of the run to a date."""
        return float((when - self.start).days)

    def _shock(self, shock: Shock, index: dict[str, int]) -> Disturbance:
        start = self.day_of(shock.start)
        top = start + shock.rise * MONTH
        decay = max(top, self.day_of(shock.end) + 1) if shock.end else top
        return Disturbance(
            tuple(index[name] for name in shock.at), int(Threat[shock.threat]), start, top, decay,
            shock.half_life * MONTH, shock.peak, shock.prevalence or 0.0, shock.by_state,
        )  # fmt: skip

    def _drought(self, drought: Intervention, index: dict[str, int]) -> Disturbance:
        start = self.day_of(drought.start)
        # A drought builds up over a season and eases over half a year (our assumption).
        top = start + min(3.0, drought.months) * MONTH
        return Disturbance(
            tuple(index[name] for name in drought.at), int(Threat.environmental), start, top,
            start + drought.months * MONTH, 6 * MONTH, max(drought.strength or 0.0, 0.0),
            drought.prevalence or 0.0, False,
        )  # fmt: skip

    def _prevalence_events(self, disturbances: list[Disturbance]) -> Rises:
        """Dated rises of prevalence.

        A disturbance also raises the prevalence of coupled threats. Each step of the chain follows
        one relaxation time later, scaled by the coupling's share (our assumption).
        """
        events = []
        for shock in disturbances:
            reach = np.zeros(N_THREATS)
            reach[shock.threat] = shock.prevalence
            lag = 0.0
            for _ in range(3):
                for threat in np.flatnonzero(reach > 1.0 / 512):
                    by_state = shock.by_state and threat == shock.threat
                    start, end, q = shock.start + lag, shock.last() + lag, float(reach[threat])
                    events += [(start, end, p, int(threat), q, by_state) for p in shock.places]
                reach = self.coupling @ reach
                lag += self.relaxation
            if shock.by_state and shock.prevalence == 0.0:
                # The perpetrator changes, but not the people affected.
                events += [
                    (shock.start, shock.last(), p, shock.threat, 0.0, True) for p in shock.places
                ]
        columns = zip(*events, strict=True) if events else [()] * 6
        kinds = (float, float, int, int, float, bool)
        return Rises(*(np.array(it, kind) for it, kind in zip(columns, kinds, strict=True)))

    def _dates(self, events: Rises) -> list[int]:
        dates = []
        before = self._in_force(-1.0, events)
        for day in sorted({math.ceil(when) for when in (*events.start, *events.end)}):
            now = self._in_force(day, events)
            if any((a != b).any() for a, b in zip(now, before, strict=True)):
                dates.append(day)
            before = now
        return dates

    def _in_force(self, day: float, events: Rises) -> tuple[F64, Bool]:
        """([place, threat] prevalence, [place, threat] by state) on a day."""
        prevalence = self.base_prevalence.copy()
        by_state = self.base_by_state.copy()
        now = (events.start <= day) & (day < events.end)
        where = (events.place[now], events.threat[now])
        np.maximum.at(prevalence, where, events.prevalence[now])
        np.logical_or.at(by_state, where, events.by_state[now])
        return prevalence, by_state

    def update_prevalence(self, day: float) -> Bool:
        """Apply the dated events in force on a day; return [place] whether anything changed."""
        prevalence, by_state = self._in_force(day, self.events)
        changed = (prevalence != self.prevalence) | (by_state != self.by_state)
        self.prevalence, self.by_state = prevalence, by_state
        return np.asarray(changed.any(axis=1))

    def advance(self, first_day: int, n_days: int) -> tuple[F64, F64, F64]:
        """Update severities day by day; give the factors of the rates on each day.

        Args:
            first_day: First day of the segment, counted from the start.
            n_days: Days in it.

        Returns:
            ([day, place, 16] exp(S_want), [day, place, 8] exp(S_fear) - 1,
            [day, place, threat] severity).
        """
        close = 1.0 - math.exp(-1.0 / self.relaxation)
        steady = self.chronic + self.strain[:, None] * self.crowding[None, :]
        added = np.zeros((n_days, self.n_places, N_THREATS))
        disturb(self.courses, first_day, HALF, added)
        path = np.empty((n_days + 1, self.n_places, N_THREATS))
        path[0] = self.severity
        relax(self.coupling, steady, added, close, path)
        self.severity = path[-1].copy()
        path = path[1:]
        # A row for each day: operations on few long rows are faster than on many short ones.
        weight, tolerable, stress = (
            np.broadcast_to(it, self.stress.shape).reshape(-1)
            for it in (self.weight, self.tolerable, self.stress)
        )
        felt = weight * np.maximum(path.reshape(n_days, -1) - tolerable, 0.0) * stress
        factors = np.exp(felt).reshape(path.shape)
        want, fear = np.empty((*path.shape[:2], 16)), np.empty((*path.shape[:2], 8))
        products(factors, 0, len(WANT), want)
        products(factors, len(WANT), len(FEAR), fear)
        fear -= 1.0
        return want, fear, path

    def state_fear(self) -> Bool:
        """[place, 8] whether people exposed to this set of fears fear the state itself."""
        afraid = (self.by_state.take(FEAR, axis=1)[:, None] & SETS).any(axis=2)
        return np.ascontiguousarray(afraid)


def strain(world: World) -> F64:
    """[place] strain x / (1 + x), where x is newcomers / capacity."""
    over = STOCKS.of(world).newcomers / np.maximum(world.geography.capacity, 1.0)
    return np.asarray(over / (1.0 + over))


THREATS = State("threats", lambda world: Threats(world.scenario, strain(world)))
INSECURITY = dense(
    "insecurity", (PLACE, CITIZENSHIP, THREAT), "person-years at severity 1", np.float64
)


def update(world: World, segment: Segment) -> None:
    """Update the prevalence of threats and, once a month, the strain on host places."""
    threats = THREATS.of(world)
    if bisect_right(threats.dates, world.day) > bisect_right(threats.dates, world.updated):
        segment.prevalence_changes = threats.update_prevalence(float(world.day))
    else:
        segment.prevalence_changes = np.zeros(threats.n_places, bool)
    if segment.month_begins:
        threats.strain = strain(world)


def advance(world: World, segment: Segment) -> None:
    """Update severities through the days of the segment."""
    want, fear, segment.severity = THREATS.of(world).advance(world.day, segment.end - world.day)
    segment.felt = want, fear


def count_insecurity(world: World, segment: Segment) -> None:
    """Add insecurity, as if whoever is exposed at the end of the segment had been so throughout.

    For those who came, left or changed within it, `lives` has already made up for this.
    """
    years = segment.severity.sum(axis=0) / DAYS_A_YEAR
    counts = INSECURITY.of(world)
    counts += segment.census.exposed * years[:, None, :]


def threat_rows(world: World, _census: Census) -> Rows:
    """Severity and prevalence of every threat in every place, as of the last day."""
    threats = THREATS.of(world)
    place, threat = (i.reshape(-1) for i in np.indices(threats.severity.shape))
    return {
        "place": place,
        "threat": threat,
        "severity": threats.severity.reshape(-1).copy(),
        "prevalence": threats.prevalence.reshape(-1).copy(),
    }


MECHANISM = Mechanism(
    "threats",
    "updates the seven threats of every place, day by day",
    states=(THREATS,),
    counters=(INSECURITY,),
    dates=lambda world: THREATS.of(world).dates,
    hooks=(
        Hook("environment", 10, update),
        Hook("rates", 10, advance),
        Hook("count", 30, count_insecurity),
    ),
    tables=(
        Table(
            "threats",
            "severity and prevalence of the seven threats",
            "first",
            (
                PLACE,
                THREAT,
                Column("severity", "float", "1", "from 0 none to 1 extreme"),
                Column("prevalence", "float", "1", "share of people exposed to it"),
            ),
            threat_rows,
            absent=Absent("No row is absent: every threat has one for every place and period."),
        ),
        Table(
            "insecurity",
            "severity of the threats times person-years of exposure",
            "first",
            (
                PLACE,
                CITIZENSHIP,
                THREAT,
                Column("person_years", "float", "insecurity-years", "years at severity 1"),
            ),
            nonzero(INSECURITY, "person_years"),
            absent=NONE_COUNTED,
        ),
    ),
)
