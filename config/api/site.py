"""The API as a whole: which app answers what, and how its errors are told. Every address is under /api/v1/."""

from __future__ import annotations

import json
import logging
from typing import Any

from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation
from ninja.parser import Parser
from pymongo.errors import PyMongoError

import catalog.api
import history.api.events
import history.api.orders
import history.api.reports
import orders.api
from config.api import description
from config.api.middleware import busy
from config.api.problems import Problem, invalid
from config.api.types import UNKNOWN
from history.models import ArchivedOrder
from history.past.find import Untold
from history.patience import Away
from orders.models import Order

logger = logging.getLogger(__name__)

PLACES = {"query": "parameter", "path": "parameter", "header": "header"}


class StrictParser(Parser):
    """JSON as its standard has it: no NaN, and nothing that only looks like JSON."""

    def parse_body(self, request: HttpRequest) -> Any:
        if request.content_type != "application/json":
            raise Problem("unsupported-media-type")
        return json.loads(request.body, parse_constant=_refuse)


class ShopApi(NinjaAPI):
    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        return description.completed(super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params))


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


api = ShopApi(
    title="Shop API",
    version="1.0.0",
    description=description.INTRODUCTION,
    parser=StrictParser(),
    urls_namespace="api",
)
api.add_router("/products", catalog.api.router)
api.add_router("/orders", orders.api.router)
api.add_router("/reports", history.api.reports.router)
api.add_router("/events", history.api.events.router)


@api.exception_handler(Problem)
def _problem(request: HttpRequest, error: Problem) -> HttpResponse:
    return error.response()


@api.exception_handler(ValidationError)
def _not_valid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    return invalid([told for each in error.errors for told in _all_told(each)]).response()


@api.exception_handler(HttpError)
def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    """The framework's own: the body cannot be read, and why stands behind it."""
    if isinstance(error.__cause__, Problem):
        return error.__cause__.response()
    return Problem("malformed", f"The body is no JSON: {str(error.__cause__)[:200]}").response()


@api.exception_handler(Http404)
def _not_found(request: HttpRequest, error: Http404) -> HttpResponse:
    return Problem("not-found").response()


@api.exception_handler(Order.DoesNotExist)
def _no_order(request: HttpRequest, error: Order.DoesNotExist) -> HttpResponse:
    """Whoever changes orders looks among the live ones."""
    asked, key = request.resolver_match, request.api_key  # type: ignore[attr-defined]
    assert asked is not None
    archived = ArchivedOrder.objects.filter(pk=asked.kwargs["order_id"])
    if key.customer_id is None and archived.exists():
        return Problem("order-archived", "It is over. Staff can restore it in the back office.").response()
    return Problem("not-found").response()


@api.exception_handler(PyMongoError)
@api.exception_handler(Away)
def _unreachable(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.warning("The API could not read the history: %s", str(error)[:200])
    detail = "Reports and archived orders cannot be read now. Live orders are unaffected."
    return Problem("history-unreachable", detail, headers={"Retry-After": "5"}).response()


@api.exception_handler(Untold)
def _untold(request: HttpRequest, error: Untold) -> HttpResponse:
    return _unreachable(request, error) if error.is_away else Problem("unreadable", str(error)).response()


@api.exception_handler(OperationalError)
def _busy(request: HttpRequest, error: OperationalError) -> HttpResponse:
    return busy(error).response()


def _all_told(error: dict[str, Any]) -> list[dict[str, str]]:
    """One of each parameter that is not known: they were found together."""
    if error["type"] != UNKNOWN:
        return [_told(error)]
    return [_told(error | {"loc": ("query", name)}) for name in error["ctx"]["names"]]


def _told(error: dict[str, Any]) -> dict[str, str]:
    """What is wrong and where: a pointer into the body, or the name of a parameter or header."""
    source, *path = error["loc"]
    detail = str(error["msg"]).removeprefix("Value error, ")
    if source in PLACES:
        return {"detail": f"{path[-1]}: {detail}" if path else detail, PLACES[source]: str(path[-1]) if path else ""}
    # The first step is the name of the view's own argument.
    steps = [str(step).replace("~", "~0").replace("/", "~1") for step in path[1:]]
    return {"detail": f"{steps[-1]}: {detail}" if steps else detail, "pointer": "#" + "".join(f"/{s}" for s in steps)}


def urls() -> tuple[list[Any], str, str]:
    """For config.urls: the API asks for a key, never for a sign-in."""
    patterns, app, namespace = api.urls
    for pattern in patterns:
        assert isinstance(pattern, URLPattern)
        pattern.callback.login_required = False  # type: ignore[attr-defined]
    return patterns, app, namespace
