"""Every address of the site."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.i18n import set_language

from config import errors
from config.api import site

handler500 = errors.server_error
handler429 = errors.too_many  # of allauth, whose limits they are
urlpatterns = [
    path("", include("catalog.urls")),
    path("", include("orders.urls")),
    path("", include("history.urls")),
    path("account/", include("users.urls")),
    path("account/", include("allauth.urls")),
    path("language/", login_not_required(set_language), name="set_language"),
    path("admin/", admin.site.urls),
    path("api/v1/", site.urls()),
]
