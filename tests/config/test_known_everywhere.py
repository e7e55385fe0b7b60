"""Statuses, reports, problems, scopes, kinds of events stand in one table each; whatever lists them knows them all."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import get_args, get_type_hints

import pytest

from config.api.problems import KINDS
from config.api.scopes import SCOPES
from config.templatetags.money import LOOKS
from history import timeline
from history.api.orders import OrderParameters
from history.api.reports import Name, ReportParameters
from history.reports import filters
from history.reports.views import REPORTS
from history.rollups import shape
from history.views import TABS
from history.webhooks.models import Told
from orders import mails, order_desk
from orders.api_types import STEPS
from orders.status import FINISHED, OPEN, TRANSITIONS, USUAL_WAY, WITHOUT_REVENUE, Status
from tests import docs

EVERY = set(Status)
# A return is typed in the back office: it says what came back.
REACHED_BY_A_BUTTON = {to for following in TRANSITIONS.values() for to in following} - {Status.RETURNED}


def test_the_table_of_statuses_is_whole():
    reached = {Status.PENDING}
    while more := {to for status in reached for to in TRANSITIONS[status]} - reached:
        reached |= more

    assert set(TRANSITIONS) == reached == EVERY
    assert sorted([*OPEN, *FINISHED]) == sorted(EVERY)
    assert set(WITHOUT_REVENUE) <= set(FINISHED)
    assert all(to in TRANSITIONS[status] for status, to in pairwise(USUAL_WAY))


@pytest.mark.parametrize(
    ("known", "wanted"),
    [
        pytest.param(LOOKS, EVERY, id="config/templatetags/money.py: LOOKS"),
        pytest.param(mails.WORDS, EVERY, id="orders/mails.py: WORDS"),
        pytest.param(order_desk.VERBS, REACHED_BY_A_BUTTON, id="orders/order_desk.py: VERBS"),
        pytest.param(STEPS, REACHED_BY_A_BUTTON, id="orders/api_types.py: STEPS"),
        pytest.param([*USUAL_WAY, *timeline.ENDS], EVERY, id="history/timeline.py: ENDS"),
        pytest.param(shape.STATUSES, EVERY, id="history/rollups/shape.py: STATUSES"),
        pytest.param(
            [status for name, (_, statuses) in TABS.items() if name != "all" for status in statuses],
            EVERY,
            id="history/views.py: TABS",
        ),
    ],
)
def test_every_status_is_known_once(known, wanted):
    assert sorted(known) == sorted(wanted)


def test_the_api_asks_for_every_status():
    [asked, _] = get_args(get_type_hints(ReportParameters)["status"])
    [many] = OrderParameters.model_fields["status"].metadata

    assert set(get_args(asked)) == {*filters.STATUSES}
    assert many.max_length == len(EVERY)


def test_every_report_is_in_the_api():
    assert set(get_args(Name)) == set(REPORTS)


def table(page: str, *, under: str) -> list[list[str]]:
    """The cells of the first table under a heading of a page, its head apart."""
    below = (docs.DOCS / page).read_text().split(f"## {under}\n", 1)[1]
    rows = re.search(r"(?:^\|.*\n)+", below, re.MULTILINE)
    assert rows
    return [[cell.strip(" `") for cell in row.strip("|").split(" | ")] for row in rows[0].splitlines()[2:]]


def test_the_docs_of_the_api_list_every_problem_and_scope():
    problems = {row[0].strip("` "): int(row[1]) for row in table("api.md", under="Problems")}

    assert problems == {kind: status for kind, (status, _) in KINDS.items()}
    assert [row[0].strip("` ") for row in table("api.md", under="Keys")] == [*SCOPES]


def test_the_docs_of_webhooks_list_every_type():
    told = (docs.DOCS / "webhooks.md").read_text()
    [types] = re.findall(r"^\| `type` \| (.*); more may come \|$", told, re.MULTILINE)

    assert re.findall(r"`order\.(\w+)`", types) == Told.values
