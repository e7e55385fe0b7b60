"""What Django's own lookups do with too many parameters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression, F, Lookup

if TYPE_CHECKING:
    _Lookup = Lookup[Any]
else:
    _Lookup = Lookup


class EqualsAny(_Lookup):
    """`column = ANY (array)`: where `column__in` sends each number as a parameter of its own, and reading ten thousand
    of them takes longer than the query. `filter(EqualsAny("order_id", numbers))`; each row is found once.
    """

    prepare_rhs = False

    def __init__(self, column: str, values: Iterable[Any] | Expression) -> None:
        super().__init__(F(column), values if isinstance(values, Expression) else list(values))

    def as_sql(self, compiler: Any, connection: BaseDatabaseWrapper, **kwargs: Any) -> tuple[str, tuple[Any, ...]]:
        column, parameters = self.process_lhs(compiler, connection)
        return f"{column} = ANY (%s)", (*parameters, self.rhs)
