"""The C reference: `reference.c` compiled when it is needed, called on the kernel's own tables."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sim.kernels.power import padded

SOURCE = Path(__file__).with_name("reference.c")
FLAGS = ("-O3", "-march=native", "-ffp-contract=off", "-fno-math-errno", "-shared", "-fPIC")
"""No contraction into fused operations: its last bit would depend on the machine."""

POINTERS = {
    "Households": {
        "ident": np.uint64,
        "head": np.uint32,
        "means": np.float32,
        "home": np.uint16,
        "place": np.uint16,
        "moved": np.int16,
        "rank": np.uint16,
        "size": np.uint16,
        "citizenship": np.uint8,
        "group": np.uint8,
        "kin": np.uint8,
        "status": np.uint8,
        "activity": np.uint8,
        "flags": np.uint8,
        "mask": np.uint8,
        "uprooted": np.uint8,
    },
    "Persons": {
        "pid": np.uint64,
        "next": np.uint32,
        "born": np.int16,
        "traits": np.uint8,
    },
    "ChoiceTables": {
        "country": np.int64,
        "free": np.bool_,
        "geography": np.float64,
        "pull": np.float64,
        "ahead": np.float64,
        "admission": np.float64,
        "admitted": np.float64,
        "min_education": np.int64,
        "fee": np.float64,
        "price": np.float64,
        "companions": np.float64,
        "together": np.float64,
        "homeward": np.float64,
        "surge_way": np.float64,
        "surge_entry": np.float64,
        "surge_min_education": np.int64,
    },
    "Conditions": {
        "want": np.float64,
        "fear": np.float64,
        "most_want": np.float64,
        "most_fear": np.float64,
        "by_state": np.bool_,
        "livelihood": np.float64,
        "age": np.float64,
        "bound": np.float64,
        "most": np.float64,
        "settling": np.float64,
    },
    "Means": {
        "income": np.float64,
        "share": np.float32,
        "support": np.float64,
        "status": np.float64,
    },
    "Plane": {},
    "Events": {
        "house": np.int64,
        "answer": np.int64,
        "hazard": np.int64,
        "time": np.float64,
        "flight": np.float64,
        "uprooted": np.bool_,
        "trapped": np.bool_,
        "word": np.uint64,
    },
    "Step": {
        "houses": np.uint32,
        "classes": np.int64,
        "through": np.int64,
    },
}
"""Arrays of each struct of `reference.c`, in its order."""

SCALARS: dict[str, dict[str, type]] = {
    "ChoiceTables": {"nest": float, "inclusive": float, "surge_most": float, "surge_pending": int},
    "Conditions": {
        "flight": float,
        "at_home": float,
        "attachment": float,
        "pause": float,
        "pause_depth": float,
        "first_day": int,
        "n_days": int,
    },
    "Means": {"subsistence": float},
    "Plane": {"key": np.uint64, "start": float, "days": float},
    "Events": {"room": int},
    "Step": {
        "since": float,
        "until": float,
        "n_houses": int,
        "month": int,
        "n_places": int,
        "n_padded": int,
        "n_countries": int,
        "n_groups": int,
        "n_classes": int,
        "n_kinds": int,
    },
}
"""Numbers that follow the arrays of each struct, in its order."""

NUMBERS = {float: ctypes.c_double, int: ctypes.c_int64, np.uint64: ctypes.c_uint64}
"""C's type of each kind of number."""


