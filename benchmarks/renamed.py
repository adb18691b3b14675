"""What the guard of results is told of names that have changed.

Names are those of `results_probe.py`: `persons.pid`, `counts.harms`, `table.flows.departed`,
`headline.refugees`. A table's old name without a column stands for all of its columns.
"""

from __future__ import annotations

RENAMED: dict[str, str | None] = {
    # What one sub-step sums up for spending: nothing is carried from step to step.
    "world.held_days": None,
    # Households and persons are two tables; each is listed by identities, whatever its rows.
    **dict.fromkeys(("people", "separations"), None),
    # Journeys and applications are plans.
    **dict.fromkeys(("parties", "applications"), None),
    # A claim or an order is the status of a household, and its day; so is the number of attempts.
    **dict.fromkeys(("claims", "orders", "attempts"), None),
    # Who is sent back is known when it happens: nothing is kept for later.
    "world.sent_back": None,
    "counts.heads": "counts.answers",
    # The account of people is kept by citizenship.
    "world.dead": None,
    "world.born": None,
    "world.died": None,
    "table.answers.heads": "table.answers.households",
    "table.blocked.heads": "table.blocked.households",
    "headline.choice_heads": "headline.choice_households",
    "headline.necessity_heads": "headline.necessity_households",
    "headline.no_means_heads": "headline.no_means_households",
    "headline.no_permission_heads": "headline.no_permission_households",
    "headline.stays_heads": "headline.stays_households",
}
"""New name of each column by its old one. None: it is gone on purpose; say why beside it."""
