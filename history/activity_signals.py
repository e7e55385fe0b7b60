"""What becomes activity: sign-ins, registrations, passwords, roles, and every save of a person, product or category.

Sales move stock by queryset updates, which send no signal: they are told by their order, not here.
"""

from __future__ import annotations

from typing import Any

from allauth.account import signals as account_signals
from django.contrib.auth import signals as auth_signals
from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import Model
from django.db.models.signals import post_delete, post_save, pre_save
from django.utils import timezone

from catalog.models import Category, Product
from history import activity, role_signals
from history.activity import VISITOR, actor_of, current_actor
from history.models import Endpoint, Kind, Subject
from users.models import ApiKey, User

Values = dict[str, Any]

# What is worth telling of each; a password only as a fact, see _told_password.
WATCHED: dict[type[Model], tuple[Subject, tuple[str, ...]]] = {
    User: (Subject.USER, ("name", "email", "is_active", "is_staff", "is_superuser")),
    Product: (
        Subject.PRODUCT,
        ("name", "sku", "price", "stock", "category_id", "is_active", "description", "attributes", "image"),
    ),
    Category: (Subject.CATEGORY, ("name", "slug")),
    Group: (Subject.ROLE, ("name",)),
    ApiKey: (
        Subject.API_KEY,
        (
            "name",
            "prefix",
            "scopes",
            "customer_id",
            "requests_per_minute",
            "made_by_id",
            "taken_over_by_id",
            "revoked_at",
        ),
    ),
    Endpoint: (Subject.WEBHOOK, ("name", "url", "kinds", "is_active")),
}
ROLE_FIELDS = {"is_staff", "is_superuser"}
LONGEST_TEXT = 500

# Where an instance keeps what its row was, between the signals of one save; and that its person is signing up.
BEFORE, SIGNING_UP = "_activity_before", "_activity_signing_up"


def connect() -> None:
    for model in WATCHED:
        pre_save.connect(note_before, sender=model, dispatch_uid=f"activity.before.{model.__name__}")
        post_save.connect(saved, sender=model, dispatch_uid=f"activity.saved.{model.__name__}")
        post_delete.connect(deleted, sender=model, dispatch_uid=f"activity.deleted.{model.__name__}")
    role_signals.connect()
    auth_signals.user_logged_in.connect(signed_in, dispatch_uid="activity.signed_in")
    auth_signals.user_logged_out.connect(signed_out, dispatch_uid="activity.signed_out")
    auth_signals.user_login_failed.connect(sign_in_failed, dispatch_uid="activity.sign_in_failed")
    account_signals.user_signed_up.connect(registered, dispatch_uid="activity.registered")
    account_signals.password_reset.connect(password_reset, dispatch_uid="activity.password_reset")


def note_before(sender: type[Model], instance: Model, update_fields: frozenset[str] | None, **kwargs: Any) -> None:
    """Keep what the row says before the save, as far as the save may change it."""
    fields = _written(sender, update_fields)
    instance.__dict__[BEFORE] = _read(sender, instance.pk, fields) if fields and instance.pk is not None else {}


def saved(
    sender: type[Model], instance: Model, created: bool, update_fields: frozenset[str] | None, **kwargs: Any
) -> None:
    before: Values = instance.__dict__.pop(BEFORE, {})
    fields = _written(sender, update_fields)
    if not fields or _is_signing_up(instance, created):
        return
    after = _read(sender, instance.pk, fields)
    if created:
        _record(Kind.CREATED, instance, {field: [None, value] for field, value in _told(after).items() if value})
        return
    changes = {field: [old, after[field]] for field, old in before.items() if field in after and old != after[field]}
    if changes.pop("password", None) and _told_password(instance):
        _record(Kind.PASSWORD_CHANGED, instance, {})
    roles = {field: changes.pop(field) for field in ROLE_FIELDS.intersection(changes)}
    for kind, some in ((Kind.ROLES_CHANGED, roles), (Kind.CHANGED, changes)):
        if some:
            _record(kind, instance, _told_changes(some))


def deleted(sender: type[Model], instance: Model, **kwargs: Any) -> None:
    values = {field: getattr(instance, field) for field in WATCHED[sender][1]}
    _record(Kind.DELETED, instance, {field: [value, None] for field, value in _told(values).items() if value})


