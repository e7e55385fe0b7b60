"""Which language a page speaks, and the page of an address that is none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.middleware.locale import LocaleMiddleware
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.cache import add_never_cache_headers

# Their texts are not translated; half of a page in another language helps nobody.
ONE_LANGUAGE = ("/admin/", "/reports/", "/api/")


class ShopLocaleMiddleware(LocaleMiddleware):
    """The shop speaks the visitor's language, the back office, the reports and the API that of LANGUAGE_CODE.

    request.LANGUAGE_CODE is there only where the visitor has the choice.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        # The thread goes back to its own language: what it does next is for somebody else.
        with translation.override(translation.get_language()):
            return super().__call__(request)

    def process_request(self, request: HttpRequest) -> None:
        if request.path_info.startswith(ONE_LANGUAGE):
            translation.deactivate()
        else:
            super().process_request(request)


def not_allowed_page(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Show a page with a way on where an address does not take the method; the API has words of its own."""

    def respond(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and not request.path_info.startswith("/api/"):
            response.content = render_to_string("405.html", request=request)
        return response

    return respond


def personal_pages_not_kept(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Nothing that is shown to somebody signed in is kept by their browser or on the way, unless its page says so."""

    def respond(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if not response.has_header("Cache-Control") and request.user.is_authenticated:
            add_never_cache_headers(response)
        return response

    return respond
