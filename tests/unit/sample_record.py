"""A made-up record with the shape of a Syrian run, for tests of what comes after the engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from sim.core.terms import Activity, Threat
from sim.model.declare import Table
from sim.results.record import Record
from sim.results.tables import DECLARED
from sim.scenario.resolve import resolve
from sim.scenario.whole import Scenario

PLACES = [
    # id, name, country, people, income, lat, lon
    ("DAM", "Damascus", "SY", 4.4e6, 3000, 33.5, 36.3),
    ("ALE", "Aleppo", "SY", 4.9e6, 2700, 36.2, 37.2),
    ("HMS", "Homs and Hama", "SY", 3.4e6, 2600, 34.7, 36.7),
    ("DRA", "Daraa", "SY", 1.4e6, 2400, 32.6, 36.1),
    ("DEZ", "Deir ez-Zor", "SY", 1.2e6, 2200, 35.3, 40.1),
    ("GZT", "Gaziantep", "TR", 8e6, 10000, 37.1, 37.4),
    ("IST", "Istanbul", "TR", 65e6, 12000, 41.0, 29.0),
    ("BEK", "Bekaa", "LB", 4.3e6, 9000, 33.9, 35.9),
    ("AMM", "Amman", "JO", 6.5e6, 4500, 31.9, 35.9),
    ("ERB", "Erbil", "IQ", 31e6, 5800, 36.2, 44.0),
    ("CAI", "Cairo", "EG", 84e6, 2900, 30.0, 31.2),
    ("ATH", "Athens", "GR", 11e6, 26000, 38.0, 23.7),
    ("BER", "Berlin", "DE", 81e6, 44000, 52.5, 13.4),
    ("STO", "Stockholm", "SE", 9.4e6, 57000, 59.3, 18.1),
]
NAMES = {
    "SY": "Syria", "TR": "Türkiye", "LB": "Lebanon", "JO": "Jordan", "IQ": "Iraq", "EG": "Egypt",
    "GR": "Greece", "DE": "Germany", "SE": "Sweden",
}  # fmt: skip
CORRIDORS = [
    ("ALE", "GZT"), ("HMS", "BEK"), ("DAM", "BEK"), ("DRA", "AMM"), ("DEZ", "ERB"), ("DAM", "CAI"),
    ("GZT", "IST"), ("ALE", "DAM"), ("BER", "STO"),
]  # fmt: skip
FLOWS = [
    # origin, destination, channel, answer, people a month at the peak
    ("ALE", "GZT", "asylum", "necessity", 42_000),
    ("ALE", "IST", "asylum", "necessity", 9_000),
    ("HMS", "BEK", "asylum", "necessity", 27_000),
    ("DAM", "BEK", "irregular", "necessity", 14_000),
    ("DRA", "AMM", "asylum", "necessity", 16_000),
    ("DEZ", "ERB", "asylum", "necessity", 6_000),
    ("DAM", "CAI", "asylum", "necessity", 4_000),
    ("GZT", "BER", "irregular", "necessity", 15_000),
    ("GZT", "BER", "irregular", "choice", 2_000),
    ("DAM", "STO", "irregular", "necessity", 4_000),
    ("DAM", "BER", "family", "choice", 1_200),
    ("ATH", "BER", "labour", "choice", 700),
    ("ALE", "DAM", "internal", "necessity", 60_000),
    ("GZT", "ALE", "home", "choice", 3_000),
]
PATHS = [
    # came from, country, outcome, people at the end
    ("SY", "TR", "refugee", 1_900_000), ("SY", "LB", "refugee", 1_000_000),
    ("SY", "JO", "refugee", 600_000), ("SY", "IQ", "refugee", 230_000),
    ("SY", "EG", "refugee", 120_000), ("LB", "TR", "regular", 90_000),
    ("GR", "DE", "refugee", 240_000), ("GR", "DE", "claimant", 120_000),
    ("GR", "DE", "ordered", 15_000), ("TR", "GR", "irregular", 30_000),
    ("TR", "GR", "stranded", 8000), ("TR", "GR", "died_on_the_way", 700),
    ("SY", "SY", "died_on_the_way", 300), ("TR", "SY", "citizen", 150_000),
    ("LB", "SY", "displaced", 60_000), ("SY", "TR", "died_naturally", 40_000),
    ("DE", "SE", "refugee", 80_000), ("TR", "GR", "travelling", 5000),
]  # fmt: skip
HOSTS = {"GZT": .3, "IST": .15, "BEK": .25, "AMM": .14, "ERB": .05, "CAI": .03, "ATH": .01,
         "BER": .05, "STO": .02}  # fmt: skip


def sample_scenario(**changes: Any) -> Scenario:
    """Build the scenario that the made-up tables belong to."""
    content: dict[str, Any] = {
        "schema": 1,
        "name": "sample",
        "title": "Syria <and> its neighbours, made up",
        "sources": [{"id": "unhcr", "text": "UNHCR, Global Trends 2014 & annex"}],
        "time": {"start": "2011-01-01", "end": "2016-12-31"},
        "countries": [{"id": key, "name": name} for key, name in NAMES.items()],
        "places": [
            dict(id=a, name=b, country=c, people=d, income=e, lat=f, lon=g)
            for a, b, c, d, e, f, g in PLACES
        ],
        "corridors": [
            *({"from": a, "to": b} for a, b in CORRIDORS),
            {"id": "aegean", "from": "IST", "to": "ATH", "death": 0.005, "price": 1200.0},
            {"id": "balkans", "from": "ATH", "to": "BER", "price": 2500.0},
        ],
        "observed": [
            dict(id="tr", what="refugees", of="SY", at="TR", date="2014-12", people=1_622_839.0,
                 source="unhcr"),
            dict(id="lb", what="refugees", of="SY", at="LB", date="2014-12", people=1_154_000.0),
            dict(id="jo", what="refugees", of="SY", at="JO", date="2014-12", people=623_000.0),
            dict(id="de", what="refugees", of="SY", at="DE", date="2014-12", people=41_000.0),
            dict(id="all", what="refugees", of="SY", date="2014-12", people=3_880_000.0),
            dict(id="idp", what="displaced", of="SY", date="2014-12", people=7_600_000.0),
            dict(id="sea", what="deaths", of="SY", at="aegean", date="2015-12",
                 since="2015-01-01", people=800.0),
            dict(id="claims", what="asylum_seekers", of="SY", at="DE", date="2015-12",
                 people=160_000.0),
            dict(id="in", what="arrivals", of="SY", at="LB", date="2013-12", since="2013-01-01",
                 people=600_000.0),
            dict(id="landed", what="arrivals", of="SY", at="aegean", date="2015-12",
                 since="2015-01-01", people=400_000.0),
        ],
    }  # fmt: skip
    content.update(changes)
    return resolve(Scenario.model_validate(content))


def sample_record(replicates: int = 1, **changes: Any) -> Record:
    """Make up a record: war from 2011, peak in 2013, a sea crossing in 2015."""
    scenario = sample_scenario(**changes)
    starts = pd.date_range(scenario.time.start, scenario.time.end, freq="MS")
    ends = starts + pd.offsets.MonthEnd(0)
    draw = np.random.default_rng(20260101)
    rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in COLUMNS}
    everybody = int(sum(place[3] for place in PLACES))
    for replicate in range(replicates):
        wobble = 1 + 0.05 * draw.standard_normal()
        abroad = displaced = dead = 0
        for month, (first, last) in enumerate(zip(starts, ends, strict=True)):
            war = wobble * month / 30 * np.exp(1 - month / 30)
            sea = wobble * np.exp(-(((month - 56) / 5) ** 2))
            died = 0
            for origin, destination, channel, answer, peak in FLOWS:
                size = peak * (sea if "irregular" in channel and destination != "BEK" else war)
                departed = int(draw.poisson(size))
                arrived = int(0.97 * departed)
                whose = "DE" if channel == "labour" else "SY"
                rows["flows"].append((replicate, first, whose, origin, destination, channel,
                                      answer, departed, arrived))  # fmt: skip
                if channel == "internal":
                    displaced += arrived
                elif origin in ("ALE", "HMS", "DAM", "DRA", "DEZ"):
                    abroad += arrived
            for corridor, harm, size in (
                ("aegean", "death", 150 * sea), ("aegean", "interception", 1500 * sea),
                ("HMS_BEK", "violence", 300 * war), ("balkans", "extortion", 900 * sea),
                ("balkans", "stranding", 200 * sea), ("DAM_BEK", "death", 12 * war),
                ("aegean", "detention", 240 * sea), ("aegean", "kidnapping", 60 * sea),
                ("balkans", "forced_return", 90 * sea),
            ):  # fmt: skip
                people = int(draw.poisson(size))
                if people:
                    money = 400.0 * people if harm == "extortion" else 0.0
                    counts = (float(size), people, int(size) + 1, money)
                    rows["harms"].append((replicate, first, corridor, "SY", harm, *counts))
                    died += people if harm == "death" else 0
            dead += died
            for corridor, size in (("aegean", 30_000 * sea), ("balkans", 25_000 * sea)):
                people = int(draw.poisson(size))
                rows["crossings"].append((replicate, first, corridor, "SY", people))
            for place, _, country, people, *_ in PLACES:
                share = war if country == "SY" else 0.05
                heads = int(people / 4)
                moved = int(people * 0.002 * share)
                for answer, size, with_them in (
                    ("choice", moved // 20, moved // 8), ("necessity", moved // 4, moved),
                    ("no_means", heads * 0.004 * share, 0),
                    ("no_permission", heads * 0.006 * share, 0),
                ):  # fmt: skip
                    rows["answers"].append(
                        (replicate, first, place, answer, int(size), with_them, 0.0)
                    )
                days = (last - first).days + 1
                rows["at_risk"].append((replicate, first, place, heads * days, int(people) * days))
                for answer, size in (("no_means", 0.03), ("no_permission", 0.05)):
                    kept = int(people * size * min(share, 1))
                    rows["blocked"].append(
                        (replicate, last, place, country, answer, kept // 4, kept)
                    )
                rows["stocks"].append((replicate, last, place, country, "citizen",
                                       int(people)))  # fmt: skip
                for threat in Threat:
                    severe = min(0.9, (0.05 + 0.1 * threat) * (1 + 2 * share))
                    rows["threats"].append((replicate, first, place, threat.name, severe,
                                            min(1.0, 0.3 + 0.4 * share)))  # fmt: skip
                    rows["insecurity"].append((replicate, first, place, country, threat.name,
                                               people * severe * 0.3 / 12))  # fmt: skip
                    rows["attribution"].append((replicate, first, place, threat.name,
                                                moved * (1 + threat) / 28))  # fmt: skip
            for place, share in HOSTS.items():
                camp = int(abroad * share)
                rows["stocks"].append((replicate, last, place, "SY", "refugee", int(0.8 * camp)))
                rows["stocks"].append((replicate, last, place, "SY", "claimant", int(0.2 * camp)))
            rows["stocks"].append((replicate, last, "DAM", "SY", "displaced", displaced))
            for country, stage, size in (
                ("TR", "accepted", 40_000 * war), ("DE", "claimed", 12_000 * sea),
                ("DE", "recognised", 8000 * sea), ("DE", "rejected", 2000 * sea),
            ):  # fmt: skip
                rows["claims"].append(
                    (replicate, first, country, "SY", stage, int(draw.poisson(size)))
                )
            rows["opinion"].append((replicate, last, "DE", 0.4, 0.2, 0.1, 0.4))
            rows["spending"].append((replicate, first, "asylum", "DE", 1e6 * war))
            rows["journeys"].append(
                (replicate, first, "SY", "none", "first", "adults", sea, sea // 2, sea // 10)
            )
            rows["interceptions"].append(
                (replicate, first, "aegean", "SY", "families", float(sea // 9), sea // 9)
            )
            rows["prices"].append((replicate, last, "aegean", 900.0, 0.1))
            rows["queues"].append((replicate, last, "DE", 90_000, 7.5))
            for event, people in (("birth", 50_000), ("death", 9000)):
                rows["vital"].append((replicate, first, "DAM", "SY", event, people))
            dead += 9000
            alive = everybody + 50_000 * (month + 1) - dead
            for activity in Activity:
                people = {"dead": dead, "resident": alive}.get(activity.name, 0)
                rows["account"].append((replicate, last, "SY", activity.name, people))
        for came, country, outcome, size in PATHS:
            people = int(draw.poisson(size))
            rows["paths"].append((replicate, ends[-1], "SY", came, country, outcome, people))
        for i in range(60):
            happened = (i % 3 == 0, i % 4 == 0, i % 5 == 0, i % 7 == 0, i == 11, i == 12)
            rows["persons"].append((replicate, ends[-1], i, 2**32 - 1 - i, PLACES[i % 14][0], 1000,
                                    *happened))  # fmt: skip
    manifest = {
        "format": 1, "name": scenario.name, "title": scenario.title, "scenario_hash": "0" * 64,
        "seed": 7, "seeds": list(range(replicates)), "replicates": replicates, "people": everybody,
        "agents": 100_000, "steps": len(starts), "started": "2026-01-01T00:00:00+00:00",
        "seconds": 4.2, "compiled": True, "threads": 1, "notes": ["a note with <angle> & more"],
        "versions": {"python": "3.11.7", "sim": "0.1.0", "numpy": "2.4.6"},
        "machine": {"system": "Linux", "cpu": "x86-64", "cores": 4},
    }  # fmt: skip
    tables = {name: tidy(rows[name], COLUMNS[name]) for name in COLUMNS}
    tables |= {
        name: one_row(table, scenario, starts[0] if table.date == "first" else ends[0])
        for name, table in DECLARED.items()
        if name not in COLUMNS
    }
    tables["years"] = years_of(tables, ends[-1])
    return Record(scenario=scenario, seed=7, manifest=manifest, tables=tables)


def years_of(tables: dict[str, pd.DataFrame], end: pd.Timestamp) -> pd.DataFrame:
    """Years lived and lost by Syrians, by month, as the other tables have them."""
    account, stocks, harms = (tables[name] for name in ("account", "stocks", "harms"))
    alive = account[account["activity"] != "dead"].groupby(["replicate", "date"])["people"].sum()
    deaths = harms[(harms["harm"] == "death") & (harms["citizenship"] == "SY")]
    rows = []
    for (replicate, last), people in alive.items():
        years, first = last.days_in_month / 365.25, last.replace(day=1)
        here = stocks[(stocks["replicate"] == replicate) & (stocks["date"] == last)]
        here = here[here["citizenship"] == "SY"]
        dead = deaths[(deaths["replicate"] == replicate) & (deaths["date"] == first)]
        lost = float(dead["expected"].sum()) * ((end - first).days + 1) / 365.25
        seeking = (here[here["status"] == it]["people"].sum() for it in ("refugee", "claimant"))
        in_years = (float(it) * years for it in (people, *seeking))
        rows.append((replicate, first, "SY", *in_years, lost, 0.9 * lost))
    names = "replicate date citizenship lived as_refugee as_claimant lost lost_3pct"
    return tidy(rows, names)


def one_row(table: Table, scenario: Scenario, date: pd.Timestamp) -> pd.DataFrame:
    """A table that a mechanism has added since: the first words of its columns, and ones."""
    row: dict[str, Any] = {"replicate": 0, "date": date}
    for column in table.columns:
        row[column.name] = 1 if column.words is None else column.words(scenario)[0]
    return tidy([tuple(row.values())], " ".join(row))


def tidy(rows: list[tuple[Any, ...]], columns: str) -> pd.DataFrame:
    """Make a table with the types that records have: text as categories."""
    frame = pd.DataFrame(rows, columns=columns.split())
    for name in frame.columns:
        if frame[name].dtype.kind not in "ifMb":
            frame[name] = frame[name].astype("category")
    return frame


COLUMNS = {
    "flows": "replicate date citizenship origin destination channel answer departed arrived",
    "answers": "replicate date place answer households people trapped",
    "at_risk": "replicate date place household_days person_days",
    "attribution": "replicate date place threat people",
    "stocks": "replicate date place citizenship status people",
    "blocked": "replicate date place citizenship answer households people",
    "crossings": "replicate date corridor citizenship people",
    "harms": "replicate date corridor citizenship harm expected people rows money",
    "threats": "replicate date place threat severity prevalence",
    "insecurity": "replicate date place citizenship threat person_years",
    "opinion": "replicate date country opinion perceived foreign stringency",
    "spending": "replicate date item country amount",
    "account": "replicate date citizenship activity people",
    "vital": "replicate date place citizenship event people",
    "journeys": "replicate date citizenship caravan attempt party departed arrived failed",
    "interceptions": "replicate date corridor citizenship party expected people",
    "prices": "replicate date corridor price intercepted",
    "queues": "replicate date country pending months",
    "claims": "replicate date country citizenship stage people",
    "paths": "replicate date citizenship came_from country outcome people",
    "persons": "replicate date id_high id_low home people moved_abroad moved_within no_means "
    "no_permission died_on_the_way died_naturally",
}
