"""tools/private_api.py finds what an upgrade of a dependency may break."""

from __future__ import annotations

import ast
from logging import Formatter

import pytest
from django.db.models.query import QuerySet

from tools import private_api


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from gunicorn.workers.gthread import ThreadWorker", "import of gunicorn.workers.gthread.ThreadWorker"),
        ("import psycopg._queries", "import of psycopg._queries"),
        ("from django.db.models import sql", "import of django.db.models.sql"),
        ("from django.forms import _private", "import of django.forms._private"),
        ("connection._nodb_cursor()", "attribute _nodb_cursor"),
        ("getattr(user, '_password', None)", "attribute _password by getattr()"),
    ],
)
def test_private_names_of_dependencies_are_found(source, found):
    assert [text for _, text in private_api._in_file(ast.parse(source), set())] == [found]


def test_own_private_names_and_documented_ones_are_not():
    source = "self._own = Order._meta.get_field('status'); self._own()"
    tree = ast.parse(source)

    assert list(private_api._in_file(tree, set(private_api._defined(tree)))) == []


def test_redefined_private_methods_and_undocumented_bases_are_found(monkeypatch):
    monkeypatch.setattr(private_api, "PACKAGES", (__name__.split(".", maxsplit=1)[0],))

    class Query(QuerySet):
        def _fetch_all(self):
            pass

    class Plain(Formatter):
        pass

    class Undocumented(ast.NodeVisitor):
        pass

    assert [text.split(": ", 1)[1] for cls in (Query, Plain, Undocumented) for text in private_api._in_class(cls)] == [
        "redefines QuerySet._fetch_all",
        "subclass of ast.NodeVisitor, which is not in DOCUMENTED_BASES",
    ]
