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
# # Choice or necessity: two numbers, five answers
#
# **Goal.** After this notebook you can explain how chance and rates decide between five answers, where
# the line between "forced" and "voluntary" blurs, and why two of the five answers are not seen at any
# border.
#
# **The story.** "Situations of involuntary and voluntary migration can be clear cut in many instances.
# Yet the distinction between forced and voluntary migration blurs in cases involving south-south
# migration (e.g. Mozambique to South Africa) or migration of the very poor from the developing to the
# developed world." So write Vietti and Scribner (2013, page 23). A farmer whose third harvest has failed,
# who was not paid his wage either and has a cousin abroad, may be such a case. They add a third group:
# "the poorest of the world's poor who are stuck in a state of systemic, absolute poverty and are unable
# to migrate as a consequence of their total lack of resources" (page 24, note 4). States find it hard to
# tell people apart, too: "Differentiation between asylum-seekers and unauthorized immigrants makes
# immediate immigration enforcement problematic" (Chen Jimin, *International Migration and Its Security
# Challenge*, the part before the first heading).
#
# To put everybody on one line, with choice at one end, is our reading. In this model every household has
# a **rate**: how many times a year a household like it would go. Here we follow one household and its
# head, who decides for it ("she" below). Five rates are compared:
#
# | rate | how often she would go |
# |---|---|
# | $R_0$ | if nothing threatened her, and nothing had uprooted her before |
# | $R$ | as things are |
# | $R_M$ | if money were no limit |
# | $R_P$ | if every border were open to her: every way in, at once, without a fee, and nobody stopped |
# | $R_{MP}$ | if money were no limit and every border were open to her |
#
# A rate is a chance: at 0.6 a year the chance in a month is a little less than 0.6 / 12 = 5 of 100. So
# every month the computer draws a **number** between 0 and 1. The line from 0 to 1 is cut at the chances
# that belong to $R_0$, $R$ and $R_{MP}$, and the part in which the number falls says what happens: she goes
# by choice, she goes of necessity, or she would go and is kept from it. Then a second number says whether
# by money or by a border. Beyond $R_{MP}$ nothing happens, and she stays.
#
# *The world is invented. It is a model, not a forecast. All figures are our assumption.*

# %%
import time
from math import exp, inf

import ipywidgets as widgets
import pictures  # pictures.py and valley.yaml have to be in the folder of this notebook
from IPython.display import display

import sim
from sim.core.state import DAYS_A_YEAR
from sim.core.terms import Answer
from sim.kernels.plane import LABEL
from sim.mesa.twin import Household, Twin
from sim.plots.style import ANSWERS
from sim.plots.wording import ANSWER_WORDS

FILE = "valley.yaml"
FEW = "population.agents=6_000"  # each household is an object here, so that its rule can be read
twin = Twin(sim.read(FILE, [FEW]))
twin.step()  # the first month: every head of household is asked, one by one


def count(model: Twin) -> dict[str, int]:
    """How many gave each answer."""
    return {it.name: sum(one.answer == it for one in model.asked) for it in Answer}


for answer, n in count(twin).items():
    print(f"{ANSWER_WORDS[answer]:20} {n}")

# %% [markdown]
# ## One household
#
# Here is a household of the valley, and a typical one by this rule: all are ranked by how often they would
# go if nothing stood in their way ($R_{MP}$), and we take the one in the middle. The dot is at the two
# numbers that were drawn for her in this month. All to scale: the grey part is her chance of staying.
#
# Move the first number by hand: what would another draw have meant? (A white dot stays at the number that
# was drawn.) Then take money from her, or give her some, and see which parts grow and which shrink.
# Where she can pay for nearly every way already, more money changes nothing that you can see.


# %%
MONTH = twin.plane.days / DAYS_A_YEAR


def chances(head: Household, money: float) -> dict[str, float]:
    """The chance of each answer in the month, if she had so much money."""
    cut = head.line(twin.now.first_day, money)
    r_0, r, r_mp = (1 - exp(-rate * MONTH) for rate in (cut.R_0, cut.R, cut.R_MP))
    return {
        "choice": r_0,
        "necessity": r - r_0,
        "no_means": (r_mp - r) * cut.by_means,  # if both are in the way, they share it
        "no_permission": (r_mp - r) * (1 - cut.by_means),
        "stays": 1 - r_mp,
    }


