"""What each role may do: the only table of it. Every `migrate` makes the groups what stands here.

Whoever needs something between two roles gets both, or a group of the shop's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import AppConfig
from django.apps.registry import Apps
from django.db.models import Q

# Permissions in the order of the table in docs/roles.md, each with what it lets people do.
PERMISSIONS = {
    "orders.view_order": "see orders",
    "orders.change_order": "take an order a step further, edit it, write notes",
    "orders.refund_order": "take items back and refund them",
    "orders.export_order": "export orders",
    "catalog.view_product": "see products",
    "catalog.add_product": "add products",
    "catalog.change_product": "change products and their price; retire them",
    "catalog.move_stock": "correct and restock products",
    "catalog.import_product": "import products, their prices and stock too",
    "catalog.export_product": "export products",
    "catalog.delete_product": "delete products that were never ordered",
    "catalog.view_category": "see categories",
    "catalog.add_category": "add categories",
    "catalog.change_category": "change categories",
    "catalog.delete_category": "delete categories that are empty",
    "users.view_user": "see people",
    "users.add_user": "add people",
    "users.change_user": "change, activate and deactivate customers",
    "users.assign_roles": "look after staff, and give roles up to one's own",
    "users.view_apikey": "see the keys of the API, what they may do and when they were used",
    "users.add_apikey": "make keys of the API, for what one may do oneself",
    "users.revoke_apikey": "revoke keys of the API",
    "users.erase_user": "ask for a customer's data to be erased, and confirm what somebody else asked for",
    "users.view_erasure": "see who was erased, by number, and the certificates of it",
    "auth.view_group": "see what each role may do",
    "history.view_reports": "see the reports",
    "history.view_event": "see the log of events and the activity log",
    "history.view_mirror": "see how the mirror is doing",
    "history.requeue_events": "try parked events again, repair the mirror",
    "history.view_endpoint": "see webhooks",
    "history.add_endpoint": "add webhooks",
    "history.change_endpoint": "change webhooks, make new secrets, deliver again",
    "history.delete_endpoint": "delete webhooks",
    "history.view_delivery": "see what was delivered to webhooks",
    "history.archive_order": "archive orders and restore them",
}

_CATALOGUE = {label for label in PERMISSIONS if label.startswith("catalog.")}

ROLES: dict[str, set[str]] = {
    "Order desk": {
        "orders.view_order",
        "orders.change_order",
        "orders.refund_order",
        "catalog.view_product",
        "catalog.view_category",
        "users.view_user",
    },
    "Catalogue": _CATALOGUE,
    "Analyst": {"history.view_reports"},
    "Manager": set(PERMISSIONS),
}


def make_groups(sender: AppConfig, apps: Apps, using: str, **kwargs: Any) -> None:
    """Make every role's group with the permissions there are by now; runs at the end of each `migrate`."""
    try:
        groups = apps.get_model("auth", "Group")._default_manager.using(using)
        permissions = apps.get_model("auth", "Permission")._default_manager.using(using)
    except LookupError:
        return  # on the way back to nothing
    for name, labels in ROLES.items():
        group, _ = groups.get_or_create(name=name)
        group.permissions.set(permissions.filter(_labelled(labels)))


def _labelled(labels: Iterable[str]) -> Q:
    wanted = Q(pk__in=[])
    for label in labels:
        app, codename = label.split(".")
        wanted |= Q(content_type__app_label=app, codename=codename)
    return wanted
