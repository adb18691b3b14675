"""Builds the utilities of destinations (docs/model.md, 3.4), as factors of exp(V / mu).

    V_xa = b_inc ln(y_d (1 - u_d) f) + b_size ln(pop_d) + b_net ln((D_od + D0) / pop_o)
           + b_dist ln(km) + b_cont contiguous + b_lang language + b_colony colony
           + b_dem democracy_d - b_dest sum_k (b_k / max b) E[s_dk q_dk]
           + b_adm ln(max(chance, floor)) - b_wait months + way
           - b_cost ln(1 + price / median means) + look_ahead ln max(W(d), floor)

`way` is the value of the route choice for people who travel by corridors; there, the price of each
leg has its own b_cost term. Scales (income over y_ref, people over all people, km over 1000) are
chosen so that W is of order one; base_L and the flight norm absorb them.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from sim.core.parallel import in_ranges
from sim.core.same import Same
from sim.core.state import F64, I64, Bool, Legs
from sim.core.terms import N_SLOTS, N_THREATS, Channel, Hazard, Status, Threat
from sim.kernels.alternatives import ChoiceTables
from sim.kernels.greatest import greatest_rates, greatest_worths
from sim.kernels.look_ahead import look_ahead, median_nests
from sim.kernels.means import Means
from sim.kernels.rates import Conditions
from sim.kernels.routes import BEST, CHEAPEST, LEAST_COST, solve_routes
from sim.kernels.travel import Routes, Way
from sim.mechanisms.announcement import no_surge, surge
from sim.mechanisms.caravans import SET_OUT_BEFORE, called, forming, safer
from sim.mechanisms.knowledge import KNOWN, prospects
from sim.mechanisms.livelihood import MEANS, median_means
from sim.mechanisms.policy import COMING, PASSABLE, RULES, Enforcement, Rules, enforce
from sim.mechanisms.protection import standing
from sim.mechanisms.threats import per_threat
from sim.model.declare import Hook, Mechanism, State
from sim.model.network import Network
from sim.schema.errors import Problem, ScenarioError

if TYPE_CHECKING:
    from sim.model.segment import Segment
    from sim.model.world import Geography, World
    from sim.schema import Scenario, Tastes

OPEN_STATUS = {
    Channel.labour: Status.regular,
    Channel.family: Status.regular,
    Channel.asylum: Status.refugee,
    Channel.irregular: Status.irregular,
}
"""Status that people expect to get by each channel."""
EXPECTED_STATUS = [int(OPEN_STATUS[Channel(slot)]) for slot in range(N_SLOTS)]
"""[slot] the same."""
THRIFT = 1e6
"""Utility of the focus's median means to people who look for the cheapest way: price decides."""
TOLERANCE = 1e-6
MOST_ITERATIONS = 400
ROWS = 64
"""Rows of a table that are built at a time, so that the working arrays stay in the cache."""


def rogers_castro() -> F64:
    """[121] migration rates by single year of age, labour force curve, scaled to a maximum of 1.

    m(x) = .02 exp(-.1 x) + .06 exp(-.1 (x - 20) - exp(-.4 (x - 20))) + .003

    Source: Rogers & Castro (1981), standard schedule.
    """
    x = np.arange(121.0)
    m = 0.02 * np.exp(-0.1 * x) + 0.003
    m += 0.06 * np.exp(-0.1 * (x - 20) - np.exp(-0.4 * (x - 20)))
    m[:18] = m[18]
    return np.asarray(m / m.max())


