"""What the schema refuses, in words that a user can act on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from sim.scenario.document import Node, Path, scalar_value
from sim.scenario.numbers import number_hint, split_hint
from sim.scenario.tables import TableNode
from sim.scenario.whole import Scenario
from sim.schema import Level, ThreatName
from sim.schema.errors import Problem, quoted, suggest, visible
from sim.schema.key import Part
from sim.schema.types import strip

IDS: Final = "an id starts with a letter and holds letters, digits and _ only (at most 64)"
SHARES: Final = "shares, risks and threats run from 0 to 1"
DATES: Final = "write YYYY-MM or YYYY-MM-DD, between 1900 and 2200"
LEVEL: Final = ("severity", "prevalence")
"""What the items of a terse threat level are."""
HUGE: Final = 1e9
"""Upper bounds from here on are mentioned only where they are broken."""
RANGES: Final = {"greater_than", "greater_than_equal", "less_than", "less_than_equal"}


class Tree:
    """A scenario file's nodes, asked by the paths that the schema uses."""

    def __init__(self, root: Node) -> None:
        """Keep the root.

        Args:
            root: the top mapping.
        """
        self.root = root

    def walk(self, path: Path) -> list[Node]:
        """Return the nodes on the way to a path, as far as there are any; the root comes first."""
        nodes = [self.root]
        for step in path:
            node = child(nodes[-1], step)
            if node is None:
                break
            nodes.append(node)
        return nodes

    def key(self, path: Path) -> Node | None:
        """Return the node of the last key of a path, where that is a key of a mapping."""
        nodes = self.walk(path[:-1])
        if len(nodes) < len(path) or nodes[-1].kind != "mapping":
            return None
        entry = nodes[-1].value.get(path[-1])
        return entry[0] if entry else None

    def problem(self, path: Path, message: str, hint: str = "", on_key: bool = False) -> Problem:
        """Return a problem that points at a path, or at the nearest thing that contains it.

        Args:
            path: keys and indices, as the schema has them.
            message: what is wrong.
            hint: what to write instead.
            on_key: point at the key rather than at its value.
        """
        node = self.key(path) if on_key else None
        return (node or self.walk(path)[-1]).problem(message, hint)

    def address(self, path: Path) -> str:
        """Return a path as a person would say it: `policies[gr_wall].barrier`.

        Things in lists are named by id, by number from 1 where they have none.
        """
        said = ""
        node: Node | None = self.root
        for step in path:
            if isinstance(step, int):
                if node is not None and node.kind == "scalar":
                    break  # one text where a list may stand
                node = child(node, step) if node else None
                said += f"[{_name(node) or step + 1}]"
            else:
                known = child(node, step) if node else None
                if known is None and node is not None and node.kind == "scalar":
                    break  # a terse form: the scalar says it all
                if re.fullmatch(r"\w+", step):
                    said += f".{step}" if said else step
                else:
                    said += f".{quoted(step)}" if said else quoted(step)
                node = known
        return said or "the file"


def child(node: Node, step: str | int) -> Node | None:
    """Return what is under a key or index; None where nothing is."""
    if node.kind == "list":
        if isinstance(step, str):  # a terse threat level
            step = LEVEL.index(step) if step in LEVEL else -1
        if not 0 <= step < len(node.value):
            return None
        if isinstance(node, TableNode):
            return node.row(step)
        found: Node = node.value[step]
        return found
    return node.get(step) if isinstance(step, str) else None


def _name(node: Node | None) -> str | None:
    """Return the id of a thing in a list, a corridor's default one included."""
    if node is None or node.kind != "mapping":
        return None
    own = node.get("id")
    if own is not None and own.kind == "scalar" and own.text:
        return own.text[:64]
    return default_id(node)


def default_id(node: Node) -> str | None:
    """Return FROM_TO of a corridor without id; None of anything else."""
    a, b = node.get("from"), node.get("to")
    if node.get("people") is not None or a is None or b is None:
        return None
    return f"{a.text}_{b.text}"[:130] if a.text and b.text else None


