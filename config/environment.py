"""What the environment has to say before anything starts; where that would not be safe, why, in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

KINDS = {int: "a whole number", float: "a number"}
# As `check --deploy` asks for.
SHORTEST_SECRET, FEWEST_CHARACTERS, MADE_BY_STARTPROJECT = 50, 5, "django-insecure-"


class Env(environ.Env):  # type: ignore[misc]
    """Raises ImproperlyConfigured, with the variable's name and without its value, for what cannot be read."""

    def get_value(
        self,
        var: str,
        cast: Callable[[Any], Any] | None = None,
        default: Any = environ.Env.NOTSET,
        parse_default: bool = False,
    ) -> Any:
        try:
            return super().get_value(var, cast, default, parse_default)
        except ValueError as error:
            kind = KINDS.get(cast, "what it is for") if isinstance(cast, type) else "what it is for"
            raise ImproperlyConfigured(f"{var} is not {kind}: see docs/configuration.md.") from error


def is_local() -> bool:
    """Whether this is a machine of one's own: LOCAL, or so long as no DATABASE_URL is set."""
    env = Env()
    return bool(env.bool("LOCAL", default="DATABASE_URL" not in env.ENVIRON))


def refuse_unsafe(*, local: bool, debug: bool, secret: str, hosts: Sequence[str], embedded: Mapping[str, bool]) -> None:
    """Raise ImproperlyConfigured where visitors would be served by what is meant for a machine of one's own.

    embedded: of each address of a store, by its variable, whether it is the embedded server's.
    """
    if debug and not (local and all(_is_this_machine(host) for host in hosts)):
        raise ImproperlyConfigured("DEBUG shows visitors the code and the settings: unset it, or ALLOWED_HOSTS.")
    if local:
        return
    for variable, is_embedded in embedded.items():
        if is_embedded:
            raise ImproperlyConfigured(
                f"{variable} leads to the embedded server, which is for a machine of one's own: set it, or LOCAL=1."
            )
    if len(secret) < SHORTEST_SECRET or len(set(secret)) < FEWEST_CHARACTERS or secret.startswith(MADE_BY_STARTPROJECT):
        raise ImproperlyConfigured(
            f"SECRET_KEY can be guessed: give the server a random value of at least {SHORTEST_SECRET} characters."
        )
    if not hosts or "*" in hosts:
        raise ImproperlyConfigured("ALLOWED_HOSTS does not name the site: set it to the host names it answers to.")


def limits(given: Sequence[str], defaults: Mapping[str, int]) -> dict[str, int]:
    """The defaults with what RATE_LIMITS gives in their place ("search=600"), or "off" for none; 0 is no limit."""
    if given == ["off"]:
        return dict.fromkeys(defaults, 0)
    found = dict(defaults)
    for each in given:
        name, _, number = each.partition("=")
        if name not in defaults or not number.isdecimal():
            raise ImproperlyConfigured(f'RATE_LIMITS is not "off" or such as {",".join(f"{n}=30" for n in defaults)}.')
        found[name] = int(number)
    return found


def _is_this_machine(host: str) -> bool:
    name = host.strip("[]").removeprefix(".")
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
