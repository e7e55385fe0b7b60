"""What schemathesis cannot know from a description; loaded by schemathesis.toml."""

from __future__ import annotations

from itertools import count
from typing import Any

import schemathesis
from schemathesis import Case, GenerationMode, HookContext

_numbers = count()


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Give each valid request a key of its own: of a thousand generated ones some are equal, and refused as reused."""
    is_valid = case.meta is not None and case.meta.generation.mode == GenerationMode.POSITIVE
    if is_valid and case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = f"{case.headers['Idempotency-Key'][:240]}-{next(_numbers)}"
