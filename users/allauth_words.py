"""What allauth says to customers in words that we have in German otherwise: its own German calls them du, ours Sie.

Only marked here, so that they are in the shop's catalogue, which comes before allauth's.
"""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

WORDS = (
    # Messages and errors at fields.
    _("You have signed out."),
    _("You have confirmed %(email)s."),
    _("You cannot remove your primary email address."),
    _("You cannot remove your primary email address (%(email)s)."),
    _("Your primary email address must be verified."),
    _("Please type your current password."),
    _("You must type the same password each time."),
    _("Too many failed login attempts. Try again later."),
    _("Be patient, you are sending too many requests."),
    # Of the page of a link that is none.
    _(
        "This email confirmation link expired or is invalid. Please "
        '<a href="%(email_url)s">issue a new email confirmation request</a>.'
    ),
)
