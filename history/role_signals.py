"""Who was given which role or permission, and what a role allows: changes of the many-to-many tables behind them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Model
from django.db.models.signals import m2m_changed
from django.utils import timezone

from history import activity
from history.models import Kind, Subject
from users.models import User

# (table, whose, the field's name, told as)
GRANTS: list[tuple[type[Model], type[User] | type[Group], str, Kind, Subject]] = [
    (User.groups.through, User, "groups", Kind.ROLES_CHANGED, Subject.USER),
    (User.user_permissions.through, User, "user_permissions", Kind.ROLES_CHANGED, Subject.USER),
    (Group.permissions.through, Group, "permissions", Kind.CHANGED, Subject.ROLE),
]

# Of each owner: its name, and what it has been granted.
Granted = dict[int, tuple[str, list[str]]]


def connect() -> None:
    for table, _, field, _, _ in GRANTS:
        m2m_changed.connect(grants_changed, sender=table, dispatch_uid=f"activity.grants.{field}")


def grants_changed(
    sender: type[Model], instance: Model, action: str, reverse: bool, pk_set: set[int] | None, **kwargs: Any
) -> None:
    """Compare before and after; the signal alone names neither what was there nor, for a clear, what went."""
    _, owner, field, kind, subject = next(grant for grant in GRANTS if grant[0] is sender)
    key = f"_activity_{field}"
    if action.startswith("pre_"):
        instance.__dict__[key] = _granted(owner, field, _owners(owner, field, instance, reverse, pk_set))
        return
    before: Granted = instance.__dict__.pop(key, {})
    for pk, (name, grants) in _granted(owner, field, before).items():
        if grants != before[pk][1]:
            activity.record(
                kind,
                subject=subject,
                subject_id=pk,
                subject_name=name,
                actor=activity.current_actor(),
                changes={field: [before[pk][1], grants]},
                at=timezone.now(),
            )


def _owners(owner: type[Model], field: str, instance: Model, reverse: bool, pk_set: set[int] | None) -> Iterable[int]:
    if not reverse:
        return [instance.pk]
    if pk_set is not None:
        return pk_set
    return owner._base_manager.filter(**{field: instance}).values_list("pk", flat=True)


def _granted(owner: type[Model], field: str, pks: Iterable[int]) -> Granted:
    related = field if field == "groups" else f"{field}__content_type"
    owners = owner._base_manager.filter(pk__in=list(pks)).prefetch_related(related).order_by("pk")
    return {each.pk: (str(each), sorted(_label(grant) for grant in getattr(each, field).all())) for each in owners}


def _label(grant: Group | Permission) -> str:
    return grant.name if isinstance(grant, Group) else f"{grant.content_type.app_label}.{grant.codename}"
