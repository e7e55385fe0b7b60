"""Querysets whose SQL is made once: Django makes it anew for each read, which takes longer than PostgreSQL's answer.

For the few that nearly every request reads by; elsewhere a queryset is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import BigIntegerField, Expression, Field, Model, QuerySet
from django.db.models.query import get_related_populators
from django.db.models.sql.compiler import SQLCompiler
from django.db.transaction import TransactionManagementError

M = TypeVar("M", bound=Model)


class Given(Expression):
    """Stands in a kept queryset for a value that each read brings, or a list of them for EqualsAny.

    field: what kind of value it is, a number unless said.
    """

    def __init__(self, name: str, field: Field[Any, Any] | None = None) -> None:
        super().__init__(output_field=field or BigIntegerField())
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, tuple[Any, ...]]:
        return "%s", (self,)


class Kept(Generic[M]):
    """`BY_NUMBER = Kept(lambda: Product.objects.filter(pk=Given("number")))` is read by `BY_NUMBER.read(number=7)`.

    choose: the queryset, asked for at the first read; of one table and what is joined to it by select_related. Values
    are sent as they are given: no field converts them.
    """

    def __init__(self, choose: Callable[[], QuerySet[M]]) -> None:
        self._choose = choose
        self._made: _Made[M] | None = None

    def read(self, **given: Any) -> list[M]:
        """Return the rows as objects; one statement. What locks its rows is read in a transaction only."""
        made = self._made
        if made is None:
            made = self._made = _Made(self._choose())
        return made.read(given)


class _Made(Generic[M]):
    """The SQL, and what Django's own ModelIterable finds out of it for each read."""

    def __init__(self, queryset: QuerySet[M]) -> None:
        # What these bring is done after the rows are read.
        assert not queryset._prefetch_related_lookups  # type: ignore[attr-defined]
        assert not queryset._known_related_objects  # type: ignore[attr-defined]
        compiler = queryset.query.get_compiler(using=queryset.db)
        self._sql, self._parameters = compiler.as_sql()
        assert compiler.klass_info
        assert compiler.select
        self._given = {value.name for value in self._parameters if isinstance(value, Given)}
        fields = compiler.klass_info["select_fields"]
        self._own = slice(fields[0], fields[-1] + 1)
        self._names = [column.target.attname for column, *_ in compiler.select[self._own]]
        related = get_related_populators(compiler.klass_info, compiler.select, queryset.db)  # type: ignore[call-arg]
        self._related = related  # its stubs are those of a later Django
        self._annotations = [*(compiler.annotation_col_map or {}).items()]
        self._converters = compiler.get_converters([column for column, *_ in compiler.select])
        self._compiler, self._queryset = compiler, queryset

    def read(self, given: Mapping[str, Any]) -> list[M]:
        if self._queryset.query.select_for_update and not connection.in_atomic_block:
            raise TransactionManagementError("Rows are locked in a transaction.")
        if given.keys() != self._given:
            raise TypeError(f"It is read by {', '.join(sorted(self._given))}.")
        values = [given[value.name] if isinstance(value, Given) else value for value in self._parameters]
        with connection.cursor() as cursor:
            cursor.execute(self._sql, values)
            rows = cursor.fetchall()
        converted = self._compiler.apply_converters(rows, self._converters) if self._converters else rows
        return [self._object(row) for row in converted]

    def _object(self, row: Any) -> M:
        found: M = self._queryset.model.from_db(self._queryset.db, self._names, row[self._own])
        for populator in self._related:
            populator.populate(row, found)
        for name, position in self._annotations:
            setattr(found, name, row[position])
        return found
