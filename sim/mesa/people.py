"""People as Mesa users read agents: a view over the rows of the world's arrays."""

from __future__ import annotations

import operator
import reprlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NoReturn, SupportsIndex, overload

import numpy as np

from sim.core.state import I64, Bool
from sim.mesa.columns import COLUMNS
from sim.mesa.interface import Model
from sim.mesa.quiet import agentset, mesa
from sim.mesa.refusal import NotOnArraysError, refuse
from sim.schema.errors import suggest

CODE: Final = ("step", "advance", "remove", "move_to", "decide", "act", "create_agents")
"""Methods that agents of other models have."""
SPACE: Final = ("space", "grid", "cell", "neighbors", "get_neighbors")
"""What agents in a space have."""
SPACELESS: Final = (
    "there is no space or grid here; `person.place` and `person.pos` (longitude, latitude) tell "
    "where somebody is, `model.world.network.km` how far places are from each other"
)


class Person:
    """One person (a row, which represents `people` of them), read like a Mesa agent.

    Nothing is kept here: every attribute is read off the world's arrays as they are now.
    """

    __slots__ = ("model", "unique_id")
    model: Model
    unique_id: int
    """Row of the arrays; it stays a person's own to the end of the run."""

    def __init__(self, model: Model, row: int) -> None:
        object.__setattr__(self, "model", model)
        object.__setattr__(self, "unique_id", row)

    @property
    def random(self) -> Any:
        """The model's random numbers; the engine uses none of them."""
        return self.model.random

    @property
    def rng(self) -> Any:
        """The same as a generator of NumPy's."""
        return self.model.rng

    def __getattr__(self, name: str) -> Any:
        column = COLUMNS.get(name)
        if column is None:
            if name in CODE:
                refuse(f"Person.{name}", "a person has no code of its own.")
            if name in SPACE:
                raise AttributeError(f"a person has no {name}: {SPACELESS}")
            hint = suggest(name, list(COLUMNS), "there are")
            raise AttributeError(f"a person has no {name}: {hint}")
        return _plain(column(self.model, self.unique_id))

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        refuse(f"Person.{name}", "what a person is follows from the model's rule.")

    def __delattr__(self, name: str) -> NoReturn:
        refuse(f"Person.{name}", "what a person is follows from the model's rule.")

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        """Refused: a copy would be read off the same arrays, or off none."""
        raise NotOnArraysError(
            "a Person is neither copied nor pickled: it is read off its model. Keep its unique_id, "
            "or what `get` gives."
        )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Person)
            and self.model is other.model
            and self.unique_id == other.unique_id
        )

    def __hash__(self) -> int:
        return hash((id(self.model), self.unique_id))

    def __repr__(self) -> str:
        return f"<Person {self.unique_id}: {self.activity} in {self.place}>"

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *COLUMNS]


