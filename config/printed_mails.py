"""Mails of a shop on one's own machine, printed: the code of a sign-up is seen among the lines of `make run`."""

from __future__ import annotations

from django.core.mail import EmailMessage
from django.core.mail.backends import console


class EmailBackend(console.EmailBackend):
    def write_message(self, message: EmailMessage) -> None:
        """Print whom it is for and its text: the page that mail programs show hides both in a terminal."""
        self.stream.write(f"To: {', '.join(message.to)}\nSubject: {message.subject}\n\n{message.body}\n{'-' * 79}\n")
