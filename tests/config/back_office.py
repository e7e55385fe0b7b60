"""Every page and action of the back office, and the permission it asks for: what docs/roles.md tells and a test holds.

A name that is missing here is a test that fails: whoever adds a page says who may see it.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib import admin
from django.urls import URLPattern, get_resolver

from config.admin import SUBJECTS

STAFF = "any staff"
SUPERUSER = "superusers"
NOBODY = "nobody"

# Beside the list and the pages to add, look at, change and delete of each model, which ask for the model's own.
PAGES = {
    "index": STAFF,
    "app_list": "users.view_user",  # or anything else in the app that is asked for
    "jsi18n": STAFF,
    "password_change": STAFF,
    "password_change_done": STAFF,
    "history_of_object": STAFF,
    "view_on_site": STAFF,
    "autocomplete": NOBODY,
    "auth_user_password_change": SUPERUSER,
    "catalog_product_correct": "catalog.move_stock",
    "catalog_product_restock": "catalog.move_stock",
    "catalog_product_export": "catalog.export_product",
    "catalog_product_import": "catalog.import_product",
    "catalog_product_import_sheet": "catalog.import_product",
    "history_activity": "history.view_event",
    "history_mirror": "history.view_mirror",
    "users_apikey_delete": NOBODY,
    "users_apikey_revoke": "users.revoke_apikey",
    "orders_order_export": "orders.export_order",
    "orders_order_edit": "orders.change_order",
    "orders_order_return": "orders.refund_order",
    "users_user_erase": "users.erase_user",
    "users_user_keys": "users.view_apikey",
    "users_erasure_add": NOBODY,
    "users_erasure_delete": NOBODY,
    "orders_order_restore": "history.archive_order",
    "orders_order_add": NOBODY,
    "orders_order_delete": NOBODY,
    "mfa_authenticator_add": NOBODY,
    "usersessions_usersession_add": NOBODY,
    "history_event_add": NOBODY,
    "history_event_delete": NOBODY,
    "history_endpoint_secret": "history.view_endpoint",  # shows nothing but to who has just made it
    "history_delivery_add": NOBODY,
    "history_delivery_delete": NOBODY,
}
# What a form may be sent to; the pages of models again ask for the model's own.
FORMS = {
    "auth_user_password_change": SUPERUSER,
    "catalog_product_correct": "catalog.move_stock",
    "catalog_product_restock": "catalog.move_stock",
    "catalog_product_import": "catalog.import_product",
    "catalog_product_import_sheet": "catalog.import_product",
    "users_apikey_change": NOBODY,
    "users_apikey_delete": NOBODY,
    "users_apikey_revoke": "users.revoke_apikey",
    "history_requeue": "history.requeue_events",
    "orders_order_status": "orders.change_order",
    "orders_order_note": "orders.change_order",
    "orders_order_edit": "orders.change_order",
    "orders_order_return": "orders.refund_order",
    "users_user_erase": "users.erase_user",
    "users_user_keys": "users.view_apikey",
    "users_erasure_add": NOBODY,
    "users_erasure_change": NOBODY,
    "users_erasure_delete": NOBODY,
    "orders_order_restore": "history.archive_order",
    "orders_order_change": NOBODY,
    "orders_order_add": NOBODY,
    "orders_order_delete": NOBODY,
    "mfa_authenticator_add": NOBODY,
    "usersessions_usersession_add": NOBODY,
    "mfa_authenticator_change": NOBODY,
    "usersessions_usersession_change": NOBODY,
    "history_event_add": NOBODY,
    "history_event_change": NOBODY,
    "history_event_delete": NOBODY,
    "history_endpoint_rotate": "history.change_endpoint",
    "history_delivery_redeliver": "history.change_endpoint",
    "history_delivery_change": NOBODY,
    "history_delivery_add": NOBODY,
    "history_delivery_delete": NOBODY,
}
ACTIONS = {
    **{f"orders.order: {name}": "orders.change_order" for name in (
        "mark_paid", "mark_shipped", "mark_delivered", "mark_cancelled",
    )},
    "orders.order: export_selected": "orders.export_order",
    "catalog.product: retire": "catalog.change_product",
    "catalog.product: activate": "catalog.change_product",
    "users.user: activate_selected": "users.change_user",
    "users.user: deactivate_selected": "users.change_user",
    "account.emailaddress: make_verified": SUPERUSER,
    **{f"{label}: delete_selected": SUPERUSER for label in (
        "account.emailaddress", "mfa.authenticator", "usersessions.usersession",
    )},
}  # fmt: skip
# In and out; the second only ends one's session.
DOORS = {"login", "logout"}


def patterns() -> dict[str, list[str]]:
    """Return the names of the back office's addresses, each with the names of what they take."""
    return dict(_walk(next(each for each in get_resolver().url_patterns if str(each.pattern) == "admin/")))


def _walk(resolver) -> Iterator[tuple[str, list[str]]]:
    for each in resolver.url_patterns:
        if not isinstance(each, URLPattern):
            yield from _walk(each)
        elif each.name:
            yield each.name, list(each.pattern.converters) or list(each.pattern.regex.groupindex)


def pages() -> dict[str, str]:
    """Return which permission opens each page."""
    return _of_models(add="add", change="view", delete="delete", changelist="view") | _histories() | PAGES


def forms() -> dict[str, str]:
    """Return which permission sends each form."""
    return _of_models(add="add", change="change", delete="delete") | FORMS


def _histories() -> dict[str, str]:
    """They lead to the activity log, which asks for its own permission; of the rest there is none."""
    models = [model._meta for model in admin.site._registry]
    return {f"{of.app_label}_{of.model_name}_history": STAFF if of.model_name in SUBJECTS else NOBODY for of in models}


def _of_models(**permissions: str) -> dict[str, str]:
    models = [model._meta for model in admin.site._registry]
    return {
        f"{of.app_label}_{of.model_name}_{page}": f"{of.app_label}.{may}_{of.model_name}"
        for of in models
        for page, may in permissions.items()
    }
