"""compose.yaml as docker compose reads it: variables put in, and each service of the image as it is run there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from tests.deploy.dockerfile import ROOT

# The innermost ${NAME}, ${NAME:-otherwise} or ${NAME:?why it is needed}.
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^${}]*))?\}")
STORES = ("postgres", "mongodb")
SECONDS = {"s": 1, "m": 60, "h": 3600}


class Missing(Exception):
    """A variable that has to be set is not."""


def load(variables: Mapping[str, str], name: str = "compose.yaml") -> dict[str, Any]:
    """Return the file with the variables put in. Raises Missing."""
    return _put_in(yaml.safe_load((ROOT / name).read_text()), variables)


def of_the_image(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The services that run the product itself."""
    return {name: service for name, service in compose["services"].items() if name not in STORES}


def seconds(text: str) -> int:
    return int(text[:-1]) * SECONDS[text[-1]]


def mounts(service: dict[str, Any]) -> list[str]:
    """The paths inside that may be written to."""
    return [each.split(":")[0] for each in service.get("tmpfs", [])] + [
        each.split(":")[1] for each in service.get("volumes", [])
    ]


def _put_in(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _put_in(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [_put_in(each, variables) for each in value]
    if not isinstance(value, str):
        return value
    while found := VARIABLE.search(value):
        value = value.replace(found[0], _of(found, variables))
    return value.replace("$$", "$")


def _of(found: re.Match[str], variables: Mapping[str, str]) -> str:
    name, kind, otherwise = found.groups()
    if kind == "?" and not variables.get(name):
        raise Missing(f"{name}: {otherwise}")
    return variables.get(name) or otherwise or ""
