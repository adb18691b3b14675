"""The scenario as a whole, and the JSON Schema of its files."""

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from sim.scenario.key import Part, key, part, parts, renamed
from sim.scenario.schema.blocs import Bloc
from sim.scenario.schema.corridors import Corridor
from sim.scenario.schema.decision import Decision
from sim.scenario.schema.interventions import Intervention
from sim.scenario.schema.journey import JourneyRules
from sim.scenario.schema.living import Living
from sim.scenario.schema.outputs import Observed, Outputs
from sim.scenario.schema.policies import Policy
from sim.scenario.schema.politics import Costs, Politics
from sim.scenario.schema.sweep import Sweep
from sim.scenario.schema.threats import Exposure, Indicator, Levels, Shock
from sim.scenario.schema.world import (
    Country,
    Group,
    Money,
    Place,
    Population,
    Source,
    Stock,
    Time,
)
from sim.scenario.types import Id, refuse_bool


class Scenario(Part):
    """A whole scenario."""

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
        "Number that all chance is drawn from: the same one gives the same run.",
        unit="any whole number",
        higher="nothing but other luck",
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
    threats: dict[str, Levels] = key(
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
    politics: Politics = part("How publics see newcomers, and how rules answer to it.")
    costs: dict[str, Costs] = key(
        {},
        "What states pay for each thing they do, by `default` or country id; the country goes "
        "first, item by item. Empty: nothing is booked.",
    )
    interventions: tuple[Intervention, ...] = key(
        (), "Aid, droughts, information campaigns and caravans, with their dates."
    )
    decision: Decision = part("How households decide whether to move, and where to.")
    living: Living = part("What households have to live and travel on.")
    journey: JourneyRules = part("Fares, dangers and waits on the way that hold everywhere.")
    observed: tuple[Observed, ...] = key(
        (), "Figures that happened, which reports show beside the simulated ones."
    )
    outputs: Outputs = part("Which tables a run keeps.")
    sweep: Sweep | None = key(
        None,
        "Many runs of this scenario with varied values, for `sim sweep`. A single run takes no "
        "notice of it.",
        left_out="the scenario has no sweep",
    )

    def single(self) -> "Scenario":
        """Return the scenario as one run has it: a sweep is about many."""
        return self if self.sweep is None else self.model_copy(update={"sweep": None})


BASE: Literal["scenario"] = "scenario"
"""Key of a file that is another scenario, but for the values that it states itself."""
BASE_MEANING = (
    "Another scenario (a file in this folder, or a shipped name) that this one is, but for what is "
    "stated here; a list is replaced whole."
)


SAID: Final = ("unit", "higher", "source", "left_out", "symbol", "formerly")
"""What the JSON Schema says of a key beside its meaning, as `x-unit` and so on."""


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of scenario files, for editors that complete and check them.

    Returns:
        Draft 2020-12; terse forms and tables in place of lists are accepted. Every property has a
        `description`, and where they apply `x-unit`, `x-higher`, `x-source`, `x-left-out`,
        `x-symbol` and `x-formerly`; old names are properties marked as deprecated.
    """
    schema = Scenario.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    definitions = schema["$defs"] | {Scenario.__name__: schema}
    for model in parts(Scenario):
        properties = definitions[model.__name__]["properties"]
        for field, it in model.declared.items():
            name = it.alias or field
            properties[name] |= {"description": it.meaning} | {
                f"x-{label.replace('_', '-')}": text
                for label in SAID
                if (text := getattr(it, label))
            }
            if it.formerly:
                text = f"{renamed(it.formerly, name)}."
                properties[it.formerly] = {"deprecated": True, "description": text}
    for rows in schema["properties"].values():
        if rows.get("type") == "array" and "$ref" in rows.get("items", {}):
            table = {
                "type": "object",
                "properties": {
                    "table": {
                        "type": "string",
                        "pattern": r"^[^/\\]",
                        "description": "Name of the file, with a column for each key of an item.",
                    }
                },
                "required": ["table"],
                "additionalProperties": False,
                "description": "A CSV file in the scenario's folder, one row an item.",
            }
            rows["anyOf"] = [{"type": rows.pop("type"), "items": rows.pop("items")}, table]
    schema["properties"][BASE] = {"type": "string", "description": BASE_MEANING}
    schema["anyOf"] = [{"required": schema.pop("required")}, {"required": [BASE]}]
    return schema
