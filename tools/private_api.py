"""`python -m tools.private_api`: refuse private parts of dependencies in the product.

An upgrade of a dependency may change them without notice. Refused are imports of private modules, attributes of other
people's objects that begin with an underscore, overridden private methods, and base classes that are not documented.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("core", "config", "users", "catalog", "orders", "history")
PRIVATE_MODULES = ("gunicorn.workers", "django.db.models.sql", "psycopg._", "psycopg.generators", "psycopg.waiting")
# Documented although they begin with an underscore: Django's model API and managers, named tuples.
DOCUMENTED_NAMES = {"_meta", "_state", "_db", "_default_manager", "_base_manager", "_replace", "_asdict", "_fields"}
# What may be subclassed: each is described in its project's documentation for that purpose.
DOCUMENTED_BASES = (
    "builtins.", "abc.", "collections.", "enum.", "typing.", "json.decoder.JSONDecoder", "logging.Formatter",
    # docs.djangoproject.com
    "django.apps.config.AppConfig", "django.contrib.admin.", "django.contrib.auth.", "django.contrib.messages.storage.",
    "django.core.cache.backends.base.BaseCache",
    "django.core.mail.backends.", "django.core.management.base.BaseCommand", "django.core.management.commands.",
    "django.core.paginator.Paginator", "django.core.serializers.json.DjangoJSONEncoder",
    "django.db.backends.postgresql.base.DatabaseWrapper",  # "Subclassing the built-in database backends"
    "django.db.models.", "django.forms.", "django.http.", "django.middleware.locale.LocaleMiddleware",
    "django.views.generic.base.View",
    # docs.allauth.org: adapters, forms, backends
    "allauth.account.adapter.", "allauth.account.admin.", "allauth.account.auth_backends.", "allauth.account.forms.",
    "allauth.mfa.admin.", "allauth.usersessions.admin.",
    "environ.environ.Env",
    "httpcore.",  # encode.io/httpcore/network-backends
    "import_export.resources.ModelResource", "import_export.widgets.", "ninja.main.NinjaAPI",
    "ninja.parser.Parser", "ninja.security.http.HttpBearer", "prometheus_client.registry.Collector",
    "psycopg.types.datetime.",  # "Data adaptation configuration"
    "pydantic.main.BaseModel",
)  # fmt: skip


def problems() -> Iterator[str]:
    files = {file: ast.parse(file.read_text(encoding="utf-8")) for file in _files()}
    own = {name for tree in files.values() for name in _defined(tree)}
    for file, tree in files.items():
        for line, text in sorted(_in_file(tree, own)):
            yield f"{file.relative_to(ROOT)}:{line}: {text}"
    for cls in _classes():
        yield from _in_class(cls)


def _files() -> Iterator[Path]:
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in file.parts:
                yield file


def _defined(tree: ast.AST) -> Iterator[str]:
    """Names that our own code gives to something."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.id if isinstance(node, ast.Name) else node.attr


def _in_file(tree: ast.AST, own: set[str]) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, f"import of {each.name}") for each in node.names if _is_private(each.name))
        elif isinstance(node, ast.ImportFrom) and node.module:
            for each in node.names:
                full = f"{node.module}.{each.name}"
                if _is_private(full) or (each.name.startswith("_") and node.module.split(".")[0] not in PACKAGES):
                    yield node.lineno, f"import of {full}"
        elif isinstance(node, ast.Attribute) and _is_underscored(node.attr) and node.attr not in own:
            yield node.lineno, f"attribute {node.attr}"
        elif isinstance(node, ast.Call) and (name := _looked_up(node)) and _is_underscored(name) and name not in own:
            yield node.lineno, f"attribute {name} by {ast.unparse(node.func)}()"


def _looked_up(call: ast.Call) -> str:
    """The name that getattr and the like are given; "" for other calls."""
    is_lookup = isinstance(call.func, ast.Name) and call.func.id in ("getattr", "setattr", "hasattr", "delattr")
    if is_lookup and len(call.args) > 1 and isinstance(call.args[1], ast.Constant):
        return str(call.args[1].value)
    return ""


def _is_private(module: str) -> bool:
    return module.startswith(PRIVATE_MODULES)


def _is_underscored(name: str) -> bool:
    return name.startswith("_") and not name.endswith("_") and name not in DOCUMENTED_NAMES and name[1] != "_"


def _in_class(cls: type) -> Iterator[str]:
    """Base classes that are not documented, and private names of a foreign base that a class of ours redefines."""
    where = f"{cls.__module__}.{cls.__qualname__}"
    for base in cls.__bases__:
        name = f"{base.__module__}.{base.__qualname__}"
        if _is_foreign(base) and not name.startswith(DOCUMENTED_BASES):
            yield f"{where}: subclass of {name}, which is not in DOCUMENTED_BASES"
    foreign = [base for base in cls.__mro__[1:] if _is_foreign(base)]
    for name in vars(cls):
        if _is_underscored(name):
            for base in foreign:
                if name in vars(base) and not _is_generated(base, name):
                    yield f"{where}: redefines {base.__qualname__}.{name}"
                    break


def _is_foreign(base: type) -> bool:
    return base.__module__.split(".")[0] not in PACKAGES


def _is_generated(base: type, name: str) -> bool:
    """What Python and the libraries' metaclasses write into every class."""
    return base.__module__ in ("builtins", "abc", "typing", "enum") or name.startswith(("_abc_", "_is_protocol"))


def _classes() -> Iterator[type]:
    seen: set[type] = set()
    for package in PACKAGES:
        for module in pkgutil.walk_packages([str(ROOT / package)], f"{package}."):
            if ".migrations" in module.name or module.name.endswith("__main__"):
                continue
            for _, cls in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                if cls.__module__.split(".")[0] in PACKAGES and cls not in seen:
                    seen.add(cls)
                    yield cls


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("SECRET_KEY", "only-for-this-check")
    os.environ.setdefault("LOCAL", "1")
    django.setup()
    found = list(problems())
    for problem in found:
        print(problem)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
