"""No question to a store takes for ever, and whoever cannot be answered is told so within five seconds."""

import time
from contextlib import ExitStack, contextmanager

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.test import Client

from history import mongo
from tests.conftest import POOL, POOL_TIMEOUT
from tests.factories import ProductFactory, UserFactory
from tests.pages import breaks_csp, text

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = ("/", "/cart/", "/checkout/", "/orders/", "/admin/", "/reports/", "/account/login/")


@pytest.fixture(autouse=True)
def timeout_of_the_product():
    """Not the tests' own."""
    connection.close()
    connection.close_pool()
    POOL["timeout"], before = POOL_TIMEOUT, POOL["timeout"]
    yield
    POOL["timeout"] = before
    connection.close()
    connection.close_pool()


@contextmanager
def exhausted():
    """All connections of the pool, a new one of which nobody has any, are taken by somebody else."""
    connection.close()
    connection.close_pool()
    pool = connection.pool
    pool.open()
    with ExitStack() as taken:
        for _ in range(pool.max_size):
            taken.callback(pool.putconn, pool.getconn(timeout=10))
        yield


@contextmanager
def away():
    """Nobody listens where PostgreSQL should be."""
    connection.close()
    server = {name: connection.settings_dict[name] for name in ("HOST", "PORT")}
    connection.close_pool()
    connection.settings_dict.update(HOST="127.0.0.1", PORT=9)
    try:
        yield
    finally:
        connection.close_pool()
        connection.settings_dict.update(server)


@pytest.mark.parametrize("trouble", [exhausted, away])
def test_a_page_says_so_within_five_seconds_and_everything_goes_on_afterwards(trouble):
    ProductFactory()
    client = Client(raise_request_exception=False)
    client.force_login(UserFactory())

    with trouble():
        began = time.monotonic()
        page = client.get("/orders/")
        took = time.monotonic() - began
        connection.pool.timeout = 0.1  # it was waited for as long as it is; the others need not
        others = [client.get(path) for path in PAGES]
        api = client.get("/api/v1/products", headers={"Authorization": "Bearer shop_" + "0" * 12 + "_" + "0" * 64})
        connection.pool.timeout = settings.DATABASES["default"]["OPTIONS"]["pool"]["timeout"]

    assert took < 5
    for answer in (page, *others):
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert "The shop cannot answer right now" in text(answer)
        assert breaks_csp(answer) == []
        assert "Traceback" not in text(answer)
    assert (api.status_code, api.json()["type"]) == (503, "urn:problem-type:shop:busy")
    assert client.get("/").status_code == 200


def test_after_a_restart_of_postgresql_pages_are_503_within_five_seconds_and_soon_there_again():
    client = Client(raise_request_exception=False)
    with exhausted():  # so that there are as many as can be
        pass
    everybody_else = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    address = {name: value for name, value in connection.get_connection_params().items() if name != "pool"}
    with psycopg.connect(**address) as other:
        ended = other.execute(f"{everybody_else} AND datname = current_database()").fetchall()

    answers, took = [], []
    while not answers or answers[-1].status_code != 200:
        began = time.monotonic()
        answers.append(client.get("/"))
        took.append(time.monotonic() - began)

    assert len(ended) >= connection.pool.max_size
    # Each failing request removes dead connections from the pool.
    assert len(answers) <= connection.pool.max_size + 1
    assert {answer.status_code for answer in answers[:-1]} <= {503}
    assert max(took) < 5


def test_every_statement_lock_and_forgotten_transaction_ends_by_itself():
    with connection.cursor() as cursor:
        limits = {}
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            cursor.execute(f"SHOW {name}")
            limits[name] = cursor.fetchone()[0]
        assert limits == {
            "statement_timeout": "30s",
            "lock_timeout": "3s",
            "idle_in_transaction_session_timeout": "1min",
        }
        with pytest.raises(OperationalError), transaction.atomic():
            cursor.execute("SET LOCAL statement_timeout = '50ms'; SELECT pg_sleep(5)")
    assert connection.pool.timeout < 5
    given = connection.get_connection_params()
    # What libpq needs to find out that the way to the server is lost: below five seconds.
    assert given["connect_timeout"] == 2
    assert given["keepalives_idle"] + given["keepalives_interval"] * given["keepalives_count"] < 5
    assert given["tcp_user_timeout"] < 5000
    assert settings.DATABASES["default"]["CONN_HEALTH_CHECKS"]


def test_no_client_of_mongodb_waits_for_ever(mirror):
    for collection in (mongo.for_reading(), mongo.for_writing()):
        options = collection.database.client.options
        assert 0 < options.pool_options.socket_timeout <= 10
        assert 0 < options.pool_options.connect_timeout <= 10
        assert 0 < options.pool_options.wait_queue_timeout <= 10
        assert 0 < options.server_selection_timeout <= 1
    assert mongo.for_writing().write_concern.document == {"w": "majority", "j": True}
