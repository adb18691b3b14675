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
# how *widespread* differ, and explain how fear and want act differently on people who might leave.
#
# **The story.** In 1994 the United Nations Development Programme gave the word security a wider meaning.
# "It means safety from the constant threats of hunger, disease, crime and repression. It also means
# protections from sudden and hurtful disruptions in the patterns of our daily life." Its report names
# "seven categories of threats to human security: economic, food, health, environmental, personal,
# community and political", and two freedoms, "freedom from fear" and "freedom from want" (Vietti and
# Scribner 2013, pages 20 and 21). Vietti and Scribner look at migration in this way: "Human beings
# cannot be analyzed simply from the framework of *homo-economicus*" (page 25). Chen Jimin
# (*International Migration and Its Security Challenge*, abstract) sees people cross borders "seeking to
# improve their economic opportunity and personal security".
#
# Which threat belongs to which freedom is our reading:
#
# - **Want**: economic, food, health, environmental.
# - **Fear**: personal (violence), community (hatred between groups), political (persecution).
#
# Two things are asked of a threat. The Commission on Human Security wants people protected "from
# critical (severe) and pervasive (widespread) threats and situations" (quoted by Vietti and Scribner,
# page 22). So in this model a threat has a *severity* (how hard does it hit?) and a *share* (how many does
# it hit?).
#
# *The world is invented. It is a model, not a forecast. All figures are our assumption.*

# %%
import time

import ipywidgets as widgets
import pictures  # pictures.py and valley.yaml have to be in the folder of this notebook
from IPython.display import display

import sim
from sim.plots.style import THREATS

FILE = "valley.yaml"
base = sim.read(FILE)
before = sim.run(base)  # the very first run on a computer takes a minute: the model is compiled


def threaten(threat: str, severity: float, share: float = 0.6, *more: str) -> sim.Record:
    """Run the world again, with the same people and random draws, and this threat in the valley."""
    return sim.run(
        sim.read(FILE, [f"threats.VALLEY.{threat}=[{severity}, {share}]", *more]), base=base
    )


def by_threat(record: sim.Record) -> dict[str, float]:
    """Moves of necessity, split over the threats that made them; who moves twice counts twice."""
    moves = record.attribution.groupby("threat", observed=True)["people"].sum()
    return {threat: float(moves.get(threat, 0.0)) for threat in THREATS}


def people(record: sim.Record) -> dict[str, float]:
    """Moves by choice and of necessity; people who at the end want to go and lack the money."""
    answers, blocked = record.answers, record.blocked
    end = blocked["date"] == blocked["date"].max()
    cannot = end & (blocked["citizenship"] == "HH") & (blocked["answer"] == "no_means")
    return {
        "choice": float(answers.loc[answers["answer"] == "choice", "people"].sum()),
        "necessity": sum(by_threat(record).values()),
        "no_means": float(blocked.loc[cannot, "people"].sum()),
    }


usual, usual_threats = people(before), by_threat(before)


# %% [markdown]
# ## Threaten the valley
#
# Choose a threat, how severe it is (0 none, 1 extreme) and what share of the households it reaches.
# Every position of a slider is a whole run of 4 months with the same simulated people and the same
# random draws. Only the threat differs. The upper scale is logarithmic: each step to the right is ten
# times as many.


# %%
def show(threat: str, severity: float, share: float) -> None:
    """Draw who moves because of what, and who cannot."""
    start = time.perf_counter()
    record = threaten(threat, severity, share)
    display(pictures.threatened(usual, people(record), (usual_threats, by_threat(record))))
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
# Set *food* to 0.9, then *personal* to 0.9, each for 60 % of the households. *Before you read on: which
# of the two makes more people leave? And which of the two leaves more people behind who want to go and
# cannot pay, for every 100 whom it makes leave?*
#
# <details><summary><b>The answer</b></summary>
#
# <i>Which makes more people leave:</i> violence, many times more. This is not a finding. That people who
# fear for their lives go much more readily than people in want is what the model assumes
# (`decision.threat_weight`, `decision.base_flight`). The last line below shows what becomes of it if
# less is assumed.
#
# <i>Which leaves more behind, for every 100 whom it makes leave:</i> hunger, by far. It adds more than 100
# people who want to go and cannot pay; violence adds fewer than ten. (In all, violence leaves more of
# them behind too, since so many more want to go.) Hungry people spend the money that they would need for
# the journey. That is also one reason why fewer than before go by choice (with violence somewhat fewer
# do, too). The poorest are not those who move.
# Migration, write Vietti and Scribner with words of Kothari (2002), is a realistic alternative only for
# those "who may be considered poor, but are not necessarily amongst the chronically poor" (page 24,
# note 4). That nobody sees the others at a border does not mean that they are secure.
# </details>