class Choices:
    """Choice tables of all destinations, rebuilt monthly and whenever rules change.

    Attributes:
        tables: Tables that the decision kernel reads.
        way: Tables for people on the way.
        joined: [place, country] caravan that people who set out join, or -1.
        caravans: Legs and travel tables for each of the scenario's caravans.
        formed: [caravan] whether it has ever formed; if not, no one is in it.
    """

    def __init__(
        self,
        scenario: Scenario,
        network: Network,
        geography: Geography,
        means: Means,
        threads: int,
    ) -> None:
        self.scenario = scenario
        self.threads = threads
        self.network = network
        places, countries = scenario.places, scenario.countries
        number = {c.id: i for i, c in enumerate(countries)}
        self.n_places, self.n_countries = len(places), len(countries)
        self.country = geography.country
        self.ident = geography.place_ident
        self.people = np.array([p.people for p in places])
        self.country_people = np.bincount(self.country, self.people, self.n_countries)
        self.eligible = np.array([p.kind != "camp" and p.people > 0 for p in places])
        self.n_eligible = int(self.eligible.sum())
        income = np.array([p.income_ppp or p.income or 1.0 for p in places])
        jobless = np.array([p.unemployment for p in places])
        self.log_income = np.log(income * (1.0 - jobless) / scenario.decision.reference_income)
        self.democracy = np.array([c.democracy for c in countries])[self.country]
        self.median = median_means(means)
        self.contiguous, self.language, self.colony = self._relations(number)
        self.reachable = self._reachable()
        n = self.n_places
        self.ahead = np.ones((2, n, n))
        classes = scenario.decision.classes
        self.risk, self.share = np.array([(it.risk, it.share) for it in classes]).T.copy()
        """[g]"""
        weights = per_threat(scenario.decision.threat_weight)
        self.threat_weight = weights / max(weights.max(), 1e-12)
        """[threat] relative weights: as at home; the largest is 1."""
        self.thinks, self.of, self.prior = self._opinions(number)
        self.price_scale = self._price_scale()
        self.geography = np.zeros((2, 2, len(scenario.decision.classes), n, n, 2))
        self.price = np.full((2, n, n, 2), np.inf)
        self.distance = self._regular_ways()
        tastes = (scenario.decision.livelihood, scenario.decision.flight)
        self.companions = np.exp(
            np.array([[0.0, taste.pioneer, taste.child] for taste in tastes])
            / scenario.decision.nest
        )
        """[h, 3] factor of who goes, by `Companions`."""
        self.together = self._together()
        self.fullest: F64 = self.companions.sum(axis=1)[:, None, None, None]
        """[h, 1, 1, 1] sum of the factors of all kinds of companions."""
        with np.errstate(over="ignore"):  # refused once all of V is known
            self.at_large = self._at_large()
        self.same = np.eye(self.n_countries, dtype=bool)
        """[country, country]"""
        self.own = self.of[:, None] == self.country
        """[row, d] whether the destination is in the country of origin."""
        self.pairs = self.of[:, None] * self.n_countries + self.country
        """[row, d] position of the pair of countries in a table of such pairs."""
        self.tiring = scenario.decision.fatigue * np.maximum(network.hops, 0)
        """[p, d] tiring legs of the shortest way."""
        self.way: Way
        self.nested: F64
        """[h, o, d] pull of destinations, to the power of the nest."""
        self.bound: F64
        """[h, p, o, g] result of `bounds`."""
        self.joined: I64
        self.caravans: list[tuple[Legs, Way]] = []
        self.formed = np.zeros(len(called(scenario)), bool)

    def _relations(self, number: dict[str, int]) -> tuple[Bool, Bool, Bool]:
        """[country, country] contiguity, common language, colonial tie; true within a country."""
        countries = self.scenario.countries
        contiguous = np.eye(len(countries), dtype=bool)
        language = np.eye(len(countries), dtype=bool)
        colony = np.zeros((len(countries), len(countries)), bool)
        for i, a in enumerate(countries):
            for name in a.neighbours:
                contiguous[i, number[name]] = contiguous[number[name], i] = True
            for name in a.colonies:
                colony[i, number[name]] = colony[number[name], i] = True
            for j, b in enumerate(countries):
                if set(a.languages) & set(b.languages):
                    language[i, j] = True
        return contiguous, language, colony

    def _reachable(self) -> Bool:
        """[origin, place] whether people of an origin could ever be there.

        Regular travel reaches every inhabited place; no one plans on going to an empty camp.
        """
        return np.repeat((self.people > 0)[None, :], self.n_places, axis=0) | np.eye(
            self.n_places, dtype=bool
        )

    def _price_scale(self) -> float:
        """Means against which the price of a leg is weighed: the median of the focus countries."""
        focus = self.scenario.population.focus
        chosen = np.array([not focus or p.country in focus for p in self.scenario.places])
        chosen &= self.people > 0
        order = np.argsort(self.median[chosen], kind="stable")
        cumulated = np.cumsum(self.people[chosen][order])
        middle = int(np.searchsorted(cumulated, 0.5 * cumulated[-1]))
        return float(max(self.median[chosen][order][middle], 100.0))

    def _regular_ways(self) -> F64:
        """Fill in the tables of regular travel, which neither rules nor dangers change.

        Returns:
            [h, p, d] the part of V that geography sets; corridor travel starts from it.
        """
        decision, journey, km = self.scenario.decision, self.scenario.journey, self.network.km
        same = self.country[:, None] == self.country[None, :]
        fare = np.where(same, journey.internal_fare_km, journey.fare_km) * km
        self.price[:, :, :, 0] = fare
        median = np.maximum(self.median, 100.0)
        distance = np.stack(
            [self._distance(taste) for taste in (decision.livelihood, decision.flight)]
        )
        for h in Hazard:
            regular = distance[h] - decision.cost * np.log1p(fare / median[:, None])
            with np.errstate(over="ignore"):  # refused once all of V is known
                self.geography[h, :, :, :, :, 0] = np.exp(regular / decision.nest)
        return distance

    def update_ways(self, rules: Rules, danger: F64, joined: I64 | None = None) -> None:
        """Solve routes under today's rules and dangers.

        Args:
            rules: Rules in force.
            danger: [place] severity x prevalence of the personal threat: people who pass through
                a place at war face the same risk as its residents.
            joined: [place, country] caravan that people who set out join, or -1; None: no caravan.
        """
        self.danger = danger
        if joined is None:
            joined = np.full((self.n_places, self.n_countries), -1, np.int64)
        self.joined = joined
        network, premium = self.network, self.scenario.journey.premium
        legs = network.legs
        self.way = self._solve_ways(rules, legs, enforce(rules, network, premium))
        # People in a caravan stay in it, whether or not others can still join.
        self.caravans = []
        for number, item in enumerate(called(self.scenario)):
            joining = joined[:, self.country] == number
            self.formed[number] |= joining.any()
            if not self.formed[number]:
                self.caravans.append((legs, self.way))
                continue
            factor = item.price or 0.0
            met = enforce(rules, network, premium, item.interception or 0.0)
            met = met._replace(price=met.price * factor)
            way = self._solve_ways(rules, safer(legs, item), met, joining, factor)
            self.caravans.append((safer(legs, item), way))
        self.rules = rules

    def _solve_ways(
        self,
        rules: Rules,
        legs: Legs,
        met: Enforcement,
        whose: Bool | None = None,
        factor: float = 1.0,
    ) -> Way:
        """Solve routes under one set of travel conditions, and store their values.

        Args:
            rules: Rules in force.
            legs: Legs with their hazards.
            met: Effects of enforcement on the legs.
            whose: [p, d] whether these conditions apply to people at p who set out for d; None:
                to everybody.
            factor: Factor of leg prices in the open-policy case.
        """
        decision = self.scenario.decision
        nothing = np.zeros_like(met.caught)
        free = self.network.legs.price * factor
        unmet = Enforcement(nothing, nothing, np.ones_like(met.usable), free)
        # Nobody goes by the cheapest way of the open-policy case: only its fare counts.
        utility, cost, value, fare = self._routes(legs, (met, unmet), n_plans=4, n_values=3)
        # Where policy is open, people can still go as they go today, so it can only be better.
        values = value[BEST::2].copy()
        np.maximum(values[1], values[0], out=values[1])
        fares = fare[CHEAPEST::2].copy()
        np.minimum(fares[1], fares[0], out=fares[1])
        values *= decision.route_scale
        values += self.tiring
        # [h, w, g, p, d]
        ways = self.distance[:, None, None] + values
        ways /= decision.nest
        np.exp(ways, out=ways)
        if whose is None:
            self.geography[..., 1], self.price[..., 1] = ways, fares
        else:
            self.geography[..., 1][..., whose] = ways[..., whose]
            self.price[..., 1][..., whose] = fares[..., whose]
        return Way(
            routes=Routes(utility[0], cost[:2], value[:2], fare[:2]),
            price=met.price,
            usable=met.usable,
            intercepted=met.caught,
            bribed=met.bribed,
            custody=rules.custody,
        )

    def _routes(
        self, legs: Legs, conditions: tuple[Enforcement, ...], n_plans: int, n_values: int
    ) -> tuple[F64, F64, F64, F64]:
        """Solve the route choice under one or several conditions of travel; see `solve_routes`.

        Args:
            legs: Legs with their hazards.
            conditions: Effects of enforcement on the legs.
            n_plans: Plans to be solved: `BEST` and `CHEAPEST` of each of the conditions in turn.
            n_values: Plans of which values are wanted: the first ones.

        Returns:
            ([conditions, class, leg] utility over the scale of the logit, [plan, p, d] cost,
            [plan, class, p, d] value, [plan, p, d] fare).
        """
        decision, journey = self.scenario.decision, self.scenario.journey
        # [conditions, leg]
        caught, bribed, usable, price = (np.array(it) for it in zip(*conditions, strict=True))
        harm = (
            legs.death
            + journey.violence_weight * legs.violence
            + journey.extortion_weight * (legs.extortion + bribed)
            + journey.kidnapping_weight * legs.kidnapping
        )
        weighed = price / self.price_scale
        risk = self.risk[:, None]
        utility = (
            -decision.risk * risk * harm[:, None]
            + (decision.interception * np.log1p(-np.minimum(caught, PASSABLE)))[:, None]
            - decision.livelihood.waiting * legs.days / 30.4375
            - (decision.cost * np.log1p(weighed))[:, None]
            - decision.transit_threat * risk * self.danger[legs.target]
            - decision.fatigue
        )
        # Which legs lead on does not depend on taste: it is judged by people of average taste.
        length = np.empty((len(conditions), 2, len(legs.target)))
        for each, its in zip(length, utility, strict=True):
            each[BEST] = -self.share @ its / self.share.sum()
        np.maximum(length[:, BEST], LEAST_COST, out=length[:, BEST])
        length[:, CHEAPEST] = length[:, BEST] + THRIFT * price / self.price_scale
        utility /= decision.route_scale
        n = self.n_places
        cost, fare = np.empty((n_plans, n, n)), np.empty((n_plans, n, n))
        value = np.empty((n_values, len(risk), n, n))
        lengths = length.reshape(2 * len(conditions), len(legs.target))[:n_plans]
        solve_routes(legs, lengths, utility, price, usable, cost, value, fare)
        return utility, cost, value, fare

    def _distance(self, taste: Tastes) -> F64:
        """[p, d] the part of V that geography sets."""
        c = self.country
        size = np.log(np.maximum(self.country_people, 1.0) / max(self.people.sum(), 1.0))
        share = np.log(np.maximum(self.people, 1.0) / np.maximum(self.country_people[c], 1.0))
        result = taste.distance * np.log(self.network.km / 1000.0)
        result = result + taste.contiguous * self.contiguous[c[:, None], c[None, :]]
        result = result + taste.language * self.language[c[:, None], c[None, :]]
        result = result + taste.colony * self.colony[c[:, None], c[None, :]]
        return np.asarray(result + taste.size * size[c][None, :] + share[None, :])

    def rebuild(self, diaspora: I64, expected: F64, chance: F64, wait: F64, day: float) -> None:
        """Rebuild the tables that change monthly: networks, information, queues, look-ahead.

        Args:
            diaspora: [citizenship, country] people.
            expected: [place, threat] severity x prevalence, as of last month.
            chance: [grounds, k, c, s] perceived chance of admission.
            wait: [k, c, s] months.
            day: Day from the start (campaigns are dated).
        """
        decision, c, n = self.scenario.decision, self.country, self.n_places
        expected = expected @ self.threat_weight
        actual = np.array([
            taste.income * self.log_income + taste.democracy * self.democracy
            - taste.threats * expected
            for taste in (decision.livelihood, decision.flight)
        ])  # fmt: skip
        shift = self._campaigns(day)
        factors = np.empty((2, len(self.of), n))
        for first in range(0, len(self.of), ROWS):
            rows = slice(first, first + ROWS)
            value = self._attraction(rows, diaspora, actual, shift[rows])
            factors[:, rows] = np.where(self.eligible, np.exp(value / decision.nest), 0.0)
        pull = factors.take(self.thinks, axis=1)
        # Places of one country share a row: fewer powers are taken of rows than of places.
        self.nested = (factors**decision.nest).take(self.thinks, axis=1)
        homeward = np.full(2, np.exp(decision.home_attachment / decision.nest))
        worth = self._worth(self.rules)
        self.entry = self._entry(self.rules, worth, chance, wait)
        self.tables = ChoiceTables(
            country=c,
            free=self.rules.free,
            geography=self.geography,
            pull=pull,
            ahead=self.ahead,
            admission=np.exp(self.entry / decision.nest),
            admitted=np.exp(worth / decision.nest),
            min_education=self.rules.min_education,
            fee=self.rules.fee,
            price=self.price,
            companions=self.companions,
            together=self.together,
            homeward=homeward,
            ident=self.ident,
            nest=decision.nest,
            inclusive=decision.inclusive_value,
            surge=no_surge(len(decision.classes), n, *self.rules.open.shape),
        )
        for h in Hazard:
            taste = decision.livelihood if h == Hazard.livelihood else decision.flight
            if taste.look_ahead > 0:
                self._look_ahead(h, taste.look_ahead)

    def _together(self) -> F64:
        """[h, 2, 2] see `ChoiceTables`."""
        decision, (whole, pioneer, child) = self.scenario.decision, self.companions.T
        are = np.arange(2)
        full = (
            whole[:, None, None]
            + pioneer[:, None, None] * are[:, None]
            + child[:, None, None] * are
        )
        fullest = self.companions.sum(axis=1)[:, None, None]
        return np.asarray((full / fullest) ** (decision.nest * decision.inclusive_value))

    def _attraction(self, rows: slice, diaspora: I64, actual: F64, shift: F64) -> F64:
        """[h, row, d] attraction of destinations: migrant networks, and information about them.

        Args:
            rows: Rows of `of`.
            diaspora: [citizenship, country] people.
            actual: [h, d] value of living there.
            shift: [row, d] shift of the prior value by information campaigns.
        """
        decision, eligible = self.scenario.decision, self.eligible
        people = np.maximum(self.country_people, 1.0)[:, None]
        abroad = np.where(self.same, people, diaspora)
        known = np.where(self.same, 1.0, 1.0 - np.exp(-decision.information * abroad / people))
        network = np.log((abroad + decision.least_diaspora) / people)
        # [row, d], and from here on [h, row, d]
        own, pairs = self.own[rows], self.pairs[rows]
        network, known = network.take(pairs), known.take(pairs)
        seen = np.where(~own & eligible, known, 0.0)
        total = seen.sum(axis=1)
        average = np.array([it[eligible].sum() for it in actual]) / self.n_eligible
        prior = np.where(
            total > 0,
            (seen * actual[:, None]).sum(axis=2) / np.maximum(total, 1e-300),
            average[:, None],
        )
        stated = self.prior[:, rows]
        prior = np.where(np.isnan(stated), prior[:, :, None], stated)
        perceived = known * actual[:, None] + (1.0 - known) * (prior + shift)
        tastes = (decision.livelihood, decision.flight)
        ties, citizen = np.array([(it.network, it.citizen) for it in tastes]).T[..., None, None]
        return np.asarray(ties * network + perceived + citizen * own)

    def _worth(self, rules: Rules) -> F64:
        """[h, c, s] value of the legal status that people expect to get by a channel."""
        factors = standing(self.scenario.living.status_income, rules.protection)
        decision = self.scenario.decision
        income = np.array([decision.livelihood.income, decision.flight.income])
        status = factors.take(EXPECTED_STATUS, axis=1)
        return np.asarray(income[:, None, None] * np.log(np.maximum(status, 1e-6)))

    def _entry(self, rules: Rules, worth: F64, chance: F64, wait: F64) -> F64:
        """[h, grounds, k, c, s] value of entry under some rules; -inf where closed.

        Args:
            rules: Rules in force, or announced ones.
            worth: [h, c, s] value of the status that people expect.
            chance: [grounds, k, c, s] perceived chance of admission.
            wait: [k, c, s] months.
        """
        decision = self.scenario.decision
        chances = decision.admission * np.log(np.maximum(chance, decision.chance_floor))
        fees = decision.cost * np.log1p(rules.fee / self.price_scale)
        patience = np.array(
            [[decision.livelihood.waiting] * N_SLOTS, [decision.flight.waiting] * N_SLOTS]
        )
        # Asylum claimants wait in safety, so waiting costs them the same for both hazards.
        patience[:, Channel.asylum] = decision.livelihood.waiting
        waiting = patience[:, None, None] * wait
        value = worth[:, None, None] + chances - waiting[:, None] - fees
        return np.asarray(np.where(rules.open, value, -np.inf))

    def anticipate(self, coming: Rules, chance: F64, wait: F64) -> None:
        """Add the surge caused by announced rules; the look-ahead does not know about them.

        Args:
            coming: Today's rules together with the announced ones.
            chance, wait: Perceived chances and waiting times under those rules.
        """
        decision, way = self.scenario.decision, self.way
        after = enforce(coming, self.network, self.scenario.journey.premium)
        now = (way.intercepted, way.bribed, way.usable, way.price)
        same = all(np.array_equal(a, b) for a, b in zip(after, now, strict=True))
        legs = self.network.legs
        if same:
            value = way.routes.value[BEST]
        else:
            value = self._routes(legs, (after,), n_plans=1, n_values=1)[2][BEST]
        self.tables = self.tables._replace(
            surge=surge(
                decision.surge / decision.nest,
                decision.route_scale * way.routes.value[BEST],
                decision.route_scale * value,
                self.entry,
                self._entry(coming, self._worth(coming), chance, wait),
                coming.min_education,
            )
        )

    def _look_ahead(self, h: Hazard, weight: float) -> None:
        """Solve the value of moving on from every place, including the return home."""
        tables, n = self.tables, self.n_places
        # The class of a country's citizens who belong to no group has the country's number.
        kinds = np.arange(self.n_countries)
        foreign = np.zeros((len(kinds), n, n))
        in_ranges(
            lambda a, b: median_nests(tables, h, a, b, self.median, kinds, foreign),
            len(kinds),
            self.threads,
        )
        affordable = tables.price[0, :, :, 0] <= self.median[:, None]
        free = np.where(affordable, tables.geography[h, 0, 0, :, :, 0], 0.0) ** tables.nest
        # People with free movement need no permission for a further move within the bloc either.
        settled = free * tables.admitted[h, :, Channel.labour][self.country] ** tables.nest
        foreign = np.where(tables.free[:, None, self.country], settled[None], foreign)
        pull, homeward = self.nested[h], tables.homeward[h] ** tables.nest
        order = np.argsort(self.country, kind="stable")
        in_ranges(
            lambda a, b: look_ahead(
                order, self.country, free, foreign, pull, homeward, self.reachable, a, b, weight,
                self.scenario.decision.look_ahead_floor, TOLERANCE, MOST_ITERATIONS, self.ahead[h],
            ),
            n,
            self.threads,
        )  # fmt: skip

    def _opinions(self, number: dict[str, int]) -> tuple[I64, I64, F64]:
        """People of one country think alike, but for places with a stated prior or a campaign.

        Returns:
            ([origin] row of those who think alike, [row] their country,
            [h, row, d] prior value of places abroad; NaN where none is stated)
        """
        scenario, n = self.scenario, self.n_places
        index = {p.id: i for i, p in enumerate(scenario.places)}
        told = [name for item in scenario.decision.prior for name in item.at]
        for campaign in scenario.interventions:
            told += campaign.at if campaign.kind == "campaign" else ()
        apart = np.array(sorted({index[name] for name in told}), np.int64)
        thinks = self.country.copy()
        thinks[apart] = self.n_countries + np.arange(len(apart))
        of = np.concatenate([np.arange(self.n_countries), self.country[apart]])
        prior = np.full((2, len(of), n), np.nan)
        for item in scenario.decision.prior:
            origins = thinks[[index[name] for name in item.at]]
            targets = np.flatnonzero(np.isin(self.country, [number[it] for it in item.about]))
            for h, value in ((Hazard.livelihood, item.livelihood), (Hazard.flight, item.flight)):
                if value is not None:
                    prior[h, origins[:, None], targets] = value
        return thinks, of, prior

    def _campaigns(self, day: float) -> F64:
        """[row, destination] shift of the prior value of places abroad."""
        shift = np.zeros((len(self.of), self.n_places))
        start = self.scenario.time.start
        for item in self.scenario.interventions:
            if item.kind != "campaign" or not item.enabled:
                continue
            first = (item.start - start).days
            if first <= day < first + item.months * 30.4375:
                origins = self.thinks[[p.id in item.at for p in self.scenario.places]]
                for about in item.about:
                    targets = [p.country == about for p in self.scenario.places]
                    shift[np.ix_(origins, np.array(targets))] += item.strength or 0.0
        return shift

    def bounds(self) -> F64:
        """[h, p, o, g] upper bound of W^lam without means or permission constraints.

        It assumes that every household has a pioneer and an older child. Under open policy the
        admission class does not matter.
        """
        tables, n = self.tables, self.n_places
        nest, n_classes = tables.nest, len(self.scenario.decision.classes)
        # [h, s, 1, d] factors of channels by regular travel (the first ones), and by corridors.
        worth = np.swapaxes(tables.admitted[:, self.country], 1, 2)
        by_channel = self.fullest * worth[:, :, None]
        regular, corridors = by_channel[:, : Channel.asylum], by_channel[:, Channel.asylum :]
        if tables.surge.pending:
            loss = self._greatest_loss()
            regular = regular * surge_of(loss[:, : Channel.asylum], tables.surge.most)
        regular = regular.sum(axis=1)[:, None]
        # [h, g, p, d]
        foreign = np.empty((2, n_classes, n, n))
        claimed = np.empty((2, n_classes, n))
        for first in range(0, n, ROWS):
            rows = slice(first, first + ROWS)
            at = np.arange(first, min(first + ROWS, n))
            direct, irregular = (tables.geography[:, 1, :, rows, :, i] for i in range(2))
            factor = corridors.sum(axis=1)[:, None]
            if tables.surge.pending:
                its = loss[:, Channel.asylum :, None] + tables.surge.way[:, rows]
                factor = (corridors[:, :, None] * surge_of(its, tables.surge.most)).sum(axis=1)
            entered = irregular * factor
            foreign[:, :, rows] = (direct * regular + entered) ** nest
            # People abroad may claim asylum or settle where they are.
            claimed[:, :, rows] = entered[..., at - first, at] ** nest
        result = np.empty((2, n, n, n_classes))
        greatest_worths(
            self.country, tables.free, self.at_large, foreign,
            tables.admitted[:, :, Channel.labour] ** nest, tables.homeward**nest,
            self.nested * tables.ahead, claimed, result,
        )  # fmt: skip
        result **= tables.inclusive
        return result

    def _at_large(self) -> F64:
        """[h, g, p, d] greatest nest of those who need no permission; no rule changes it."""
        nests = (self.fullest * self.geography[:, 1, ..., 0]) ** self.scenario.decision.nest
        here = np.arange(self.n_places)
        nests[..., here, here] = 0.0
        return nests

    def _greatest_loss(self) -> F64:
        """[h, s, 1, d] greatest loss of entry under announced rules, for anyone."""
        tables, coming = self.tables, self.tables.surge
        # Stricter education rules will close a channel to some; a channel closed now has no surge.
        entry = np.where(coming.min_education > tables.min_education, np.inf, coming.entry)
        entry = np.where(tables.admission > 0, entry, 0.0).max(axis=(1, 2))[:, self.country]
        return np.asarray(np.swapaxes(entry, 1, 2)[:, :, None])


