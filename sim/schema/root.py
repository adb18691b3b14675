"""The scenario, but for the keys that mechanisms add (`sim.scenario.whole`)."""

from typing import Annotated, Literal, NoReturn, Self

from pydantic import BeforeValidator, Field, PrivateAttr

from sim.schema.blocs import Bloc
from sim.schema.corridors import Corridor
from sim.schema.decision import Decision
from sim.schema.interventions import Intervention
from sim.schema.journey import JourneyRules
from sim.schema.key import Part, key, part
from sim.schema.living import Living
from sim.schema.outputs import Observed, Outputs
from sim.schema.policies import Policy
from sim.schema.politics import Costs, Politics
from sim.schema.sweep import Sweep
from sim.schema.threats import Exposure, Indicator, Levels, Shock
from sim.schema.types import Id, Refers, refuse_bool
from sim.schema.world import (
    Country,
    Group,
    Money,
    Place,
    Population,
    Source,
    Stock,
    Time,
)


class Scenario(Part):
    """A scenario: what all mechanisms read."""

    version: Literal[1] = key(
        ..., "Form of the file, which this version reads as 1.", alias="schema"
    )
    name: Id = key(..., "Short word for the scenario, used for folders and tables.")
    title: str = key("", "What the case is about, in one line, as reports print it.")
    description: str = key("", "What a reader should know of the case, in some sentences.")
    sources: tuple[Source, ...] = key((), "References that other entries name.")
    time: Time = key(..., "First day, last day and step of the simulation.")
    seed: Annotated[int, BeforeValidator(refuse_bool), Field(ge=0, le=2**63 - 1)] = key(
        1,
        "Seed of all random draws: the same seed gives the same run.",
        higher="only the random draws differ",
        source="arbitrary",
    )
    population: Population = part("How many simulated persons there are, and who they are.")
    money: Money = part("Currency and year of all prices and incomes.")
    countries: tuple[Country, ...] = key(..., "States, with their politics and demography.")
    groups: tuple[Group, ...] = key(
        (), "People of a country whom threats or rules may single out, by ethnicity for instance."
    )
    places: tuple[Place, ...] = key(..., "Regions, cities and camps where people live.")
    stocks: tuple[Stock, ...] = key((), "People who already live abroad at the start.")
    threats: dict[Annotated[str, Refers("places", "countries")], Levels] = key(
        {},
        "Severity and prevalence of the seven dangers, by `default`, country id or place id; the "
        "most specific wins, one by one. Empty: none anywhere.",
    )
    indicators: tuple[Indicator, ...] = key(
        (), "Observed figures from which the severity or prevalence of a threat is worked out."
    )
    exposure: Exposure = part("Whom a threat reaches, and how threats feed one another.")
    shocks: tuple[Shock, ...] = key((), "Dated disruptions, such as a war or a drought.")
    corridors: tuple[Corridor, ...] = key((), "Ways between places, with prices and dangers.")
    policies: tuple[Policy, ...] = key((), "Dated rules of states: channels, borders, asylum.")
    blocs: tuple[Bloc, ...] = key((), "Groups of states with common rules, such as free movement.")
    politics: Politics = part("How publics see newcomers, and how rules respond to it.")
    costs: dict[Annotated[str, Refers("countries")], Costs] = key(
        {},
        "What states pay for each thing they do, by `default` or country id; the country overrides "
        "`default`, item by item. Empty: nothing is booked.",
    )
    interventions: tuple[Intervention, ...] = key(
        (), "Aid, droughts, information campaigns and caravans, with their dates."
    )
    decision: Decision = part("How households decide whether to move, and where to.")
    living: Living = part("What households can spend on living and travel.")
    journey: JourneyRules = part("Fares, dangers and waits on the way that hold everywhere.")
    observed: tuple[Observed, ...] = key(
        (), "Observed figures, which reports compare with the simulated ones."
    )
    outputs: Outputs = part("Which tables a run keeps.")
    sweep: Sweep | None = key(
        None,
        "Many runs of this scenario with varied values, for `sim sweep`. A single run ignores it.",
        left_out="the scenario has no sweep",
    )

    _variant_of: Self | None = PrivateAttr(default=None)

    @property
    def variant_of(self) -> Self | None:
        """The scenario that this one was made of by changes; None: of none.

        It is no part of the scenario: it is not written to files, nor compared. `model_dump` leaves
        it out too, so what `model_validate` makes of its parts has base rates of its own, and other
        flows than this scenario. To keep them, name the base: `sim.run(scenario, base=base)`.
        """
        return self._variant_of

    def as_variant_of(self, base: Self) -> Self:
        """Return the scenario as a variant of another one, from which it has its base rates."""
        found = self.model_copy()
        found._variant_of = base
        return found

    def __eq__(self, other: object) -> bool:
        """Whether two scenarios say the same, whatever they are variants of."""
        return isinstance(other, Scenario) and self.__dict__ == other.__dict__

    def __iter__(self) -> NoReturn:
        """Refused: it is one value, not its parts; Mesa's `batch_run` would take it apart."""
        raise TypeError("a scenario is not iterable; model_dump() gives its parts")

    def single(self) -> Self:
        """Return the scenario as one run has it: a sweep is about many."""
        return self if self.sweep is None else self.model_copy(update={"sweep": None})


BASE: Literal["scenario"] = "scenario"
"""Key of a file that is based on another scenario and states only what differs."""
BASE_MEANING = (
    "Another scenario (a file in this folder, or a shipped name) that this one is based on. Only "
    "what differs is stated here; a list is replaced whole."
)
