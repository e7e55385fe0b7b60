"""The picture of a product that has none: an SVG drawn from its SKU, always the same."""

from __future__ import annotations

from hashlib import sha256

SIZE = 400
SHAPES = 4


def placeholder(sku: str) -> str:
    """Return an SVG image; nothing of sku itself stands in it, only shapes and colours chosen by its hash."""
    drawn = sha256(sku.encode()).digest()
    hue = drawn[0] * 360 // 256
    shapes = "".join(_shape(drawn[1 + 5 * n : 6 + 5 * n], hue) for n in range(SHAPES))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" width="{SIZE}" height="{SIZE}">'
        f'<rect width="{SIZE}" height="{SIZE}" fill="hsl({hue},45%,88%)"/>{shapes}</svg>'
    )


def _shape(drawn: bytes, hue: int) -> str:
    kind, across, down, size, shade = drawn
    x, y, r = 60 + across * 280 // 256, 60 + down * 280 // 256, 50 + size * 80 // 256
    fill = f'fill="hsl({(hue + shade % 60) % 360},55%,{45 + shade % 30}%)" fill-opacity=".55"'
    if kind % 3 == 0:
        return f'<circle cx="{x}" cy="{y}" r="{r}" {fill}/>'
    if kind % 3 == 1:
        side, turn = r * 17 // 10, shade % 90
        corner = f'x="{x - side // 2}" y="{y - side // 2}"'
        return f'<rect {corner} width="{side}" height="{side}" rx="18" transform="rotate({turn} {x} {y})" {fill}/>'
    return f'<path d="M{x - r} {y + r}a{r} {r} 0 0 1 {2 * r} 0z" transform="rotate({shade} {x} {y})" {fill}/>'
