"""Every text of the shop is marked for translation, and there in German."""

from __future__ import annotations

import ast
import io
import re
import string
from html.parser import HTMLParser

import pytest
from babel.messages.mofile import read_mo
from django.urls import reverse
from django.utils import translation

from config.templatetags.money import money, price_range
from tests import words
from tests.factories import CategoryFactory, ProductFactory, StaffFactory, UserFactory
from tests.pages import text, told

GERMAN = {"accept-language": "de-AT,de;q=0.9,en;q=0.5"}
# Told to people, but not by the shop.
NOT_OF_THE_SHOP = ("templates/admin/", "templates/history/reports/")
SAME = {"Name", "Status", "English", "Deutsch"}

# Said to programmers and to staff, or stored.
UNMARKED = {
    "Stock moves within the transaction of what moves it.",
    "An order has at least one item, each product once, with a quantity of 1 or more.",
    "Inactive people cannot sign in.",
    "Mails wait, none is lost",
    "Imports wait, none is lost",
    "May enter the back office.",
    "Has every permission.",
    "Retired products stay in orders, unsold.",
    "Can take items back and refund them",
    "Can export orders",
    "Can look after staff and give roles up to their own",
    "Can ask for a person's data to be erased, and confirm what somebody else asked for",
    "Closed account",
    "The system that gets it; it stands in each order's history.",
    "If given, the key is for the orders of this customer alone.",
    "Can revoke keys of the API",
    "Can correct and restock products",
    "Can import products, their stock too",
    "Can export products",
    "Cancelled order",
    "Edited order",
    "Opening stock",
    "Product deleted",
    "Being looked at",
    "To be confirmed",
    "Being imported",
    "Returned goods",
    "The order is not here any more.",
    "The customer's account is closed.",
    "A key may send at least one request a minute.",
    "A key that is in use has this name.",
    "A movement changes the stock.",
    "A price is 0 or more.",
    "A quantity is 1 or more.",
    "A refund is 0 or more.",
    "A request with this Idempotency-Key was answered already.",
    "An account has an e-mail address.",
    "An erasure of this person is under way already.",
    "Another key begins like this one. Make a new one.",
    "Another order has this reference.",
    "Another product has this SKU.",
    "Orders do not have this status.",
    "Stock does not move for this reason.",
    "Stock is 0 or more.",
    "The total of an order is 0 or more.",
    "There is a mail about this change already.",
    "This order was placed already.",
    "This product is in the cart already.",
    "Whoever asks for an erasure does not confirm it.",
}
MARKERS = {"_", "gettext", "gettext_lazy", "pgettext", "ngettext"}
# Where customers are told something: all but the back office and the API, which speak one language.
SHOP_MODULES = [
    path
    for pattern in (
        "users/**/*.py",
        "catalog/**/*.py",
        "orders/**/*.py",
        "config/templatetags/*.py",
        "history/*view*.py",
    )
    for path in sorted(words.ROOT.glob(pattern))
    if not re.search("admin|order_d|stock_desk|product_|desk_forms|edits|returns|erasing|seen|images|^api", path.name)
    and path.parent.name not in ("migrations", "commands")
]
SHOP_MODULES += [words.ROOT / "history" / name for name in ("changes.py", "timeline.py")]


def placeholders(message: str) -> set[str]:
    named = {name for _, name, _, _ in string.Formatter().parse(message.replace("%(", "(")) if name}
    return named | set(re.findall(r"%\((\w+)\)s|href=\"([^\"]*)\"", message))


def test_no_marked_text_stands_within_an_f_string():
    """Whether it is collected there depends on the version of Python."""
    within = [
        f"{path}: {ast.unparse(call)}"
        for path, source in words._sources()
        if path.suffix == ".py"
        for string_ in ast.walk(ast.parse(source))
        if isinstance(string_, ast.JoinedStr)
        for call in ast.walk(string_)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in words.FUNCTIONS
    ]

    assert within == []


def test_every_marked_text_is_translated_and_nothing_else():
    marked = {(message.id, message.context) for message in words.collect() if message.id}
    known = {(message.id, message.context): message for message in words.translated() if message.id}

    assert marked == known.keys(), "run `make words` and translate what is new"
    for message in known.values():
        sides = list(zip(message.id, message.string, strict=True)) if message.pluralizable else [
            (message.id, message.string)
        ]  # fmt: skip
        for english, german in sides:
            assert german, english
            assert placeholders(english) == placeholders(german), english
        assert not message.fuzzy, message.id


