from __future__ import annotations

from django.urls import path, re_path

from catalog import views

app_name = "catalog"
urlpatterns = [
    path("", views.product_list, name="product_list"),
    path("c/<slug:slug>/", views.category, name="category"),
    path("search/", views.search, name="search"),
    path("p/<slug:slug>/", views.product, name="product"),
    # Where settings.MEDIA_URL leads while files lie in a folder.
    re_path(r"^media/(?P<name>products/[0-9a-f]{32}-(?:large|small)\.webp)$", views.picture, name="picture"),
    path("placeholder/<path:sku>.svg", views.placeholder, name="placeholder"),
]
