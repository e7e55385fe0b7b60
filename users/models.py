"""The user: whoever signs in, by e-mail."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Now, Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.text import MAX_EMAIL_LENGTH
from users.email_fields import EmailField


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=username)

    def create_user(self, email: str, name: str, password: str | None = None, **fields: Any) -> User:
        """Return a new user; without a password nobody can sign in as them."""
        user = self.model(email=email, name=name, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, name: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, name, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A customer, a member of staff or an analyst; permissions say which.

    Every column but name and email has a database default, so plain SQL can add users; those cannot sign in until
    they reset their password.
    """

    user_id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=200)
    email = EmailField(max_length=MAX_EMAIL_LENGTH)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    password = models.CharField(max_length=128, db_default="!")
    is_active = models.BooleanField("active", db_default=True, help_text="Inactive people cannot sign in.")
    is_staff = models.BooleanField("staff", db_default=False, help_text="May enter the back office.")
    is_superuser = models.BooleanField("superuser", db_default=False, help_text="Has every permission.")
    # Set by triggers for good, with the first role or permission: whoever takes those away cannot take the account.
    had_rights = models.BooleanField(db_default=False, editable=False)
    # Staff, other than superusers, who made the account, changed its address or gave it rights.
    vouched_by = ArrayField(models.BigIntegerField(), default=list, db_default=[], editable=False)

    # While a sign-in hashes the same password by a stronger algorithm: no new password.
    is_hash_renewal = False

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    objects = UserManager()

    class Meta:
        db_table = "users"
        constraints = [
            # Unique without case, whatever writes it; EmailField and a trigger have one spelling of each address.
            models.UniqueConstraint(
                Upper("email"), name="users_email_unique", violation_error_message=_("This e-mail address is taken.")
            ),
            models.CheckConstraint(
                condition=~models.Q(email=""),
                name="users_email_given",
                violation_error_message="An account has an e-mail address.",
            ),
        ]
        indexes = [
            # Sign-in, sign-up, resets, the API: everybody is looked up by the address.
            models.Index(fields=["email"], name="users_email"),
            # The back office's list, newest first; the few staff and inactive people among them.
            models.Index(fields=["-created_at", "-user_id"], name="users_newest"),
            models.Index(fields=["-created_at"], condition=models.Q(is_staff=True), name="users_staff"),
            models.Index(fields=["-created_at"], condition=models.Q(is_active=False), name="users_inactive"),
            # The back office's searches: name__icontains, email__icontains.
            GinIndex(OpClass(Upper("name"), "gin_trgm_ops"), name="users_name_trigram"),
            GinIndex(OpClass(Upper("email"), "gin_trgm_ops"), name="users_email_trigram"),
        ]
        permissions = [
            ("assign_roles", "Can look after staff and give roles up to their own"),
            ("erase_user", "Can ask for a person's data to be erased, and confirm what somebody else asked for"),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name

    def check_password(self, raw_password: str | None) -> bool:
        """Django's, which also renews a hash of an older algorithm."""

        def renew(password: str) -> None:
            self.is_hash_renewal = True
            self.set_password(password)
            self.save(update_fields=["password"])
            self.is_hash_renewal = False

        return bool(check_password(raw_password, self.password, renew))


class AddressQuerySet(models.QuerySet["Address"]):
    def for_customer(self, customer: User) -> AddressQuerySet:
        """The customer's addresses, the one used last first."""
        return self.filter(customer=customer).order_by("-used_at", "-address_id")


class Address(models.Model):
    """Somewhere a customer has orders sent; orders keep a copy of its lines. used_at: saved, or last ordered to."""

    LINES = ("name", "line1", "line2", "postcode", "city", "country")
    # Those that stand on one line of a parcel stand together.
    WRITTEN = (("name",), ("line1",), ("line2",), ("postcode", "city"), ("country",))
    MOST = 20  # of one customer

    address_id = models.BigAutoField(primary_key=True)
    customer = models.ForeignKey(User, on_delete=models.CASCADE, related_name="addresses", db_column="user_id")
    name = models.CharField(_("full name"), max_length=200)
    line1 = models.CharField(_("street and number"), max_length=200)
    line2 = models.CharField(_("flat, floor, company"), max_length=200, blank=True, db_default="")
    city = models.CharField(_("town or city"), max_length=200)
    postcode = models.CharField(_("postcode"), max_length=200)
    country = models.CharField(_("country"), max_length=200)
    used_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = AddressQuerySet.as_manager()

    class Meta:
        db_table = "addresses"

    def __str__(self) -> str:
        return ", ".join(self.written(self.lines()))

    def lines(self) -> dict[str, str]:
        """The lines that are filled in, by name: the shape of an order's shipping_address."""
        return {name: text for name in self.LINES if (text := getattr(self, name))}

    @classmethod
    def written(cls, lines: Any) -> list[str]:
        """The lines of an address, by name, as they are shown everywhere; plain SQL may have put anything there."""
        if not isinstance(lines, dict):
            return []
        rows = (" ".join(str(lines[name]) for name in row if lines.get(name)) for row in cls.WRITTEN)
        return [row for row in rows if row]


class ApiKey(models.Model):
    """Lets one of the shop's other systems in through the API, made and revoked by staff; never changed otherwise.

    Of the secret itself only a hash is kept: digest is its SHA-256, prefix the part of the key that finds the row.
    scopes: by name (config/api/scopes.py), with spaces between. customer: whose orders alone it sees and makes.
    """

    USUAL_LIMIT = 600

    key_id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=100, help_text="The system that gets it; it stands in each order's history.")
    prefix = models.CharField(max_length=12, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = models.CharField(max_length=200)
    customer = models.ForeignKey(
        User,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="api_keys",
        db_column="user_id",
        help_text="If given, the key is for the orders of this customer alone.",
    )
    # It works only while its owner, who made it or took it over, is active and may do what it does. Keys made before
    # this was recorded have no owner, and go on.
    made_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, editable=False, db_index=False, related_name="+"
    )
    taken_over_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, editable=False, db_index=False, related_name="+"
    )
    requests_per_minute = models.IntegerField(default=USUAL_LIMIT)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    # To the minute, because every request would write it.
    last_used_at = models.DateTimeField("last used", null=True, editable=False)
    revoked_at = models.DateTimeField("revoked", null=True, editable=False)

    class Meta:
        db_table = "api_keys"
        verbose_name = "API key"
        default_permissions = ("view", "add")
        permissions = [("revoke_apikey", "Can revoke keys of the API")]
        constraints = [
            models.UniqueConstraint(
                Upper("name"),
                condition=models.Q(revoked_at=None),
                name="api_keys_name_unique",
                violation_error_message="A key that is in use has this name.",
            ),
            models.UniqueConstraint(
                fields=["prefix"],
                name="api_keys_prefix_unique",
                violation_error_message="Another key begins like this one. Make a new one.",
            ),
            models.CheckConstraint(
                condition=models.Q(requests_per_minute__gt=0),
                name="api_keys_limit_positive",
                violation_error_message="A key may send at least one request a minute.",
            ),
        ]

    def __str__(self) -> str:
        return f"API key {self.name}"

    @property
    def owner(self) -> User | None:
        return self.taken_over_by or self.made_by

    def allows(self, scope: str) -> bool:
        return scope in self.scopes.split()


