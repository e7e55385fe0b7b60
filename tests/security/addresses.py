"""Every address of the site, each with something to ask it for.

An address that comes with an argument nobody has told here of is an error, so that a new page is attacked from its
first day on; whoever adds one adds what it takes to seed.py's samples, or here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, get_resolver
from django.urls.resolvers import RoutePattern, URLResolver
from django.utils.regex_helper import normalize

from tests.security.shops import Shop

# For whom nobody has to sign in. Everything else is for somebody.
PUBLIC = {
    "catalog:product_list",
    "catalog:category",
    "catalog:search",
    "catalog:product",
    "catalog:picture",
    "catalog:placeholder",
    "orders:cart",
    "orders:cart_add",
    "orders:cart_update",
    "orders:cart_remove",
    "set_language",
    "account_login",
    "account_logout",
    "account_inactive",
    "account_signup",
    "account_email_verification_sent",
    "account_confirm_login_code",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "mfa_authenticate",
    # What the API can do, told to whoever writes a client of it.
    "api:api-root",
    "api:openapi-json",
    "api:openapi-view",
}
# In the back office, what takes something other than its model's own.
OTHERS: dict[tuple[str, str], str] = {
    ("admin:view_on_site", "object_id"): "product_id",
    ("admin:history_of_object", "object_id"): "user_id",
    ("admin:auth_user_password_change", "id"): "user_id",
    ("catalog:category", "slug"): "category_slug",
    ("catalog:picture", "name"): "picture",
}
# What leads to nothing in particular.
ANYTHING: dict[str, Any] = {
    "app_label": "users",
    "app": "users",
    "model": "user",
    "url": "nowhere/at/all",
    "uidb36": "1",
    "key": "set-password",
    "name": "sales",
}


@dataclass(frozen=True)
class Address:
    """name: as reverse() takes it, "" where it has none. takes: its arguments' names. path: one that it answers."""

    name: str
    takes: tuple[str, ...]
    path: str
    _template: str

    def of(self, **values: Any) -> str:
        """The same with other arguments, of which it takes all."""
        return self._template % values

    @property
    def is_api(self) -> bool:
        return self.path.startswith("/api/")


def addresses(shop: Shop) -> list[Address]:
    """Raises LookupError for one that takes what nobody told of."""
    return list(_walk(get_resolver(), shop))


def _walk(resolver: URLResolver, shop: Shop, before: str = "/", space: str = "") -> Iterator[Address]:
    for each in resolver.url_patterns:
        template = before + _template(each)
        if isinstance(each, URLPattern):
            name = f"{space}{each.name}" if each.name else ""
            takes = tuple(re.findall(r"%\((\w+)\)s", template))
            values = {argument: _sample(shop, name, argument, template) for argument in takes}
            yield Address(name, takes, template % values, template)
        else:
            yield from _walk(each, shop, template, f"{space}{each.namespace}:" if each.namespace else space)


def _template(each: URLPattern | URLResolver) -> str:
    """ "orders/%(order_id)s/" """
    if isinstance(each.pattern, RoutePattern):
        return re.sub(r"<(?:\w+:)?(\w+)>", r"%(\1)s", str(each.pattern))
    [(template, _), *_] = normalize(each.pattern.regex.pattern)
    return template


def _sample(shop: Shop, name: str, argument: str, template: str) -> Any:
    if other := OTHERS.get((name, argument)):
        return shop.samples[other]
    own = re.match(r"/admin/(\w+)/(\w+)/%\(", template)
    if own and argument in ("object_id", "order_id", "product_id", "user_id", "key_id", "endpoint_id", "delivery_id"):
        if name == "admin:orders_order_restore":
            return shop.orders["restorable"]
        return shop.objects["_".join(own.groups())]
    known = ANYTHING | shop.samples
    if argument not in known:
        raise LookupError(f"{name or template} takes {argument}: tell tests/security/seed.py of one")
    return known[argument]
