"""Who buys in the demo shop: customers with an address, and the three accounts to sign in with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

PASSWORD = "demo-shop-2024"  # noqa: S105 (told to everybody, loaded only with the demo shop)
CUSTOMER, CUSTOMER_NAME = "customer@shop.example", "Casey Morgan"
STAFF, STAFF_NAME = "staff@shop.example", "Robin Park"
ANALYST, ANALYST_NAME = "analyst@shop.example", "Alex Chen"

FIRST_NAMES = (
    "Ada", "Amir", "Anna", "Ben", "Clara", "Daniel", "Diego", "Elena", "Emil", "Farah", "Grace", "Hana", "Ida", "Ivan",
    "Jonas", "Julia", "Kofi", "Lena", "Liam", "Lucia", "Maya", "Mateo", "Mina", "Nadia", "Noah", "Olga", "Omar", "Paul",
    "Priya", "Rosa", "Samuel", "Sofia", "Tara", "Theo", "Vera", "Yusuf",
)  # fmt: skip
LAST_NAMES = (
    "Abbas", "Adams", "Andersen", "Bauer", "Becker", "Brown", "Costa", "Diaz", "Evans", "Fischer", "Garcia", "Haddad",
    "Hansen", "Ito", "Jensen", "Kaya", "Khan", "Klein", "Kumar", "Lopez", "Martin", "Meyer", "Mori", "Murphy", "Novak",
    "Okafor", "Olsen", "Patel", "Petrov", "Reyes", "Rossi", "Santos", "Silva", "Smith", "Weber", "Wilson",
)  # fmt: skip
STREETS = (
    "Mill Lane", "Station Road", "Garden Street", "Church Hill", "Harbour Way", "Oak Avenue", "Market Square",
    "Park Row", "River Walk", "School Lane", "Orchard Close", "Bridge Street",
)  # fmt: skip
TOWNS = (
    ("Ashford", "TN24 8XJ"), ("Bath", "BA1 5AN"), ("Bristol", "BS1 4QA"), ("Cambridge", "CB2 1TN"),
    ("Durham", "DH1 3RH"), ("Exeter", "EX4 3LF"), ("Leeds", "LS2 7HY"), ("Norwich", "NR1 3QY"), ("Oxford", "OX1 2JD"),
    ("Sheffield", "S1 2HH"), ("Truro", "TR1 2HE"), ("York", "YO1 7HH"),
)  # fmt: skip

# So many of ten customers were there before the demo's first day.
OLD_CUSTOMERS_OF_TEN = 3


@dataclass(frozen=True)
class DemoCustomer:
    """eagerness: how much more often than others they order."""

    email: str
    name: str
    created_at: datetime
    eagerness: float
    address: dict[str, str]


def customers(random: Random, count: int, start: datetime, end: datetime) -> list[DemoCustomer]:
    """Return that many customers, the one to sign in as first; the others joined before `start` or until `end`."""
    names = random.sample([(first, last) for first in FIRST_NAMES for last in LAST_NAMES], count - 1)
    joined = start - timedelta(days=20, hours=5)
    found = [DemoCustomer(CUSTOMER, CUSTOMER_NAME, joined, 0, _address(random, CUSTOMER_NAME))]
    for first, last in names:
        name = f"{first} {last}"
        if random.randrange(10) < OLD_CUSTOMERS_OF_TEN:
            created_at = start - timedelta(days=random.uniform(1, 60))
        else:
            created_at = start + (end - start) * random.random()
        email = f"{first}.{last}@mail.example".lower()
        created_at = created_at.replace(microsecond=0)
        eagerness = min(random.paretovariate(1.2), 6)
        found.append(DemoCustomer(email, name, created_at, eagerness, _address(random, name)))
    return found


def _address(random: Random, name: str) -> dict[str, str]:
    town, postcode = random.choice(TOWNS)
    street = f"{random.randint(1, 120)} {random.choice(STREETS)}"
    return {"name": name, "line1": street, "city": town, "postcode": postcode, "country": "United Kingdom"}
