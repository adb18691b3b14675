"""What a scenario file may say, as frozen pydantic models, one file a section.

`Scenario`, with what mechanisms add (`sim.scenario.whole`), is both the schema (terse forms
accepted) and, once the resolver has filled what depends on other parts of the file, the *resolved*
scenario: complete and explicit, the only thing that the engine reads. Every field is a `key`, which
says what it means (`sim/schema/key.py`).
"""

from sim.schema.blocs import Bloc, Sharing
from sim.schema.corridors import Corridor, RouteOption
from sim.schema.decision import Decision, Tastes
from sim.schema.interventions import Intervention
from sim.schema.key import Part
from sim.schema.living import SettlingFactors, StatusFactors
from sim.schema.outputs import Observed, Outputs
from sim.schema.policies import Policy
from sim.schema.politics import Costs
from sim.schema.root import BASE, Scenario
from sim.schema.sweep import Factor, Metric, Sweep
from sim.schema.tables import TableName
from sim.schema.threats import Exposure, Indicator, Level, Levels, Shock
from sim.schema.types import ThreatName, parse_date
from sim.schema.world import Country, Opinion, Place, Profile

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
    "parse_date",
]
