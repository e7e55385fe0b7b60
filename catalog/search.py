"""The shop's search: full text, ranked; words that were typed wrongly are put right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from unicodedata import normalize

from django.contrib.postgres.search import SearchQueryField, SearchRank, SearchVectorField
from django.db import connection
from django.db.models import BooleanField, Case, F, Func, IntegerField, Q, QuerySet, TextField, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast, Lower

from catalog.models import Category, Product, ProductQuerySet

# Each word of a search is looked for on its own; those beyond so many are left out, so that its cost has a bound.
MOST_WORDS = 8
# A category is meant by the beginning of a word from this length on; "he" would be "health".
CATEGORY_FROM = 3
# How much of two words must be the same, in order, for one to be a misspelling of the other.
LIKENESS = 0.6
# Two letters in the wrong order leave a short word few trigrams in common with the right one.
SHORT_WORD = 6

# pg_trgm.word_similarity_threshold, set for every connection, says what is near.
NEAR = """
SELECT DISTINCT name_words FROM unnest(%s::text[]) AS word, LATERAL (
    SELECT name_words FROM products WHERE is_active AND word <%% name ORDER BY word <<-> name, product_id LIMIT 5
) AS near
"""

# The tokenizer is SQL (catalog migration 0011), so that texts are split exactly as the index is, on every database.
WORDS = """
SELECT text, coalesce(ts_lexize('english_stem', text), ARRAY[text])
FROM unnest(string_to_array(search_words(%s), ' ')) WITH ORDINALITY AS word (text, place) ORDER BY place
"""


@dataclass(frozen=True)
class Word:
    """A word of a search; stem is its English stem, "" of a word that says nothing, such as "the".

    is_whole: only the very word is meant, as of short numbers: 100 is not 1000.
    """

    text: str
    stem: str
    is_whole: bool

    def as_query(self, weight: str = "") -> str:
        """Return a tsquery of the word, its stem or what begins with them."""
        ending = ":" if self.is_whole else ":*"
        # No quote and no backslash is in a word.
        return "(" + " | ".join(f"'{one}'{ending}{weight}" for one in sorted({self.text, self.stem} - {""})) + ")"


def words_of(text: str) -> list[Word]:
    """Return the words of a text as products are indexed by them; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(WORDS, [text])
        return [Word(word, "".join(stems), _is_short_code(word)) for word, stems in cursor.fetchall() if word]


def unfinished(words: Sequence[Word]) -> list[Word]:
    """Return words whose last one may be the beginning of a longer number."""
    return [*words[:-1], *(replace(word, is_whole=False) for word in words[-1:])]


def query_of(words: Sequence[Word], weight: str = "") -> str:
    """Return the tsquery of the first MOST_WORDS words; those that say nothing only count where there is no other."""
    counted = [word for word in words if word.stem][:MOST_WORDS] or words[:MOST_WORDS]
    return " & ".join(word.as_query(weight) for word in counted)


def all_categories() -> list[Category]:
    """Return the categories as a search needs them, with the words of their names."""
    split = Func("name", function="search_words", output_field=TextField())
    return list(Category.objects.annotate(words=split))


def named(products: QuerySet[Product], words: Sequence[Word]) -> QuerySet[Product]:
    """Return the products that have every word, or its beginning, in name or SKU."""
    return products.filter(has_words('"products"."words"', query_of(words, weight="A")))


def has_words(vector: str, query: str) -> Func:
    """Return the condition that a tsvector, as SQL, fits a tsquery, as `query_of` returns it."""
    return Func(Value(query), template=f"{vector} @@ %(expressions)s::tsquery", output_field=BooleanField())


def matching(
    products: ProductQuerySet, text: str, categories: Iterable[Category], words: Sequence[Word]
) -> ProductQuerySet:
    """Return the products that have every word of text, or its beginning, in name, SKU, attributes or description.

    A word may be the category's instead. categories: all_categories(). words: of text. Each product gets `tier` (0 is
    the very name or SKU, 1 has the name's words, 2 begins with them, 3 is any other) and `rank`, higher is better.
    """
    # Migration 0011 makes the columns and says why the model has them not.
    found = products.alias(
        words=RawSQL('"products"."words"', [], output_field=SearchVectorField()),
        name_words=RawSQL('"products"."name_words"', [], output_field=TextField()),
        spelling=_spelling(F("name")),
    )
    # Several names may have the same words: "C++" and "C#", "café" and "cafe".
    is_text = Q(spelling=_spelling(Value(text)))
    if not words:
        return found.filter(is_text | Q(sku__iexact=text)).annotate(tier=Value(0), rank=Value(0.0))
    folded = " ".join(word.text for word in words)
    tier = Case(
        When(Q(name_words=folded) & is_text | Q(sku__iexact=text), then=Value(0)),
        When(name_words=folded, then=Value(1)),
        When(name_words__startswith=folded, then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    matches = Q(sku__iexact=text) | Q(_has(words))
    for meant, of_category in _category_words(words, categories).items():
        rest = [word for word in words if word.text not in meant]
        matches |= Q(category__in=of_category) & (Q(_has(rest)) if rest else Q())
    return found.filter(matches).annotate(tier=tier, rank=SearchRank(F("words"), _tsquery(words)))


def nearest(words: Sequence[Word], categories: Iterable[Category]) -> str:
    """Return the text of words with each that no product has put right, the same where nothing is near.

    One statement.
    """
    texts = [word.text for word in words[:MOST_WORDS]]
    asked = [variant for word in texts for variant in (word, *_swapped(word))]
    with connection.cursor() as cursor:
        cursor.execute(NEAR, [asked])
        near = [name for (name,) in cursor.fetchall()]
    known = sorted({word for name in (*near, *(vars(one)["words"] for one in categories)) for word in name.split()})
    # Composed again, because people read it.
    return normalize("NFC", " ".join(_nearest_word(word, known) for word in texts))


def _tsquery(words: Sequence[Word]) -> Cast:
    return Cast(Value(query_of(words)), SearchQueryField())


def _has(words: Sequence[Word]) -> Func:
    return has_words('"products"."words"', query_of(words))


def _spelling(text: F | Value) -> Func:
    """Lower case, one way of composing letters."""
    return Func(Lower(text), template="normalize(%(expressions)s, NFKC)", output_field=TextField())


def _category_words(words: Sequence[Word], categories: Iterable[Category]) -> dict[tuple[str, ...], list[Category]]:
    """Return categories by the words that mean them."""
    by_words: dict[tuple[str, ...], list[Category]] = {}
    texts = [word.text for word in words[:MOST_WORDS]]
    for category in categories:
        own = vars(category)["words"].split()
        meant = tuple(text for text in texts if _is_in(text, own))
        if meant:
            by_words.setdefault(meant, []).append(category)
    return by_words


def _is_short_code(word: str) -> bool:
    return len(word) <= 4 and any(letter.isdigit() for letter in word)


def _is_in(text: str, words: Sequence[str]) -> bool:
    return text in words or (len(text) >= CATEGORY_FROM and any(word.startswith(text) for word in words))


def _swapped(word: str) -> list[str]:
    """The word with each two neighbours changed over, if it is short."""
    if len(word) > SHORT_WORD:
        return []
    return [word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)]


def _nearest_word(word: str, known: Sequence[str]) -> str:
    if any(one.startswith(word) for one in known) or any(letter.isdigit() for letter in word):
        return word
    swapped = [one for one in _swapped(word) if one in known]
    if swapped:
        return swapped[0]
    likeness, best = max(((SequenceMatcher(None, word, one).ratio(), one) for one in known), default=(0.0, word))
    return best if likeness >= LIKENESS else word
