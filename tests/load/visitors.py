"""Everybody who comes to a shop under load: guests, customers, staff, analysts, other systems. Without Django.

What was acknowledged is kept, and what was not is asked for again with the same form or the same key, as a browser's
reload and a client of the API do: in the end every order is one that somebody knows of.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import uuid4

from tests.faults.browser import ADDRESS, PLACED, hidden
from tests.load.wire import SecureWire
from tests.web.wire import Answer

# Of a hundred visits.
MIX = {
    "list": 24,
    "search": 10,
    "product": 26,
    "cart": 6,
    "checkout": 12,
    "my_orders": 8,
    "desk_list": 4,
    "desk_steps": 2,
    "report": 2,
    "api_read": 4,
    "api_order": 2,
}
SORTS = ("", "?sort=best", "?sort=price", "?sort=-price", "?page=2")
DESK = "/admin/orders/order/"
DESK_LISTS = ("", "?status__exact=paid", "?p=2", "?q=Product", "?o=5")
# What staff do with the orders of a status, and how many of them at a time.
STEPS = (("pending", "mark_paid"), ("paid", "mark_shipped"), ("shipped", "mark_delivered"))
AT_ONCE = 10
REPORTS = ("sales", "products", "customers", "status", "orders")
API_READS = ("/api/v1/products?limit=20", "/api/v1/orders?limit=20", "/api/v1/orders?status=paid", "/api/v1/events")
CHOSEN = re.compile(r'name="_selected_action" value="(\d+)"')
# What a page is called, and what it says is wrong.
SAID = (re.compile(r"<title>(.*?)</title>", re.DOTALL), re.compile(r'role="alert"[^>]*>(.*?)</div>', re.DOTALL))
# After these nobody knows whether it was done.
UNKNOWN = (0, 500, 502, 503, 504)


@dataclass(frozen=True)
class Site:
    """customers, staff: keys of sessions; products: number, SKU and path of each; buyers: customers of the API."""

    port: int
    customers: list[str]
    staff: list[str]
    api_key: str
    buyers: list[int]
    products: list[tuple[int, str, str]]
    lists: list[str]
    words: list[str]


class Sight(NamedTuple):
    """One request: when it was due (time.monotonic()), what for, its status (0: no answer), the seconds until its
    answer, and what was wrong with that."""

    due: float
    what: str
    status: int
    seconds: float
    wrong: str


@dataclass
class Seen:
    """placed: the order's number, each time that a checkout or the API acknowledged one; open: never answered."""

    visits: int = 0
    sights: list[Sight] = field(default_factory=list)
    placed: list[int] = field(default_factory=list)
    open: int = 0

    def __add__(self, other: Seen) -> Seen:
        return Seen(
            self.visits + other.visits, self.sights + other.sights, self.placed + other.placed, self.open + other.open
        )


class NotAnswered(Exception):
    """The visit ends here."""


@dataclass
class Customer:
    """form: posted and not yet answered."""

    wire: SecureWire
    form: Mapping[str, str] | None = None


