"""The model's rule repeated, to be read: plain Mesa agents, one object for each head of household.

    twin = Twin(sim.read("syria", ["population.agents=2000"]))
    twin.step()
    twin.asked.groupby("answer").count()

World and draws are the engine's. `Head.decide` gives the same answers as its kernel, person
by person (a test holds that). Equations: docs/model.md, section 3.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, inf, log, log1p
from typing import NamedTuple

from sim.core.rng import Draw, key_of, mix
from sim.core.state import DAYS_A_YEAR, GROUNDS
from sim.core.terms import Activity, Answer, Channel, Companions, Hazard, Status
from sim.engine.setup import build_world
from sim.engine.solve import solve_base
from sim.engine.step import advance
from sim.kernels.choice import Conditions
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


class Twin(mesa.Model):  # type: ignore[misc]
    """A scenario whose heads of household are objects: the engine moves the world, they answer."""

    def __init__(self, scenario: Scenario, seed: int | None = None) -> None:
        seed = scenario.seed if seed is None else seed
        super().__init__(rng=seed)
        self.world = build_world(solve_base(scenario, scenario.variant_of or scenario), seed)
        self.heads: dict[int, Head] = {}

    def step(self) -> None:
        """Take one step; everybody is asked in it, and again after each dated event."""
        advance(self.world, look=self.ask)
        self.running = self.world.date() <= self.world.scenario.time.end

    def ask(self, now: Conditions, end: int) -> None:
        """Ask every head, in any order, for the days to `end`; `now`: factors of the two rates."""
        # The engine asks those who arrive, apply or send somebody ahead again, for what is left.
        asked = decide.all_heads(self.world, end)
        self.now, self.tables = now, choice.CHOICES.of(self.world).tables
        rows = asked.heads.tolist()
        self.days = dict(zip(rows, asked.days, strict=True))
        self.heads |= {row: Head(self, row) for row in rows if row not in self.heads}
        self.asked = agentset.AgentSet([self.heads[row] for row in rows], self.random)
        self.asked.shuffle_do("decide")

    def draw(self, kind: Draw, *who: int) -> float:
        """The uniform number in (0, 1) that belongs to a kind of draw, today, and somebody."""
        word = int(key_of(self.world.seed, kind, self.world.day))
        for one in who:
            word = mix(word ^ one % 2**64)
        return ((word >> 12) + 0.5) / 2**52


class Head(mesa.Agent):  # type: ignore[misc]
    """The head of a household, who decides for all of it."""

    def __init__(self, model: Twin, row: int) -> None:
        super().__init__(model)
        self.row = row  # the person's, of the world's arrays

    def know_oneself(self) -> None:
        """Read the head's own row of the world, and who could go."""
        world, people, row = self.model.world, self.model.world.people, self.row
        for name, column in zip(people._fields, people, strict=True):
            setattr(self, name, column[row].item())  # pid, place, home, means ...: core/state.py
        self.here, self.own = world.country[self.place], world.country[self.home]
        self.taste, self.education = self.traits >> 4, self.traits >> 1 & 3
        self.kind = policy.CLASSES.of(world)[self.own, self.group]  # as rules tell people apart
        self.applied = self.activity == Activity.waiting
        self.want, self.fear = self.mask & 15, self.mask >> 4  # threats that the head is exposed to
        days, pace = self.model.days[row], self.model.now.settling[self.place, self.status]
        self.years = days / DAYS_A_YEAR
        self.stayed = (world.day + 0.5 * days - self.moved) / DAYS_A_YEAR
        self.settled = 1 if self.status == Status.citizen else 1 - exp(-self.stayed * pace)
        living = (people.household == self.household) & (people.activity != Activity.dead)
        ages = (world.month() - people.born.astype(int)) // 12
        others = ages[living & (people.pid != self.pid)]
        self.age = min(max(ages[row], 0), 120)
        # Who can go: all, or an adult ahead of the others, or an older child.
        ahead = {Companions.pioneer: others >= 18, Companions.child: (others >= 12) & (others < 18)}
        self.goers = {Companions.whole: len(others) + 1} | {w: 1 for w in ahead if ahead[w].any()}

    def decide(self) -> None:
        """Compare one draw with the rates; the rates it lies between decide the answer."""
        self.know_oneself()
        self.chosen: Option | None = None
        self.options = {h: list(self.look_around(h)) for h in Hazard}
        L, F = self.rates(self.means, policy_open=False)  # as things are
        R_M = sum(self.rates(inf, policy_open=False))  # if money were no limit
        R_P = sum(self.rates(self.means, policy_open=True))  # if policy were open to all
        R_MP = sum(self.rates(inf, policy_open=True))
        R, R_C = L + F, L / self.model.now.want[self.place, self.want]  # R_C: without any threat
        unsettled = 1 - self.settled if self.uprooted else 0  # by threats; R_0: as if settled, too
        R_0 = R_C * exp(-self.model.now.attachment * unsettled)
        draw = -log1p(-self.model.draw(decide.MOVE, self.pid))  # exponential, of mean 1
        label = self.model.draw(decide.LABEL, self.pid)
        if draw >= R_MP * self.years:
            self.answer = Answer.stays
        elif draw < R * self.years:
            self.answer = Answer.choice if label * R < R_0 else Answer.necessity
            self.go(Hazard.flight if R_C <= label * R < R_C + F else Hazard.livelihood)
        else:
            by_means = ((R_M - R) + (R_MP - R_P)) / (2 * (R_MP - R))  # Shapley's share
            self.answer = Answer.no_means if label < by_means else Answer.no_permission

    def rates(self, money: float, policy_open: bool) -> tuple[float, float]:
        """L and F, a year: to live better, and to be safe; each is a factor times W^lambda."""
        now, lam = self.model.now, self.model.tables.inclusive
        L = now.livelihood[self.place, self.status] * now.want[self.place, self.want]
        L *= now.age[0, self.age] * (1 - now.pause_depth * exp(-self.stayed / now.pause))
        L *= now.at_home if self.place == self.home else exp(-now.attachment * self.settled)
        F = now.flight * now.age[1, self.age] * now.fear[self.place, self.fear]
        W_L, W_F = (sum(self.nests(h, money, policy_open).values()) for h in Hazard)
        return L * W_L**lam, F * W_F**lam

    def nests(self, h: Hazard, money: float, policy_open: bool) -> dict[int, float]:
        """(sum of exp(V / mu) if it can be paid)^mu W(d)^look_ahead, by place; W is their sum."""
        sums: dict[int, float] = {}
        for it in self.options[h]:
            if it.worth[policy_open] > 0 and it.cost[policy_open] <= money:
                sums[it.place] = sums.get(it.place, 0.0) + it.worth[policy_open]
        tables = self.model.tables
        return {d: total**tables.nest * tables.ahead[h, self.home, d] for d, total in sums.items()}

    def go(self, h: Hazard) -> None:
        """Go where the nest with its Gumbel draw is greatest; then the way into it likewise."""
        nests, ident = self.nests(h, self.means, False), self.model.tables.ident.tolist()

        def lucky(worth: float, kind: Draw, what: int) -> float:
            return log(worth) - log(-log(self.model.draw(kind, self.pid, what)))

        def value(it: Option) -> float:
            way = 3 * it.channel * (it.channel in BORDER) + it.who
            return lucky(it.worth[0], journey.CHANNEL_CHOSEN, ident[it.place] + way)

        goal = max(nests, key=lambda d: lucky(nests[d], journey.DESTINATION, ident[d]))
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
            worth, channel = tables.admitted[h, there, Channel.labour], Channel.free  # in a bloc
            if within:
                worth, channel = 1.0, Channel.internal
            if d == self.home:
                worth, channel = tables.homeward[h], Channel.home
            caught = self.model.now.by_state[self.place, self.fear] and h == Hazard.flight
            if not back or (within and not caught) or (not within and d == self.home):
                yield channel, [lies[0, 0] * worth] * 2, [price[0, 0]] * 2
            return
        may_claim = self.here != self.own and self.status == Status.irregular
        for s in BORDER if d != self.place else OVERLAND[: int(may_claim)]:  # on the spot
            i, grounds = int(s in OVERLAND), int(h == Hazard.flight or self.traits & GROUNDS > 0)
            ruled = lies[0, i] * tables.admission[h, grounds, k, there, s]
            unfit = self.education < tables.min_education[k, there, s] or self.applied
            if (not i and unfit) or (s == Channel.family and self.kin != there + 1):
                ruled = 0.0
            free = lies[1, i] * tables.admitted[h, there, s]
            loss = tables.surge.entry[h, grounds, k, there, s]  # by rules that are announced
            loss += tables.surge.way[self.taste, self.place, d] if i else 0.0
            if not i and self.education < tables.surge.min_education[k, there, s]:
                loss = inf
            gain = exp(min(max(0.0, loss), tables.surge.most)) if ruled > 0 else 1.0
            yield s, [ruled * gain, free * gain], list(price[:, i] + [tables.fee[k, there, s], 0])
