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
# # Choice or necessity: one line, five answers
#
# **Goal.** After this notebook you can explain how chance and rates decide between five answers, why
# "forced" and "voluntary" are two ends of one line, and why two of the five answers are not seen at
# any border.
#
# **The story.** The law knows two kinds of people: refugees, who must go, and migrants, who want to.
# Vietti and Scribner (2013) hold that most people are somewhere between: a farmer whose third harvest
# has failed, who was not paid his wage either and has a cousin abroad, is neither quite forced nor
# quite free. And they point to a third group that the law forgets: those so poor that they cannot
# move at all.
#
# In this model every household has a **rate**: how many times a year a household like it would go.
# Here we follow one household and its head, who decides for it ("she" below). Five rates are compared:
#
# | rate | how often she would go |
# |---|---|
# | $R_0$ | if nothing threatened her, and nothing had uprooted her before |
# | $R$ | as things are |
# | $R_M$ | if money were no limit |
# | $R_P$ | if every border were open to her |
# | $R_{MP}$ | if money were no limit and every border were open to her |
#
# At random moments something could happen, and each moment has a random **number**. The line from 0 to
# $R_{MP}$ is cut where the rates are, and the part in which the number falls says what happens: she
# goes, or she is kept from going. If it falls beyond $R_{MP}$, nothing happens, and she stays. Numbers
# below $R$ come $R$ times a year: that is what a rate means.
#
# *The world is invented. It is a model, not a forecast. All figures are our assumption.*

# %%
import time
from math import inf

import ipywidgets as widgets
import matplotlib.pyplot as plt

import sim
from sim.core.terms import Answer
from sim.mesa.twin import Household, Twin
from sim.plots.style import ANSWERS
from sim.plots.wording import ANSWER_WORDS

# Pictures appear as they are laid out, which takes half the time of having them cropped.
# %config InlineBackend.print_figure_kwargs = {"bbox_inches": None}

FILE = "valley.yaml"
twin = Twin(sim.read(FILE, ["population.agents=1_000"]))
twin.step()  # the first month: every head of household is asked, one by one
for answer, n in twin.asked.groupby("answer").count().items():
    print(f"{answer.name:14} {n}")

# %% [markdown]
# ## One household
#
# Here is one head of household in the valley, and her line. Each colour is one of the five answers,
# and the black mark is the number of one moment: move it along the line. Then take money from her, or
# give her some, and see which parts of the line grow and which shrink.


# %%
def cuts(head: Household, money: float) -> dict[str, float]:
    """How long the part of each answer is on the line, in moves a year."""
    day = twin.now.first_day
    r_0, *by_threats = head.rates(day, money, policy_open=False)  # nobody is uprooted yet
    r = r_0 + sum(by_threats)
    r_m = sum(head.rates(day, inf, policy_open=False))
    r_p = sum(head.rates(day, money, policy_open=True))
    r_mp = sum(head.rates(day, inf, policy_open=True))
    by_means = ((r_m - r) + (r_mp - r_p)) / 2  # what stands in the way is shared evenly
    return {
        "choice": r_0,
        "necessity": r - r_0,
        "no_means": by_means,
        "no_permission": r_mp - r - by_means,
    }


someone = max(
    (it for it in twin.asked if it.want and it.means > 500),
    key=lambda it: cuts(it, it.means)["necessity"],
)


def show(money: float, number: float) -> None:
    """Draw the line, cut at the rates, and where the number falls."""
    start = time.perf_counter()
    left, told = 0.0, "stays"
    fig = plt.figure(figsize=(8, 1.9))
    ax = fig.add_axes((0.03, 0.5, 0.94, 0.3))
    for answer, length in cuts(someone, money).items():
        ax.barh(0, length, left=left, color=ANSWERS[answer], label=ANSWER_WORDS[answer])
        if left <= number < left + length:
            told = answer
        left += length
    end = max(1.15 * left, 1.1 * number)
    ax.barh(0, end - left, left=left, color=ANSWERS["stays"], label=ANSWER_WORDS["stays"])
    ax.axvline(number, color="black", linewidth=3)
    ax.set(xlim=(0, end), yticks=[], xlabel="moves a year")
    ax.set_title(f"Her answer: {ANSWER_WORDS[told]}", loc="left", weight="bold")
    fig.legend(ncols=5, loc="lower left", frameon=False, fontsize=9)
    plt.show()
    print(f"({1000 * (time.perf_counter() - start):.0f} ms)")


