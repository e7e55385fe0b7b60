"""A keeper's day in the back office: a file with three bad lines, a new price, a count that differs."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from catalog import stock
from catalog.models import Product, StockMovement
from history.mirror.reconcile import reconcile
from history.models import Event, Subject
from users.models import User

LIST = "/admin/catalog/product/"
BAD = "BAD-1,No price,,\nBAD-2,Negative,-3,\nBAD-3,No number,1,many\n"


@pytest.mark.timeout(300)
def test_the_day_of_a_catalogue_keeper(visit, tmp_path):
    keeper = User.objects.get(email="staff@shop.example")
    lamp, pen = Product.objects.exclude(sku="").filter(stock__gt=5).order_by("pk")[:2]
    visitor = visit()
    visitor.sign_in(keeper.email)
    page = visitor.page

    visitor.go(f"{LIST}import/")
    sheet = tmp_path / "spring.csv"
    sheet.write_text(f"sku,name,price,stock\n{lamp.sku},Spring lamp,77.00,{lamp.stock + 5}\nNEW-1,Vase,9.99,3\n{BAD}")
    page.locator("input[type=file]").set_input_files(sheet)
    page.get_by_role("button", name="Look at changes").click()
    expect(page.get_by_role("region", name="Bad lines").locator("tbody tr")).to_have_count(3)
    assert not Product.objects.filter(sku="NEW-1").exists()
    page.get_by_label("Leave the 3 bad lines out").check()
    page.get_by_role("button", name="Import 2 lines").click()
    expect(page.get_by_text("1 product added, 1 changed, 0 lines left out, beside the 3 bad.")).to_be_visible()

    visitor.go(f"{LIST}{pen.pk}/change/")
    page.get_by_label("Price:").fill("12.34")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()

    visitor.go(f"{LIST}{pen.pk}/correct/")
    page.get_by_label("Counted").fill(str(pen.stock - 2))
    page.get_by_label("Reason").fill("two broken")
    page.get_by_role("button", name="Correct stock").click()
    expect(page.get_by_text("are left to sell now")).to_be_visible()
    expect(page.get_by_text("two broken")).to_be_visible()

    made = dict(Product.objects.filter(sku__in=[lamp.sku, "NEW-1", pen.sku]).values_list("sku", "stock"))
    assert made == {lamp.sku: lamp.stock + 5, "NEW-1": 3, pen.sku: pen.stock - 2}
    moved = StockMovement.objects.filter(actor_id=keeper.pk).order_by("movement_id")
    assert [(each.delta, each.reason) for each in moved] == [(3, "import"), (5, "import"), (-2, "correction")]
    told = Event.objects.filter(subject=Subject.PRODUCT, actor_id=keeper.pk).order_by("pk")
    assert [each.subject_name for each in told] == ["Vase", "Spring lamp", pen.name, pen.name]
    assert stock.differences() == []
    assert visitor.faults == []
    assert reconcile().differences == []