def signed_in(sender: type[User], user: User, **kwargs: Any) -> None:
    _record_session(Kind.SIGNED_IN, user)


def signed_out(sender: type[User], user: User | None, **kwargs: Any) -> None:
    if user is not None:
        _record_session(Kind.SIGNED_OUT, user)


def sign_in_failed(sender: object, credentials: dict[str, Any], **kwargs: Any) -> None:
    """Tell whose account it was, if there is one; what else was typed may be a password in the wrong field."""
    typed = credentials.get("email") or credentials.get("username") or ""
    user = User.objects.filter(email=str(typed)).first()
    activity.record(
        Kind.SIGN_IN_FAILED,
        subject=Subject.SESSION,
        subject_id=user.pk if user else None,
        subject_name=user.email if user else "",
        actor=current_actor(),
        note="" if user is None or user.is_active else "The account is not active.",
        at=timezone.now(),
    )


def registered(sender: type[User], user: User, **kwargs: Any) -> None:
    # Still themselves by no session: who registers is who did it.
    changes = {"name": [None, user.name], "email": [None, user.email]}
    _record(Kind.REGISTERED, user, changes, actor=actor_of(user))


def password_reset(sender: type[User], user: User, **kwargs: Any) -> None:
    _record(Kind.PASSWORD_RESET, user, {}, note="By a link sent to the account's address.")


def _written(sender: type[Model], update_fields: frozenset[str] | None) -> list[str]:
    """The columns worth telling that a save may change; none for a sign-in's last_login, which costs nothing then."""
    watched = [*WATCHED[sender][1], "password"] if sender is User else [*WATCHED[sender][1]]
    if update_fields is None:
        return watched
    return [field for field in watched if field in update_fields or field.removesuffix("_id") in update_fields]


def _read(sender: type[Model], pk: Any, fields: list[str]) -> Values:
    rows = sender._base_manager.filter(pk=pk)
    if connection.in_atomic_block:
        # Nobody changes it between this look and the write, so that old → new is what happened.
        rows = rows.select_for_update(no_key=True)
    return rows.values(*fields).first() or {}


def _is_signing_up(instance: Model, created: bool) -> bool:
    """Whether a visitor's new account is being written, in several saves; `registered` tells it once."""
    if created and isinstance(instance, User) and current_actor() is VISITOR:
        instance.__dict__[SIGNING_UP] = True
    return bool(instance.__dict__.get(SIGNING_UP)) and current_actor() is VISITOR


def _told_password(instance: Model) -> bool:
    """Whether a new hash is a new password: not where sign-in only hashed the old one anew, and not where a visitor
    resets theirs, which password_reset tells."""
    is_renewal = isinstance(instance, User) and instance.is_hash_renewal
    return not is_renewal and current_actor() is not VISITOR


def _told(values: Values) -> Values:
    """Values as JSON: money as a decimal string, a category by its name, long texts cut."""
    told = {field: json_value(value) for field, value in values.items() if field not in ("password", "category_id")}
    if "category_id" in values:
        category = Category.objects.filter(pk=values["category_id"]).first()
        told["category"] = category.name if category else None
    return told


def _told_changes(changes: dict[str, list[Any]]) -> dict[str, list[Any]]:
    old = _told({field: values[0] for field, values in changes.items()})
    new = _told({field: values[1] for field, values in changes.items()})
    return {field: [old[field], new[field]] for field in old}


def json_value(value: Any) -> Any:
    """A value as an event keeps it: money as a decimal string, long texts cut."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST_TEXT else f"{value[:LONGEST_TEXT]}…"
    return value if isinstance(value, bool | int | dict | list | None) else str(value)


def _record(
    kind: Kind, instance: Model, changes: Values, *, actor: activity.Actor | None = None, note: str = ""
) -> None:
    activity.record(
        kind,
        subject=WATCHED[type(instance)][0],
        subject_id=instance.pk,
        subject_name=str(instance),
        actor=actor or current_actor(),
        changes=changes,
        note=note,
        at=timezone.now(),
    )


def _record_session(kind: Kind, user: User) -> None:
    activity.record(
        kind,
        subject=Subject.SESSION,
        subject_id=user.pk,
        subject_name=str(user),
        actor=actor_of(user),
        at=timezone.now(),
    )