def surge_of(loss: F64, most: float) -> F64:
    """Surge factors of alternatives that are about to lose value."""
    return np.asarray(np.exp(np.clip(loss, 0.0, most)))


def conditions(
    scenario: Scenario, first_day: int, want: F64, fear: F64, by_state: Bool, bound: F64,
    status: F64, settling: F64,
) -> Conditions:  # fmt: skip
    """Factors of the two rates on the days from `first_day` on.

    base_L and the flight norm must already be solved, or be 1 while they are being solved.
    """
    decision = scenario.decision
    level = worked_income(Same(scenario)) * status / decision.reference_income
    livelihood = (decision.base_livelihood or 1.0) * np.maximum(
        level, 1e-9
    ) ** -decision.home_income
    flight = decision.base_flight / (decision.flight_norm or 1.0)
    at_home = float(np.exp(-decision.home_attachment - decision.place_attachment))
    age = ages()
    most_want, most_fear = want.max(axis=0), fear.max(axis=0)
    most = np.empty((len(status), 2, 1 << N_THREATS))
    greatest_rates(bound, age, livelihood, at_home, flight, most_want, most_fear, most)
    return Conditions(
        first_day=first_day,
        want=want,
        fear=fear,
        most_want=most_want,
        most_fear=most_fear,
        by_state=by_state,
        livelihood=livelihood,
        flight=flight,
        at_home=at_home,
        attachment=decision.place_attachment,
        settling=settling,
        age=age,
        pause=decision.pause,
        pause_depth=decision.pause_depth,
        bound=bound,
        most=most,
    )