def test_the_compiled_translations_are_those_of_the_text_file():
    now = read_mo(io.BytesIO(words.compiled(words.translated())))
    committed = read_mo(io.BytesIO((words.FOLDER / "django.mo").read_bytes()))

    assert [(m.id, m.context, m.string) for m in committed if m.id] == [
        (m.id, m.context, m.string) for m in now if m.id
    ], "run `make words`"


class Texts(HTMLParser):
    """What a page says, attributes included."""

    def __init__(self, body: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._silent = 0
        self.feed(body)

    def handle_starttag(self, tag, attrs):
        self._silent += tag in ("script", "style")
        for name, value in attrs:
            if name in ("aria-label", "placeholder", "title", "alt"):
                self.handle_data(value or "")

    def handle_endtag(self, tag):
        self._silent -= tag in ("script", "style")

    def handle_data(self, data):
        if not self._silent and re.search(r"[^\W\d_]{2}", data):
            self.found.add(" ".join(data.split()))


def bare_texts(source: str) -> set[str]:
    """What a template says outside of its translated parts."""
    source = re.sub(r"{% comment.*?endcomment %}|{#.*?#}", "", source, flags=re.DOTALL)
    source = re.sub(r"{% blocktranslate.*?endblocktranslate %}", "", source, flags=re.DOTALL)
    said_by_filters = set(
        re.findall(r'\|(?:default|yesno|pluralize|default_if_none):"([^"]*[A-Za-z]{2}[^"]*)"', source)
    )
    plain = re.sub(r"{%.*?%}|{{.*?}}|\bShop\b", "", source, flags=re.DOTALL)
    return Texts(plain).found | said_by_filters


def test_no_template_of_the_shop_says_anything_unmarked():
    found = {}
    for path in sorted((words.ROOT / "templates").rglob("*.*")):
        if path.suffix == ".css":
            continue
        name = str(path.relative_to(words.ROOT))
        if not name.startswith(NOT_OF_THE_SHOP) and (bare := bare_texts(path.read_text()) - {"submit"}):
            found[name] = bare

    assert found == {}
    assert bare_texts('<p title="Bare">{% translate "Marked" %} bare {{ x|default:"none" }}</p>') == {
        "Bare", "bare", "none"
    }  # fmt: skip


def unmarked(source: str) -> set[str]:
    """Sentences in Python that no translation would reach: several words, the first with a capital, or a quotation."""
    tree = ast.parse(source)
    marked = {
        id(each)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") in MARKERS
        for each in ast.walk(call)
    }
    # Logs are for those who run the shop.
    marked |= {
        id(each)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "warning"
        for each in call.args
    }
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return {
        node.value
        for node in texts
        if id(node) not in marked | docstrings and re.match(r"\s*[“A-Z][\w”’]*[a-z”][,.:]? \S", node.value)
    }


def test_no_module_of_the_shop_says_anything_unmarked():
    found = {str(path): unmarked(path.read_text()) - UNMARKED for path in SHOP_MODULES}

    assert {name: texts for name, texts in found.items() if texts} == {}
    assert unmarked('"""Doc string."""\nx = _("Well marked")\ny = f"Not marked {x}"') == {"Not marked "}


@pytest.fixture
def data():
    """Names that are no words of any language, so that they can be told from the shop's own."""
    return {
        "product": ProductFactory(
            name="Zyx", sku="Q1", stock=3, description="Zyx", category=CategoryFactory(name="Qwo")
        ),
        "customer": UserFactory(name="Bo", email="bo@zyx.example"),
    }


def english_left(client, path, data=None):
    """Texts of a page that are the same in both languages."""
    send = (
        (lambda **options: client.post(path, data, **options))
        if data is not None
        else (lambda **o: client.get(path, **o))
    )
    english, german = send(), send(headers=GERMAN)
    assert english.status_code == german.status_code != 302
    assert 'lang="de"' in german.content.decode()
    assert not re.search(r"\b(du|dein\w*|dir|dich)\b", text(german), re.IGNORECASE), path
    same = Texts(english.content.decode()).found & Texts(german.content.decode()).found
    names = r"Shop|Zyx|Qwo|\bBo\b|bo@zyx.example|Q1|UTC|€|Python|Werkzeug"
    return {each for each in same if re.search(r"[^\W\d_]{2}", re.sub(names, "", each))} - SAME


@pytest.mark.django_db
def test_pages_of_a_guest_have_no_english_left(client, data):
    product = data["product"]
    left = {path: english_left(client, path) for path in ("/cart/", "/search/?q=nothing", "/search/?q=z")}
    client.post(reverse("orders:cart_add"), {"product": product.pk, "quantity": 2})
    client.get("/cart/")
    left |= {
        path: english_left(client, path)
        for path in ("/", "/?in_stock=on&min_price=5&sort=evil&page=7&attribute=x", "/?min_price=99", "/search/?q=zyx",
                     "/c/unknown/", product.category.get_absolute_url(), product.get_absolute_url(), "/cart/",
                     "/account/login/", "/account/signup/", "/account/password/reset/", "/account/password/reset/done/",
                     "/account/password/reset/key/x-set-password/")
    }  # fmt: skip
    left["bad sign-up"] = english_left(client, "/account/signup/", {"email": "no", "password1": "1"})
    left["bad quantity"] = english_left(client, reverse("orders:cart_update"), {"product": product.pk, "quantity": "x"})

    assert {path: found for path, found in left.items() if found} == {}


@pytest.mark.django_db
def test_pages_of_a_customer_have_no_english_left(client, data, place, mirror):
    order = place(data["product"], customer=data["customer"])
    client.force_login(data["customer"])
    client.post(reverse("orders:cart_add"), {"product": data["product"].pk})
    client.get("/cart/")
    pages = ("/account/", "/account/addresses/add/", "/account/email/", "/account/2fa/", "/account/sessions/",
             "/account/password/change/", "/account/logout/", "/account/reauthenticate/", "/checkout/", "/orders/",
             "/orders/?tab=delivered", "/orders/?tab=no&q=nothing", f"/orders/{order.pk}/",
             f"/orders/{order.pk}/receipt/", f"/orders/{order.pk}/cancel/", f"/checkout/done/{order.pk}/")  # fmt: skip

    left = {path: english_left(client, path) for path in pages}
    left["bad checkout"] = english_left(client, "/checkout/", {"key": "5b0f3c4e-3c0f-4b0e-8f3e-2a5f6c7d8e9f"})

    assert {path: found for path, found in left.items() if found} == {}


@pytest.mark.django_db
def test_the_language_is_the_browsers_until_somebody_chooses(client, data):
    path = data["product"].get_absolute_url()

    assert "In den Warenkorb" in text(client.get(path, headers=GERMAN))
    assert "Add to cart" in text(client.get(path, headers={"accept-language": "fr"}))
    chosen = client.post(reverse("set_language"), {"language": "en", "next": path})
    assert chosen["Location"] == path
    assert "Add to cart" in text(client.get(path, headers=GERMAN))
    away = client.post(reverse("set_language"), {"language": "xx", "next": "https://elsewhere.example/"})
    assert away["Location"] == "/"
    assert "Add to cart" in text(client.get(path, headers=GERMAN))
    # What is drawn once and kept does not go to somebody of another language.
    client.cookies.clear()
    assert "Nur vorrätige" in text(client.get("/", headers=GERMAN))
    assert "In stock only" in text(client.get("/"))
    assert translation.get_language() == "en"


@pytest.mark.django_db
def test_back_office_and_reports_speak_one_language(client):
    client.force_login(StaffFactory())

    for path in ("/admin/", "/admin/orders/order/", "/reports/"):
        page = client.get(path, headers=GERMAN)

        assert 'lang="en' in page.content.decode()
        assert "Deutsch" not in text(page)


@pytest.mark.django_db
def test_messages_come_in_the_language_of_whom_they_are_for(client, data):
    product = data["product"]

    added = client.post(reverse("orders:cart_add"), {"product": product.pk, "quantity": 9}, headers=GERMAN)

    assert told(added)[0].startswith("Zyx: nur noch 3 vorrätig")
    with translation.override("de"):
        assert money(product.price * -100) == "−1.000,00\N{NO-BREAK SPACE}$"
        assert price_range(product.price, None) == "Ab 10,00\N{NO-BREAK SPACE}$"
    assert money(product.price) == "$10.00"
