"""The shop's search: full text, ranked; words that were typed wrongly are put right."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

from django.contrib.postgres.search import SearchQuery, SearchRank, SearchVectorField
from django.db import connection
from django.db.models import Case, F, IntegerField, Q, Value, When
from django.db.models.expressions import RawSQL

from catalog.models import Category, ProductQuerySet

WORD = re.compile(r"[^\W_]+")
# Each word of a search is looked for on its own; those beyond so many are left out, so that its cost has a bound.
MOST_WORDS = 8
# A category is meant by a word from this length on; "he" would be "health".
CATEGORY_FROM = 3
# How much of two words must be the same, in order, for one to be a misspelling of the other.
LIKENESS = 0.6
# Two letters in the wrong order leave a short word few trigrams in common with the right one.
SHORT_WORD = 6

# pg_trgm.word_similarity_threshold, set for every connection, says what is near.
NEAR = """
SELECT DISTINCT name FROM unnest(%s::text[]) AS word, LATERAL (
    SELECT name FROM products WHERE is_active AND word <%% name ORDER BY word <<-> name, product_id LIMIT 5
) AS near
"""


def words_of(text: str) -> list[str]:
    return WORD.findall(text.lower())[:MOST_WORDS]


def matching(products: ProductQuerySet, text: str, categories: Iterable[Category]) -> ProductQuerySet:
    """Return the products that have every word of text, or its beginning, in name, SKU, attributes or description.

    A word may be the category's instead. Each product gets `tier` (0 is the very name or SKU, 1 begins with the text,
    2 is any other) and `rank`, higher is better.
    """
    words = words_of(text)
    tier = Case(
        When(Q(name__iexact=text) | Q(sku__iexact=text), then=Value(0)),
        When(name__istartswith=text, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    # Migration 0002 makes the column and says why the model has it not.
    found = products.alias(words=RawSQL('"products"."words"', [], output_field=SearchVectorField()))
    if not words:
        return found.filter(sku__iexact=text).annotate(tier=tier, rank=Value(0.0))
    query = _query(words)
    matches = Q(sku__iexact=text) | Q(words=query)
    for meant, of_category in _category_words(words, categories).items():
        rest = [word for word in words if word not in meant]
        matches |= Q(category__in=of_category) & (Q(words=_query(rest)) if rest else Q())
    return found.filter(matches).annotate(tier=tier, rank=SearchRank(F("words"), query))


def nearest(text: str, categories: Iterable[Category]) -> str:
    """Return text with each word that no product has put right; text itself where nothing is near. One statement."""
    words = words_of(text)
    asked = [variant for word in words for variant in (word, *_swapped(word))]
    with connection.cursor() as cursor:
        cursor.execute(NEAR, [asked])
        near = [name for (name,) in cursor.fetchall()]
    known = sorted({word for name in (*near, *(c.name for c in categories)) for word in words_of(name)})
    return " ".join(_nearest_word(word, known) for word in words)


def _query(words: Sequence[str]) -> SearchQuery:
    # Nothing but letters and digits is in a word, so this is a valid tsquery. English finds other forms of a word and
    # leaves out those like "the"; word by word finds what a name has of them.
    asked = " & ".join(map(_with_ending, words))
    english, simple = (SearchQuery(asked, config=config, search_type="raw") for config in ("english", "simple"))
    both: SearchQuery = english | simple
    return both


def _with_ending(word: str) -> str:
    """Words and long codes match from their beginning; 100 does not mean 1000."""
    return f"{word}:*" if word.isalpha() or len(word) > 4 else word


def _category_words(words: Sequence[str], categories: Iterable[Category]) -> dict[tuple[str, ...], list[Category]]:
    """Return categories by the words that mean them."""
    by_words: dict[tuple[str, ...], list[Category]] = {}
    for category in categories:
        own = words_of(category.name)
        meant = tuple(w for w in words if len(w) >= CATEGORY_FROM and any(one.startswith(w) for one in own))
        if meant:
            by_words.setdefault(meant, []).append(category)
    return by_words


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
