"""The whole scenario, with the keys that mechanisms declare, and the JSON Schema of its files."""

from typing import Any, Final

from sim.mechanisms.registry import MECHANISMS
from sim.schema.key import parts, renamed
from sim.schema.policies import Policy as CommonPolicy
from sim.schema.root import BASE, BASE_MEANING
from sim.schema.root import Scenario as CommonScenario

_RULES: Final = [it.rule_keys for it in MECHANISMS if it.rule_keys is not None]
_KEYS: Final = [it.keys for it in MECHANISMS if it.keys is not None]


class Policy(*_RULES, CommonPolicy):  # type: ignore[misc]
    """A dated rule of one state, or on one corridor. For each key the latest start wins.

    What a key says holds while the rule does. Where no rule states it, what the text says after
    "left out" holds.
    """


class Scenario(*_KEYS, CommonScenario):  # type: ignore[misc]
    """A whole scenario."""

    policies: tuple[Policy, ...] = CommonScenario.declared["policies"]  # type: ignore[assignment]


SAID: Final = ("unit", "higher", "source", "left_out", "symbol", "formerly")
"""What the JSON Schema says of a key in addition to its meaning, as `x-unit` and so on."""


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
