"""Pictures of products: an upload is looked at and drawn anew, and lies in Django's storage in two sizes.

What people sent is never kept or served: only pixels come through, so no program, place or name hides in a picture.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import Any
from uuid import uuid4

from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from PIL import Image, ImageCms, ImageOps

from catalog.models import Product

FORMATS = ("JPEG", "PNG", "WEBP")
MOST_BYTES = 10 * 2**20
# About 100 MB while it is being drawn; a picture of few bytes may claim any number of them.
MOST_PIXELS = 25_000_000
# Pixels: the longer side of the whole picture, and the side of the square cut out of its middle.
LARGE, SMALL = 1000, 400
QUALITY = 82

SRGB = ImageCms.createProfile("sRGB")
# What a colour profile is for: the mode that it describes, by the colour space that it says.
PROFILED = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}

# What Pillow raises at files that are broken, or made to break it.
_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, OverflowError, struct.error, zlib.error)


class NotAPicture(Exception):
    """Why an upload cannot be a product's picture, worded for people."""


@dataclass(frozen=True)
class Picture:
    """A picture in both sizes, as WebP."""

    large: bytes
    small: bytes


def read(upload: File[bytes]) -> Picture:
    """Return an upload drawn anew. Judged by what is in it: its name and what it says of itself count for nothing.

    Raises NotAPicture.
    """
    if upload.size > MOST_BYTES:
        raise NotAPicture(f"This file is larger than {MOST_BYTES // 2**20} MB. Choose a smaller one.")
    try:
        # Only the head is read by now.
        image = Image.open(upload, formats=FORMATS)
        if image.width * image.height <= MOST_PIXELS:
            return _drawn(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        pass
    except _UNREADABLE as error:
        raise NotAPicture("This is no JPEG, PNG or WebP picture, or it is broken.") from error
    raise NotAPicture(f"This picture has more than {MOST_PIXELS // 10**6} megapixels. Choose a smaller one.")


def replace(product: Product, picture: Picture | None) -> None:
    """Give a product another picture, or none; the caller saves its `image`, in the same transaction.

    The files of the old one go when that is committed. Raises OSError where storage takes no file; then nothing was
    changed.
    """
    # Locked, so that of two who change it at once the second one takes the first one's picture away.
    row = Product.objects.select_for_update(no_key=True).filter(pk=product.pk)
    old = row.values_list("image", flat=True).first()
    product.image = _keep(picture) if picture else ""
    if old:
        transaction.on_commit(partial(remove, old))


def remove(image: str) -> None:
    """Take a picture's files out of storage; image: Product.image."""
    for size in ("large", "small"):
        default_storage.delete(file_name(image, size))


def file_name(image: str, size: str) -> str:
    """Return where in storage a picture lies; size: "large" or "small"."""
    return f"products/{image}-{size}.webp"


def _drawn(image: Image.Image) -> Picture:
    mode = "RGBA" if image.has_transparency_data else "RGB"
    if image.format != "JPEG":
        # Before it gets smaller: a palette has no colours in between. JPEG is decoded small at once.
        image = _converted(image, mode)
    image.thumbnail((LARGE, LARGE))
    # Cameras leave the picture as it was and note how it was held.
    image = _converted(ImageOps.exif_transpose(image), mode)
    square = ImageOps.fit(image, (min(SMALL, *image.size),) * 2)
    return Picture(large=_encoded(image), small=_encoded(square))


def _converted(image: Image.Image, mode: str) -> Image.Image:
    """Return the image in a mode, in sRGB, without anything else that its file says beside its pixels."""
    exif = image.info.get("exif")
    converted = _in_srgb(_in_8_bits(image), image.info.get("icc_profile"), mode)
    converted.info = {"exif": exif} if exif else {}
    return converted


def _in_8_bits(image: Image.Image) -> Image.Image:
    """Scale grey of 16 bits, which convert() would cut off at 255; draw a palette, and a colour that is transparent."""
    transparent = image.info.get("transparency")
    if image.mode == "I" or image.mode.startswith("I;16"):
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    if transparent is None or image.mode in ("P", "PA"):
        has_alpha = image.has_transparency_data
        return image.convert("RGBA" if has_alpha else "RGB") if image.mode in ("P", "PA") else image
    levels = transparent if isinstance(transparent, tuple) else (transparent,)
    scaled = tuple(level >> 8 if max(levels) > 255 else level for level in levels)
    image.info["transparency"] = scaled if isinstance(transparent, tuple) else scaled[0]
    return image.convert("LA" if image.mode == "L" else "RGBA")


def _in_srgb(image: Image.Image, profile: bytes | None, mode: str) -> Image.Image:
    """Convert by the picture's colour profile; one that is broken, or of other colours, is passed over."""
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    colours = image.convert(image.mode.removesuffix("A")) if alpha else image
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            if colours.mode == PROFILED.get(source.profile.xcolor_space):
                colours = ImageCms.profileToProfile(colours, source, SRGB, outputMode="RGB") or colours
        except (ImageCms.PyCMSError, *_UNREADABLE):
            pass
    if alpha:
        colours = colours.convert("RGB")
        colours.putalpha(alpha)
    return colours.convert(mode)


def _encoded(image: Image.Image) -> bytes:
    file = BytesIO()
    image.save(file, "WEBP", quality=QUALITY, exif=b"")
    return file.getvalue()


def _keep(picture: Picture) -> str:
    """Put both sizes into storage and return the name they share, drawn by lot.

    Not made of the content: two products may show the same picture, and each one's goes with it alone. A name means
    one content for ever all the same, so that browsers may keep it.
    """
    image = uuid4().hex
    sizes: dict[str, Any] = {"large": picture.large, "small": picture.small}
    for size, content in sizes.items():
        default_storage.save(file_name(image, size), ContentFile(content))
    return image