@lru_cache(maxsize=4)
def worked_income(scenario: Same[Scenario]) -> F64:
    """[place, 1] income of those who have work times their share; the scenario alone states it."""
    places = scenario.it.places
    income = np.array([p.income_ppp or p.income or 1.0 for p in places])
    jobless = np.array([p.unemployment for p in places])
    return np.asarray(income[:, None] * (1 - jobless[:, None]))


@cache
def ages() -> F64:
    """[h, age] factors of the rates by single year of age."""
    return np.stack([rogers_castro(), np.ones(121)])


def build_choices(world: World) -> Choices:
    """Choice tables on the first day."""
    choices = Choices(
        world.scenario, world.network, world.geography, MEANS.of(world), world.threads
    )
    rebuild(world, choices)
    return choices


CHOICES = State("choices", build_choices)


def rebuild(world: World, choices: Choices) -> None:
    """Rebuild the choice tables as of today.

    They depend on the rules in force and announced, on caravans, and on what people know since the
    month began. Every solution starts anew, so a rule that concerns no one changes nothing.

    Raises:
        ScenarioError: The coefficients of `decision` lead to values that overflow.
    """
    rules, coming, known = RULES.of(world), COMING.of(world), KNOWN.of(world)
    joined = forming(world.scenario, SET_OUT_BEFORE.of(world), known.day)
    choices.ahead[:] = 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        choices.update_ways(rules, known.danger[:, Threat.personal].copy(), joined)
        chance, wait = prospects(rules, known)
        choices.rebuild(known.diaspora, known.danger, chance, wait, float(known.day))
        if coming is not None:
            choices.anticipate(coming, *prospects(coming, known))
        choices.bound = choices.bounds()
    if not np.isfinite(choices.bound).all():
        message = "the coefficients of `decision` make some place infinitely good to go to"
        hint = "V / decision.nest must stay below 700; most coefficients lie between -2 and 2"
        raise ScenarioError([Problem(world.scenario.name, 0, 0, message, hint)])


def update(world: World, segment: Segment) -> None:
    """Update what people know about possible destinations."""
    if segment.month_begins or segment.rules_change:
        rebuild(world, CHOICES.of(world))


MECHANISM = Mechanism(
    "choice",
    "builds the choice tables: what people know about possible destinations",
    states=(CHOICES,),
    hooks=(Hook("environment", 80, update),),
)
