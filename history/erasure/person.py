"""What of a row or a document tells who somebody is, and what is put in its place. Pure; both stores go by it.

Rows and documents alike are cleaned by the names of their fields, however deep they lie, so that an order's row, its
document and the events of both lose the same. Amounts, products, times and numbers of people are left alone.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Any
from urllib.parse import unquote_plus

from django.utils.functional import cached_property

from core.text import fold, is_reserved_email, replace_folded, storable_text
from history.models import Subject
from users.services import CLOSED_NAME

ERASED = "(erased)"
ADDRESS = "shipping_address"
# What only says the place may be many people's, and is no trace of one.
NOT_TELLING = ("city", "postcode", "country")
# Names of who did something, each with the field that says by number who it was.
NAMES = {
    "actor_name": "actor_id",
    "actor": "actor_id",
    "changed_by_name": "changed_by",
    "refunded_by_name": "refunded_by",
}
# What somebody wrote or a machine said, about whomever.
NOTES = ("note", "change_note", "reason", "error", "answer", "object_repr", "change_message")
# What another system calls an order or a request, and may have made of a name or a mail address.
REFERENCES = ("external_ref", "idempotency_key")
# Subjects whose events are about a person, and what such an event says of them.
ABOUT_PEOPLE = (Subject.USER, Subject.SESSION)
OF_PEOPLE = ("name", "email")

# A name of one word may be any word; "Al B" in a note is hardly somebody.
SHORTEST = 5
SHORTEST_UNSPACED = 3
# Letters of an address that hardly stand in another word.
LONG_EMAIL = 12
# Thai, Lao, Khmer, Myanmar, Hangul, Kana, Han.
UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u11ff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")

UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})

Row = Mapping[str, Any]


class Whose(Enum):
    """Of an order, or of what belongs to one: how much of it goes."""

    OWN = "the person's: address and all notes go"
    ONCE = "the person's once: the address goes where it is theirs"
    OTHERS = "somebody else's: only what names the person goes"


class Person:
    """Somebody to be erased. words: what is looked for in the notes of others, see telling().

    What is wiped is kept in `wiped`: so the words are found out.
    """

    def __init__(self, user_id: int, words: Iterable[str] = ()) -> None:
        self.user_id = user_id
        self.words = sorted(words, key=lambda word: (-len(word), word))
        self.wiped: set[str] = set()

    @property
    def label(self) -> str:
        return f"Erased customer {self.user_id}"

    def cleaned(self, value: Any, whose: Whose) -> Any:
        """Return a row, a document or a part of one without what tells of the person; what is clean stays equal."""
        if isinstance(value, list):
            return [self.cleaned(each, whose) for each in value]
        if not isinstance(value, Mapping):
            return value
        return {key: self._field(key, value, whose) for key in value}

    def cleaned_event(self, event: Row, whose: Whose) -> Any:
        """Like cleaned, of an event; one about the person loses what it says of them."""
        told = self.cleaned(event, whose)
        if event.get("subject") in ABOUT_PEOPLE and event.get("subject_id") == self.user_id:
            told["subject_name"] = self._wipe(event["subject_name"], self.label)
            told["changes"] = {
                name: [self._wipe(each, ERASED) for each in pair] if name in OF_PEOPLE else pair
                for name, pair in told["changes"].items()
            }
        return told

    def without(self, text: str) -> str:
        """Return a text of others without the person's words in any spelling; within longer words they stay.

        A text that hides them in escapes of JSON, HTML or an address is returned unescaped.
        """
        for each in (text, _unescaped(text)):
            if self.is_named_in(each):
                text = replace_folded(each, self._pattern, ERASED)
        return text

    def is_named_in(self, *texts: str | None) -> bool:
        """Return whether without() would change one of the texts."""
        return bool(self.words) and any(
            self._pattern.search(fold(each)) for text in texts if text for each in {text, _unescaped(text)}
        )

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """What finds the words in a folded text."""
        spellings = {_spelling(each) for word in self.words for each in (word, *_rearranged(word))}
        return re.compile("|".join(sorted(spellings, key=lambda spelling: (-len(spelling), spelling))))

    def _field(self, key: str, row: Row, whose: Whose) -> Any:
        value = row[key]
        if key in NAMES and value and row.get(NAMES[key]) == self.user_id:
            return self._wipe(value, self.label)
        if key in NOTES and isinstance(value, str):
            return ERASED if value and whose == Whose.OWN else self.without(value)
        if key in REFERENCES:
            return self._without_reference(value)
        if key == ADDRESS and whose == Whose.OWN:
            return self._emptied(value)
        if key == ADDRESS and whose == Whose.ONCE:
            return self._without(value)
        return self.cleaned(value, whose)

    def _without_reference(self, value: Any) -> Any:
        """A reference that names the person as none at all: it is unique, or null."""
        if isinstance(value, list):
            return [self._without_reference(each) for each in value]
        return None if isinstance(value, str) and self.is_named_in(value) else value

    def _emptied(self, address: Any) -> Any:
        """An address as nobody's; [old, new] of a change stay two."""
        if isinstance(address, list):
            return [self._emptied(each) for each in address]
        self.wiped |= set(telling_lines(address))
        return {} if address else address

    def _without(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._without(each) for each in value]
        if isinstance(value, Mapping):
            return {key: self._without(each) for key, each in value.items()}
        return self.without(value) if isinstance(value, str) else value

    def _wipe(self, value: Any, replacement: str) -> Any:
        if isinstance(value, str) and value:
            self.wiped.add(value)
            return replacement
        return value


