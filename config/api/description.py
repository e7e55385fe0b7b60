"""What the published OpenAPI document says beyond what the operations say themselves."""

from __future__ import annotations

from typing import Any

from ninja.openapi.schema import OpenAPISchema

from config.api.problems import CONTENT_TYPE, KINDS, PREFIX

INTRODUCTION = """\
For the shop's other systems. Send a key as `Authorization: Bearer shop_…`; staff make and revoke keys in the back
office.

Money is a decimal string in the shop's currency, times are ISO 8601 with their zone. Every refusal is a problem
document (RFC 9457) with a stable `type`. A request that takes an `Idempotency-Key` may be sent again with the same one:
it is done once and answered the same. Within version 1 fields and operations are only added.
"""

PROBLEM = {
    "type": "object",
    "title": "Problem",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "format": "uri", "examples": [f"{PREFIX}out-of-stock"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "description": "Of what is not valid: what is wrong with it, and where it stands.",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {name: {"type": "string"} for name in ("detail", "pointer", "parameter", "header")},
            },
        },
    },
}
# What any operation may answer, and what those may that are sent a body.
EVERYWHERE = ("not-authenticated", "scope-missing", "invalid", "too-many-requests", "busy")
OF_BODIES = ("malformed", "too-large", "unsupported-media-type")
RATE_HEADERS = {
    "RateLimit-Limit": "Requests that the key may make a minute.",
    "RateLimit-Remaining": "How many of them are left.",
    "RateLimit-Reset": "Seconds until the minute begins anew.",
}


def may_refuse(*kinds: str) -> dict[str, Any]:
    """For an operation's openapi_extra: the problems that are its own."""
    return {"responses": _responses(kinds)}


def completed(schema: OpenAPISchema) -> OpenAPISchema:
    schema["components"]["schemas"]["Problem"] = PROBLEM
    schema["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    for operations in schema["paths"].values():
        for operation in operations.values():
            _complete(operation)
    return schema


def _complete(operation: dict[str, Any]) -> None:
    for parameter in operation["parameters"]:
        _never_null(parameter["schema"])
    kinds = EVERYWHERE + (OF_BODIES if "requestBody" in operation else ())
    for status, response in _responses(kinds).items():
        operation["responses"].setdefault(status, response)
    operation["security"] = [{"key": []}]
    operation["responses"][414] = {"description": "The address is longer than the web server takes."}
    for status, response in operation["responses"].items():
        if status < 300:
            response["headers"] = {
                name: {"schema": {"type": "integer"}, "description": told} for name, told in RATE_HEADERS.items()
            } | response.get("headers", {})


def _never_null(schema: dict[str, Any]) -> None:
    """An address has no null: what is not asked for is left out."""
    some = [each for each in schema.get("anyOf", []) if each != {"type": "null"}]
    if len(some) == 1:
        del schema["anyOf"]
        schema.update(some[0])


def _responses(kinds: tuple[str, ...]) -> dict[int, Any]:
    by_status: dict[int, list[str]] = {}
    for kind in kinds:
        by_status.setdefault(KINDS[kind][0], []).append(kind)
    return {
        status: {
            "description": ", ".join(f"`{kind}`" for kind in some),
            "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, some in by_status.items()
    }
