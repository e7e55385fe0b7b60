"""`python -m config.run`: the whole product on one machine, from nothing to a shop that answers.

Databases, web, relay, the sender of mails, the importer of products and the deliverer of webhooks are started in this
order and stopped in the reverse one. When one of them ends, all end.
"""

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from importlib import import_module
from pathlib import Path
from types import FrameType

from honcho.manager import Manager

from config import environment as settings_environment
from config import terminal, tether
from config.embedded import addresses, supervisor

BASE_DIR = Path(__file__).resolve().parent.parent
MANAGE = [sys.executable, str(BASE_DIR / "manage.py")]


class StepError(Exception):
    """The product cannot be started; the message is one sentence with the cause and the next step."""


class Databases:
    """The embedded databases, run by a process of their own that outlives web and relay."""

    def __init__(self, env: dict[str, str]) -> None:
        self.failed = False
        self._stopping = False
        self._ready = threading.Event()
        self._ended = threading.Event()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "config.embedded"],
            env=env,
            cwd=BASE_DIR,
            stdout=subprocess.PIPE,
            # stderr stays the terminal's: where they cannot start, they say so themselves.
            text=True,
            # A Ctrl-C in the terminal is for us: web, relay and the others are stopped first.
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def wait_ready(self) -> None:
        """Return when they take queries; end with exit code 1 when they could not start, as they have said."""
        self._ready.wait()
        if self._ended.is_set():
            sys.exit(1)

    def stop(self) -> None:
        self._stopping = True
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait()

    def _read(self) -> None:
        """Pass their lines on; when they end unasked, end everything."""
        assert self._process.stdout
        with self._process.stdout as lines:
            for line in lines:
                if line.rstrip() == supervisor.READY:
                    self._ready.set()
                else:
                    terminal.say(line.rstrip())
        self._process.wait()
        was_ready = self._ready.is_set()
        self._ended.set()
        self._ready.set()
        if was_ready and not self._stopping:
            self.failed = True
            terminal.say("The databases ended: stopping the shop.")
            os.kill(os.getpid(), signal.SIGTERM)


def environment(port: int, data_dir: Path) -> dict[str, str]:
    """The environment of every part: what is given, completed for a machine of one's own."""
    env = {name: value for name, value in os.environ.items() if value.strip() or not name.endswith("_URL")}
    env |= {"DATA_DIR": str(data_dir), "PORT": str(port), tether.OWNER_VARIABLE: str(os.getpid())}
    env |= {"PYTHONUNBUFFERED": "1"}
    return {"LOCAL": "1", "DEBUG": "0", "DJANGO_SETTINGS_MODULE": "config.settings"} | env


def checked_environment() -> dict[str, str]:
    """The environment of every part, with a free port; ends the process where one of the settings is refused."""
    with settings_environment.one_sentence():
        given = settings_environment.Env()
        wanted = given.number("PORT", default=8000, least=1, most=65_535)
        port = terminal.free_port(wanted, settings_environment.listen_host())
        env = environment(port, given.folder("DATA_DIR", default=BASE_DIR / ".data").resolve())
        for name in ("DATABASE", "MONGODB"):
            if f"{name}_URL" in given:
                password = given.text(f"{name}_PASSWORD", default="")
                env[f"{name}_URL"] = given.store(f"{name}_URL", default="", password=password)
        given.flag("DEMO", default=True)
        env["WEB_CONCURRENCY"] = str(settings_environment.web_processes())
        os.environ.update(env)
        import_module("config.settings")
    return env


def manage(done: str, *arguments: str, env: dict[str, str], log: Path, shown: bool = False) -> None:
    """Run a manage.py command as a step; `shown` lets its own output (a progress bar) through. Raises StepError."""
    with terminal.step(done):
        output = None if shown else subprocess.PIPE
        result = subprocess.run(
            [*MANAGE, *arguments], env=env, cwd=BASE_DIR, check=False, stdout=output, stderr=output, text=True
        )
        if result.returncode:
            said = f"{result.stdout or ''}{result.stderr or ''}".strip()
            reason = said.splitlines()[-1].rstrip(".") if said else "what it said is above"
            if said:
                log.parent.mkdir(parents=True, exist_ok=True)
                log.write_text(said + "\n")
                reason += f"; all of it is in {log}"
            raise StepError(f"`manage.py {arguments[0]}` failed: {reason}.")


def prepare(env: dict[str, str], logs: Path) -> None:
    """Bring the database to the current schema and, the first time, load the demo shop. Raises StepError."""
    for name, reach in (("DATABASE_URL", terminal.reach_postgres), ("MONGODB_URL", terminal.reach_mongodb)):
        if name in env and (reason := reach(env[name])):
            raise StepError(f"{name} is set, but that server cannot be used ({reason}); start it, or unset {name}.")
    # WhiteNoise warns of every start without it; what is in it comes from collectstatic, which only the image needs.
    (BASE_DIR / "staticfiles").mkdir(exist_ok=True)
    manage("migrations applied", "migrate", "--no-input", "--verbosity=0", env=env, log=logs / "migrate.log")
    if settings_environment.Env().flag("DEMO", default=True):
        manage("demo shop there", "seed_demo", "--if-empty", env=env, log=logs / "seed_demo.log", shown=True)


def announce(port: int, *, has_demo: bool) -> None:
    """Wait until the web answers, then print the addresses."""
    host = settings_environment.listen_host()
    host = settings_environment.as_url_host({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host))  # noqa: S104
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://{host}:{port}/", timeout=30).close()
        except urllib.error.HTTPError as error:
            error.close()
        except OSError:
            time.sleep(0.1)
            continue
        # In one piece and on a line of its own: the parts are talking at the same time.
        sys.stdout.write(f"\n{terminal.box(port, has_demo=has_demo)}\n")
        sys.stdout.flush()
        return


def serve(env: dict[str, str], port: int, *, has_demo: bool) -> int:
    """Run the parts until one of them ends or a signal comes; return the exit code."""
    manager = Manager()
    parts = {
        "web": [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py"],
        "relay": [*MANAGE, "relay"],
        "mail": [*MANAGE, "send_mails"],
        "import": [*MANAGE, "import_products"],
        "hooks": [*MANAGE, "deliver_webhooks"],
    }
    for name, command in parts.items():
        # exec: honcho starts a shell, and it is the part itself that has to get the signals.
        manager.add_process(name, f"exec {shlex.join(command)}", env=env, cwd=str(BASE_DIR))
    threading.Thread(target=announce, args=(port,), kwargs={"has_demo": has_demo}, daemon=True).start()
    manager.loop()
    code = int(manager.returncode or 0)
    return code if code >= 0 else 1


def _terminated(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> int:
    signal.signal(signal.SIGTERM, _terminated)
    signal.signal(signal.SIGHUP, _terminated)
    databases = None
    try:
        env = checked_environment()
        port, data_dir = int(env["PORT"]), Path(env["DATA_DIR"])
        if not {"DATABASE_URL", "MONGODB_URL"} <= env.keys():
            with terminal.step("databases ready"):
                databases = Databases(env)
                databases.wait_ready()
        prepare(env, data_dir / "logs")
        has_demo = terminal.has_demo(env.get("DATABASE_URL") or addresses.database_url(data_dir))
        code = serve(env, port, has_demo=has_demo)
        # Stopped by its user is not a failure of the product.
        return 0 if code in (130, 143) and not (databases and databases.failed) else code or 1
    except (StepError, terminal.PortError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if databases:
            databases.stop()


if __name__ == "__main__":
    sys.exit(main())