# %%
severe = {threat: threaten(threat, 0.9) for threat in THREATS}


def left_behind(record: sim.Record) -> float:
    """How many more cannot pay, for every 100 more moves of necessity than before."""
    now = people(record)
    more = now["necessity"] - usual["necessity"]
    return 100 * (now["no_means"] - usual["no_means"]) / more


print(f"{'':14}{'by choice':>11}{'of necessity':>14}{'cannot pay':>12}{'left behind*':>14}")
for threat, record in {"before": before, **severe}.items():
    n = people(record)
    left = "" if record is before else f"{left_behind(record):.0f}"
    print(f"{threat:14}{n['choice']:11,.0f}{n['necessity']:14,.0f}{n['no_means']:12,.0f}{left:>14}")
print("* more than before who cannot pay, for every 100 more moves of necessity than before")


def times(*more: str) -> float:
    """How many times as many moves of necessity there are with violence as with hunger."""
    violence, hunger = (threaten(it, 0.9, 0.6, *more) for it in ("personal", "food"))
    return people(violence)["necessity"] / people(hunger)["necessity"]


assumed = times()
print(f"\nViolence makes {assumed:.0f} times as many people leave as hunger.")
less = times("decision.base_flight=.0005")
print(f"If people fled a quarter as readily (decision.base_flight), it would be {less:.0f} times.")

# %% [markdown]
# ## What the model claims
#
# These lines fail if the model ever says otherwise.

# %%
for threat, record in severe.items():
    assert by_threat(record)[threat] > by_threat(before)[threat], f"{threat} makes people move"
hunger, violence = people(severe["food"]), people(severe["personal"])
assert violence["necessity"] > 3 * hunger["necessity"], "as assumed: fear moves more than want"
assert less < 0.5 * assumed, "how many more is what was put in"
assert left_behind(severe["food"]) > 100, "hunger leaves more behind than it makes leave"
assert left_behind(severe["personal"]) < 10
assert violence["no_means"] > hunger["no_means"]
for threat in ("economic", "food"):
    now = people(severe[threat])
    assert now["no_means"] > 1.5 * usual["no_means"], f"{threat} leaves people without means"
    assert now["choice"] < usual["choice"], f"{threat} takes the money for a move by choice"
both = [
    threaten("food", 0.9, 0.6, "threats.VALLEY.economic=[.9, .6]", f"exposure.overlap={overlap}")
    for overlap in (0, 1)
]
assert people(both[0])["no_means"] < people(both[1])["no_means"], "both at once leave more behind"
mild = threaten("personal", 0.9, share=0.2)
assert by_threat(mild)["personal"] < by_threat(severe["personal"])["personal"], "fewer are reached"

# %% [markdown]
# ## Go on
#
# - Severity and share are two things: compare *personal* at 0.9 for 20 % with 0.3 for 60 %. Multiply each
#   pair: the products are the same.
# - Several threats can reach the same household. Compare `people(threaten("food", 0.9, 0.6,
#   "threats.VALLEY.economic=[.9, .6]", "exposure.overlap=0"))` with `exposure.overlap=1`, where the same
#   households bear both: how many cannot pay? (In moves of necessity the two differ by no more than
#   chance: with another `seed` of the file the larger number may be the smaller.)
# - The whole file is `valley.yaml`; every figure in it can be set in the same way. The pictures are drawn
#   in `pictures.py`.