@dataclass(frozen=True)
class Field:
    """What the schema says of one path."""

    annotation: Any = Any
    metadata: tuple[Any, ...] = ()
    required: bool = True
    meaning: str = ""
    unit: str = ""

    @property
    def core(self) -> Any:
        """Return the type without `None` and without annotations."""
        return strip(self.annotation)

    @property
    def model(self) -> type[Part] | None:
        """Return the model, where the field is one."""
        core = self.core
        return core if isinstance(core, type) and issubclass(core, Part) else None

    def stand_in(self) -> Any:
        """Return a value that the schema accepts, for checking the rest; None where none is safe.

        An id has none: whatever stood for it would name something else.
        """
        core = self.core
        if core in (float, int):
            bounds = self.bounds()
            return min(max(1, bounds.get("ge", bounds.get("gt", 1))), bounds.get("le", 1))
        if get_origin(core) is Literal:
            return get_args(core)[0]
        if getattr(core, "__name__", "") == "date":
            return "2000-01-01"
        return "text" if core is str and not is_id(self) else None

    def bounds(self) -> dict[str, float]:
        """Return the field's `ge`, `gt`, `le`, `lt`."""
        found: dict[str, float] = {}
        for item in (*self.metadata, *_annotations(self.annotation)):
            for one in (item, *getattr(item, "metadata", ())):
                for name in ("ge", "gt", "le", "lt"):
                    if (bound := getattr(one, name, None)) is not None:
                        found[name] = bound
        return found


def field_at(path: Path, model: type[BaseModel] = Scenario) -> Field:
    """Return what the schema says of a path; an empty field where it knows none."""
    field = Field(model)
    for step in path:
        core = field.core
        origin, inner = get_origin(core), get_args(core)
        if isinstance(core, type) and issubclass(core, BaseModel):
            named = {(it.alias or name): (name, it) for name, it in core.model_fields.items()}
            name, found = named.get(str(step), ("", None))
            if found is None:
                return Field()
            said = core.declared[name] if issubclass(core, Part) else None
            field = Field(
                found.annotation,
                tuple(found.metadata),
                found.is_required(),
                said.meaning if said else "",
                said.unit if said else "",
            )
        elif origin is tuple and isinstance(step, int):
            variadic = len(inner) == 2 and inner[1] is Ellipsis
            field = Field(inner[0] if variadic else inner[min(step, len(inner) - 1)])
        elif origin is dict:
            field = Field(inner[1], required=False)
        else:
            return Field()
    return field


def explained(path: Path) -> str:
    """Return what a key means, in what unit, and the command that tells all; empty if unknown.

    Args:
        path: of the key, or of a number within it.
    """
    known = [n for n in range(1, len(path) + 1) if field_at(path[:n]).meaning]
    if not known:
        return ""
    key, field = path[: known[-1]], field_at(path[: known[-1]])
    steps = ["*" if field_at(key[: n + 1]).meaning == "" else str(it) for n, it in enumerate(key)]
    first = field.meaning.split(". ")[0].rstrip(".")
    unit = "" if field.unit in ("", "share") else f" (unit: {field.unit})"
    return f"{key[-1]}: {first}{unit}; `sim explain {'.'.join(steps)}`"


def field_names(model: type[BaseModel]) -> list[str]:
    """Return the fields of a model as a file writes them."""
    return [it.alias or key for key, it in model.model_fields.items()]


