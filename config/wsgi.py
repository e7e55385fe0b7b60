"""The door for gunicorn."""

import os
import re
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Everything is UTF-8, whatever the client says: some of Python's encodings are not for text, and Django would fail to
# read the request, before any page for errors could be made.
CHARSET = re.compile(r";\s*charset[^;]*", re.IGNORECASE)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    environ["CONTENT_TYPE"] = CHARSET.sub("", environ.get("CONTENT_TYPE", ""))
    # No cookie of the shop has a backslash; to unquote many takes Python before 3.12.6 the square of their number.
    environ["HTTP_COOKIE"] = environ.get("HTTP_COOKIE", "").replace("\\", "")
    return django_application(environ, start_response)


try:
    django_application = get_wsgi_application()
    # Loaded before anybody is let in, or the first visitor would wait for it.
    import_module(settings.ROOT_URLCONF)
except ImproperlyConfigured as error:
    print(f"Configuration: {error}", file=sys.stderr)
    # By this code of a worker gunicorn knows that another one would fare no better, and ends.
    sys.exit(4)