class Visitor:
    """Plays everybody in turn; several of them, each on a thread, have different customers."""

    def __init__(self, site: Site, number: int, among: int, seed: str) -> None:
        self.seen = Seen()
        self._site = site
        self._chance = random.Random(f"{seed} {number}")
        self._guest = SecureWire(site.port)
        self._customers = [Customer(SecureWire(site.port, session)) for session in site.customers[number::among]]
        self._turns = itertools.cycle(self._customers)
        self._staff = SecureWire(site.port, site.staff[number % len(site.staff)])
        self._system = SecureWire(site.port, token=site.api_key)
        self._order: tuple[str, str] | None = None  # of the API: key and body, not yet answered
        self._due = 0.0

    def visit(self, what: str, due: float) -> None:
        self._due = due
        self.seen.visits += 1
        visits: Mapping[str, Callable[[], None]] = {
            "list": self._list,
            "search": self._search,
            "product": self._product,
            "cart": self._cart,
            "checkout": self._checkout,
            "my_orders": self._my_orders,
            "desk_list": self._desk_list,
            "desk_steps": self._desk_steps,
            "report": self._report,
            "api_read": self._api_read,
            "api_order": self._api_order,
        }
        try:
            visits[what]()
        except NotAnswered:
            return

    def leave(self, patience: float = 20.0) -> None:
        """Ask again for what was not answered, and go."""
        deadline = time.monotonic() + patience
        while self._unanswered() and time.monotonic() < deadline:
            self._due = time.monotonic()
            try:
                for customer in self._customers:
                    if customer.form:
                        self._post(customer)
                if self._order:
                    self._api_order()
            except NotAnswered:
                time.sleep(0.5)
        self.seen.open = self._unanswered()
        for wire in (self._guest, self._staff, self._system, *(customer.wire for customer in self._customers)):
            wire.close()

    def _unanswered(self) -> int:
        return sum(customer.form is not None for customer in self._customers) + (self._order is not None)

    # --- Guests ---

    def _list(self) -> None:
        self._get("list", self._guest, self._chance.choice(self._site.lists) + self._chance.choice(SORTS))

    def _search(self) -> None:
        self._get("search", self._guest, f"/search/?q={self._chance.choice(self._site.words)}")

    def _product(self) -> None:
        self._get("product", self._guest, self._chance.choice(self._site.products)[2])

    # --- Customers ---

    def _cart(self) -> None:
        customer = next(self._turns)
        if not customer.form:  # it is refused where its cart is another one when it is asked for again
            self._fill(customer)
        self._get("cart", customer.wire, "/cart/")

    def _fill(self, customer: Customer) -> None:
        number, _, _ = self._chance.choice(self._site.products)
        self._ask("cart add", lambda: customer.wire.post("/cart/add/", {"product": str(number), "quantity": "1"}), 302)

    def _checkout(self) -> None:
        customer = next(self._turns)
        if not customer.form:
            self._fill(customer)
            page = self._get("checkout page", customer.wire, "/checkout/")
            customer.form = hidden(page) | ADDRESS | {"saved": "new"}  # type: ignore[arg-type]  # an answer has a body
        self._get("confirmation", customer.wire, self._post(customer))

    def _post(self, customer: Customer) -> str:
        """Post the customer's form and return where the order is confirmed."""
        form = customer.form or {}

        def post() -> Answer:
            answer = customer.wire.post("/checkout/", form)
            if answer.status not in UNKNOWN:
                customer.form = None
            return answer

        answer = self._ask("checkout", post, 302)
        placed = PLACED.search(answer.location)
        if not placed:
            self._wrong(f"the checkout led to {answer.location}")
            raise NotAnswered
        self.seen.placed.append(int(placed[1]))
        return answer.location

    def _my_orders(self) -> None:
        customer = next(self._turns)
        page = self._get("my orders", customer.wire, "/orders/")
        found = re.findall(r'href="(/orders/\d+/)"', page.body)
        if found:
            self._get("order page", customer.wire, self._chance.choice(found))

    # --- Staff and analysts ---

    def _desk_list(self) -> None:
        page = self._get("desk list", self._staff, DESK + self._chance.choice(DESK_LISTS))
        found = CHOSEN.findall(page.body)
        if found:
            self._get("desk order", self._staff, f"{DESK}{self._chance.choice(found)}/change/")

    def _desk_steps(self) -> None:
        status, action = self._chance.choice(STEPS)
        path = f"{DESK}?status__exact={status}"
        found = CHOSEN.findall(self._get("desk list", self._staff, path).body)[:AT_ONCE]
        if found:
            form: dict[str, str | list[str]] = {"action": action, "index": "0", "_selected_action": found}
            self._ask("desk steps", lambda: self._staff.post(path, form), 302)

    def _report(self) -> None:
        self._get("report", self._staff, f"/reports/{self._chance.choice(REPORTS)}/")

    # --- Other systems ---

    def _api_read(self) -> None:
        self._get("api read", self._system, self._chance.choice(API_READS))

    def _api_order(self) -> None:
        if not self._order:
            _, sku, _ = self._chance.choice(self._site.products)
            items = [{"sku": sku, "quantity": 1}]
            asked = {"customer_id": self._chance.choice(self._site.buyers), "items": items, "shipping_address": ADDRESS}
            self._order = str(uuid4()), json.dumps(asked)
        key, body = self._order

        def post() -> Answer:
            answer = self._system.post_json("/api/v1/orders", body, {"Idempotency-Key": key})
            if answer.status not in UNKNOWN:
                self._order = None
            return answer

        self.seen.placed.append(json.loads(self._ask("api order", post, 201).body)["order_id"])

    # --- Asking ---

    def _get(self, what: str, wire: SecureWire, path: str) -> Answer:
        return self._ask(what, lambda: wire.get(path), 200)

    def _ask(self, what: str, question: Callable[[], Answer], expected: int) -> Answer:
        """Return the answer, and keep what it took; raises NotAnswered for another status than the expected one.

        The first request of a visit is late from when it was due, not from when somebody had time for it.
        """
        due, self._due = self._due or time.monotonic(), 0.0
        try:
            answer = question()
            wrong = "" if answer.status == expected else f"{answer.location} {said(answer.body)}".strip()
        except (OSError, AssertionError) as error:  # gone, too late, or no whole answer
            answer, wrong = Answer(0, "", ""), f"{type(error).__name__}: {error}"
        self.seen.sights.append(Sight(due, what, answer.status, time.monotonic() - due, wrong))
        if wrong:
            raise NotAnswered
        return answer

    def _wrong(self, told: str) -> None:
        self.seen.sights[-1] = self.seen.sights[-1]._replace(wrong=told)


def said(body: str) -> str:
    """What a page says, in short: its title and what it warns of, or how it begins."""
    found = [text for pattern in SAID for text in pattern.findall(body)]
    return " ".join(re.sub(r"<[^>]+>", " ", " · ".join(found) or body).split())[:300] or "nothing"
