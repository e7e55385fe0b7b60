"""Files that say they are pictures."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

from PIL import Image

SCRIPT = b"<script>alert('zq')</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
GIF = b"GIF89a/*" + bytes(100) + b"*/=1;alert('zq');"


def encoded(kind: str = "PNG", size: tuple[int, int] = (8, 8)) -> bytes:
    file = BytesIO()
    Image.new("RGB", size, "red").save(file, kind)
    return file.getvalue()


def claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is as large as that."""
    return _png(width, height, bytes(1000))


def bomb(side: int = 8_000) -> bytes:
    """A PNG that really is as large as that, one bit a pixel, packed into some kilobytes."""
    return _png(side, side, bytes(side * (side // 8 + 1)), depth=1)


def _png(width: int, height: int, pixels: bytes, depth: int = 8) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, 0 if depth == 1 else 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(pixels)), (b"IEND", b"")]
    told = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(told)
