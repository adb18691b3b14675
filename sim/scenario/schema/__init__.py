"""What a scenario file may say, as frozen pydantic models, one file a section.

`Scenario` is both the schema (terse forms accepted) and, once the resolver has filled what depends
on other parts of the file, the *resolved* scenario: complete and explicit, the only thing that the
engine reads. Every field is a `key`, which says what it means (`sim/scenario/key.py`).
"""

from sim.scenario.key import Part
from sim.scenario.schema.blocs import Bloc, Sharing
from sim.scenario.schema.corridors import Corridor, RouteOption
from sim.scenario.schema.decision import Decision, Tastes
from sim.scenario.schema.interventions import Intervention
from sim.scenario.schema.living import SettlingFactors, StatusFactors
from sim.scenario.schema.outputs import Observed, Outputs
from sim.scenario.schema.policies import Policy
from sim.scenario.schema.politics import Costs
from sim.scenario.schema.root import BASE, Scenario, json_schema
from sim.scenario.schema.sweep import Factor, Metric, Sweep
from sim.scenario.schema.threats import Exposure, Indicator, Level, Levels, Shock
from sim.scenario.schema.world import Country, Opinion, Place, Profile
from sim.scenario.types import TableName, ThreatName, parse_date

__all__ = [
    "BASE",
    "Bloc",
    "Corridor",
    "Costs",
    "Country",
    "Decision",
    "Exposure",
    "Factor",
    "Indicator",
    "Intervention",
    "Level",
    "Levels",
    "Metric",
    "Observed",
    "Opinion",
    "Outputs",
    "Part",
    "Place",
    "Policy",
    "Profile",
    "RouteOption",
    "Scenario",
    "SettlingFactors",
    "Sharing",
    "Shock",
    "StatusFactors",
    "Sweep",
    "TableName",
    "Tastes",
    "ThreatName",
    "json_schema",
    "parse_date",
]
