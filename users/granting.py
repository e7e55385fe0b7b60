"""Who may look after whom, and hand on what: nobody beyond what they may do themselves."""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet

from users.models import User

MAY_ASSIGN = "users.assign_roles"


def granted(user: User) -> set[str]:
    """Return every permission that somebody holds, by themselves or by a role, though they be inactive now."""
    kept = vars(user)
    if "_granted" not in kept:
        held = Permission.objects.filter(Q(user=user) | Q(group__user=user)).order_by()
        named = held.values_list("content_type__app_label", "codename")
        kept["_granted"] = {f"{app}.{codename}" for app, codename in named}
    labels: set[str] = kept["_granted"]
    return labels


def is_only_customer(user: User) -> bool:
    return not (user.is_staff or user.is_superuser or granted(user))


def may_look_after(user: User, *, by: User) -> bool:
    """Whether `by`, who may change people, may change this one: customers, and with the permission to assign roles
    also those who may do nothing that `by` may not. Nobody but superusers changes themselves here."""
    if by.is_superuser or is_only_customer(user):
        return True
    if user.is_superuser or user.pk == by.pk or not by.has_perm(MAY_ASSIGN):
        return False
    return granted(user) <= by.get_all_permissions()


def roles_to_give(by: User) -> QuerySet[Group]:
    """The roles that allow nothing beyond what `by` may do."""
    if by.is_superuser:
        return Group.objects.order_by("name")
    own = Permission.objects.filter(Q(user=by) | Q(group__user=by))
    beyond = Permission.objects.exclude(pk__in=own.values("pk"))
    return Group.objects.exclude(permissions__in=beyond).order_by("name")
