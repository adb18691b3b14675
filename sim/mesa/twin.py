"""The rule of docs/model.md, section 3.4, to be read: plain Mesa, an object for each household.

    twin = Twin(sim.read("syria", ["population.agents=2000"]))
    twin.step()
    twin.asked.groupby("answer").count()

World and draws are the engine's; a test holds that answers are its kernel's, to the day.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from math import exp, inf, log, log1p
from typing import NamedTuple

from sim.core.rng import Draw, key_of, mix
from sim.core.state import DAYS_A_YEAR, DIED, GROUNDS
from sim.core.terms import Activity, Answer, Channel, Companions, Hazard, Status
from sim.engine.setup import build_world
from sim.engine.solve import solve_base
from sim.engine.step import advance
from sim.kernels.plane import HIGHEST, LABEL, TIME
from sim.kernels.rates import Conditions
from sim.mechanisms import choice, decide, journey, policy
from sim.mesa.quiet import agentset, mesa
from sim.schema import Scenario

BORDER = (Channel.labour, Channel.family, Channel.asylum, Channel.irregular)
OVERLAND = (Channel.asylum, Channel.irregular)  # by corridors; all others travel regularly


class Option(NamedTuple):
    """An alternative; what it costs and exp(V / mu), as ruled and with policy open to all."""

    place: int
    channel: Channel
    who: Companions
    cost: list[float]
    worth: list[float]


class Line(NamedTuple):
    """Rates at which a household's heights are cut; share of refusals for want of money."""

    R_0: float
    R_C: float
    F: float
    R: float
    R_MP: float
    by_means: float


class Twin(mesa.Model):  # type: ignore[misc]
    """A scenario whose households are objects: the engine moves the world, they answer.

    `kind`: a class of your own with another rule; the engine still moves the world by this one.
    """

    def __init__(
        self, scenario: Scenario, seed: int | None = None, kind: type[Household] | None = None
    ) -> None:
        seed = scenario.seed if seed is None else seed
        super().__init__(rng=seed)
        self.kind = kind or Household
        self.world = build_world(solve_base(scenario, scenario.variant_of or scenario), seed)
        self.households: dict[int, Household] = {}

    def step(self) -> None:
        """Take one step; everybody is asked once for each segment of it (docs/model.md, 1.3)."""
        if self.world.date() > (end := self.world.scenario.time.end):
            raise RuntimeError(f"the scenario ended on {end}; for more steps set time.end later")
        advance(self.world, look=self.ask)
        self.running = self.world.date() <= end

    def ask(self, now: Conditions, end: int) -> None:
        """Ask every household, in any order, for the days to `end`; `now`: factors of the rates."""
        # A move ends a household's answers here; in the engine it lives on and may move again.
        rows, since = self.world.deciding.tolist(), float(self.world.day)
        self.now, self.tables = now, choice.CHOICES.of(self.world).tables
        self.plane, self.span = self.world.plane(decide.MOVE), (since, float(end))
        new = (row for row in rows if row not in self.households)
        self.households |= {row: self.kind(self, row) for row in new}
        self.asked = agentset.AgentSet([self.households[row] for row in rows], self.random)
        self.asked.shuffle_do("decide")
        if wrong := [it.answer for it in self.asked if not isinstance(it.answer, Answer)]:
            raise TypeError(f"an answer is one of Answer, such as Answer.stays, not {wrong[0]!r}")

    def draw(self, word: int, *what: int) -> float:
        """The uniform number in (0, 1) that belongs to a word, or to a key and what is named."""
        for one in what:
            word = mix(int(word) ^ one % 2**64)
        return ((word >> 12) + 0.5) / 2**52


