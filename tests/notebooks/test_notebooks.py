"""The notebooks: both files of a pair say the same, and each keeps what a lesson needs.

That they run is held by `make test`, which executes them; that sliders work in a browser without a
network, by the last test here.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

jupytext = pytest.importorskip("jupytext", reason="the extra `teach` is not installed")

FOLDER = Path(__file__).parents[2] / "notebooks"
SCRIPTS = sorted(FOLDER.glob("[0-9]*.py"))
DRIVEN = "3_the_wall_moves_the_flow.ipynb"
PATIENCE = 180.0


@pytest.fixture(params=SCRIPTS, ids=lambda it: it.stem)
def script(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_there_are_three() -> None:
    assert len(SCRIPTS) >= 3
    assert {it.stem for it in SCRIPTS} == {it.stem for it in FOLDER.glob("*.ipynb")}


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