class People(Sequence[Person]):
    """Rows of the world's people, read like an AgentSet.

    The rows are those chosen when the view was made; values are read as they are now.
    """

    def __init__(self, model: Model, rows: I64) -> None:
        self.model = model
        self.rows = rows

    @property
    def random(self) -> Any:
        """The model's random numbers; the engine uses none of them."""
        return self.model.random

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Person]:
        return (Person(self.model, row) for row in self.rows.tolist())

    def __contains__(self, person: object) -> bool:
        return (
            isinstance(person, Person)
            and person.model is self.model
            and person.unique_id in self.rows
        )

    @overload
    def __getitem__(self, item: SupportsIndex) -> Person: ...
    @overload
    def __getitem__(self, item: slice) -> list[Person]: ...
    def __getitem__(self, item: SupportsIndex | slice) -> Person | list[Person]:
        if isinstance(item, slice):
            return [Person(self.model, row) for row in self.rows[item].tolist()]
        try:
            number = operator.index(item)
        except TypeError:
            raise TypeError(
                f"people are numbered: people[3], people[:10], not people[{reprlib.repr(item)}]; "
                'get("age") lists an attribute, select(...) takes booleans'
            ) from None
        return Person(self.model, int(self.rows[number]))

    def __repr__(self) -> str:
        return f"<{len(self):,} people, a row each>"

    def __getattr__(self, name: str) -> Any:
        if name in CODE:
            refuse(name, "people have no code of their own; `model.step()` moves them all.")
        if name in COLUMNS:
            raise AttributeError(
                f'people have no {name} in common: get("{name}") lists each one\'s'
            )
        known = [it for it in dir(type(self)) if not it.startswith("_")]
        raise AttributeError(f"people have no {name}: {suggest(name, known, 'there are')}")

    def _rows_of(self, others: Any) -> I64:
        """Rows of other people of the same model, given as a view or as any of its persons."""
        if isinstance(others, People):
            same, rows = others.model is self.model, others.rows
        else:
            listed = list(others) if isinstance(others, Iterable) else [others]
            same = all(isinstance(it, Person) and it.model is self.model for it in listed)
            rows = np.array([it.unique_id for it in listed] if same else [], np.int64)
        if not same:
            raise TypeError("people are joined and compared with people of the same model only")
        return rows

    def __and__(self, other: Any) -> People:
        return People(self.model, self.rows[np.isin(self.rows, self._rows_of(other))])

    def __sub__(self, other: Any) -> People:
        return People(self.model, self.rows[~np.isin(self.rows, self._rows_of(other))])

    def __or__(self, other: Any) -> People:
        rows = np.concatenate([self.rows, self._rows_of(other)])
        return People(self.model, rows[np.sort(np.unique(rows, return_index=True)[1])])

    def __xor__(self, other: Any) -> People:
        either: People = self | other
        return either.__sub__(self & other)

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __rsub__(self, other: Any) -> People:
        others = People(self.model, self._rows_of(other))
        return others.__sub__(self)

    def __le__(self, other: Any) -> bool:
        return bool(np.isin(self.rows, self._rows_of(other)).all())

    def __ge__(self, other: Any) -> bool:
        return bool(np.isin(self._rows_of(other), self.rows).all())

    def __lt__(self, other: Any) -> bool:
        return self <= other and not self >= other

    def __gt__(self, other: Any) -> bool:
        return self >= other and not self <= other

    def __eq__(self, other: object) -> bool:
        """Whether these are the same people, in whatever order."""
        if not isinstance(other, People) or other.model is not self.model:
            return NotImplemented
        return np.array_equal(np.sort(self.rows), np.sort(other.rows))

    __hash__ = None  # type: ignore[assignment]

    def isdisjoint(self, other: Any) -> bool:
        """Whether nobody is among both."""
        return not len(self & other)

    def select(
        self,
        filter_func: Callable[[Person], bool] | Bool | None = None,
        at_most: int | float = float("inf"),
        inplace: bool = False,
        agent_type: type | None = None,
    ) -> People:
        """Some of the people, in their order.

        Args:
            filter_func: Called with each person; or, much faster, an array of booleans, one per
                person.
            at_most: A number of people; or, as a float of at most 1, a share of them.
            inplace: Refused.
            agent_type: `Person` or `mesa.Agent`; any other gives an empty view.

        Raises:
            NotOnArraysError: `inplace`.
            ValueError: `filter_func` is neither a function nor one boolean per person, or `at_most`
                is negative.
        """
        if inplace:
            refuse("select(inplace=True)", "the view is of the world's own rows.")
        rows = self.rows
        given: Any = at_most
        if not (isinstance(given, int | float | np.number) and given >= 0):  # NaN neither
            raise ValueError(f"at_most is a number of people or a share of them, not {at_most}")
        if filter_func is not None and not callable(filter_func):
            truths = np.asarray(filter_func)
            if truths.dtype != bool or truths.shape != rows.shape:
                raise ValueError(
                    f"select takes a function of a person, or an array of {len(rows)} booleans; "
                    f"this one has dtype {truths.dtype} and shape {truths.shape}"
                )
            rows = rows[truths]
        elif filter_func is not None:
            chosen = [bool(filter_func(Person(self.model, row))) for row in rows.tolist()]
            rows = rows[np.array(chosen, bool)]
        if agent_type not in (None, Person, mesa.Agent, object):
            rows = rows[:0]
        if isinstance(at_most, float) and at_most <= 1.0:
            at_most = int(len(self) * at_most)
        return People(self.model, rows if at_most >= len(rows) else rows[: int(at_most)])

    def get(
        self, attr_names: str | list[str], handle_missing: str = "error", default_value: Any = None
    ) -> list[Any]:
        """Values of an attribute; of several, a list per person. Read from the arrays at once."""
        if handle_missing not in ("error", "default"):
            raise ValueError(f"handle_missing is 'error' or 'default', not {handle_missing!r}")
        if not isinstance(attr_names, str | Iterable):
            raise TypeError(f"get takes the name of an attribute, or several, not {attr_names!r}")
        if not isinstance(attr_names, str):
            columns = [self.get(name, handle_missing, default_value) for name in attr_names]
            return [list(values) for values in zip(*columns, strict=True)]
        if attr_names in COLUMNS:
            return list(_plain(COLUMNS[attr_names](self.model, self.rows)))
        if attr_names == "unique_id":
            return list(self.rows.tolist())
        if attr_names in ("model", "random", "rng"):
            shared = self.model if attr_names == "model" else getattr(self.model, attr_names)
            return [shared] * len(self)
        if handle_missing == "default":
            return [default_value] * len(self)
        hint = suggest(attr_names, list(COLUMNS), "there are")
        raise AttributeError(f"a person has no {attr_names}: {hint}")

    def agg(self, attribute: str, func: Any) -> Any:
        """What a function, or each of several, makes of the values of an attribute."""
        functions = [func] if callable(func) or isinstance(func, str) else list(func)
        for one in functions:
            if not callable(one):
                raise TypeError(f"agg takes a function of values, such as max, not {one!r}")
        values = self.get(attribute)
        return func(values) if callable(func) else [one(values) for one in functions]

    def map(self, method: str | Callable[..., Any], *args: Any, **kwargs: Any) -> list[Any]:
        """What a function, which must change nothing, makes of each person."""
        if method in COLUMNS:
            raise TypeError(f'map takes a function of a person; get("{method}") lists an attribute')
        if isinstance(method, str):
            return [getattr(person, method)(*args, **kwargs) for person in self]
        return [method(person, *args, **kwargs) for person in self]

    def groupby(self, by: str | Callable[[Person], Any], result_type: str = "agentset") -> Any:
        """Mesa's GroupBy: people by an attribute, or by what a function says of them."""
        if result_type not in ("agentset", "list"):
            raise ValueError(f"result_type is 'agentset' or 'list', not {result_type!r}")
        values = self.get(by) if isinstance(by, str) else self.map(by)
        groups: dict[Any, list[int]] = {}
        for value, row in zip(values, self.rows.tolist(), strict=True):
            groups.setdefault(value, []).append(row)
        views = {name: People(self.model, np.array(rows)) for name, rows in groups.items()}
        as_list = result_type != "agentset"
        return agentset.GroupBy({k: list(v) if as_list else v for k, v in views.items()})

    def sort(
        self, key: str | Callable[[Person], Any], ascending: bool = False, inplace: bool = False
    ) -> People:
        """The same people in the order of an attribute, or of what a function says of them."""
        if inplace:
            refuse("sort(inplace=True)", "the order of rows means nothing, and stays.")
        values = self.get(key) if isinstance(key, str) else self.map(key)

        def place(i: int) -> tuple[bool, Any]:
            return values[i] is not None, values[i]  # none is the least: no `kin`, for instance

        order = sorted(range(len(values)), key=place, reverse=not ascending)
        return People(self.model, self.rows[order])

    def shuffle(self, inplace: bool = False) -> People:
        """The same people in random order, by the model's `random`; the run is not affected."""
        if inplace:
            refuse("shuffle(inplace=True)", "the order of rows means nothing, and stays.")
        order = list(range(len(self)))
        self.random.shuffle(order)
        return People(self.model, self.rows[order])

    def shuffle_do(self, method: Any, *args: Any, **kwargs: Any) -> NoReturn:  # noqa: ARG002
        """Refused: nobody acts before anybody else."""
        refuse("shuffle_do", "nobody acts before anybody else, so there is no order to shuffle.")

    def do(self, method: Any, *args: Any, **kwargs: Any) -> NoReturn:  # noqa: ARG002
        """Refused: people have no code of their own."""
        refuse("do", "people have no code of their own; `model.step()` moves them all.")

    def set(self, attr_name: str, value: Any) -> NoReturn:  # noqa: ARG002
        """Refused: what people are follows from the model's rule."""
        refuse("set", "what people are follows from the model's rule.")

    def add(self, agent: Any) -> NoReturn:  # noqa: ARG002
        """Refused: people are born, or counted at the start."""
        refuse("add", "people are born, or counted at the start (`agents=`).")

    def remove(self, agent: Any) -> NoReturn:  # noqa: ARG002
        """Refused: the account of people must stay complete."""
        refuse("remove", "nobody is taken out of the account of people.")

    discard = remove

    def pop(self) -> NoReturn:
        """Refused, as `remove`."""
        refuse(
            "pop", "nobody is taken out of the account of people; `-` and select leave some out."
        )

    def clear(self) -> NoReturn:
        """Refused, as `remove`."""
        refuse("clear", "nobody is taken out of the account of people.")


def _plain(values: Any) -> Any:
    """Python's own values in place of NumPy's."""
    return values.tolist() if isinstance(values, np.ndarray | np.generic) else values
