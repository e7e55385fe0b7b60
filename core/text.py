"""Text normalisation that must be the same wherever a text is stored, compared or looked up."""

from __future__ import annotations

import unicodedata

MAX_EMAIL_LENGTH = 254
# RFC 2606: no mail reaches it. Closed and erased accounts have their addresses there, so nobody may choose one.
RESERVED_DOMAIN = "invalid"


def storable_text(text: str) -> str:
    """Return a text of another system as PostgreSQL takes it: U+FFFD instead of NUL and of halves of characters."""
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def normalize_email(text: str) -> str:
    """Return the one spelling in which an email address is stored and looked up.

    Compatibility characters (fullwidth, ſ), case (ı and İ too), decomposed letters, invisible characters, blanks around
    the address and dots at its end make no difference. The result may still be no valid address.
    """
    visible = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    folded = unicodedata.normalize("NFKC", visible).casefold().replace("ı", "i").replace("i\u0307", "i")
    return unicodedata.normalize("NFKC", folded).strip().rstrip(".。")


def is_reserved_email(text: str) -> bool:
    """Return whether the address is in the domain of closed and erased accounts, in any spelling."""
    domain = normalize_email(text).rpartition("@")[2]
    return domain == RESERVED_DOMAIN or domain.endswith(f".{RESERVED_DOMAIN}")
