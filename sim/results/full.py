"""Tables of counts with the rows that are absent because they are 0."""

from __future__ import annotations

from math import prod

import numpy as np
import pandas as pd

from sim.model.columns import BY
from sim.results.run import Run
from sim.results.tables import DECLARED, category, with_countries

MOST_ROWS = 10_000_000
"""Most rows of a full table by default: about a gigabyte."""


class NotFullError(ValueError):
    """A table cannot be filled up: it counts nothing, or would be too long."""


def full(
    run: Run, name: str, *, all_words: bool = False, most_rows: int = MOST_ROWS
) -> pd.DataFrame:
    """Give a table of counts with a row for every period, replicate and combination of words.

    Args:
        run: The run.
        name: Of the table.
        all_words: Whether words are combined that never occur together in the table; otherwise
            only combinations are there that occur in some period of some replicate.
        most_rows: A table that would be longer is refused.

    Returns:
        The columns of the table; rows by replicate, date and words, in this order. What was absent
        is 0.

    Raises:
        NoTableError: The run did not keep it.
        NotFullError: What is absent from it is not 0, or it would be longer than `most_rows`.
    """
    frame = run.table(name)
    table = DECLARED.get(name)
    if table is None or not table.absent.zero:
        why = table.absent.text if table else "It follows from the run and is whole."
        raise NotFullError(f"{name} cannot be filled up with 0. {why}")
    columns = [BY[it] for it in run.scenario.outputs.by] if table.by else []
    columns += [it for it in table.columns if it.words is not None]
    columns = [it for it in columns if it.name in frame.columns]
    names = [it.name for it in columns]
    words = [it.words_in(run.scenario) for it in columns]
    numbers = [it.name for it in table.columns if it.name in frame.columns and it.words is None]

    spans = run.periods
    ends = [it["date"].max() for at, it in run.tables.items() if DECLARED[at].date == "last"]
    spans = spans[spans["first"] <= max((it for it in ends if it == it), default=pd.Timestamp.max)]
    dates = spans["first"] if table.date == "first" else spans["after"] - pd.Timedelta(days=1)
    dates = dates.iloc[-1:] if table.at_end else dates
    shape = [len(it) for it in words]
    found = _codes(name, frame, names, words)
    n_each = prod(shape) if all_words else len(np.unique(found))
    n_rows = run.replicates * len(dates) * n_each
    if n_rows > most_rows:
        raise NotFullError(
            f"{name} would have {n_rows:,} rows, and at most {most_rows:,} are wanted: "
            "take a part of the table, or ask for more rows"
        )
    each = np.arange(n_each) if all_words else np.unique(found)

    which = np.searchsorted(dates.to_numpy(), frame["date"].to_numpy())
    cell = (frame["replicate"].to_numpy() * len(dates) + which) * n_each
    cell += np.searchsorted(each, found)
    where = np.unravel_index(np.tile(each, run.replicates * len(dates)), shape) if shape else ()
    content = {
        "replicate": np.repeat(np.arange(run.replicates), len(dates) * n_each),
        "date": np.tile(np.repeat(dates.to_numpy(), n_each), run.replicates),
    }
    content |= {
        column: category(codes, its) for column, codes, its in zip(names, where, words, strict=True)
    }
    for number in numbers:
        values = frame[number].to_numpy()
        content[number] = np.zeros(n_rows, values.dtype)
        np.add.at(content[number], cell, values)
    whole = with_countries(table, pd.DataFrame(content), run.scenario)
    return whole.astype({"date": frame["date"].dtype})[list(frame.columns)]


def _codes(table: str, frame: pd.DataFrame, names: list[str], words: list[list[str]]) -> np.ndarray:
    """The combination of words of each row, as one number."""
    parts = []
    for name, its in zip(names, words, strict=True):
        column, number = frame[name].astype("category").cat, {it: i for i, it in enumerate(its)}
        # By category, not by row: tables are long and words few. Code -1 is a missing word.
        codes = np.array([*(number.get(it, -1) for it in column.categories), -1], np.int64)
        parts.append(codes[column.codes.to_numpy()])
        if (parts[-1] < 0).any():
            raise NotFullError(f"{table} has words in its column {name} that the scenario has not")
    if not parts:
        return np.zeros(len(frame), np.int64)
    return np.ravel_multi_index(tuple(parts), [len(it) for it in words]).astype(np.int64)
