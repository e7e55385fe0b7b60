"""Every operation of the API, each with something valid to ask it for."""

from __future__ import annotations

from collections.abc import Iterator

from config.api.site import api

VALUES = {"order_id": "1", "sku": "MUG", "name": "sales"}
# A body that is valid, by the end of the path.
BODIES = {
    "/orders": {
        "customer_id": 1,
        "items": [{"sku": "MUG", "quantity": 1}],
        "shipping_address": {"name": "A", "line1": "B", "city": "C", "postcode": "D", "country": "E"},
    },
    "/stock": {"delta": 1, "reason": "restock", "note": "n"},
    "/status": {"status": "paid"},
}


def operations() -> Iterator[tuple[str, str, str]]:
    """(method, path, scope) of each; no scope: any key."""
    for router in api._get_bound_routers():
        for path, view in router.path_operations.items():
            for operation in view.operations:
                address = f"{router.prefix}{path}".replace("int:", "").replace("path:", "")
                [scope] = operation.auth_callbacks
                yield operation.methods[0], address.format(**VALUES), scope.name
