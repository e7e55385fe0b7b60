"""Every address of the site."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("catalog.urls")),
    path("", include("orders.urls")),
    path("", include("history.urls")),
    path("account/", include("users.urls")),
    path("account/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]
