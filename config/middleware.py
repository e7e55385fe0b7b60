"""What no page could take is refused at the door; which language a page speaks; the page of an address that is none."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.middleware.locale import LocaleMiddleware
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.cache import add_never_cache_headers

# Their texts are not translated; half of a page in another language helps nobody.
ONE_LANGUAGE = ("/admin/", "/reports/", "/api/")

# Bytes, and where a request may bring as many: a picture, or a list of prices.
LARGEST_UPLOAD = 21 * 2**20
# Of a form of the shop, which anybody may send: a cart's hundred products with their names are a fraction of it.
MAX_SHOP_FORM = 2**18
UPLOADS = "/admin/catalog/product/"
# As Django draws it by lot.
SESSION_KEY = re.compile(r"[0-9a-z]{32}", re.ASCII)


def sound_requests(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Refuse what is too large before it is read, and leave aside what would make reading the rest fail."""

    def respond(request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or ""
        largest = settings.DATA_UPLOAD_MAX_MEMORY_SIZE if request.path_info.startswith(ONE_LANGUAGE) else MAX_SHOP_FORM
        if request.path_info.startswith(UPLOADS):
            largest = LARGEST_UPLOAD
        # Django itself counts no files.
        if length.isdecimal() and int(length) > largest:
            raise RequestDataTooBig(f"{length} bytes")
        # In quotes a cookie can have any character, NUL too, which no table takes.
        if not SESSION_KEY.fullmatch(request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")):
            request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
        return get_response(request)

    return respond


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