def telling_lines(address: Any) -> list[str]:
    """The lines of an address, as an order or somebody's address book has it, that lead to one person."""
    if not isinstance(address, Mapping):
        return [address] if isinstance(address, str) else []
    return [line for name, line in address.items() if isinstance(line, str) and line and name not in NOT_TELLING]


def telling(texts: Iterable[str], person: Person) -> list[str]:
    """Return those texts that can be looked for in the notes of others: several words, a number, a mail address.

    A single word is left out: a customer called Rose or Baker would take every rose and baker out of the shop's notes.
    Scripts without blanks between words have names of a few letters.
    """
    ours = {person.label, ERASED, CLOSED_NAME}
    found = {text.strip() for text in texts} - ours
    return sorted(text for text in found if _is_telling(text) and not is_reserved_email(text))


def _is_telling(text: str) -> bool:
    if UNSPACED.search(text):
        return len(text) >= SHORTEST_UNSPACED
    # An invisible character may stand for the blank.
    visible = "".join(" " if unicodedata.category(letter) == "Cf" else letter for letter in text)
    return len(text) >= SHORTEST and bool(re.search(r"[ \d]", fold(visible)))


def _spelling(word: str) -> str:
    """Return the pattern for a word in a folded text: signs and blanks may stand between any two letters, or none.

    A letter and a digit side by side end a word, as a blank does.
    """
    folded = fold(unicodedata.normalize("NFC", word).lower().translate(UMLAUTS))
    letters = folded.replace(" ", "")
    spelled = " ?".join(map(re.escape, letters)) if len(letters) > SHORTEST else re.escape(folded)
    spelled = re.sub(r"(?<=[aou])( \?|)e|(?<=a)( \?|)a", r"(?:\g<0>)?", spelled)  # Mueller is Müller is Muller
    if UNSPACED.search(letters) or ("@" in word and len(letters) >= LONG_EMAIL):
        return spelled
    before, after = (r"\d" if letter.isdigit() else r"[^\W\d]" for letter in (letters[0], letters[-1]))
    return f"(?<!{before}){spelled}(?!{after})"


def _rearranged(word: str) -> Iterator[str]:
    """Yield surnames and house numbers first or last, short forms of streets, mail addresses as they are read out."""
    first, *rest = fold(word).split()
    if rest and "@" not in word:
        yield " ".join((*rest, first))
        yield " ".join((rest[-1], first, *rest[:-1]))
    yield re.sub(r"stra(ß|ss)e\b", "str", word, flags=re.IGNORECASE)
    yield re.sub(r"\bstreet\b", "st", word, flags=re.IGNORECASE)
    yield word.replace("@", " at ")
    yield word.replace("@", " at ").replace(".", " dot ")


def _unescaped(text: str) -> str:
    """Return a text with the letters that escapes of JSON, HTML and addresses stand for."""
    if not re.search(r"\\u|[&%]", text):
        return text
    plain = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    return storable_text(unquote_plus(html.unescape(plain)))
