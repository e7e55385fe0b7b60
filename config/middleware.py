"""Which language a page speaks."""

from __future__ import annotations

from collections.abc import Awaitable

from django.http import HttpRequest, HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

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
