"""The back office's frame: Django's admin under the shop's name, entered through the shop's own sign-in."""

from __future__ import annotations

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.utils.decorators import method_decorator


class ShopAdminSite(admin.AdminSite):
    site_header = "Back office"
    site_title = "Back office"
    index_title = "Orders, products, people"

    # The order list needs the width; the start page and the breadcrumb lead everywhere.
    enable_nav_sidebar = False

    # One throttled sign-in for everybody instead of a second one here.
    login = method_decorator(secure_admin_login)(admin.AdminSite.login)
