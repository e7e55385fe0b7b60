"""A product is the first that its own name finds: in any script, however the name is typed."""

import unicodedata
from datetime import UTC, datetime
from random import Random

import pytest
from django.db import connection

from catalog import search
from catalog.forms import search_text
from catalog.listing import BY_RELEVANCE, RELEVANCE
from catalog.models import Product
from history.demo import shop
from tests.factories import CategoryFactory, ProductFactory, UserFactory

pytestmark = pytest.mark.django_db

# Words with accents, vowel points, ligatures and letters whose capitals are two or others.
SCRIPTS = {
    "Latin": "İstanbul Straße naïve Ångström œuvre ﬁlter Kadıköy Žižek smörgåsbord ĳssel",
    "Vietnamese": "Đường điện thoại giường nước mắm",
    "Cyrillic": "ёлка йогурт Київ їжак наушники чайник",
    "Greek": "ΚΑΛΗΜΈΡΑ λόγος φῶς ἄνθρωπος Ὀδυσσεύς",
    "Hebrew": "שָׁלוֹם אוזניות צה״ל מקלדת",
    "Arabic": "مُحَمَّد سماعات آلة لوحة",
    "Devanagari": "हिन्दी क़लम किताब साड़ी पंखा",
    "Thai": "ภาษาไทย หูฟัง น้ำดื่ม กาต้มน้ำ",
    "Chinese": "无线蓝牙耳机 电水壶 筆記型電腦",
    "Japanese": "ガラスの茶碗 ヘッドホン ぱんだ 東京",
    "Korean": "무선 이어폰 주전자 한국어",
    "Georgian": "ქართული ყურსასმენი წიგნი",
    "Armenian": "հայերեն և գիրք ականջակալ",
    "Tamil": "தமிழ் புத்தகம் கெட்டில்",
    "Bengali": "বাংলা হেডফোন কেটলি",
}
ENDINGS = [
    "2.1",
    "2.0",
    "21",
    "24/7",
    "7/24",
    "X-100",
    "X-1000",
    "X100",
    "C++",
    "C#",
    "№ 5",
    "1,5 m²",
    "½ l",
    "A.b-c_d",
]
NAMES = [f"{word} {ending}" for words in SCRIPTS.values() for word in words.split() for ending in ENDINGS[:4]] + [
    f"{Random(number).choice(words.split())} {ending}"
    for words in SCRIPTS.values()
    for number, ending in enumerate(ENDINGS[4:])
]

WORDS_OF_EACH = "SELECT search_words(text) FROM unnest(%s::text[]) WITH ORDINALITY AS t (text, place) ORDER BY place"


def first(typed: str) -> str:
    text = search_text(typed)
    found = search.matching(Product.objects.for_sale(), text, [], search.words_of(text))
    product = found.order_by(*BY_RELEVANCE[RELEVANCE][1]).first()
    return product.name if product else ""


def as_typed(name: str) -> list[str]:
    """Return other ways of typing the same name."""
    return [
        name,
        unicodedata.normalize("NFD", name),
        unicodedata.normalize("NFC", name),
        name.upper(),
        name.lower(),
        name.replace(" ", "  "),
        f" {name}\u00a0",
    ]


def test_each_product_of_the_demo_is_first_for_its_own_name():
    shop.seed(now=datetime(2024, 6, 12, 15, 30, tzinfo=UTC))
    products = Product.objects.for_sale()

    names = set(products.values_list("name", flat=True))

    assert names
    assert [name for name in names for typed in as_typed(name) if first(typed) != name] == []


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_product_is_first_for_its_own_name_in_every_script(form):
    names = [unicodedata.normalize(form, name) for name in dict.fromkeys(NAMES)]
    ProductFactory.create_batch(len(names))
    for product, name in zip(Product.objects.order_by("pk"), names, strict=True):
        Product.objects.filter(pk=product.pk).update(name=name)  # as plain SQL does

    assert [(name, typed) for name in names for typed in as_typed(name) if first(typed) != name] == []


def test_a_name_typed_in_part_is_found(client):
    names = ["Soundbar 2.1", "हिन्दी किताब 24/7", "ภาษาไทย 3-1", "무선 이어폰", "İstanbul lamp", "无线蓝牙耳机 2.1"]
    for name in names:
        ProductFactory(name=name)
    client.force_login(UserFactory())  # guests share pages

    for name in names:
        for form in ("NFC", "NFD"):
            typed = unicodedata.normalize(form, name)
            for end in range(4, len(typed) + 1):
                page = client.get("/search/", {"q": typed[:end]}).context["listing"].page
                assert [product.name for product in page] == [name], typed[:end]


def test_sku_attributes_category_and_description_are_split_as_names_are():
    shelf = CategoryFactory(name="हिन्दी 2.1")
    sold = {
        "sku": {"sku": "ÄB/3.1-Ö"},
        "attributes": {"attributes": {"plug": "क़लम 3.5", "sizes": ["ΛΌΓΟΣ"], "watts": 7.25}},
        "description": {"description": "Für die Straße, 24/7."},
        "category": {"category": shelf},
    }
    for name, fields in sold.items():
        ProductFactory(name=name, **{"sku": "", "category": None} | fields)

    for name, asked in {
        "sku": ["äb/3.1-ö", "AB 3.1", "äb"],
        "attributes": ["क़लम", "3.5", "λόγος", "7.25"],
        "description": ["STRASSE", "24/7", "straße"],
        "category": ["हिन्दी", "हिन्दी 2.1"],
    }.items():
        for text in asked:
            words = search.words_of(text)
            found = search.matching(Product.objects.all(), text, search.all_categories(), words)
            assert [product.name for product in found] == [name], text


def test_a_name_longer_than_a_search_is_found_by_its_beginning():
    name = "Regal " * 12 + "Nummer 20241130 aus Holz"
    ProductFactory(name=name)

    for end in range(10, len(name)):
        # A number of a few digits is not found by its beginning.
        if not search_text(name[:end]).split()[-1].isdigit():
            assert first(name[:end]) == name, name[:end]


def test_every_letter_is_the_same_word_in_any_case_and_however_it_is_composed():
    # Lowercase letters that only Cyrillic manuscripts have, whose capitals are those of other letters.
    letters = [chr(code) for code in range(1, 0x30000) if not 0xD800 <= code < 0xE000 and not 0x1C80 <= code < 0x1C89]
    letters = [letter for letter in letters if unicodedata.category(letter)[0] in "LMN"]
    spellings = [
        letters,
        [letter.upper() for letter in letters],
        [letter.casefold() for letter in letters],
        [unicodedata.normalize("NFD", letter) for letter in letters],
        [unicodedata.normalize("NFKC", letter) for letter in letters],
    ]
    words = []
    with connection.cursor() as cursor:
        for texts in spellings:
            cursor.execute(WORDS_OF_EACH, [texts])
            words.append([word for (word,) in cursor.fetchall()])

    assert [different for different in zip(letters, *words, strict=True) if len(set(different[1:])) > 1] == []
