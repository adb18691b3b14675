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
# # Seven threats
#
# **Goal.** After this notebook you can name the seven threats to human security, say how *severe* and
# how *widespread* differ, and explain why fear and want act differently on people who might leave.
#
# **The story.** In 1994 the United Nations Development Programme gave the word security a wider meaning:
# no longer only the security of states and their borders, but that of people in their daily lives,
# in their jobs, their food, their health, their environment, their bodies, their communities and
# their political rights. Vietti and Scribner (2013) look at migration in this way. People do not
# decide by money alone: a range of threats, which make each other worse, stands behind the decision
# to go. They ask two things of a threat: is it critical (how hard does it hit?) and is it pervasive
# (how many does it hit?).
#
# - **Want**: economic, food, health, environmental.
# - **Fear**: personal (violence), community (hatred between groups), political (persecution).
#
# *The world is invented. It is a model, not a forecast. All figures are our assumption.*

# %%
import time

import ipywidgets as widgets
import matplotlib.pyplot as plt

import sim
from sim.plots.style import ANSWERS, THREATS

# Pictures appear as they are laid out, which takes half the time of having them cropped.
# %config InlineBackend.print_figure_kwargs = {"bbox_inches": None}

FILE = "valley.yaml"
base = sim.read(FILE)
before = sim.run(base)


def threaten(threat: str, severity: float, share: float = 0.6) -> sim.Record:
    """Run the world again, with the same people and random draws, and this threat in the valley."""
    return sim.run(sim.read(FILE, [f"threats.VALLEY.{threat}=[{severity}, {share}]"]), base=base)


def cannot_pay(record: sim.Record) -> float:
    """People from the valley and the town who at the end want to go and lack the money for it."""
    rows = record.blocked
    end = rows["date"] == rows["date"].max()
    cannot = end & (rows["citizenship"] == "HH") & (rows["answer"] == "no_means")
    return float(rows.loc[cannot, "people"].sum())


def by_threat(record: sim.Record) -> dict[str, float]:
    """Moves of necessity, split over the threats that made them."""
    moves = record.attribution.groupby("threat", observed=True)["people"].sum()
    return {threat: float(moves.get(threat, 0.0)) for threat in THREATS}


# %% [markdown]
# ## Threaten the valley
#
# Choose a threat, how severe it is (0 none, 1 extreme) and what share of the households it reaches.
# Every position of a slider is a whole run of 4 months with the same 6,000 people and the same random
# draws. Only the threat differs.


# %%
def show(threat: str, severity: float, share: float) -> None:
    """Draw who moves because of what, and who cannot."""
    start = time.perf_counter()
    record = threaten(threat, severity, share)
    runs = [before, record]
    threats = [by_threat(run) for run in runs]
    fig = plt.figure(figsize=(8, 3.2))
    ax = fig.add_axes((0.14, 0.3, 0.83, 0.58))
    left = [0.0, 0.0]
    for name, colour in THREATS.items():
        moves = [it[name] / 1000 for it in threats]
        ax.barh([0, 1], moves, left=left, color=colour)
        left = [a + b for a, b in zip(left, moves, strict=True)]
    cannot = [cannot_pay(run) / 1000 for run in runs]
    ax.barh([0.48, 1.48], cannot, height=0.14, color=ANSWERS["no_means"])
    ax.set_yticks([0, 1], ["before", "threatened"])
    ax.invert_yaxis()
    ax.set_xlabel("thousand")
    ax.spines[["top", "right"]].set_visible(False)
    necessity = sum(threats[1].values())
    ax.set_title(f"{necessity:,.0f} moves of necessity", loc="left", weight="bold")
    names = [*THREATS, "people who want to go and cannot pay"]
    colours = [*THREATS.values(), ANSWERS["no_means"]]
    patches = [plt.Rectangle((0, 0), 1, 1, color=it) for it in colours]
    fig.legend(patches, names, ncols=4, loc="lower left", frameon=False, fontsize=9)
    plt.show()
    print(f"(A run of 4 months and its picture: {1000 * (time.perf_counter() - start):.0f} ms)")


widgets.interactive(
    show,
    threat=widgets.Dropdown(options=list(THREATS), value="food"),
    severity=widgets.FloatSlider(value=0.9, min=0, max=1, step=0.1, continuous_update=False),
    share=widgets.FloatSlider(value=0.6, min=0, max=1, step=0.1, continuous_update=False),
)

# %% [markdown]
# ## A question
#
# Set *food* to 0.9, then *personal* to 0.9, each for 60 % of the households. *Before you read on:
# which of the two makes more people leave, and which leaves more people behind who want to go?*
#
# <details><summary><b>The answer</b></summary>
#
# Violence makes many times more people leave: people who fear for their lives go whatever it costs,
# and want pushes less hard. But compared with those who go, want leaves far more behind. Hungry
# people spend the money that they would need for the journey, so that for each move of necessity more
# than one person wants to go and <i>cannot pay</i>; where people flee violence it is one for ten. The
# poorest are not those who move. Vietti and Scribner recall Kothari's (2002) finding that the
# chronically poor are those who are least able to migrate. That nobody sees them at a border does not
# mean that they are secure.
# </details>

# %%
severe = {threat: threaten(threat, 0.9) for threat in THREATS}
print(f"{'':14}{'moves of necessity':>20}{'cannot pay':>14}")
print(f"{'before':14}{sum(by_threat(before).values()):20,.0f}{cannot_pay(before):14,.0f}")
for threat, record in severe.items():
    moves, cannot = sum(by_threat(record).values()), cannot_pay(record)
    print(f"{threat:14}{moves:20,.0f}{cannot:14,.0f}")

# %% [markdown]
# ## What the model claims
#
# These lines fail if the model ever says otherwise.

# %%
for threat, record in severe.items():
    assert by_threat(record)[threat] > by_threat(before)[threat], f"{threat} makes people move"
want, fear = list(THREATS)[:4], list(THREATS)[4:]
most_want = max(sum(by_threat(severe[it]).values()) for it in want)
least_fear = min(sum(by_threat(severe[it]).values()) for it in fear)
assert least_fear > 3 * most_want, "fear moves more people than want"
left_behind = {
    threat: cannot_pay(severe[threat]) / sum(by_threat(severe[threat]).values())
    for threat in ("food", "personal")
}
assert left_behind["food"] > 1 > 5 * left_behind["personal"], "hunger keeps the poor where they are"
for threat in ("economic", "food"):
    cannot = cannot_pay(severe[threat])
    assert cannot > 1.5 * cannot_pay(before), f"{threat} leaves people without means"
mild = threaten("personal", 0.9, share=0.2)
assert by_threat(mild)["personal"] < by_threat(severe["personal"])["personal"], "fewer are reached"

# %% [markdown]
# ## Go on
#
# - Severity and share are two things: compare *personal* at 0.9 for 20 % with 0.3 for 60 %.
# - Several threats can reach the same household: with `sim.read(FILE, ["exposure.overlap=1"])` the
#   same households bear them all. Who moves then?
# - The whole file is `valley.yaml`; every figure in it can be set in the same way.