class ApiAnswer(models.Model):
    """What a request with an Idempotency-Key was answered, kept to be given again: users/api_answers.py.

    request: SHA-256 of what was asked. Written in the transaction of what the request did.
    """

    answer_id = models.BigAutoField(primary_key=True)
    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="+", db_column="key_id", db_index=False)
    idempotency_key = models.CharField(max_length=255)
    request = models.CharField(max_length=64)
    status = models.SmallIntegerField(null=True)
    location = models.TextField(db_default="")
    body = models.BinaryField(null=True)
    answered_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "api_answers"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["key", "idempotency_key"],
                name="api_answers_once",
                violation_error_message="A request with this Idempotency-Key was answered already.",
            ),
        ]
        indexes = [
            # Forgetting the old ones.
            models.Index(fields=["answered_at"], name="api_answers_by_age"),
        ]

    def __str__(self) -> str:
        return self.idempotency_key


class ApiUse(models.Model):
    """How many requests a key made in its minute of now. The table is not logged: a crash empties it."""

    key = models.OneToOneField(ApiKey, on_delete=models.CASCADE, primary_key=True, db_column="key_id", related_name="+")
    since = models.DateTimeField()
    requests = models.IntegerField()

    class Meta:
        db_table = "api_uses"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.requests} since {self.since}"


