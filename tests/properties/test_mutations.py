"""Whatever is done to a scenario file, reading it gives a scenario or an error with words."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from sim.scenario import library
from sim.scenario.reader import dump, read
from sim.scenario.whole import Scenario
from sim.schema.errors import ScenarioError

N = int(os.environ.get("SIM_MUTATIONS", "300"))
SEED = 20110315
GARBAGE = (
    "\x00",
    "\x07",
    "\x1b[31m",
    "\x85",
    "\ufeff",
    "\u2028",
    "\u202e",
    "日本",
    "🙂",
    "ß",
    "\\",
    "'",
    '"',
    "{",
    "}",
    "[",
    "]",
    "[[[[[[",
    ": ",
    ":",
    "- ",
    "#",
    "&a ",
    "*a",
    "!!",
    "!!python/object:os ",
    "|",
    ">",
    "%",
    "@",
    "`",
    "?",
    ", ",
    "\t",
    "\n",
    "\r",
    "---\n",
    "...",
    "~",
    "null",
    "true",
    ".nan",
    ".inf",
    "1e400",
    "9" * 50,
    "-",
    "2011-02-30",
    "<<: *a",
    "__class__",
    "a" * 300,
    "{{}}",
    "../",
    "table: x.csv",
)
NUMBER = re.compile(r"(?<![\w.])-?\.?\d[\d_.]*(?:e-?\d+)?")
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
KEY = re.compile(r"[A-Za-z_]\w*(?=:)")

Mutation = Callable[[str, random.Random], str]


def flip_bytes(text: str, draw: random.Random) -> bytes:
    content = bytearray(text.encode())
    for _ in range(draw.choice((1, 1, 1, 4, 40))):
        content[draw.randrange(len(content))] = draw.randrange(256)
    return bytes(content)


def change_lines(text: str, draw: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    for _ in range(draw.choice((1, 1, 2, 10))):
        i, j = draw.randrange(len(lines)), draw.randrange(len(lines))
        what = draw.randrange(5)
        if what == 0 and len(lines) > 1:
            del lines[i]
        elif what == 1:
            lines.insert(j, lines[i])
        elif what == 2:
            lines[i], lines[j] = lines[j], lines[i]
        elif what == 3:
            lines[i] = " " * draw.randrange(8) + lines[i].lstrip(" ")
        else:
            lines[i] = lines[i].rstrip("\n") + lines[j]
    return "".join(lines)


def change_match(
    pattern: re.Pattern[str], new: Callable[[str, list[str], random.Random], str]
) -> Mutation:
    def mutate(text: str, draw: random.Random) -> str:
        for _ in range(draw.choice((1, 1, 2, 5))):
            found = list(pattern.finditer(text))
            if not found:
                break
            one = draw.choice(found)
            word = new(one[0], [it[0] for it in found], draw)
            text = text[: one.start()] + word + text[one.end() :]
        return text

    return mutate


def other_number(old: str, all_: list[str], draw: random.Random) -> str:
    return draw.choice(
        (
            "0",
            "-1",
            "1",
            "2",
            "60",
            "1e9",
            "-1e9",
            "1e300",
            "1e-300",
            ".5",
            "0.0001",
            f"{old}0",
            f"-{old}",
            f"{old} %",
            f'"{old}"',
            f"[{old}]",
            f"{old}x",
            "2011-13",
            "1_000",
            "0x1F",
            "١٢",
            draw.choice(all_),
        )
    )


def misspelt(old: str, all_: list[str], draw: random.Random) -> str:
    i = draw.randrange(len(old))
    return draw.choice(
        (
            old[:i] + old[i + 1 :] or "x",
            old[:i] + old[i] * 2 + old[i + 1 :],
            old.upper(),
            f"{old}_{i}",
            old[::-1],
            draw.choice(all_),
            "NO",
            "default",
            "other",
            "",
        )
    )


def insert_garbage(text: str, draw: random.Random) -> str:
    for _ in range(draw.choice((1, 1, 3))):
        i = draw.randrange(len(text) + 1)
        text = text[:i] + draw.choice(GARBAGE) + text[i:]
    return text


def truncate(text: str, draw: random.Random) -> str:
    i, j = sorted(draw.randrange(len(text) + 1) for _ in range(2))
    return draw.choice((text[:i], text[i:], text[:i] + text[j:]))


def move(text: str, draw: random.Random) -> str:
    """Cut a piece out and put it elsewhere; sometimes bracketed parts, which stay well-formed."""
    parts = [it.span() for it in re.finditer(r"\{[^{}]*\}|\[[^\[\]]*\]", text)]
    if parts and draw.random() < 0.7:
        (a, b), (c, d) = sorted((draw.choice(parts), draw.choice(parts)))
        if b <= c:
            return text[:a] + text[c:d] + text[b:c] + text[a:b] + text[d:]
    i = draw.randrange(len(text))
    j = min(len(text), i + draw.randrange(1, 200))
    rest = text[:i] + text[j:]
    k = draw.randrange(len(rest) + 1)
    return rest[:k] + text[i:j] + rest[k:]


MUTATIONS: tuple[Callable[[str, random.Random], str | bytes], ...] = (
    flip_bytes,
    change_lines,
    change_match(NUMBER, other_number),
    change_match(WORD, misspelt),
    change_match(KEY, misspelt),
    insert_garbage,
    truncate,
    move,
)


def mutate(text: str, draw: random.Random) -> bytes:
    content: str | bytes = text
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        if isinstance(content, bytes) or not content:
            break
        content = draw.choice(MUTATIONS)(content, draw)
    return content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")


def check_text(text: str) -> None:
    """An error is for people: no control characters, nothing of the machinery."""
    assert text.strip()
    assert all(line.isprintable() for line in text.split("\n")), repr(text)
    for jargon in (
        "pydantic",
        "Traceback",
        "Input should",
        "_parsing",
        "_type",
        "NoneType",
        "<class",
    ):
        assert not any(
            jargon in line for line in text.split("\n") if " | " not in line and "'" not in line
        ), text
    assert "error: " in text
    for line in text.split("\n"):
        if re.match(r" +\d+ \| ", line):
            assert len(line) <= 100, line


TERSE = Path(__file__).parents[1] / "scenarios" / "valid" / "terse.yaml"
STARTER = library.HERE / "starter.yaml"


def originals() -> list[list[Path]]:
    """The scenarios to spoil, each with its tables: the shipped one, the starter, the tersest."""
    shipped = library.find("syria")
    found = [[STARTER], [TERSE]]
    if shipped is not None:
        found.append([shipped, *sorted(shipped.parent.glob("syria*.csv"))])
    return found


def test_mutations(tmp_path: Path) -> None:
    files = originals()
    texts = {path: path.read_text(encoding="utf-8") for paths in files for path in paths}
    for main, *_ in files:
        read(main)  # the originals are right
    n_right = 0
    for number in range(N):
        draw = random.Random(SEED * 1_000_003 + number)
        main, *tables = files[number % len(files)]
        for path in (main, *tables):
            (tmp_path / path.name).write_text(texts[path], encoding="utf-8")
        victim = draw.choice(tables) if tables and draw.random() < 0.15 else main
        (tmp_path / victim.name).write_bytes(mutate(texts[victim], draw))
        try:
            scenario = read(tmp_path / main.name)
        except ScenarioError as error:
            check_text(str(error))
        except Exception as error:
            pytest.fail(f"mutation {number}: {type(error).__name__}: {error}")
        else:
            assert isinstance(scenario, Scenario)
            n_right += 1
            if n_right % 10 == 0:
                copy = tmp_path / "copy.yaml"
                copy.write_text(dump(scenario), encoding="utf-8")
                assert read(copy) == scenario
    assert N < 100 or 0 < n_right < N, "mutations that never, or always, matter test nothing"


def test_mutated_overrides() -> None:
    """The same for what is given on the command line."""
    base = (
        "policies.wall.barrier=.8",
        "places.AA_NORTH.income=2000",
        "time.step=day",
        "threats.AA.political.severity=.3",
        "corridors.AA_NORTH_BB_PORT.price=5",
        "exposure.coupling={food: {health: .2}}",
        "stocks=[{from: AA, to: BB, people: 5}]",
    )
    for number in range(N // 3):
        draw = random.Random(SEED * 1_000_033 + number)
        chosen = draw.sample(base, draw.randrange(1, 4))
        arguments = [mutate(it, draw).decode("utf-8", "surrogateescape") for it in chosen]
        try:
            read(STARTER, arguments)
        except ScenarioError as error:
            check_text(str(error))
        except Exception as error:
            pytest.fail(f"{arguments}: {type(error).__name__}: {error}")
