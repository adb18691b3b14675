# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The wall moves the flow
#
# **Goal.** After this notebook you can say what a wall on one road changes on the other road, for those
# who stay behind, and for how many die. You can also say why "crossings at the wall fell" does not
# tell whether the wall worked.
#
# **The story.** Amnesty International (2010) reported that hundreds of people without papers die or
# go missing every year on their way north through Mexico: of violence, heat and thirst. Vietti and
# Scribner (2013) take this up: to look at migration as a matter of human security is to ask what
# happens to people *on the way*, and how a border policy changes that.
#
# In our small world there is a valley that many want to leave, and a far city. Two roads lead there:
# over a **bridge**, where 2 of 1,000 die, and through the **desert**, where 40 of 1,000 die. You are
# the government of the far city, and you can guard the bridge.
#
# *The world is invented. It is a model, not a forecast. All figures are our assumption.*

# %%
import time

import ipywidgets as widgets
import matplotlib.pyplot as plt

import sim

# Pictures appear as they are laid out, which takes half the time of having them cropped.
# %config InlineBackend.print_figure_kwargs = {"bbox_inches": None}

FILE = "two_roads.yaml"
base = sim.read(FILE)
open_border = sim.run(sim.read(FILE, ["policies.border.barrier=0"]), base=base)


def wall(barrier: float) -> sim.Record:
    """Run the world again, with the same people and random draws, and this wall."""
    return sim.run(sim.read(FILE, [f"policies.border.barrier={barrier}"]), base=base)


def over(record: sim.Record, road: str) -> int:
    """People who came to the city over a road."""
    crossings = record.crossings
    return int(crossings.loc[crossings["corridor"] == road, "people"].sum())


def deaths(record: sim.Record) -> int:
    """Deaths to be expected on the way: the risks of all who travelled, summed."""
    harms = record.harms
    return round(harms.loc[harms["harm"] == "death", "expected"].sum())


def counted(record: sim.Record) -> int:
    """People whose simulated person died on the way: luck plays a large part in this number."""
    harms = record.harms
    return int(harms.loc[harms["harm"] == "death", "people"].sum())


def refused(record: sim.Record) -> int:
    """People in the valley who at the end want to go and are refused permission."""
    rows = record.blocked
    end = rows["date"] == rows["date"].max()
    kept = end & (rows["place"] == "VALLEY") & (rows["answer"] == "no_permission")
    return int(rows.loc[kept, "people"].sum())


# %% [markdown]
# ## Guard the bridge
#
# The slider is the share of those on the bridge who are stopped. Every position is a whole run:
# 6,000 people in 4 months, always the same people and the same random draws. From one position to
# the next only the wall differs.


# %%
def show(barrier: float) -> None:
    """Draw who goes over which road, who dies and who is refused permission."""
    start = time.perf_counter()
    record = wall(barrier)
    bridge, desert = over(record, "bridge"), over(record, "desert")
    died = deaths(record)
    rows = {"over the bridge": bridge, "through the desert": desert, "deaths expected": died}
    fig = plt.figure(figsize=(7, 2.4))
    ax = fig.add_axes((0.24, 0.05, 0.72, 0.75))
    bars = ax.barh(list(rows), list(rows.values()), color=["#004488", "#bb5566", "#222222"])
    ax.bar_label(bars, [f" {it:,.0f}" for it in rows.values()])
    ax.set(xlim=(0, 90_000), xticks=[])
    ax.invert_yaxis()
    ax.spines[["top", "right", "bottom"]].set_visible(False)
    rate = 1000 * died / max(bridge + desert, 1)
    title = f"{rate:.0f} deaths to be expected for each 1,000 who arrive"
    ax.set_title(title, loc="left", x=-0.32, weight="bold")
    plt.show()
    kept = refused(record)
    print(f"{kept:,.0f} people in the valley want to go at the end and are refused permission.")
    print(f"Deaths that were counted in this one run: {counted(record):,.0f}.")
    print(f"(A run of 4 months and its picture: {1000 * (time.perf_counter() - start):.0f} ms)")


slider = widgets.FloatSlider(
    value=0.1, min=0, max=0.9, step=0.1, description="stopped", continuous_update=False
)
widgets.interactive(show, barrier=slider)

# %% [markdown]
# ## A question
#
# You stop 90 of 100 on the bridge. Crossings at the bridge fall to nearly nothing. *Before you read
# on: write down what you expect of the number of people who reach the city, of those who die, and of
# those who stay although they want to go.*
#
# <details><summary><b>The answer</b></summary>
#
# Most go through the desert instead. Fewer reach the city than before, but far more than the count at
# the bridge suggests: the wall stopped about two in five and moved the others to the desert. For each
# person who arrives many more die, since the other road is deadlier. And those who stay still want to
# go: they are counted as people who are <i>refused permission</i>. A count at the bridge shows none of
# this.
# </details>

# %%
high = wall(0.9)
roads = {
    "no wall": open_border,
    "90 % stopped": high,
}
for name, record in roads.items():
    bridge, desert = over(record, "bridge"), over(record, "desert")
    died = deaths(record)
    print(f"{name:13} bridge {bridge:8,}   desert {desert:8,}   deaths expected {died:6,}")

# %% [markdown]
# ## What the model claims
#
# These lines fail if the model ever says otherwise.

# %%
assert over(high, "bridge") < 0.1 * over(open_border, "bridge"), "the wall empties the bridge"
assert over(high, "desert") > 5 * over(open_border, "desert"), "the flow moves to the desert"
stopped = over(open_border, "bridge") - over(high, "bridge")
moved = over(high, "desert") - over(open_border, "desert")
assert moved > 0.3 * stopped, "a good part of those stopped go the other way"
assert deaths(high) > deaths(open_border), "more die, though fewer go"
assert refused(high) > refused(open_border)

# %% [markdown]
# ## Go on
#
# - Make the desert as safe as the bridge, `sim.read(FILE, ["corridors.desert.death=.002"])`: what does
#   the wall change then?
# - Money: what if each road cost 3,000? Set `corridors.bridge.price=3000` and
#   `corridors.desert.price=3000`. Who are those that *cannot pay*?
# - The whole file is `two_roads.yaml`; every figure in it can be set in the same way.
