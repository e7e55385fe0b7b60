"""The account page: name and saved addresses."""

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.factories import UserFactory
from tests.pages import breaks_csp, text, told
from users.addresses import keep_address
from users.models import Address

pytestmark = pytest.mark.django_db

ACCOUNT, ADD = reverse("users:account"), reverse("users:address_add")
HOME = {
    "name": "Ada",
    "line1": "1 High Street",
    "line2": "",
    "city": "Springfield",
    "postcode": "123",
    "country": "Utopia",
}
WORK = HOME | {"line1": "2 Mill Lane", "line2": "Floor 3"}
ADDRESS_PAGES = ["address_change", "address_remove", "address_prefer"]


@pytest.fixture
def customer():
    return UserFactory(name="Ada", email="ada@shop.example")


@pytest.fixture
def saved(customer):
    """Two addresses; the work's was used last."""
    for lines in (HOME, WORK):
        keep_address(customer, lines, at=timezone.now())
    return {address.line1: address for address in Address.objects.for_customer(customer)}


def streets(customer) -> list[str]:
    return [address.line1 for address in Address.objects.for_customer(customer)]


def at(name: str, address: Address) -> str:
    return reverse(f"users:{name}", args=[address.pk])


def test_the_account_shows_who_somebody_is(shopper, saved):
    page = shopper.get(ACCOUNT)

    shown = text(page)
    assert "ada@shop.example" in shown
    assert "Ada 2 Mill Lane Floor 3 123 Springfield Utopia" in shown
    assert "Second factor Off" in shown
    assert breaks_csp(page) == []


def test_the_name_is_changed(shopper, customer):
    response = shopper.post(ACCOUNT, {"name": "Ada Lovelace"}, follow=True)

    customer.refresh_from_db()
    assert customer.name == "Ada Lovelace"
    assert "Your name is saved." in text(response)


@pytest.mark.parametrize("name", ["", " ", "x" * 201, "\x00"])
def test_a_bad_name_changes_nothing(shopper, customer, name):
    response = shopper.post(ACCOUNT, {"name": name})

    customer.refresh_from_db()
    assert response.status_code == 422
    assert b"<title>Error: " in response.content
    assert customer.name == "Ada"


def test_an_address_is_added(shopper, customer):
    assert "None saved yet." in text(shopper.get(ACCOUNT))

    response = shopper.post(ADD, WORK)

    assert response["Location"] == ACCOUNT
    assert Address.objects.get().customer == customer
    assert Address.objects.get().lines() == WORK


def test_the_same_address_is_kept_once(shopper, customer, saved):
    shopper.post(ADD, HOME)

    assert streets(customer) == ["1 High Street", "2 Mill Lane"]


@pytest.mark.parametrize("bad", [{"line1": ""}, {"city": " "}, {"name": "x" * 201}, {"country": "\x00"}])
@pytest.mark.parametrize("is_new", [True, False])
def test_a_bad_address_is_shown_again_and_not_kept(shopper, customer, saved, bad, is_new):
    path = ADD if is_new else at("address_change", saved["1 High Street"])

    response = shopper.post(path, HOME | {"postcode": "999"} | bad)

    assert response.status_code == 422
    assert 'value="999"' in response.content.decode()
    assert "There is a problem" in text(response)
    assert not Address.objects.filter(postcode="999").exists()


def test_an_address_is_changed(shopper, customer, saved):
    page = shopper.get(at("address_change", saved["2 Mill Lane"]))
    assert 'value="Floor 3"' in page.content.decode()

    shopper.post(at("address_change", saved["2 Mill Lane"]), HOME | {"line1": "9 New Road"})

    assert streets(customer) == ["9 New Road", "1 High Street"]
    assert Address.objects.get(line1="9 New Road").line2 == ""


def test_an_address_is_removed_after_a_question(shopper, customer, saved):
    page = shopper.get(at("address_remove", saved["2 Mill Lane"]))
    assert "Remove this address?" in text(page)
    assert len(streets(customer)) == 2

    shopper.post(at("address_remove", saved["2 Mill Lane"]))

    assert streets(customer) == ["1 High Street"]


@pytest.mark.parametrize("name", ADDRESS_PAGES)
def test_who_sends_a_form_of_an_address_removed_in_another_tab_is_told_so(shopper, customer, saved, name):
    path = at(name, saved["2 Mill Lane"])
    shopper.post(at("address_remove", saved["2 Mill Lane"]))
    shopper.get(ACCOUNT)

    response = shopper.post(path, HOME | {"line1": "9 New Road"})

    assert told(response) == ["That address was removed meanwhile. Nothing was changed."]
    assert streets(customer) == ["1 High Street"]


def test_the_default_is_the_one_checkout_offers_first(shopper, customer, saved):
    shopper.post(at("address_prefer", saved["1 High Street"]))

    assert streets(customer) == ["1 High Street", "2 Mill Lane"]
    assert "1 High Street 123 Springfield Utopia Change" in text(shopper.get(ACCOUNT))


def test_there_is_an_end_to_addresses(shopper, customer):
    for number in range(Address.MOST):
        keep_address(customer, HOME | {"line1": str(number)}, at=timezone.now())

    response = shopper.post(ADD, WORK)

    assert "You can keep 20 addresses." in told(response)[0]
    assert len(streets(customer)) == Address.MOST


@pytest.mark.parametrize("name", ADDRESS_PAGES)
def test_anothers_address_is_not_there(client, customer, saved, name):
    client.force_login(UserFactory())

    for address_id in (saved["1 High Street"].pk, 999_999):
        path = reverse(f"users:{name}", args=[address_id])
        assert client.get(path).status_code == (405 if name == "address_prefer" else 404)
        assert told(client.post(path, WORK)) == ["That address was removed meanwhile. Nothing was changed."]

    assert streets(customer) == ["2 Mill Lane", "1 High Street"]


@pytest.mark.parametrize("path", [ACCOUNT, ADD, "/account/addresses/1/", "/account/data/", "/account/close/"])
def test_guests_sign_in_first(client, path):
    assert client.get(path)["Location"].startswith(reverse("account_login"))


def test_more_addresses_need_no_more_queries(shopper, customer, saved, django_assert_max_num_queries):
    for number in range(10):
        keep_address(customer, HOME | {"line1": str(number)}, at=timezone.now())

    # Session, user, addresses, second factor, permissions, cart.
    with django_assert_max_num_queries(6):
        shopper.get(ACCOUNT)
