"""The door for gunicorn."""

import os
import sys
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIRequest
from django.core.wsgi import get_wsgi_application
from django.utils.http import parse_header_parameters


class Utf8Request(WSGIRequest):
    """UTF-8, whatever the client says of its text: Python knows encodings that are none of texts and fails with them,
    before any page for errors could be made.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
try:
    application = get_wsgi_application()
    application.request_class = Utf8Request
    # Loaded before anybody is let in, or the first visitor would wait for it.
    import_module(settings.ROOT_URLCONF)
except ImproperlyConfigured as error:
    print(f"Configuration: {error}", file=sys.stderr)
    # By this code of a worker gunicorn knows that another one would fare no better, and ends.
    sys.exit(4)