class Household(mesa.Agent):  # type: ignore[misc]
    """A household, which decides as a whole, as old and educated as its head."""

    def __init__(self, model: Twin, row: int) -> None:
        super().__init__(model)
        self.row = row  # of the world's arrays

    def know_oneself(self) -> None:
        """Read one's own row; who could go: all, an adult ahead of the others, a child."""
        world, persons = self.model.world, self.model.world.persons
        for name, column in world.households._asdict().items():
            setattr(self, name, column[self.row].item())  # ident, place, means ...: core/state.py
        self.here, self.own = world.country[self.place], world.country[self.home]
        traits = persons.traits[self.head].item()
        self.taste, self.education = traits >> 4, traits >> 1 & 3
        # As rules tell people apart.
        self.kind = policy.CLASSES.of(world)[self.citizenship, self.group]
        self.applied = self.activity == Activity.waiting
        self.want, self.fear = self.mask & 15, self.mask >> 4  # threats that it is exposed to
        members = (persons.household == self.row) & (persons.past & DIED == 0)
        ages = ((world.month() - persons.born.astype(int)) // 12).clip(0, 120)
        members[self.head] = False
        self.age, others = ages[self.head], ages[members]
        ahead = {Companions.pioneer: others >= 18, Companions.child: (others >= 12) & (others < 18)}
        self.goers = {Companions.whole: len(others) + 1} | {w: 1 for w in ahead if ahead[w].any()}

    def decide(self) -> None:
        """Compare each point with the rates of its day; those it lies between decide."""
        self.know_oneself()
        self.chosen: Option | None = None
        self.events, self.answer = [], Answer.stays  # each move or refusal, and its day; the last
        self.options = {h: list(self.look_around(h)) for h in Hazard}
        for day, height, word in self.points():
            cut = self.line(day, self.means)
            if height < cut.R:
                self.answer = Answer.choice if height < cut.R_0 else Answer.necessity
                flees = cut.R_C <= height < cut.R_C + cut.F
                self.go(Hazard.flight if flees else Hazard.livelihood, word)
            elif height < cut.R_MP:
                poor = self.model.draw(LABEL, word) < cut.by_means
                self.answer = Answer.no_means if poor else Answer.no_permission
            self.events += [(self.answer, day)] if height < cut.R_MP else []
            if height < cut.R:
                break

    def line(self, day: float, money: float) -> Line:
        """Where one's numbers are cut on a day, with so much money."""
        R_C, F, L_more = self.rates(day, money, policy_open=False)  # as things are
        R_M = sum(self.rates(day, inf, policy_open=False))  # if money were no limit
        R_P = sum(self.rates(day, money, policy_open=True))  # if policy were open to all
        R_MP = sum(self.rates(day, inf, policy_open=True))
        R = R_C + F + L_more
        if not (R_C >= 0 <= F and R >= 0):
            raise ValueError(f"rates are numbers from 0 up, not {R_C}, {F} and {L_more}")
        unsettled = 1 - self.settled(day) if self.uprooted else 0  # by threats
        R_0 = R_C * exp(-self.model.now.attachment * unsettled)  # as if settled
        by_means = ((R_M - R) + (R_MP - R_P)) / (2 * (R_MP - R) or inf)  # Shapley's share
        return Line(R_0, R_C, F, R, R_MP, by_means)

    def heights(self) -> Iterator[tuple[float, int]]:
        """Heights of one's points of the month, lowest first, without end, and their words."""
        plane = self.model.plane
        word, height = mix(int(plane.key) ^ self.ident), 0.0
        while True:
            height -= log1p(-self.model.draw(word)) * DAYS_A_YEAR / plane.days
            yield height, word
            word = mix(word)

    def bound(self) -> float:
        """A rate that R_MP does not exceed: higher points are not looked at, nor above HIGHEST."""
        most = self.model.now.most[self.place, int(self.place == self.home), self.mask]
        return min(float(most), HIGHEST)

    def points(self) -> Iterator[tuple[float, float, int]]:
        """Poisson points of one's time, one a year and unit of height: day, height and word."""
        plane, (since, until), below = self.model.plane, self.model.span, self.bound()
        low = takewhile(lambda it: it[0] < below, self.heights())
        days = ((plane.start + plane.days * self.model.draw(TIME, it[1]), *it) for it in low)
        yield from (point for point in sorted(days) if since < point[0] <= until)

    def settled(self, day: float) -> float:
        """How settled the household is where it lives, 0 to 1."""
        pace = self.model.now.settling[self.place, self.status] / DAYS_A_YEAR
        return 1 if self.status == Status.citizen else 1 - exp(-(day - self.moved) * pace)

    def rates(self, day: float, money: float, policy_open: bool) -> tuple[float, float, float]:
        """R_C, without any threat; F, to be safe; and by how much threats raise L: all a year."""
        now, lam, at = self.model.now, self.model.tables.inclusive, (self.place, self.status)
        today, t = (int(day) - now.first_day, self.place), (day - self.moved) / DAYS_A_YEAR
        L = now.livelihood[at] * now.age[0, self.age] * (1 - now.pause_depth * exp(-t / now.pause))
        L *= now.at_home if self.place == self.home else exp(-now.attachment * self.settled(day))
        F = now.flight * now.age[1, self.age] * now.fear[today][self.fear]
        W_L, W_F = (sum(self.nests(h, money, policy_open).values()) ** lam for h in Hazard)
        return L * W_L, F * W_F, L * W_L * (now.want[today][self.want] - 1)

    def nests(self, h: Hazard, money: float, policy_open: bool) -> dict[int, float]:
        """(sum of exp(V / mu) if it can be paid)^mu W(d)^look_ahead, by place; W is their sum."""
        tables, sums = self.model.tables, dict[int, float]()
        for it in self.options[h]:
            if it.worth[policy_open] > 0 and it.cost[policy_open] <= money:
                sums[it.place] = sums.get(it.place, 0.0) + it.worth[policy_open]
        return {d: total**tables.nest * tables.ahead[h, self.home, d] for d, total in sums.items()}

    def go(self, h: Hazard, word: int) -> None:
        """Go where the nest with its Gumbel draw is greatest; then the way into it likewise."""
        nests, seed = self.nests(h, self.means, False), self.model.world.seed

        def lucky(worth: float, kind: Draw, d: int, way: int = 0) -> float:
            what = int(self.model.tables.ident[d]) + way
            return log(worth) - log(-log(self.model.draw(key_of(seed, kind), word, what)))

        def value(it: Option) -> float:
            way = 3 * it.channel * (it.channel in BORDER) + it.who
            return lucky(it.worth[0], journey.CHANNEL_CHOSEN, it.place, way)

        goal = max(nests, key=lambda d: lucky(nests[d], journey.DESTINATION, d))
        paid = (it for it in self.options[h] if it.worth[0] > 0 and it.cost[0] <= self.means)
        self.chosen = max((it for it in paid if it.place == goal), key=value)

    def look_around(self, h: Hazard) -> Iterator[Option]:
        """Every alternative, whether or not it is open and can be paid."""
        factor = self.model.tables.companions[h].tolist()
        for d in range(len(self.model.world.country)):
            for way, worth, price in self.ways(h, d):
                for who, n in self.goers.items():
                    costs, worths = [x * n for x in price], [x * factor[who] for x in worth]
                    yield Option(d, way, who, costs, worths)

    def ways(self, h: Hazard, d: int) -> Iterator[tuple[Channel, list[float], list[float]]]:
        """Channels into a place: exp(V / mu) and price a person, as ruled and with policy open."""
        tables, k, there = self.model.tables, self.kind, self.model.world.country[d]
        lies = tables.geography[h, :, self.taste, self.place, d] * tables.pull[h, self.home, d]
        price = tables.price[:, self.place, d]  # [as ruled or open, regular travel or overland]
        back, within = there == self.own, there == self.here
        if d != self.place and (back or within or tables.free[self.own, there]):
            own = (tables.homeward[h], Channel.home) if d == self.home else (1.0, Channel.internal)
            bloc = (tables.admitted[h, there, Channel.labour], Channel.free)
            worth, channel = own if within or d == self.home else bloc
            caught = self.model.now.by_state[self.place, self.fear] and h == Hazard.flight
            if not back or (within and not caught) or (not within and d == self.home):
                yield channel, [lies[0, 0] * worth] * 2, [price[0, 0]] * 2
            return
        may_claim = self.here != self.own and self.status == Status.irregular
        for s in BORDER if d != self.place else OVERLAND[: int(may_claim)]:  # on the spot
            i, grounds = int(s in OVERLAND), int(h == Hazard.flight or self.flags & GROUNDS > 0)
            ruled = lies[0, i] * tables.admission[h, grounds, k, there, s]
            unfit = self.education < tables.min_education[k, there, s] or self.applied
            if (not i and unfit) or (s == Channel.family and self.kin != there + 1):
                ruled = 0.0
            free = lies[1, i] * tables.admitted[h, there, s]
            loss = tables.surge.entry[h, grounds, k, there, s]  # by rules that are announced
            later = inf if self.education < tables.surge.min_education[k, there, s] else 0.0
            loss += tables.surge.way[self.taste, self.place, d] if i else later
            rush = exp(min(max(0.0, loss), tables.surge.most)) if ruled > 0 else 1.0
            yield s, [ruled * rush, free * rush], list(price[:, i] + [tables.fee[k, there, s], 0])
