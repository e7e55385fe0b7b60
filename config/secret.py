"""The secret key of a machine of one's own."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def local_key(data_dir: Path, *, allowed: bool) -> str:
    """Return the key kept in data_dir/secret_key, made at the first call.

    Raises ImproperlyConfigured where only the environment may bring the secret (allowed is False).
    """
    if not allowed:
        raise ImproperlyConfigured("SECRET_KEY is not set: give the server a long random value of its own.")
    file = data_dir / "secret_key"
    if not file.exists():
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ImproperlyConfigured(f"DATA_DIR, {data_dir}, cannot be made: {error.strerror}.") from error
        draft = data_dir / f".secret_key.{os.getpid()}"
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT, 0o600), "w") as opened:
            opened.write(secrets.token_urlsafe(50))
        # Linking fails where another process was first, so all of them read one key.
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
        draft.unlink()
    return file.read_text()