class AccountEmail(models.Model):
    """An email about an account that waits to be sent: users/email_queue.py."""

    email_id = models.BigAutoField(primary_key=True)
    recipient = models.CharField(max_length=MAX_EMAIL_LENGTH)
    subject = models.TextField()
    body = models.TextField()
    due_at = models.DateTimeField(db_default=Now(), db_index=True)
    expires_at = models.DateTimeField()
    attempts = models.IntegerField(db_default=0)
    error = models.TextField(db_default="")

    class Meta:
        db_table = "account_emails"
        default_permissions = ()

    def __str__(self) -> str:
        return f"account email {self.pk}"


class ErasureQuerySet(models.QuerySet["Erasure"]):
    def of_user(self, user_id: int) -> ErasureQuerySet:
        return self.filter(user_id=user_id).order_by("-erasure_id")

    def open(self) -> ErasureQuerySet:
        """Asked for, and neither withdrawn nor finished; some of them may have lapsed."""
        return self.filter(withdrawn_at__isnull=True, finished_at__isnull=True)

    def waiting(self, at: datetime) -> ErasureQuerySet:
        """Those that somebody may still confirm; what a customer asked for of themselves does not lapse."""
        in_time = models.Q(asked_at__gt=at - Erasure.WAITS) | models.Q(asked_by__isnull=True)
        return self.open().filter(in_time, confirmed_at__isnull=True)

    def under_way(self) -> ErasureQuerySet:
        return self.open().filter(confirmed_at__isnull=False).order_by("erasure_id")

    def failing(self) -> ErasureQuerySet:
        return self.under_way().filter(failed_at__isnull=False)

    def finished(self) -> ErasureQuerySet:
        return self.filter(finished_at__isnull=False).order_by("erasure_id")


class Erasure(models.Model):
    """A request to erase what is known of a person, and when it is done the certificate of it.

    One asks, another confirms; who asks by a command or by closing their own account has no number here.
    found: what is needed to go on after a crash; empty once it is finished, so nothing here tells who it was.
    counts: rows changed or removed, by table or collection. sha256: of the certificate (history/erasure).
    """

    WAITS = timedelta(days=7)  # for the confirmation

    erasure_id = models.BigAutoField(primary_key=True)
    # No foreign key: it outlives the account, and tells after a restored backup whom to erase again.
    user_id = models.BigIntegerField()
    asked_by = models.BigIntegerField(null=True)
    asked_by_name = models.CharField("asked by", max_length=200)
    asked_at = models.DateTimeField()
    confirmed_by = models.BigIntegerField(null=True)
    confirmed_by_name = models.CharField("confirmed by", max_length=200, db_default="")
    confirmed_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    found = models.JSONField(default=dict, db_default={})
    counts = models.JSONField(default=dict, db_default={})
    sha256 = models.CharField("SHA-256", max_length=64, db_default="")
    # Why the latest try failed; it is repeated after a while, and other erasures go on.
    error = models.TextField(db_default="")
    failed_at = models.DateTimeField(null=True)

    objects = ErasureQuerySet.as_manager()

    class Meta:
        db_table = "erasures"
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(confirmed_by=models.F("asked_by")),
                name="erasures_confirmed_by_another",
                violation_error_message="Whoever asks for an erasure does not confirm it.",
            ),
            # Its index finds the requests of a person too.
            models.UniqueConstraint(
                fields=["user_id"],
                condition=models.Q(withdrawn_at__isnull=True, finished_at__isnull=True),
                name="erasures_one_at_a_time",
                violation_error_message="An erasure of this person is under way already.",
            ),
        ]

    def __str__(self) -> str:
        return f"account {self.user_id}, {self.state(timezone.now())}"

    def state(self, at: datetime) -> str:
        """Where it is, in a word or two."""
        if self.finished_at:
            return "erased"
        if self.withdrawn_at:
            return "withdrawn"
        if self.confirmed_at:
            return "failing" if self.failed_at else "under way"
        is_in_time = self.asked_by is None or at < self.asked_at + self.WAITS
        return "waits for confirmation" if is_in_time else "lapsed"


def display_name(user: User) -> str:
    return str(user)
