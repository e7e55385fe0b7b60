"""What attackers put where a page expects a name or a number, by what they hope for."""

from __future__ import annotations

from urllib.parse import quote_from_bytes

# Beside each row's own texts there is nothing in it that a page should stumble over; the ends of ranges are in them.
ROWS: dict[str, tuple[str | bytes, ...]] = {
    "operators": ('{"$ne":""}', '{"$gt":""}', '{"$where":"sleep(5000)"}', "$$ROOT", "$name", "a.b", '["$in",1]'),
    "sql": (
        "';select pg_sleep(5)--", "1 or pg_sleep(5) is null", "' union select password from users--", '"', "\\", "%s",
    ),
    "expressions": ("(a+)+$", "((((a{1,60}){1,60}){1,60}){1,60})", "(.*a){25}", "%a" * 40, "_%" * 20, "[[[(((*+?"),
    "no text": ("\x00", "a\x00b", b"\xff\xfe", b"\xed\xa0\x80", b"\xc3\x28", "\u202e\ufeff", "\x1b[31m"),
    "numbers": ("1" + "0" * 30, "9" * 300, "-1", "1e999", "NaN", "-0", "9223372036854775808", "٣", "0x10", "1_0"),
    "pages": ("-1", "1000000000", "0", "99999999999999999999", "1.5", ""),
    "brackets": ("[" * 3000, "{" * 3000, "(" * 3000, '{"a":' * 1500),
    "lines": ("a\r\nX-Injected: 1", "a\nSet-Cookie: X-Injected=1", "%0d%0aX-Injected:1", "\u560d\u560aX-Injected:1"),
    "words": ("a " * 1900, "lamp " * 700, "* " * 1500, "-- " * 1000),
}  # fmt: skip
# What those of the table's own columns are asked by that no page offers: letter by letter, hashes could be read.
LOOKUPS = (
    "password__startswith", "customer__password__startswith", "user__password__startswith", "digest__startswith",
    "session_key__startswith", "salt__startswith", "secret__startswith", "data__icontains", "email__regex",
    "customer__email__contains", "user__email__contains", "groups__user__password__startswith", "pk__in", "body__regex",
)  # fmt: skip
# Where somebody might be led; each is another site's for some browser.
ELSEWHERE = (
    "//evil.example", "https://evil.example/", "https:evil.example", "https:///evil.example", "http:evil.example",
    "\\\\evil.example", "/\\evil.example", "/\t/evil.example", "\t//evil.example", "///evil.example",
    "javascript:alert(1)", "https://shop.example@evil.example/", "//shop.example.evil.example", "data:text/html,x",
)  # fmt: skip


def quoted(text: str | bytes) -> str:
    """As it stands in an address."""
    return quote_from_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"), safe="")
