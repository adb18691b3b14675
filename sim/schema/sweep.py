"""Many runs of one scenario."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from sim.schema.key import Part, key
from sim.schema.tables import TableName
from sim.schema.types import Date, Id, LastDay, Words, parse_date, refuse_bool


def _refuse_part(value: Any) -> Any:
    """Keep an end of a range a number or the text of a date."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError("must be a number or a date")
    if isinstance(value, str):
        parse_date(value)
    return value


End = Annotated[Any, BeforeValidator(_refuse_part), WithJsonSchema({"type": ["number", "string"]})]


class Factor(Part):
    """What a sweep varies: one path as of `-s`, or several that move together."""

    paths: tuple[str, ...] = key(
        (), "Keys that all take the same value. Empty: the entry's own name is the key."
    )
    values: tuple[Any, ...] = key((), "Settings to take, each as the file would state it.")
    low: End | None = key(
        None, "Lower end of a range of numbers or dates.", left_out="`values` are listed instead"
    )
    high: End | None = key(
        None, "Upper end of a range of numbers or dates.", left_out="`values` are listed instead"
    )
    n: Annotated[int, BeforeValidator(refuse_bool), Field(ge=2, le=10_000)] | None = key(
        None,
        "How many settings a grid takes of a range, evenly from `low` to `high`.",
        unit="settings",
        higher="a finer grid, and more runs",
        left_out="to be stated for a range in a grid",
    )
    packages: dict[Id, dict[str, Any]] = key(
        {},
        "Named sets of changes, each from key to value, one of which is made; instead of `values` "
        "or a range.",
    )


class Metric(Part):
    """A figure of each run: a headline measure, or a sum over rows of a table."""

    measure: str | None = key(
        None,
        "Name of a headline figure, as docs/tables.md lists them: of the population of interest.",
        left_out="rows of `table` are summed",
    )
    table: TableName | None = key(
        None,
        "Name of the output whose rows are summed; it has to be among `outputs.tables`. Rows of "
        "everybody count, unless `where` says whose.",
        left_out="`measure` is stated instead",
    )
    column: str | None = key(
        None,
        "Which of the table's figures is summed.",
        left_out="the first that counts people (households, money or years)",
    )
    where: dict[str, Words] = key(
        {}, "By column: words of the rows that count; a country's id means all its places."
    )
    since: Date | None = key(
        None, "First day of the rows that count.", left_out="from the beginning"
    )
    until: LastDay | None = key(
        None,
        "Last day of the rows that count: all events up to it, and people as counted last.",
        left_out="to the end",
    )


class Points(Part):
    """Points of a sweep from a file."""

    table: str = key(
        ...,
        "CSV file in the scenario's folder: a column for each key, a row for each combination of "
        "values. An empty cell leaves the scenario's own value.",
    )


class Sweep(Part):
    """Many runs of one scenario: which values are varied, how often, and what is kept."""

    design: Literal["grid", "lhs", "csv"] = key(
        "grid",
        "How values are combined: `grid` takes every combination, `lhs` a Latin hypercube (McKay, "
        "Beckman & Conover 1979), `csv` those that `points` lists.",
    )
    samples: Annotated[int, BeforeValidator(refuse_bool), Field(ge=1, le=1_000_000)] | None = key(
        None,
        "How many combinations a Latin hypercube draws.",
        unit="combinations",
        higher="the space of values is covered more densely, by more runs",
        left_out="to be stated for `lhs`",
    )
    points: Points | None = key(
        None, "File with the combinations of the design `csv`.", left_out="no file"
    )
    replicates: Annotated[int, BeforeValidator(refuse_bool), Field(ge=1, le=100_000)] = key(
        1,
        "Runs of each combination, each with a seed of its own; the seeds are the same for all "
        "combinations.",
        unit="runs",
        higher="narrower intervals, and more runs",
        source="a choice of precision",
    )
    rates: Literal["base", "own"] = key(
        "base",
        "On what the base rates of each combination are solved: `base`, the scenario without what "
        "is varied, so that combinations differ by that alone; `own`, each combination itself.",
    )
    vary: dict[str, Factor] = key(
        {},
        "What is changed from run to run: by key, or by a name of your own for entries with "
        "`paths` or `packages`.",
    )
    metrics: dict[Id, Metric] = key(
        {}, "Figures kept of each run in addition to the headline figures, by name."
    )
    tables: tuple[TableName, ...] = key((), "Outputs that are kept whole of every run.")
