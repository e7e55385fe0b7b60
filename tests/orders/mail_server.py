"""A mail server for tests, in threads of this process, that takes mails, refuses them, hangs or hangs up."""

from __future__ import annotations

import email
import email.policy
import socketserver
import threading
from email.message import EmailMessage

# What it answers to each command, unless a test says otherwise.
ANSWERS = {"banner": "220 here", "EHLO": "250 here", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on",
           "end": "250 taken", "RSET": "250 ok", "QUIT": "221 bye"}  # fmt: skip
HANG, HANG_UP = "hang", "hang up"


class MailServer(socketserver.ThreadingTCPServer):
    """mails: those taken, in order; says: an answer of its own, HANG or HANG_UP for a command; ends with close()."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.port: int = self.server_address[1]
        self.mails: list[EmailMessage] = []
        self.conversations = 0
        self.says: dict[str, str] = {}
        self.released = threading.Event()
        self.reached = threading.Event()  # a command that hangs was given
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self.released.set()
        self.shutdown()
        self.server_close()


class _Conversation(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self.server.conversations += 1
        if not self._answer("banner"):
            return
        while line := self.rfile.readline():
            command = line[:4].decode().upper()
            if not self._answer(command):
                return
            if command == "DATA" and "DATA" not in self.server.says and not self._take():
                return
            if command == "QUIT":
                return

    def _take(self) -> bool:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        if self.server.says.get("end", "250").startswith(("250", HANG)):
            mail = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
            self.server.mails.append(mail)
        return self._answer("end")

    def _answer(self, command: str) -> bool:
        says = self.server.says.get(command) or ANSWERS.get(command, "500 what?")
        if says == HANG:
            self.server.reached.set()
            self.server.released.wait(30)
        if says in (HANG, HANG_UP):
            return False
        self.wfile.write(f"{says}\r\n".encode())
        return True
