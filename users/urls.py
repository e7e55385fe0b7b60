from __future__ import annotations

from django.urls import path

from users import address_views, views

app_name = "users"
urlpatterns = [
    path("", views.account, name="account"),
    path("addresses/add/", address_views.address_add, name="address_add"),
    path("addresses/<int:address_id>/", address_views.address_change, name="address_change"),
    path("addresses/<int:address_id>/remove/", address_views.address_remove, name="address_remove"),
    path("addresses/<int:address_id>/prefer/", address_views.address_prefer, name="address_prefer"),
]
