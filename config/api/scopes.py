"""What an operation of the API asks of the key it is called with.

An operation says `auth=Scope("orders:read")`; `request.auth` is the key then. Which key that is, the middleware found
out (users/api_keys.py); nobody's session has a say.
"""

from __future__ import annotations

from typing import Protocol

from django.http import HttpRequest
from ninja.security import HttpBearer

from config.api.problems import Problem

ORDERS_READ = "orders:read"
ORDERS_WRITE = "orders:write"
STATUS_WRITE = "status:write"
CATALOGUE_WRITE = "catalogue:write"
REPORTS_READ = "reports:read"

# Each with the permission that whoever hands it out has to hold.
SCOPES = {
    ORDERS_READ: "orders.view_order",
    ORDERS_WRITE: "orders.change_order",
    STATUS_WRITE: "orders.change_order",
    CATALOGUE_WRITE: "catalog.move_stock",
    REPORTS_READ: "history.view_reports",
}
# What a key that is one customer's own may do: what its customer may do too, so no order of theirs becomes paid by it.
OF_ONE_CUSTOMER = {ORDERS_READ, ORDERS_WRITE}


class Key(Protocol):
    """str(key) is the name under which it stands in events and movements: "API key Warehouse".

    customer_id: where it is set, the key sees and does nothing but this customer's orders.
    """

    pk: int
    customer_id: int | None

    def allows(self, scope: str) -> bool: ...


class ApiRequest(HttpRequest):
    """A request that a Scope let through."""

    auth: Key


class Scope(HttpBearer):
    """Asks for a key with this scope; for any key where none is named."""

    def __init__(self, name: str = "") -> None:
        assert not name or name in SCOPES, name
        self.name = name
        super().__init__()

    def __call__(self, request: HttpRequest) -> Key:
        key: Key | None = getattr(request, "api_key", None)
        if key is None:
            detail = "Send a key as “Authorization: Bearer shop_…”; staff make keys in the back office."
            raise Problem("not-authenticated", detail, headers={"WWW-Authenticate": "Bearer"})
        if self.name and not key.allows(self.name):
            raise Problem("scope-missing", f"The key needs the scope {self.name}.", scope=self.name)
        return key

    def authenticate(self, request: HttpRequest, token: str) -> None:
        raise NotImplementedError("the middleware knows the keys")
