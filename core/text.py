"""Text normalisation that must be the same wherever a text is stored, compared or looked up."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

MAX_EMAIL_LENGTH = 254
# RFC 2606: no mail reaches it. Closed and erased accounts have their addresses there, so nobody may choose one.
RESERVED_DOMAIN = "invalid"


def storable_text(text: str) -> str:
    """Return a text of another system as PostgreSQL takes it: U+FFFD instead of NUL and of halves of characters."""
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def normalize_email(text: str) -> str:
    """Return the one spelling in which an email address is stored and looked up.

    Compatibility characters (fullwidth, ſ), case (ı and İ too), decomposed letters, invisible characters, blanks around
    the address and dots at its end make no difference. The result may still be no valid address; what is much too long
    for one is returned as it is, because normalising marks takes the square of their number.
    """
    if len(text) > 4 * MAX_EMAIL_LENGTH:
        return text
    visible = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    folded = unicodedata.normalize("NFKC", visible).casefold().replace("ı", "i").replace("i\u0307", "i")
    # IDNA takes the ideographic full stop for a dot.
    return unicodedata.normalize("NFKC", folded).replace("。", ".").strip().rstrip(".")


def is_reserved_email(text: str) -> bool:
    """Return whether the address is in the domain of closed and erased accounts, in any spelling."""
    domain = normalize_email(text).rpartition("@")[2]
    return domain == RESERVED_DOMAIN or domain.endswith(f".{RESERVED_DOMAIN}")


def normalize_sku(text: str) -> str:
    """Return the one spelling in which a SKU is stored and looked up.

    Blanks around it, repeated and no-break blanks, invisible characters and decomposed letters make no difference; case
    does. Control characters within it remain, see `has_control_characters`.
    """
    visible = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    blanks = re.sub(r"[^\S\x00-\x1f\x7f-\x9f]+", " ", unicodedata.normalize("NFC", visible))
    return blanks.strip()


DASHES = "\u2010\u2011\u2012\u2013\u2014\u2212"


def similar_sku(text: str) -> str:
    """Return what is equal for SKUs that people take for one another.

    Case, blanks, leading zeros, kinds of hyphens and compatibility forms make no difference.
    """
    folded = unicodedata.normalize("NFKC", normalize_sku(text)).lower()
    return "".join(folded.split()).translate(dict.fromkeys(map(ord, DASHES), "-")).lstrip("0")


# Letters that Unicode does not decompose, as they are typed without their stroke, and apostrophes it calls letters.
_STROKES = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ʼ": "'", "ʻ": "'"}
)


@lru_cache(maxsize=20_000)
def _folded_letter(letter: str) -> str:
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", letter).casefold()).translate(_STROKES)
    kept = (each for each in decomposed if unicodedata.category(each) not in ("Mn", "Me", "Cf"))
    return "".join(each if each.isalnum() or unicodedata.category(each) == "Mc" else " " for each in kept)


def fold(text: str) -> str:
    """Return what is equal for texts that people read as the same words.

    Case, accents and other marks, compatibility and invisible characters make no difference; blanks, hyphens,
    underscores and every other sign between words are one blank each run.
    """
    return " ".join("".join(map(_folded_letter, text)).split())


def replace_folded(text: str, pattern: re.Pattern[str], replacement: str) -> str:
    """Replace what the pattern finds in the folded text, in the text as it is written."""
    letters: list[str] = []
    positions: list[int] = []
    for position, letter in enumerate(text):
        for piece in _folded_letter(letter):
            if piece != " " or letters[-1:] != [" "]:
                letters.append(piece)
                positions.append(position)
    for found in reversed([*pattern.finditer("".join(letters))]):
        start, end = positions[found.start()], positions[found.end() - 1] + 1
        while end < len(text) and not _folded_letter(text[end]):
            end += 1  # marks of the last letter
        text = text[:start] + replacement + text[end:]
    return text


def spellings(text: str) -> list[str]:
    """Return how a text may be stored that somebody types like this: composed letters or not, either apostrophe."""
    forms = {text, *(unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKC", "NFKD"))}
    return sorted({each for form in forms for each in (form, form.replace("'", "’"), form.replace("’", "'"))})


def has_control_characters(text: str) -> bool:
    """Return whether a text has control characters or halves of characters, which no page can show."""
    return any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text)
