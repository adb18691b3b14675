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
# **The story.** "Hundreds of unauthorized migrants go missing or are killed each year as they head north
# toward the United States, presumably due to violence, exposure to the elements, or dehydration." So Vietti
# and Scribner (2013, page 26) sum up a report on Mexico by Amnesty International (2010). They ask what
# happens to people on the way: "From a human security perspective, it is crucial to put into place legal
# protections for people on the move" (page 26). States, they write, have spent much on "the construction of
# barriers and border fences, the interdiction of migrants in transit, and large-scale removals and
# detention" (page 23). Chen Jimin (*International Migration and Its Security Challenge*, "Potential for
# Solutions") holds that policy should restrict uncontrolled migration, "but a severe policy is more likely
# to be counterproductive".
#
# In our small world there is a valley that many want to leave, and a far city. Two roads lead there:
# over a **bridge**, where 2 of 1,000 die, and through the **desert**, where 40 of 1,000 die. You are
# the government of the far city, and you can guard the bridge.
#
# *The world is invented. It is a model, not a forecast. All figures are our assumption.*

# %%
import time

import ipywidgets as widgets
import pictures  # pictures.py and two_roads.yaml have to be in the folder of this notebook
from IPython.display import display

import sim

FILE = "two_roads.yaml"
base = sim.read(FILE)


def wall(barrier: float, *more: str) -> sim.Record:
    """Run the world again, with the same people and random draws, and this wall."""
    return sim.run(sim.read(FILE, [f"policies.border.barrier={barrier}", *more]), base=base)


def figures(record: sim.Record) -> dict[str, float]:
    """What became of people.

    Deaths are those to be expected: the risks of all who travelled, summed. A simulated person stands
    for many people, so the number of those who died in one run depends on the luck of a few.
    """
    crossings, harms, flows, blocked = record.crossings, record.harms, record.flows, record.blocked
    over = crossings.groupby("corridor", observed=True)["people"].sum()
    permit = (flows["origin"] == "VALLEY") & (flows["channel"] == "labour")
    end = (blocked["date"] == blocked["date"].max()) & (blocked["place"] == "VALLEY")
    kept = blocked[end].groupby("answer", observed=True)["people"].sum()
    return {
        "bridge": float(over.get("bridge", 0)),
        "desert": float(over.get("desert", 0)),
        "permit": float(flows.loc[permit, "arrived"].sum()),
        "home": float(flows.loc[flows["channel"] == "home", "arrived"].sum()),
        "deaths": float(harms.loc[harms["harm"] == "death", "expected"].sum()),
        "refused": float(kept.get("no_permission", 0)),
        "cannot_pay": float(kept.get("no_means", 0)),
    }


no_wall = figures(wall(0))

# %% [markdown]
# ## Guard the bridge
#
# The slider is the share of those on the bridge who are stopped. Every position is a whole run of 4
# months, always with the same people and the same random draws. From one position to the next only
# the wall differs.
#
# Why are so many *refused permission* even without a wall? Because no wall is not an open border. This
# model counts as refused whoever would go if *every* way in were open, at once, without a fee, and
# nobody were stopped. Here there are no permits for work (the rule `work` of the file), who joins relatives
# waits a year, and asylum is seldom granted to people who do not flee.


# %%
def show(barrier: float) -> None:
    """Draw who goes over which road, who dies and who is refused permission."""
    start = time.perf_counter()
    now = figures(wall(barrier))
    display(pictures.wall(now, no_wall))
    kept = f"{now['refused']:,.0f} people in the valley want to go at the end"
    print(f"{kept} and are refused permission. Without any wall it is {no_wall['refused']:,.0f}.")
    print(f"(A run of 4 months and its picture: {1000 * (time.perf_counter() - start):.0f} ms)")


slider = widgets.FloatSlider(
    value=0.1, min=0, max=0.9, step=0.1, description="stopped", continuous_update=False
)
widgets.interactive(show, barrier=slider)

# %% [markdown]
# ## A question
#
# You stop 90 of 100 on the bridge. Crossings at the bridge fall to nothing, or nearly. *Before you read
# on: write down what you expect of the number of people who reach the city, of those who die, and of
# those who stay although they want to go.*
#
# <details><summary><b>The answer</b></summary>
#
# About half as many as before reach the city: far more than the count at the bridge suggests, and they
# come through the desert. The wall stopped about half and moved the others. Although fewer travel, many
# times as many die, since the other road is deadlier. And those who do not come have not stopped wanting
# to: tens of thousands more are <i>refused permission</i>. A count at the bridge shows none of this.
#
# Is there another way? Chen (the same part) writes: "a country's refusal to accept any regular laborers
# will inevitably result in irregular migration." The last row opens permits for work to all, with the
# same wall. Then several times as many come, nearly all by permit, and in this restless world about as
# many go home again. Few go through the desert, and far fewer die.
# </details>

# %%
high = figures(wall(0.9))
permits = figures(wall(0.9, "policies.work.open=true"))
rows = {"no wall": no_wall, "90 % stopped": high, "and permits for work": permits}
print(
    f"{'':20}{'bridge':>9}{'desert':>9}{'by permit':>11}{'home again':>12}{'deaths':>8}{'refused':>10}"
)
for name, n in rows.items():
    print(
        f"{name:20}{n['bridge']:9,.0f}{n['desert']:9,.0f}{n['permit']:11,.0f}"
        f"{n['home']:12,.0f}{n['deaths']:8,.0f}{n['refused']:10,.0f}"
    )
arrive = (high["bridge"] + high["desert"]) / (no_wall["bridge"] + no_wall["desert"])
print(
    f"\nWith the wall {100 * arrive:.0f} % of those who came without it reach the city by the two roads;"
)
print(f"{high['deaths'] / no_wall['deaths']:.0f} times as many deaths are to be expected.")

# %% [markdown]
# ## What the model claims
#
# These lines fail if the model ever says otherwise.

# %%
assert high["bridge"] < 0.01 * no_wall["bridge"], "the wall empties the bridge"
assert high["desert"] > 20 * no_wall["desert"], "the flow moves to the desert"
assert 0.35 < arrive < 0.65, "about half reach the city"
assert high["deaths"] > 5 * no_wall["deaths"], "many times as many die, though fewer go"
assert high["refused"] > no_wall["refused"] + 20_000, (
    "those who stay have not stopped wanting to go"
)
came = no_wall["bridge"] + no_wall["desert"]
assert permits["permit"] > 3 * came, "with permits several times as many come"
assert 0.8 < permits["home"] / permits["permit"] < 1.25, "about as many go home again"
assert permits["permit"] > 20 * permits["desert"], "few of them through the desert"
assert permits["deaths"] < 0.3 * high["deaths"]

# %% [markdown]
# ## Go on
#
# - Make the desert as safe as the bridge: `figures(wall(0.9, "corridors.desert.death=.002"))`. What does
#   the wall change then?
# - Money: what if each road cost 3,000? Compare `no_wall` with
#   `figures(wall(0, "corridors.bridge.price=3000", "corridors.desert.price=3000"))`: who arrives, and how
#   many in the valley want to go and cannot pay?
# - The whole file is `two_roads.yaml`; every figure in it can be set in the same way. The pictures are
#   drawn in `pictures.py`.