class Reference:
    """The compiled reference.

    Attributes:
        compiler: First line of the compiler's own account of itself.
    """

    def __init__(self, library: ctypes.CDLL, compiler: str) -> None:
        self.compiler = compiler
        self._answer, self._sieve = library.answer, library.sieve
        self._answer.restype = self._sieve.restype = ctypes.c_int64

    def prepare(self, arguments: Mapping[str, Any]) -> tuple[Callable[[], int], Callable[[], int]]:
        """Lay the kernels' arguments out for C.

        Args:
            arguments: Arguments of `benchmarks.kernels.find` by name; `events` and `through` are
                written to.

        Returns:
            (a function that sieves and decides, and returns the number of events written, or -1 if
            there is no room for all of them; one that only sieves, and returns the number of
            households let through).

        Raises:
            TypeError: A table is not what `reference.c` takes it for.
        """
        tables, conditions = arguments["tables"], arguments["conditions"]
        n, classes = len(tables.country), tables.geography.shape[2]
        kinds, countries = tables.fee.shape[:2]
        _expect(tables.free, (countries, countries))
        _expect(arguments["classes"], (countries, arguments["classes"].shape[1]))
        _expect(tables.geography, (2, 2, classes, n, n, 2))
        _expect(tables.admission, (2, 2, kinds, countries, 4))
        _expect(tables.admitted, (2, countries, 4))
        _expect(tables.price, (2, n, n, 2))
        _expect(tables.surge.way, (classes, n, n))
        _expect(tables.surge.entry, tables.admission.shape)
        _expect(tables.surge.min_education, tables.min_education.shape)
        surge = {f"surge_{name}": value for name, value in tables.surge._asdict().items()}
        days = len(conditions.want)
        _expect(conditions.want, (days, n, 16))
        _expect(conditions.fear, (days, n, 8))
        _expect(conditions.most_want, (n, 16))
        _expect(conditions.most_fear, (n, 8))
        _expect(conditions.bound, (2, n, n, classes))
        _expect(conditions.most, (n, 2, 128))
        _expect(conditions.livelihood, (n, 7))
        _expect(conditions.settling, (n, 7))
        _expect(arguments["means"].status, (n, 7))
        _expect(conditions.age, (2, 121))
        asked = len(arguments["houses"])
        _expect(arguments["through"], (asked,))
        step = {name: arguments[name] for name in (*POINTERS["Step"], "since", "until", "month")}
        step |= {
            "n_houses": asked,
            "n_places": n,
            "n_padded": padded(n),
            "n_countries": countries,
            "n_groups": arguments["classes"].shape[1],
            "n_classes": classes,
            "n_kinds": kinds,
        }
        by_state = np.ascontiguousarray(conditions.by_state)
        events = arguments["events"]._asdict()
        households, persons, choices, state, means, plane, asking, found = (
            ctypes.byref(_struct(name, values))
            for name, values in (
                ("Households", arguments["households"]._asdict()),
                ("Persons", arguments["persons"]._asdict()),
                ("ChoiceTables", tables._asdict() | surge),
                ("Conditions", conditions._asdict() | {"by_state": by_state, "n_days": days}),
                ("Means", arguments["means"]._asdict()),
                ("Plane", arguments["plane"]._asdict()),
                ("Step", step),
                ("Events", events | {"room": len(events["house"])}),
            )
        )
        who = households, persons
        return (
            lambda: int(self._answer(*who, choices, state, means, plane, asking, found)),
            lambda: int(self._sieve(*who, state, plane, asking)),
        )


def _expect(array: np.ndarray, shape: tuple[int, ...]) -> None:
    """Refuse a table whose axes `reference.c` does not know."""
    if array.shape != shape:
        raise TypeError(f"reference.c reads a table of {shape}, and this one is {array.shape}")


def _struct(name: str, values: Mapping[str, Any]) -> ctypes.Structure:
    """Fill one struct; it keeps its arrays alive.

    Raises:
        TypeError: A table is not what `reference.c` takes it for.
    """
    fields: list[tuple[str, Any]] = []
    filled: list[Any] = []
    arrays = []
    for field, dtype in POINTERS[name].items():
        array = values[field]
        if array.dtype != dtype or not array.flags.c_contiguous:
            raise TypeError(f"reference.c reads {name}.{field} as a row-major array of {dtype}")
        fields.append((field, ctypes.c_void_p))
        filled.append(array.ctypes.data)
        arrays.append(array)
    for field, kind in SCALARS.get(name, {}).items():
        fields.append((field, NUMBERS[kind]))
        filled.append(kind(values[field]))
    struct = type(name, (ctypes.Structure,), {"_fields_": fields})(*filled)
    struct.arrays = arrays
    return struct  # type: ignore[no-any-return]


def build(folder: Path) -> Reference | str:
    """Compile the reference.

    Args:
        folder: Where the library is written; it must outlive the result.

    Returns:
        The reference, or in one line why there is none.
    """
    compiler = shutil.which("gcc")
    if compiler is None:
        return "no gcc here"
    target = folder / "reference.so"
    command = [compiler, *FLAGS, str(SOURCE), "-o", str(target), "-lm"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            return f"gcc failed: {done.stderr.strip().splitlines()[0]}"
        said = subprocess.run(
            [compiler, "--version"], capture_output=True, text=True, timeout=60, check=False
        )
        return Reference(ctypes.CDLL(str(target)), said.stdout.splitlines()[0])
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"gcc failed: {error}"
