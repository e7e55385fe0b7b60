"""Who may look after whom, and hand on what: nobody beyond what they may do themselves."""

from __future__ import annotations

from itertools import chain

from django.contrib.auth.models import Group, Permission
from django.db.models import F, Func, Q, QuerySet, Value

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


def may_rename(user: User, *, by: User) -> bool:
    """Return whether `by` may change the name.

    Only superusers may where the account has or ever had rights; a colleague's can be taken away for a moment.
    """
    return by.is_superuser or (is_only_customer(user) and not user.had_rights)


def may_readdress(user: User, *, by: User) -> bool:
    """Return whether `by` may change the email: without a password, whoever reads mail there has the account."""
    return may_rename(user, by=by) and (by.is_superuser or user.has_usable_password() or user.vouched_by == [by.pk])


def vouch(user: User, *, by: User) -> None:
    """Note that `by` made the account, changed its address or gave it rights."""
    if not by.is_superuser:
        added = Func(F("vouched_by"), Value(by.pk), function="array_append")
        User.objects.filter(pk=user.pk).exclude(vouched_by__contains=[by.pk]).update(vouched_by=added)


def are_independent(one: int, other: int) -> bool:
    """Return whether neither account may be the other's second one, nor both a third one's: for four eyes.

    one, other: user_id. Superusers do not count as a third: they make everybody's account.
    """
    return not _circle(one) & _circle(other)


def _circle(user_id: int) -> set[int]:
    """The person, who vouched for them, who vouched for those, and so on."""
    found, new = set[int](), {user_id}
    while new:
        found |= new
        rows = User.objects.filter(pk__in=new).values_list("vouched_by", flat=True)
        new = set(chain.from_iterable(rows)) - found
    return found


def may_look_after(user: User, *, by: User) -> bool:
    """Whether `by`, who may change people, may change this one: customers, and with the permission to assign roles
    also those who may do nothing that `by` may not. Nobody but superusers changes themselves here."""
    if by.is_superuser or is_only_customer(user):
        return True
    if user.is_superuser or user.pk == by.pk or not by.has_perm(MAY_ASSIGN):
        return False
    return granted(user) <= by.get_all_permissions()


def permissions_of(user: User) -> QuerySet[Permission]:
    """Return the permissions of somebody who is no superuser."""
    held = Permission.objects.filter(Q(user=user) | Q(group__user=user)).distinct()
    return held.order_by("content_type__app_label", "content_type__model", "codename")


def roles_to_give(by: User) -> QuerySet[Group]:
    """The roles that allow nothing beyond what `by` may do."""
    if by.is_superuser:
        return Group.objects.order_by("name")
    beyond = Permission.objects.exclude(pk__in=permissions_of(by).values("pk"))
    return Group.objects.exclude(permissions__in=beyond).order_by("name")