most = 2 * someone.means
widgets.interactive(
    show,
    money=widgets.FloatSlider(value=someone.means, min=0, max=most, continuous_update=False),
    number=widgets.FloatSlider(
        value=0.85, min=0, max=1.5, step=0.01, continuous_update=False, description="number"
    ),
)

# %% [markdown]
# ## Everybody
#
# Now the whole valley for four months. You set what people earn there. Each run has the same people
# and the same random draws, so whoever changes the answer does so because of the income.


# %%
def earning(income: float) -> sim.Record:
    """Four months in which people of the valley earn this much each."""
    return sim.run(sim.read(FILE, [f"places.VALLEY.income={income}"]), base=base)


def answers(record: sim.Record) -> dict[str, float]:
    """Answers of households that live in the valley, by kind."""
    table = record.answers
    counts = table[table["place"] == "VALLEY"].groupby("answer", observed=True)["households"].sum()
    return {answer: float(counts.get(answer, 0)) for answer in ANSWERS}


base = sim.read(FILE)
usual = sim.run(base)


def show_all(income: float) -> None:
    """Draw how many gave each of the four answers other than staying."""
    start = time.perf_counter()
    now, then = answers(earning(income)), answers(usual)
    names = [it for it in ANSWERS if it != "stays"]
    fig = plt.figure(figsize=(7, 2.4))
    ax = fig.add_axes((0.24, 0.2, 0.72, 0.65))
    ax.barh(
        [ANSWER_WORDS[it] for it in names],
        [now[it] for it in names],
        color=[ANSWERS[it] for it in names],
    )
    ax.plot(
        [then[it] for it in names], range(4), "k|", markersize=16, label="at an income of 1,500"
    )
    ax.invert_yaxis()
    ax.set_title("Black marks: at an income of 1,500", loc="left", fontsize=10)
    ax.set_xlabel("households in four months")
    ax.spines[["top", "right"]].set_visible(False)
    plt.show()
    print(f"(A run of 4 months and its picture: {1000 * (time.perf_counter() - start):.0f} ms)")


widgets.interactive(
    show_all,
    income=widgets.IntSlider(value=1500, min=300, max=3000, step=100, continuous_update=False),
)

# %% [markdown]
# ## A question
#
# Incomes in the valley fall from 1,500 to 600, and fewer people leave it. An official reports: "The
# pressure to leave has fallen." *Before you read on: is that so? Whom would you have to ask?*
#
# <details><summary><b>The answer</b></summary>
#
# The poorer people are, the more they would gain by going, and the less they can pay for it. Many of
# those who no longer leave now give another answer: they would go but <i>cannot pay</i>. At the border
# nobody can tell them from people who are content to stay. You have to ask those who did <i>not</i>
# come, and that is why this model counts their answer. It also works the other way round: where people
# are very poor, the first effect of better incomes is that more leave.
# </details>

# %%
poor_valley = earning(600)
for name, record in (("income 1,500", usual), ("income 600", poor_valley)):
    print(name, {ANSWER_WORDS[it]: round(n) for it, n in answers(record).items() if it != "stays"})

# %% [markdown]
# ## What the model claims
#
# These lines fail if the model ever says otherwise.

# %%
went = ("choice", "necessity")
assert answers(poor_valley)["no_means"] > 1.3 * answers(usual)["no_means"], "more cannot pay"
assert sum(answers(poor_valley)[it] for it in went) < sum(answers(usual)[it] for it in went)

rich, poor = cuts(someone, inf), cuts(someone, 0.0)
assert rich["no_means"] == 0 < poor["no_means"], "money is what the third answer is about"
assert abs(sum(rich.values()) - sum(poor.values())) < 1e-9, "the line stays as long as it was"

# One draw: if the regular way closes, nobody goes who would not have gone with it open.
solved = twin.world.scenario.decision  # how readily people go at all is the same in both worlds
same = [f"decision.{it}={getattr(solved, it)}" for it in ("base_livelihood", "flight_norm")]
closed = Twin(sim.read(FILE, ["population.agents=1_000", "policies.work.open=false", *same]))
closed.step()


def who(model: Twin, *answers: Answer) -> set[int]:
    """Households that gave one of these answers."""
    return {it.ident for it in model.asked if it.answer in answers}


assert who(closed, Answer.choice, Answer.necessity) <= who(twin, Answer.choice, Answer.necessity)

# %% [markdown]
# ## Go on
#
# - The rule that you have seen is in `sim/mesa/twin.py`: `Household.decide` is twenty lines long. What
#   would you change?
# - Threaten the valley as in the first notebook, `threats.VALLEY.food=[.9, .6]`: how do the parts of
#   her line change?
# - The whole file is `valley.yaml`; every figure in it can be set in the same way.