def drawn(head: Household) -> tuple[float, float]:
    """The two numbers that were drawn for her in this month."""
    _, word = next(head.heights())
    return twin.draw(word), twin.draw(LABEL, word)


def told(numbers: tuple[float, float], chance: dict[str, float]) -> str:
    """The answer that two numbers give."""
    goes = chance["choice"] + chance["necessity"]
    refused = chance["no_means"] + chance["no_permission"]
    if numbers[0] < goes:
        return "choice" if numbers[0] < chance["choice"] else "necessity"
    if numbers[0] < goes + refused:
        return "no_means" if numbers[1] * refused < chance["no_means"] else "no_permission"
    return "stays"


valley = [it.id for it in twin.world.scenario.places].index("VALLEY")
in_valley = [it for it in twin.asked if it.place == valley]
in_valley.sort(key=lambda it: it.line(twin.now.first_day, it.means).R_MP)
someone = in_valley[len(in_valley) // 2]
most = 1.25 * (1 - chances(someone, inf)["stays"])  # the enlarged part ends here


def show(number: float, money: float) -> None:
    """Draw what each number would mean, and where hers falls."""
    start = time.perf_counter()
    chance, numbers = chances(someone, money), drawn(someone)
    display(pictures.line(chance, number, numbers, told((number, numbers[1]), chance), most))
    four = chance["stays"] ** 4
    print(
        f"If nothing changed, her chance of giving no other answer in four months: {100 * four:.0f} %"
    )
    print(f"({1000 * (time.perf_counter() - start):.0f} ms)")


widgets.interactive(
    show,
    number=widgets.FloatSlider(
        value=drawn(someone)[0], min=0, max=1, step=0.001, readout_format=".3f",
        continuous_update=False,
    ),
    money=widgets.FloatSlider(
        value=someone.means, min=0, max=max(2 * someone.means, 3000), continuous_update=False
    ),
)  # fmt: skip

# %% [markdown]
# ## Everybody
#
# Now the whole valley for four months. You set what people earn there. The figures are *expected*
# numbers, worked out from the rates of all households, so that the luck of a draw plays no part in them.


# %%
EXPECTED = "outputs.expected=true"


def earning(income: float) -> sim.Record:
    """Four months in which people of the valley earn this much each."""
    return sim.run(sim.read(FILE, [f"places.VALLEY.income={income}", EXPECTED]), base=base)


def answers(record: sim.Record) -> dict[str, float]:
    """Answers to be expected of households that live in the valley, by kind."""
    table = record.answers
    counts = table[table["place"] == "VALLEY"].groupby("answer", observed=True)["expected"].sum()
    return {answer: float(counts.get(answer, 0)) for answer in ANSWERS if answer != "stays"}


base = sim.read(FILE)
usual = answers(earning(1500))


def show_all(income: int) -> None:
    """Draw how many give each of the four answers other than staying."""
    start = time.perf_counter()
    display(pictures.incomes(answers(earning(income)), usual, income))
    print(f"(A run of 4 months and its picture: {1000 * (time.perf_counter() - start):.0f} ms)")


widgets.interactive(
    show_all,
    income=widgets.IntSlider(value=1500, min=300, max=3000, step=100, continuous_update=False),
)

# %% [markdown]
# ## A question
#
# Incomes in the valley fall from 1,500 to 600, and fewer people leave it. An official reports: "The
# pressure to leave has fallen as much as the numbers at the border." *Before you read on: is that so?
# Whom would you have to ask?*
#
# <details><summary><b>The answer</b></summary>
#
# No. Those who leave are about half as many. But all who go or would go, the four answers together, are
# less than a quarter fewer: about twice as many households as before, or more, now answer that they
# <i>cannot pay</i>. At the border nobody can tell them from people who are content to stay. You have to
# ask those who did <i>not</i> come, and that is why this model counts their answer.
#
# The official is right about that part: in this model a journey that costs much, compared with what
# people in a place have, draws fewer of them (`decision.cost`). Set the income to 300 and this goes much
# further: few leave, and most of those who would cannot pay. Moves <i>of necessity</i> fall, too, to a
# third or a quarter of what they were.
# This does not mean that the poorest are never forced. The word is for those who move; the model does not
# say which of those who cannot pay would have had to go.
#
# It also works the other way round: where people are poor, the first effect of better incomes is that
# more leave. Vietti and Scribner (page 25) name "the possibility that people who had considered
# emigrating, but could not afford it, will gain access to more capital or otherwise be able to move and
# will decide to do so".
# </details>

# %%
at = {income: answers(earning(income)) for income in (300, 600, 1500, 3000)}


def leave(income: int) -> float:
    """Households that leave."""
    return at[income]["choice"] + at[income]["necessity"]


print(
    f"{'income':>6}{'leave':>10}{'of necessity':>14}{'cannot pay':>12}{'refused':>10}{'all four':>10}"
)
for income, n in at.items():
    print(
        f"{income:6}{leave(income):10,.0f}{n['necessity']:14,.0f}{n['no_means']:12,.0f}"
        f"{n['no_permission']:10,.0f}{sum(n.values()):10,.0f}"
    )
fewer = 1 - leave(600) / leave(1500)
less = 1 - sum(at[600].values()) / sum(usual.values())
print(
    f"\nFrom 1,500 to 600: {100 * fewer:.0f} % fewer leave; {100 * less:.0f} % fewer leave or would."
)

# %% [markdown]
# ## Change the rule
#
# The rule is in `sim/mesa/twin.py`: `Household.decide` and what it calls. Here is a class of your own
# that does the same, but for what you change. *What if every household were given 2,000?* The people and
# the numbers drawn are the same, so whoever answers otherwise does so because of the change.


# %%
class Yours(Household):
    """The rule of the model, with changes."""

    def know_oneself(self) -> None:
        super().know_oneself()
        self.means += 2_000  # the gift

    def rates(self, day: float, money: float, policy_open: bool) -> tuple[float, float, float]:
        calm, flight, pressed = super().rates(day, money, policy_open)
        return calm, flight, pressed  # put 0.0 for `flight`: what if nobody fled?

    def decide(self) -> None:
        super().decide()  # what if nobody over 40 went? Set `self.answer = Answer.stays` for them


yours = Twin(sim.read(FILE, [FEW]), kind=Yours)
yours.step()
print(f"{'':20} {'the rule':>9} {'yours':>6}")
for answer, n in count(twin).items():
    print(f"{ANSWER_WORDS[answer]:20} {n:9} {count(yours)[answer]:6}")

# %% [markdown]
# The answers change, the world does not: what happens after this month follows from the rule as it is. To
# raise rates, raise `bound` too: numbers that no rate can reach are not looked at.
#
# ## What the model claims
#
# These lines fail if the model ever says otherwise.

# %%
# The numbers that are drawn decide: what `told` says of them is what each household answered.
same = sum(told(drawn(it), chances(it, it.means)) == it.answer.name for it in in_valley)
assert same >= len(in_valley) - 3, "but for the few who have more than one low number in the month"

rich, poor = chances(someone, inf), chances(someone, 0.0)
assert rich["no_means"] < 1e-9 < poor["no_means"], "money is what the third answer is about"
assert abs(rich["stays"] - poor["stays"]) < 1e-9, "money does not change who would go"

assert 0.3 < fewer < 0.6, "about half leave"
assert less < 0.25, "hardly fewer would"
assert at[600]["no_means"] > 1.8 * usual["no_means"], "more cannot pay"
assert at[300]["no_means"] > 0.5 * sum(at[300].values()), "most of the poorest who would go"
assert 0.15 < at[300]["necessity"] / usual["necessity"] < 0.45, "a third or a quarter"
assert leave(300) < leave(600) < leave(1500) < leave(3000), "better incomes let more people leave"

# One draw: if the regular way closes, nobody goes who would not have gone with it open.
closed = Twin(sim.read(FILE, [FEW, "policies.work.open=false"]))
closed.step()


def who(model: Twin, *answers: Answer) -> set[int]:
    """Households that gave one of these answers."""
    return {it.ident for it in model.asked if it.answer in answers}


assert who(closed, Answer.choice, Answer.necessity) <= who(twin, Answer.choice, Answer.necessity)

# %% [markdown]
# ## Go on
#
# - In `Yours`, take the gift out and put a rule of your own in its place.
# - Threaten the valley as in the first notebook, with `threats.VALLEY.food=[.9, .6]` beside `FEW` where
#   `twin` is made: how do the parts of her line change?
# - The whole file is `valley.yaml`; every figure in it can be set in the same way. The pictures are drawn
#   in `pictures.py`.
