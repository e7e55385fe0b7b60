"""Erasing somebody in PostgreSQL: one transaction, which finds nothing left to do when it is run again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.auth import SESSION_KEY
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Q
from psycopg.types.json import Jsonb

from history import activity, faults, triggers, wakeup
from history.erasure import tables
from history.erasure.person import Person
from history.erasure.tables import Row, Table
from history.models import Kind, Subject
from orders.models import CartItem
from users import services
from users.models import AccountEmail, ApiAnswer, ApiKey, User

# Each order that lost something gets a revision that says so, and by it reaches the mirror. One that was deleted has
# only its log left.
TELL = """
WITH live AS (
    UPDATE orders SET rev = rev + 1 WHERE order_id = ANY(%(orders)s) RETURNING order_id, rev, status
), gone AS (
    SELECT order_id, max(rev) + 1 AS rev, (array_agg(status ORDER BY rev DESC))[1] AS status
    FROM history_events e
    WHERE order_id = ANY(%(orders)s) AND NOT EXISTS (SELECT FROM orders WHERE orders.order_id = e.order_id)
    GROUP BY order_id
)
INSERT INTO history_events (order_id, rev, status, kind, occurred_at, actor_id, actor_name, transaction_id)
SELECT told.order_id, told.rev, told.status, 'erased', %(at)s, %(by)s, %(by_name)s, pg_current_xact_id()::text::bigint
FROM (SELECT * FROM live UNION ALL SELECT * FROM gone) told
"""


@dataclass
class Cleared:
    """counts: rows changed or removed, by table; orders: those whose documents have to change, events: of activity."""

    counts: Counter[str] = field(default_factory=Counter)
    orders: set[int] = field(default_factory=set)
    events: set[int] = field(default_factory=set)


def clear(person: Person, *, by: activity.Actor, at: datetime, keep: Callable[[Cleared], None]) -> Cleared:
    """Take the person out of every table. keep: called with what was done, at the end of the transaction.

    by: who answers for it. at: aware datetime. Raises django.db.Error; then nothing is changed.
    """
    done = Cleared(Counter({Session._meta.db_table: end_sessions(person)}))
    with triggers.erasing(), connection.cursor() as cursor:
        # A customer of many years has many rows, and a relay may be at some of them.
        cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s'")
        # The account, then its orders, as placing and changing them do: what they write is there to be found after it.
        user = User.objects.select_for_update(no_key=True).filter(pk=person.user_id).first()
        cursor.execute("SELECT FROM orders WHERE user_id = %s ORDER BY order_id FOR NO KEY UPDATE", [person.user_id])
        for table, row, clean in list(tables.find(person)):
            _rewrite(cursor, table, row, clean)
            _count(done, table, row)
        done.counts[LogEntry._meta.db_table] += _clear_admin_log(person)
        done.counts[ApiAnswer._meta.db_table] += _clear_answers(person)
        done.counts[AccountEmail._meta.db_table] += _clear_account_emails(person)
        if user is not None:
            done.counts += _clear_account(user, person, by, at)
        if done.orders:
            who = {"at": at, "by": by.user_id, "by_name": by.name}
            cursor.execute(TELL, {"orders": sorted(done.orders), **who})
            transaction.on_commit(wakeup.request)
        done.counts = +done.counts
        keep(done)
        faults.point("erase: before tables commit")
    return done


def end_sessions(person: Person) -> int:
    """End the sessions of the person, and those of visitors who have typed in what is theirs; return how many."""
    ended = [
        session.pk for session in Session.objects.order_by("pk").iterator() if _is_of(person, session.get_decoded())
    ]
    return Session.objects.filter(pk__in=ended).delete()[0]


def _is_of(person: Person, data: dict[str, Any]) -> bool:
    signed_in = data.get(SESSION_KEY)
    if signed_in is not None:
        return bool(signed_in == str(person.user_id))
    text = json.dumps(data, ensure_ascii=False)
    return person.without(text) != text


def _count(done: Cleared, table: Table, row: Row) -> None:
    done.counts[table.name] += 1
    if not table.is_mirrored:
        return
    if row["order_id"] is not None:
        done.orders.add(row["order_id"])
    else:
        done.events.add(row["event_id"])


def _rewrite(cursor: CursorWrapper, table: Table, row: Row, clean: Row) -> None:
    """Write what became different, part by part: of JSON the rest stays as exact as it is."""
    sets, values = [], []
    for column, value in clean.items():
        if value == row[column]:
            continue
        written = column
        if column not in table.json:
            written = "%s"
            values.append(value)
        for path, part in _parts(row[column], value) if column in table.json else ():
            # jsonb_set takes no path to the whole.
            written = f"jsonb_set({written}, %s, %s)" if path else "%s"
            values += [path, Jsonb(part)] if path else [Jsonb(part)]
        sets.append(f"{column} = {written}")
    statement = f"UPDATE {table.name} SET {', '.join(sets)} WHERE {table.key} = %s"  # noqa: S608 - names of ours
    cursor.execute(statement, [*values, row[table.key]])


def _parts(old: Any, new: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[list[str], Any]]:
    """Yield what is different in new, and where it lies; both are of the same shape down to there."""
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        for key in old:
            yield from _parts(old[key], new[key], (*path, key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _parts(before, after, (*path, str(index)))
    elif old != new:
        yield [*path], new


def _clear_admin_log(person: Person) -> int:
    """What the back office's own log says of the account, beside its number."""
    people = ContentType.objects.get_for_model(User)
    entries = LogEntry.objects.filter(content_type=people, object_id=str(person.user_id))
    return entries.exclude(object_repr=person.label).update(object_repr=person.label, change_message="")


def _clear_answers(person: Person) -> int:
    """What the API answered about the person, and to keys of theirs; it is kept for repeated requests."""
    orders = "|".join(map(str, tables.whose_orders(person.user_id))) or "none"
    about = f"/({orders})/?$"
    named = [
        answer.pk
        for answer in ApiAnswer.objects.only("idempotency_key", "body").iterator()
        if person.is_named_in(answer.idempotency_key, bytes(answer.body or b"").decode(errors="replace"))
    ]
    theirs = Q(location__regex=about) | Q(key__customer=person.user_id) | Q(pk__in=named)
    return ApiAnswer.objects.filter(theirs).delete()[0]


def _clear_account_emails(person: Person) -> int:
    """Emails that wait to be sent, also to an address that the person had before."""
    waiting = AccountEmail.objects.only("recipient", "subject", "body").iterator()
    named = [email.pk for email in waiting if person.is_named_in(email.recipient, email.subject, email.body)]
    return AccountEmail.objects.filter(pk__in=named).delete()[0]


def _clear_account(user: User, person: Person, by: activity.Actor, at: datetime) -> Counter[str]:
    gone = services.strip_account(user, name=person.label, kind="erased")
    gone[CartItem._meta.db_table] += CartItem.objects.for_customer(user).delete()[0]
    gone[ApiKey._meta.db_table] += ApiKey.objects.filter(customer=user, revoked_at__isnull=True).update(revoked_at=at)
    for key in ApiKey.objects.filter(customer=user):
        if person.is_named_in(key.name):
            ApiKey.objects.filter(pk=key.pk).update(name=person.without(key.name))
    if gone[User._meta.db_table]:
        # By update, which sends no signal.
        User.objects.filter(pk=user.pk).update(is_active=False)
        activity.record(
            Kind.ERASED, subject=Subject.USER, subject_id=user.pk, subject_name=person.label, actor=by, at=at
        )
    return gone