def say(tree: Tree, error: Mapping[str, Any]) -> Problem:
    """Turn one refusal of the schema into a problem with words and a place.

    Args:
        tree: what was validated.
        error: one of pydantic's error details.
    """
    path, is_key = path_of(error)
    kind = error["type"]
    context = error.get("ctx", {})
    address = tree.address(path)
    field = field_at(path)
    nodes = tree.walk(path)
    node = nodes[-1]
    if kind == "missing":
        return _missing(tree, path, field)
    if kind == "extra_forbidden":
        owner = field_at(path[:-1]).model or Scenario
        word = str(path[-1])
        hint = RENAMED.get(word) or suggest(word, field_names(owner), "allowed here")
        if re.fullmatch(r"\d+ ?%?", word) and node.kind == "scalar" and node.value is None:
            large = re.fullmatch(r"\d{3}", word)
            hint = (
                "write numbers without commas, 1000000 or 1_000_000"
                if large
                else "write decimals with a point: 0.5, not 0,5"
            )
        return tree.problem(path, f"{address} is not a known field", hint, on_key=True)
    if is_key:
        word = str(path[-1])
        if kind == "literal_error":
            hint = suggest(word, get_args(ThreatName), "the seven")
            message = f"{address} is not one of the seven threats"
        else:
            message, hint = f"{address} is not an id", IDS
        return tree.problem(path, message, hint, on_key=True)
    if node.kind == "scalar" and node.value is None:
        return tree.problem(path, f"{address} is empty", _wanted_hint(field))
    shown = _shown(node)
    if kind in RANGES:
        bounds = field.bounds() or context
        if path[-1] == "strength" and (sort := nodes[-2].get("kind")) and sort.text == "drought":
            bounds = {"ge": 0, "le": 1}
        message = f"{address} = {shown} is out of range ({range_text(bounds, node.value)})"
        hints = (_range_hint(bounds, node), explained(path))
        return tree.problem(path, message, "; ".join(filter(None, hints)))
    if kind == "finite_number":
        return tree.problem(path, f"{address} = {shown} is not a finite number")
    if kind == "literal_error":
        allowed = [str(it) for it in get_args(field.core)]
        said = allowed[0] if len(allowed) == 1 else f"one of {', '.join(allowed)}"
        hint = suggest(node.text, allowed) if len(allowed) > 1 else ""
        hint = hint if hint.startswith("did") else _quotes_hint(node, get_args(field.core))
        if path == ("schema",) and not hint:
            hint = "this version reads `schema: 1`"
        return tree.problem(path, f"{address} = {shown} must be {said}", hint)
    if kind == "string_pattern_mismatch":
        return tree.problem(path, f"{address} = {shown} is not an id", _id_hint(node.text))
    if kind == "string_too_long":
        return tree.problem(path, f"{address} is longer than 64 characters", IDS)
    if kind in ("too_long", "too_short"):
        hint = split_hint(node) or ""
        return tree.problem(path, f"{address} must have {_n_items(field)} items", hint)
    if kind == "value_error":
        said = str(context.get("error", "")) or "cannot be used"
        hint = DATES if _is_date(field) else split_hint(node) or ""
        if node.kind == "scalar":
            return tree.problem(path, f"{address} = {shown} {said}", hint)
        return tree.problem(path, f"{address} {shown}; it must be {_wanted(field)}", hint)
    if kind.startswith("date"):
        return tree.problem(path, f"{address} = {shown} is not a date", DATES)
    wanted = _wanted(field)
    verb = f"is {_form(node)}; it must be" if node.kind != "scalar" else f"= {shown} must be"
    return tree.problem(path, f"{address} {verb} {wanted}", _form_hint(field, node))


def path_of(error: Mapping[str, Any]) -> tuple[Path, bool]:
    """Return the path of a refusal, and whether it speaks of the last key rather than its value."""
    path: Path = tuple(error["loc"])
    if path and path[-1] == "[key]":
        return path[:-1], True
    return path, False


RENAMED: Final = {
    "<<": "YAML 1.2 has no merge keys; write the fields out",
    "price_usd": "did you mean 'price'?",
    "population_size": "did you mean 'people'?",
    "pop": "did you mean 'people'?",
    "distance": "did you mean 'km'?",
    "latitude": "did you mean 'lat'?",
    "longitude": "did you mean 'lon'?",
    "lng": "did you mean 'lon'?",
    "country_code": "did you mean 'country'?",
}


def _missing(tree: Tree, path: Path, field: Field) -> Problem:
    address = tree.address(path)
    if isinstance(path[-1], int):
        owner = field_at(path[:-1])
        said = f"{tree.address(path[:-1])} must have {_n_items(owner)} items"
        return tree.problem(path[:-1], said)
    if path == ("schema",):
        return tree.problem(path, "schema is missing", "write `schema: 1` on the first line")
    if len(path) == 1:
        return tree.problem(path, f"{address} is missing", f"add `{path[0]}:` to the file")
    wanted = _wanted(field)
    return tree.problem(path, f"{address} is missing", f"{path[-1]} must be {wanted}")


def _annotations(annotation: Any) -> list[Any]:
    found: list[Any] = []
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation, *more = get_args(annotation)
            found += more
        elif origin in (Union, UnionType):
            annotation = next(it for it in get_args(annotation) if it is not type(None))
        else:
            return found


def is_id(field: Field) -> bool:
    """Return whether a field holds an id."""
    items = (*field.metadata, *_annotations(field.annotation))
    flat = [one for it in items for one in (it, *getattr(it, "metadata", ()))]
    return any(getattr(it, "pattern", None) for it in flat)


def _wanted(field: Field) -> str:
    """Say what a field must be."""
    core = field.core
    origin = get_origin(core)
    if core is Level:
        return "a severity, or [severity, prevalence]"
    names = {float: "a number", int: "a whole number", bool: "true or false"}
    if core in names:
        bounds = field.bounds()
        return (
            f"{names[core]} ({range_text(bounds)})" if bounds and core is not bool else names[core]
        )
    if core is str:
        return "an id" if is_id(field) else "text"
    if field.model is not None:
        return "a mapping"
    if origin is tuple:
        return "a list"
    if origin is dict:
        return "a mapping"
    if origin is Literal:
        return f"one of {', '.join(map(str, get_args(core)))}"
    if _is_date(field):
        return "a date"
    return "something else"


