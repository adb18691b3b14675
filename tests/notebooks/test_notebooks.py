"""The notebooks: both files of a pair say the same, and each keeps what a lesson needs.

That they run is held by `make test`, which executes them; that sliders work in a browser without a
network, by the last test here.
"""

from __future__ import annotations

import importlib.util
import os
import re
import runpy
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import chdir
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.request import urlopen

import pytest
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text

import sim
from sim.plots.style import ANSWERS, INK, THREATS

jupytext = pytest.importorskip("jupytext", reason="the extra `teach` is not installed")

FOLDER = Path(__file__).parents[2] / "notebooks"
SCRIPTS = sorted(FOLDER.glob("[0-9]*.py"))
DRIVEN = "3_the_wall_moves_the_flow.ipynb"
PATIENCE = 180.0
LONG = bool(os.environ.get("SIM_LONG_TESTS"))
README = Path(__file__).parents[2] / "README.md"


@pytest.fixture(params=SCRIPTS, ids=lambda it: it.stem)
def script(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_there_are_three() -> None:
    assert len(SCRIPTS) >= 3
    assert {it.stem for it in SCRIPTS} == {it.stem for it in FOLDER.glob("*.ipynb")}


def test_a_notebook_that_was_copied_alone_says_what_it_lacks(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    (asked,) = re.findall(r"^import pictures .*", text, re.M)  # the line that a traceback shows
    (file,) = re.findall(r'^FILE = "(.*)"', text, re.M)
    assert "pictures.py" in asked
    assert file in asked


def test_pairs_say_the_same(script: Path) -> None:
    one, two = jupytext.read(script), jupytext.read(script.with_suffix(".ipynb"))
    cells = [[(it.cell_type, it.source) for it in book.cells] for book in (one, two)]
    assert cells[0] == cells[1], f"run: jupytext --sync {script.name}"
    assert not any(it.get("outputs") for it in two.cells), "a notebook is kept without outputs"


def test_a_lesson_has_all_its_parts(script: Path) -> None:
    cells = jupytext.read(script).cells
    text = "\n".join(it.source for it in cells if it.cell_type == "markdown")
    code = "\n".join(it.source for it in cells if it.cell_type == "code")
    for part in ("**Goal.**", "**The story.**", "## A question", "not a forecast"):
        assert part in text
    assert re.search(r"<details><summary>.*</summary>.*</details>", text, re.DOTALL)
    assert "Slider(" in code
    assert "continuous_update=False" in code
    assert code.count("\nassert ") + code.count("\n    assert ") >= 3
    assert "illegal" not in text.casefold()


def test_nothing_is_fetched(script: Path) -> None:
    assert not re.findall(r"https?://|requests|urlopen|%pip|!pip", script.read_text("utf-8"))


def test_code_of_pictures_is_in_a_module(script: Path) -> None:
    text = script.read_text("utf-8")
    assert "import pictures" in text
    assert not re.search(r"\.barh|add_axes|matplotlib", text)


def test_the_readme_leads_to_the_lessons_and_shows_them(script: Path) -> None:
    text = README.read_text("utf-8")
    assert f"(notebooks/{script.stem}.ipynb)" in text
    picture = f"docs/lesson_{script.stem[0]}.png"
    assert f"({picture})" in text
    assert (README.parent / picture).stat().st_size < 60_000


@pytest.fixture(scope="module")
def pictures() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pictures", FOLDER / "pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["pictures"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    del sys.modules["pictures"]
    return module


def positions(pictures: ModuleType) -> Iterator[tuple[Any, list[Callable[[], Any]]]]:
    """Every frame, and its picture at two positions of the sliders."""
    few, many = ({"choice": n, "necessity": n, "no_means": n} for n in (1e2, 5e6))
    none, all_of = dict.fromkeys(THREATS, 0.0), dict.fromkeys(THREATS, 1e5)
    yield (
        pictures._threatened(),
        [
            partial(pictures.threatened, few, few, (none, none)),
            partial(pictures.threatened, few, many, (none, all_of)),
        ],
    )
    chances = {**dict.fromkeys(ANSWERS, 0.01), "stays": 0.96}
    yield (
        pictures._line(0.06),
        [
            partial(pictures.line, chances, 0.7, (0.7, 0.2), "stays", 0.06),
            partial(pictures.line, chances, 0.02, (0.7, 0.2), "choice", 0.06),
        ],
    )
    poor, rich = (dict.fromkeys(ANSWERS, n) for n in (0.0, 90e3))
    yield pictures._incomes(), [partial(pictures.incomes, it, poor, 300) for it in (poor, rich)]
    closed, opened = (
        dict.fromkeys(("bridge", "desert", "deaths", "refused"), n) for n in (0.0, 9e5)
    )
    yield pictures._wall(), [partial(pictures.wall, it, opened) for it in (closed, opened)]


def test_axes_stay_put_while_a_slider_moves(pictures: ModuleType) -> None:
    for frame, two in positions(pictures):
        limits = [(it.get_xlim(), it.get_ylim()) for it in frame.axes]
        pngs = []
        for draw in two:
            pngs.append(draw().png)
            assert [(it.get_xlim(), it.get_ylim()) for it in frame.axes] == limits
            assert set(frame._artists()) == frame.still, "what moved is taken away again"
        assert pngs[0] != pngs[1]
        assert two[0]().png == pngs[0], "a picture depends on the position alone"


CHANCES = {"choice": 0.05, "necessity": 0.02, "no_means": 0.02, "no_permission": 0.01, "stays": 0.9}


def test_the_chance_of_staying_is_drawn_to_scale(pictures: ModuleType) -> None:
    whole = pictures._line(0.12).axes[0]
    assert whole.get_xlim() == (0, 1)
    moving = pictures.line(CHANCES, 0.3, (0.3, 0.5), "stays", 0.12).moving
    bars = [it for it in moving if isinstance(it, Rectangle)][: len(ANSWERS)]
    areas = {to_hex(it.get_facecolor()): it.get_width() * it.get_height() for it in bars}
    assert areas == pytest.approx({ANSWERS[answer]: it for answer, it in CHANCES.items()})


@pytest.mark.parametrize(
    ("number", "words"),
    [(0.3, "The number drawn for her is 0.300: she"), (0.1, "With 0.100 (0.300 was drawn): she")],
)
def test_the_number_is_the_one_that_was_drawn_or_the_title_says_so(
    pictures: ModuleType, number: float, words: str
) -> None:
    moving = pictures.line(CHANCES, number, (0.3, 0.5), "no_permission", 0.12).moving
    (title,) = (it for it in moving if isinstance(it, Text) and it.get_weight() == "bold")
    assert title.get_text().startswith(words)
    figure = pictures._line(0.12).figure
    again = figure.text(*title.get_position(), title.get_text(), font=title.get_fontproperties())
    assert again.get_window_extent().x1 < figure.bbox.x1, "the title is not cut"
    again.remove()
    dots = [it for it in moving if isinstance(it, Line2D)]
    assert [it.get_color() for it in dots[:2]] == ["white", INK], "the slider's is on top"
    assert [it.get_xdata()[0] for it in dots[:2]] == [0.3, number]


@pytest.mark.skipif(not LONG, reason="ten seconds for each; SIM_LONG_TESTS=1")
@pytest.mark.parametrize(("seed", "times"), [(2, 1), (3, 1), (1, 2), (4, 2)])
def test_a_lesson_claims_the_same_at_another_seed_and_with_more_rows(
    script: Path, seed: int, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = sim.read

    def other(source: str, changes: list[str] | None = None) -> Any:
        scenario = read(source, changes or [])
        agents = f"population.agents={times * scenario.population.agents}"
        return read(source, [*(changes or []), f"seed={seed}", agents])

    monkeypatch.setattr(sim, "read", other)
    monkeypatch.syspath_prepend(str(FOLDER))
    with chdir(FOLDER):
        runpy.run_path(str(script))


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """JupyterLab on a copy of the notebooks; its address."""
    pytest.importorskip("jupyterlab", reason="the extra `teach` is not installed")
    shutil.copytree(FOLDER, tmp_path / "notebooks")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [
        "--no-browser", "--allow-root", f"--port={port}", "--port-retries=0",
        "--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True",
        "--expose-app-in-browser", f"--ServerApp.root_dir={tmp_path / 'notebooks'}",
    ]  # fmt: skip
    root = str(Path(__file__).parents[2])
    # The kernel chooses how it draws, whatever the tests do.
    environment = {name: it for name, it in os.environ.items() if name != "MPLBACKEND"}
    home = {it: str(tmp_path / it) for it in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *words],
            env={**environment, **home, "PYTHONPATH": root},
            stdout=log,
            stderr=log,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(int(PATIENCE)):
            try:
                urlopen(f"{address}/api", timeout=5).close()
                break
            except OSError:
                assert server.poll() is None, (tmp_path / "log").read_text()
                time.sleep(1)
        yield address
    finally:
        server.terminate()
        server.wait(30)


def test_a_slider_answers_in_a_browser_without_a_network(lab: str) -> None:
    why = "playwright is not installed: pip install 'human-security-sim[browser]'"
    playwright: Any = pytest.importorskip("playwright.sync_api", reason=why)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("there is no Chromium on this machine")
    with playwright.sync_playwright() as it:
        # Every name but the server's leads nowhere.
        cut = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
        browser = it.chromium.launch(executable_path=chromium, args=["--no-sandbox", cut])
        # So high that no cell is out of sight: those are not drawn.
        page = browser.new_page(viewport={"width": 1200, "height": 5000})
        page.set_default_timeout(1000 * PATIENCE)
        outside: list[str] = []
        page.on("request", lambda it: outside.append(it.url) if lab not in it.url else None)
        page.goto(f"{lab}/lab/tree/{DRIVEN}?reset")
        page.wait_for_function("window.jupyterapp?.commands.hasCommand('notebook:run-all-cells')")
        # Before its kernel is there, Lab would ask for one.
        page.get_by_text("| Idle").wait_for()
        page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")
        handle = page.locator(".widget-slider .noUi-handle")
        told = page.locator(".jupyter-widgets.widget-output")
        told.get_by_text("are refused permission.").wait_for()
        before = told.inner_text()
        handle.focus()
        page.keyboard.press("End")
        page.wait_for_function(
            "was => { const now = document.querySelector('.widget-output').innerText;"
            " return now.includes('are refused permission.') && now !== was }",
            arg=before,
        )
        told.locator("img").wait_for()
        page.locator(".jp-OutputArea-output", has_text="no wall").wait_for()
        assert page.locator("[data-mime-type*=error]").count() == 0
        browser.close()
    assert [it for it in outside if not it.startswith(("data:", "blob:"))] == []
