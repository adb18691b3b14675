"""Generates source files that list the declarations of all mechanisms.

    python -m sim.engine.declarations

`sim/mechanisms/registry.py` lists all mechanisms. `sim/engine/stages.py` lists the functions that
they run in a segment, ordered by the number of each hook. `sim/schema/tables.py` lists the
names of the output tables, from which scenarios choose. A test checks that the files are up to
date.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from textwrap import wrap

import sim.mechanisms
from sim.model.declare import STAGES, Hook, Mechanism

ROOT = Path(sim.mechanisms.__file__).parents[1]
COMMENT = "            # "
WIDTH = 100
"""Columns that a line may have."""
WRITTEN = "Written by `python -m sim.engine.declarations`: do not edit."


def declared() -> list[Mechanism]:
    """Declarations of all files of `sim/mechanisms`, sorted by name.

    Raises:
        ValueError: The name of a declaration differs from its file, or two hooks share a position.
    """
    found = []
    for module in pkgutil.iter_modules(sim.mechanisms.__path__):
        mechanism = getattr(import_module(f"sim.mechanisms.{module.name}"), "MECHANISM", None)
        if mechanism is None:
            continue
        if mechanism.name != module.name:
            raise ValueError(f"{module.name}.py declares a mechanism {mechanism.name!r}")
        found.append(mechanism)
    places: dict[tuple[str, int], Hook] = {}
    for hook in (it for mechanism in found for it in mechanism.hooks):
        other = places.setdefault((hook.stage, hook.order), hook)
        if other is not hook:
            names = f"{other.do.__name__} and {hook.do.__name__}"
            raise ValueError(f"{names} share place {hook.order} of stage {hook.stage!r}")
    return found


def registry(mechanisms: list[Mechanism]) -> str:
    """Text of `sim/mechanisms/registry.py`."""
    names = [it.name for it in mechanisms]
    return "\n".join(
        [
            f'"""All mechanisms.\n\n{WRITTEN}\n"""',
            "",
            "from __future__ import annotations",
            "",
            "from typing import Final",
            "",
            "from sim.mechanisms import (",
            *(f"    {name}," for name in names),
            ")",
            "from sim.model.declare import Mechanism",
            "",
            "MECHANISMS: Final[tuple[Mechanism, ...]] = (",
            *(f"    {name}.MECHANISM," for name in names),
            ")",
            "",
        ]
    )


def stages(mechanisms: list[Mechanism]) -> str:
    """Text of `sim/engine/stages.py`."""
    acting = [it.name for it in mechanisms if it.hooks]
    return "\n".join(
        [
            f'"""What happens in a segment, in order.\n\n{WRITTEN}\n"""',
            "",
            "from __future__ import annotations",
            "",
            "from collections.abc import Callable",
            "from typing import Final",
            "",
            "from sim.mechanisms import (",
            *(f"    {name}," for name in acting),
            ")",
            "from sim.model.segment import Segment",
            "from sim.model.world import World",
            "",
            "Hook = Callable[[World, Segment], None]",
            "",
            "STAGES: Final[tuple[tuple[str, tuple[Hook, ...]], ...]] = (",
            *_stages(mechanisms),
            ")",
            "",
        ]
    )


def _stages(mechanisms: list[Mechanism]) -> Iterator[str]:
    for stage, text in STAGES.items():
        hooks = [(it, hook) for it in mechanisms for hook in it.hooks if hook.stage == stage]
        yield "    ("
        yield f'        "{stage}",  # {text}'
        yield "        ("
        for mechanism, hook in sorted(hooks, key=lambda pair: pair[1].order):
            text = f"{hook.order}: {cleandoc(hook.do.__doc__ or '').splitlines()[0]}"
            yield from wrap(text, WIDTH, initial_indent=COMMENT, subsequent_indent=COMMENT)
            yield f"            {mechanism.name}.{hook.do.__name__},"
        yield "        ),"
        yield "    ),"


def table_names(mechanisms: list[Mechanism]) -> str:
    """Text of `sim/schema/tables.py`."""
    tables = [table for it in mechanisms for table in it.tables]
    return "\n".join(
        [
            f'"""Names of the output tables.\n\n{WRITTEN}\n"""',
            "",
            "from typing import Final, Literal",
            "",
            "TableName = Literal[",
            *(f'    "{table.name}",' for table in tables),
            "]",
            "KEPT: Final[tuple[TableName, ...]] = (",
            *(f'    "{table.name}",' for table in tables if not table.by_request),
            ")",
            '"""Tables that are kept if the scenario does not choose."""',
            "",
        ]
    )


def files() -> dict[Path, str]:
    """Text of each generated file."""
    mechanisms = declared()
    return {
        ROOT / "mechanisms" / "registry.py": registry(mechanisms),
        ROOT / "engine" / "stages.py": stages(mechanisms),
        ROOT / "schema" / "tables.py": table_names(mechanisms),
    }


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
