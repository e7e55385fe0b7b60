"""Pictures as they were: 16 bits, transparency, colour profiles, animations, held cameras."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image

from catalog import images
from tests.catalog.test_images import drawn, encoded, upload

ORANGE = struct.pack(">3H", 0x8000, 0x4000, 0x2000)  # of 16 bits


def png(bits: int, colours: int, row: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of 8 equal rows; colours: the colour type, such as 0 for grey and 2 for RGB."""
    samples = {0: 1, 2: 3, 4: 2, 6: 4}[colours]
    head = struct.pack(">IIBBBBB", len(row) * 8 // (bits * samples), 8, bits, colours, 0, 0, 0)
    parts = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress((b"\0" + row) * 8)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )


def profile(
    space: bytes = b"RGB ", *, gamma=2.2, red=(0.3851, 0.7169, 0.0971), green=(0.4361, 0.2225, 0.0139)
) -> bytes:
    """A colour profile; unless said it is sRGB's with red and green exchanged."""

    def xyz(*values: float) -> bytes:
        return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in values))

    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    tags = {b"wtpt": xyz(0.9642, 1, 0.8249), b"kTRC": curve}
    if space == b"RGB ":
        tags |= {b"rXYZ": xyz(*red), b"gXYZ": xyz(*green), b"bXYZ": xyz(0.1431, 0.0606, 0.7139)}
        tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    table, body, at = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", at + len(body), len(data))
        body += data
    illuminant = struct.pack(">3i", round(0.9642 * 65536), 65536, round(0.8249 * 65536))
    head = struct.pack(">I4sI4s4s4s", at + len(body), bytes(4), 0x02400000, b"mntr", space, b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + illuminant + bytes(48)
    return head + table + body


def pixels(content: bytes, *places: tuple[int, int]) -> list[tuple[int, ...]]:
    image = drawn(images.read(upload(content)).large)
    return [image.getpixel(place) for place in places]


def near(found: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return all(abs(a - b) <= 12 for a, b in zip(found, wanted, strict=True))


def test_sixteen_bits_are_drawn_as_eight():
    ramp = struct.pack(">64H", *(level * 1040 for level in range(64)))
    grey = pixels(png(16, 0, ramp), (0, 4), (16, 4), (32, 4), (63, 4))
    rgb = pixels(png(16, 2, ORANGE * 16), (8, 4))

    assert [near(each, (level,) * 3) for each, level in zip(grey, (0, 65, 130, 255), strict=True)] == [True] * 4
    assert near(rgb[0], (128, 64, 32))


@pytest.mark.parametrize(
    "content",
    [
        png(16, 0, struct.pack(">H", 0x2000) * 16, (b"tRNS", struct.pack(">H", 0x2000))),
        png(16, 2, ORANGE * 16, (b"tRNS", ORANGE)),
        png(8, 2, bytes([9, 8, 7]) * 16, (b"tRNS", struct.pack(">3H", 9, 8, 7))),
        png(16, 4, struct.pack(">2H", 0x8000, 0) * 16),
        encoded("PNG", (16, 8), "P", 0, transparency=0),
        encoded("PNG", (16, 8), "LA", (9, 0)),
        encoded("WEBP", (16, 8), "RGBA", (9, 9, 9, 0)),
    ],
)  # fmt: skip
def test_what_is_transparent_stays_so_in_every_kind_of_file(content):
    [pixel] = pixels(content, (8, 4))

    assert pixel[3] == 0


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_colours_are_converted_from_the_profile_of_the_picture(kind):
    [red] = pixels(encoded(kind, colour="red", icc_profile=profile()), (150, 100))

    assert near(red, (0, 255, 0))


def test_colours_with_transparency_and_palettes_are_converted_too():
    [clear] = pixels(encoded("PNG", mode="RGBA", colour=(255, 0, 0, 100), icc_profile=profile()), (150, 100))
    palette = Image.new("RGB", (300, 200), "red").quantize(4)
    file = BytesIO()
    palette.save(file, "PNG", icc_profile=profile())

    assert near(clear, (0, 255, 0, 100))
    assert near(pixels(file.getvalue(), (150, 100))[0], (0, 255, 0))


@pytest.mark.parametrize(
    "content",
    [
        encoded(icc_profile=b"no profile"),
        encoded(icc_profile=profile()[:200]),
        encoded(icc_profile=profile(b"CMYK")),
        encoded(icc_profile=profile(b"GRAY")),
    ],
)
def test_a_profile_that_is_broken_or_of_another_kind_of_picture_is_passed_over(content):
    assert near(pixels(content, (150, 100))[0], (254, 0, 0))


@pytest.mark.parametrize(
    ("content", "alpha"),
    [
        (encoded("PNG", mode="L", colour=128, icc_profile=profile(b"GRAY", gamma=1)), ()),
        (encoded("PNG", mode="LA", colour=(128, 100), icc_profile=profile(b"GRAY", gamma=1)), (100,)),
        (encoded("PNG", mode="L", colour=128, transparency=0, icc_profile=profile(b"GRAY", gamma=1)), ()),
    ],
)
def test_grey_is_converted_with_and_without_transparency(content, alpha):
    assert near(pixels(content, (150, 100))[0], (188, 188, 188, *alpha))


def test_grey_with_a_profile_and_cmyk_are_drawn():
    assert near(pixels(encoded("JPEG", mode="L", colour=128, icc_profile=profile(b"GRAY")), (150, 100))[0], (128,) * 3)
    assert near(pixels(encoded("JPEG", mode="CMYK", colour=(0, 255, 255, 0)), (150, 100))[0], (255, 0, 0))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_the_first_picture_of_an_animation_is_taken(kind):
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue")]
    file = BytesIO()
    frames[0].save(file, kind, save_all=True, append_images=frames[1:], duration=100)

    assert near(pixels(file.getvalue(), (20, 15))[0], (255, 0, 0))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_held_camera_is_turned_upright_in_every_kind_of_file(kind):
    exif = Image.Exif()
    exif[0x0112] = 6

    assert drawn(images.read(upload(encoded(kind, (300, 200), exif=exif))).large).size == (200, 300)
