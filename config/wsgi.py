"""The door for gunicorn."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
try:
    application = get_wsgi_application()
except ImproperlyConfigured as error:
    print(f"Configuration: {error}", file=sys.stderr)
    # By this code of a worker gunicorn knows that another one would fare no better, and ends.
    sys.exit(4)
