"""An address that a category had leads to the one it has now."""

import pytest
from django.db import connection

from catalog.models import Category
from tests.factories import CategoryFactory

pytestmark = pytest.mark.django_db


def rename(before, after):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE categories SET slug = %s WHERE slug = %s", [after, before])


def test_each_old_address_leads_to_the_new_one(client):
    category = CategoryFactory(slug="lamps")
    category.slug = "lights"
    category.save()
    rename("lights", "lighting")

    for old in ("lamps", "lights"):
        response = client.get(f"/c/{old}/?sort=price&page=2")
        assert (response.status_code, response["Location"]) == (301, "/c/lighting/?sort=price&page=2")
        assert response["Cache-Control"] == "no-cache"
    assert client.get("/c/lighting/").status_code == 200
    assert client.get("/c/never/").status_code == 404


def test_a_category_that_has_the_slug_now_comes_first(client):
    CategoryFactory(slug="lamps")
    rename("lamps", "lights")
    CategoryFactory(slug="lamps", name="New lamps")

    assert "New lamps" in client.get("/c/lamps/").content.decode()
    rename("lamps", "others")
    assert client.get("/c/lamps/")["Location"] == "/c/others/"


def test_a_name_got_back_and_a_category_deleted(client):
    CategoryFactory(slug="lamps")
    rename("lamps", "lights")
    rename("lights", "lamps")
    assert client.get("/c/lamps/").status_code == 200
    assert client.get("/c/lights/")["Location"] == "/c/lamps/"

    Category.objects.all().delete()

    assert client.get("/c/lights/").status_code == 404
