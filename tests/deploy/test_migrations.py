"""The look at migrations finds what would stop a running shop, and leaves alone what would not."""

from __future__ import annotations

import pytest
from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader

from tests import migrations as look

FLAG = {"model_name": "order", "name": "is_gift"}


STOPS = {
    "ban-drop-column": migrations.RemoveField("order", "external_ref"),
    "ban-drop-table": migrations.DeleteModel("Mail"),
    "renaming-column": migrations.RenameField("order", "external_ref", "reference"),
    "renaming-table": migrations.AlterModelTable("order", "sales"),
    "changing-column-type": migrations.AlterField("order", "rev", models.BigIntegerField(db_default=1)),
    "adding-not-nullable-field": migrations.AlterField("order", "external_ref", models.CharField(max_length=64)),
    # Django takes its default away again, and the code before this one names no such column.
    "ban-drop-default": migrations.AddField(**FLAG, field=models.BooleanField(default=False)),
    "require-concurrent-index-creation": migrations.AddIndex("order", models.Index(fields=["rev"], name="by_rev")),
    "require-concurrent-index-deletion": migrations.RemoveIndex("order", "orders_by_total"),
    "disallowed-unique-constraint": migrations.AddConstraint(
        "order", models.UniqueConstraint(fields=["rev"], name="once")
    ),
    "constraint-missing-not-valid": migrations.AddConstraint(
        "order", models.CheckConstraint(condition=models.Q(rev__gt=0), name="from_one")
    ),
}
RUNS_ON = [
    migrations.AddField(**FLAG, field=models.BooleanField(db_default=False)),
    migrations.AddField(**FLAG, field=models.BooleanField(null=True)),
    migrations.CreateModel("Gift", [("gift_id", models.BigAutoField(primary_key=True)), ("words", models.TextField())]),
    migrations.AlterModelOptions("order", {"ordering": ["rev"]}),
    AddConstraintNotValid("order", models.CheckConstraint(condition=models.Q(rev__gt=0), name="from_one")),
]


@pytest.fixture(scope="module")
def now():
    """The models as they are."""
    return MigrationLoader(None).project_state()


def sql_of(now, operation):
    migration = migrations.Migration("9999_tried", "orders")
    migration.operations = [operation]
    return look.sql_of(migration, now.clone())


@pytest.mark.django_db(transaction=True)
def test_what_would_stop_the_shop_is_named_unless_it_is_waived(now):
    for rule, operation in STOPS.items():
        sql = sql_of(now, operation)
        found = look.found_in(sql, is_atomic=True, waived=set())

        rules = {each.partition(":")[0] for each in found}
        assert rule in rules, found
        assert look.found_in(sql, is_atomic=True, waived=rules) == []


@pytest.mark.django_db(transaction=True)
def test_what_lets_it_run_on_is_not_complained_of_and_needs_no_exception(now):
    for operation in RUNS_ON:
        assert look.found_in(sql_of(now, operation), is_atomic=True, waived=set()) == []
    index = sql_of(now, AddIndexConcurrently("order", models.Index(fields=["rev"], name="by_rev")))
    assert look.found_in(index, is_atomic=False, waived=set()) == []

    needless = look.found_in(sql_of(now, RUNS_ON[0]), is_atomic=True, waived={"ban-drop-column"})
    assert needless == ["ban-drop-column is waived and not broken"]


def test_only_an_exception_with_its_reason_counts():
    text = "    # squawk: ban-drop-column: not read since 2.1\n# squawk: ban-drop-table:\n# squawk: renaming-table: \n"

    assert look.WAIVER.findall(text) == ["ban-drop-column"]


@pytest.mark.django_db(transaction=True)
def test_the_first_release_is_what_it_was_and_nothing_since_stops_the_shop(monkeypatch):
    graph = MigrationLoader(None).graph
    for app, last in look.FIRST_RELEASE.items():
        assert any(name.startswith(f"{last:04}_") for label, name in graph.nodes if label == app)

    since = list(look.since_the_first_release())

    assert [complaint for migration, before in since for complaint in look.complaints(migration, before)] == []

    # Looked at are migrations as they stand in their files.
    monkeypatch.setattr(look, "FIRST_RELEASE", {"orders": 4})
    named = {migration.name: look.complaints(migration, before) for migration, before in look.since_the_first_release()}
    assert named["0007_quick_lists"] == []
    assert set(named) >= {"0005_status_index_with_amounts", "0006_refunds"}