def _wanted_hint(field: Field) -> str:
    wanted = _wanted(field)
    return "" if wanted == "something else" else f"it must be {wanted}"


def _form(node: Node) -> str:
    return {"list": "a list", "mapping": "a mapping", "scalar": "a single value"}[node.kind]


def _form_hint(field: Field, node: Node) -> str:
    """Hint at the right form for a value of the wrong one."""
    core, text = field.core, node.text.strip()
    origin = get_origin(core)
    if core is Level:
        return SHARES
    if field.model is not None:
        return f"its fields: {', '.join(field_names(field.model))}"
    if origin is tuple and node.kind == "scalar":
        if Field(get_args(core)[0]).model is not None:
            return "start every item with `- `"
        is_word = isinstance(node.value, str) and re.fullmatch(r"\w+", text)
        return f"write [{text}]" if is_word else ""
    if origin is tuple and node.kind == "mapping":
        return "start every item with `- `"
    if origin is dict:
        return "write `{key: value}`"
    if core is bool and node.kind == "scalar":
        return _quotes_hint(node, (True, False))
    if core in (float, int) and node.kind == "scalar":
        return number_hint(text, node, field.bounds())
    if core is str and node.kind == "scalar":
        if is_id(field):
            return IDS
        return f'put it in quotes: "{text}"' if len(text) < 40 and '"' not in text else ""
    return DATES if _is_date(field) else ""


def _is_date(field: Field) -> bool:
    return getattr(field.core, "__name__", "") == "date"


TRUTHS: Final = {
    **dict.fromkeys(("yes", "y", "on", "1"), "true"),
    **dict.fromkeys(("no", "n", "off", "0"), "false"),
}
"""What other programs write for true and false."""


def _quotes_hint(node: Node, allowed: Sequence[Any]) -> str:
    """Hint at quotes that make a text of what would be right."""
    meant = scalar_value(node.text.strip())
    if any(it is True for it in allowed) and (word := TRUTHS.get(visible(node.text).casefold())):
        return f"write {word}"
    quoted_ = node.origin.quotes and isinstance(node.value, str) and not isinstance(meant, str)
    return "remove the quotes" if quoted_ and meant in allowed else ""


def _id_hint(text: str) -> str:
    better = re.sub(r"[^A-Za-z0-9_]+", "_", visible(text)).strip("_")[:64]
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", better):
        return f"{IDS}; for instance {better}"
    return IDS


def _number(value: float) -> str:
    if value == int(value) and 1e4 <= abs(value) < 1e10:
        return f"{int(value):,}"
    return f"{value:g}".replace("e+", "e")


def range_text(bounds: Mapping[str, float], value: Any = 0) -> str:
    """Return bounds in words.

    Args:
        bounds: `ge`, `gt`, `le`, `lt`, as `Field.bounds` has them.
        value: what broke them, if anything did.
    """
    low = bounds.get("ge", bounds.get("gt"))
    high = bounds.get("le", bounds.get("lt"))
    if high is not None and high >= HUGE and not (isinstance(value, (int, float)) and value > high):
        high = None  # a bound against typing errors, not worth showing here
    if low is None:
        return f"at most {_number(high)}" if high is not None else "a number"
    if "gt" in bounds:
        return f"more than {_number(low)}" + (f", at most {_number(high)}" if high else "")
    if high is None:
        return f"{_number(low)} or more"
    return f"{_number(low)} to {_number(high)}"


def _range_hint(bounds: Mapping[str, float], node: Node) -> str:
    if (bounds.get("ge", bounds.get("gt")), bounds.get("le")) != (0, 1):
        return ""
    value = node.value
    if not isinstance(value, (int, float)) or 0 <= value <= 1:
        return ""
    if 2 <= value <= 100:
        return f"for {value:g} % write {value / 100:g}"
    return ""


def _shown(node: Node) -> str:
    """Return a value as a message shows it: a scalar as written, else its form."""
    if node.kind != "scalar":
        return f"is {_form(node)}"
    if isinstance(node.value, str):
        text_of_a_number = node.origin.quotes and not isinstance(scalar_value(node.text), str)
        if text_of_a_number or not re.fullmatch(r"[\w.:-]+", node.text):
            return quoted(node.text)
    return node.text if len(node.text) <= 40 else quoted(node.text)


def _n_items(field: Field) -> str:
    inner = get_args(field.core)
    return str(len(inner)) if get_origin(field.core) is tuple and Ellipsis not in inner else "more"
