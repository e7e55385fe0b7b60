"""Error pages: in the shop's frame, each with a way on."""

import pytest
from django.test import Client

from tests.factories import UserFactory
from tests.pages import breaks_csp, text


def test_a_request_for_another_host_is_bad(client):
    response = client.get("/", headers={"host": "evil.example"})

    assert response.status_code == 400
    assert "We could not read this request" in text(response)
    assert breaks_csp(response) == []


@pytest.mark.django_db
def test_who_may_not_see_reports_is_told_so(client):
    client.force_login(UserFactory())

    response = client.get("/reports/")

    assert response.status_code == 403
    assert "You have no access to this page" in text(response)


@pytest.mark.django_db
def test_a_bug_shows_the_page_that_needs_no_database(django_assert_num_queries, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("a bug")

    monkeypatch.setattr("catalog.views.search_text", broken)
    client = Client(raise_request_exception=False)

    with django_assert_num_queries(0):
        response = client.get("/search/")

    assert response.status_code == 500
    assert "Something went wrong on our side" in text(response)
    assert "a bug" not in text(response)
    assert breaks_csp(response) == []
