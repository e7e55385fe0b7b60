"""What the Dockerfile has to say; hadolint looks at the rest in `make check`."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

import pytest

from tests.deploy import dockerfile
from tests.deploy.dockerfile import ROOT

TEXT = (ROOT / "Dockerfile").read_text()
STAGES = dockerfile.stages(TEXT)
LAST = STAGES[-1]
IGNORED = dockerfile.patterns((ROOT / ".dockerignore").read_text())


def of(name):
    return [each for each in LAST.instructions if each.name == name]


def test_every_base_is_an_earlier_stage_or_an_image_by_its_full_tag():
    named = {stage.name for stage in STAGES}

    outside = {stage.base for stage in STAGES} - named

    assert len(outside) == 1
    assert re.fullmatch(r"python:3\.1[1-3]-slim-[a-z]+", outside.pop())


def test_the_last_stage_runs_as_a_number_that_is_not_root_and_installs_nothing():
    names = [each.name for each in LAST.instructions]

    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", of("USER")[-1].text)
    # Nothing that writes into the image comes after it.
    assert not {"RUN", "COPY", "ADD"} & set(names[names.index("USER") :])
    for each in of("RUN"):
        assert not re.search(r"\b(apt|apt-get|apk|pip|curl|wget|gcc|sudo)\b", each.text), each.text


def test_packages_are_those_of_requirements_by_their_hashes_and_never_built():
    installs = [each.text for stage in STAGES for each in stage.instructions if " pip " in each.text]

    assert len(installs) == 1
    for option in ("--require-hashes", "-r requirements.txt", "--only-binary :all:", "--no-cache-dir"):
        assert option in installs[0]
    assert "--hash=sha256:" in (ROOT / "requirements.txt").read_text()


def test_no_secret_stands_in_it():
    for each in (each for stage in STAGES for each in stage.instructions if each.name in ("ENV", "ARG", "LABEL")):
        assert not re.search(r"SECRET|PASSWORD|TOKEN|_URL", each.text), each.text


def test_commands_and_health_check_are_lists_so_that_signals_reach_the_process():
    assert of("CMD")[0].listed == ["python", "-m", "config.serve"]
    health = of("HEALTHCHECK")[0]
    assert health.listed[0] == "python"
    assert "/healthz" in health.listed[2]
    for option in ("--interval", "--timeout", "--start-period", "--retries"):
        assert option in health.text


def test_it_says_what_it_is():
    labels = dict(word.split("=", 1) for word in of("LABEL")[0].words)

    assert {name.rpartition(".")[2] for name in labels} == {"title", "description", "licenses", "version", "revision"}
    assert all(name.startswith("org.opencontainers.image.") and value for name, value in labels.items())


def test_the_context_holds_what_is_copied_and_nothing_else():
    copied = {
        word
        for stage in STAGES
        for each in stage.instructions
        if each.name == "COPY" and "--from" not in each.text
        for word in each.words[:-1]
    }
    sent = {name for name in (path.name for path in ROOT.iterdir()) if dockerfile.is_sent(PurePosixPath(name), IGNORED)}

    assert copied == sent
    assert not sent & {".git", ".env", ".venv", "tests", "docs", ".data"}


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("config/urls.py", True),
        ("config/api/__pycache__/types.cpython-311.pyc", False),
        ("config/old.pyc", False),
        (".env", False),
        ("tests/conftest.py", False),
        ("requirements-dev.txt", False),
        ("docs/api.md", False),
    ],
)
def test_what_the_context_lets_through(path, sent):
    assert dockerfile.is_sent(PurePosixPath(path), IGNORED) is sent


def test_lines_are_put_together_and_comments_left_out():
    read = dockerfile.stages('# x\nFROM a:1 AS b\nRUN one \\\n  # between\n  && two\n\nFROM b\nCMD ["c", "d e"]\n')

    assert [(stage.base, stage.name) for stage in read] == [("a:1", "b"), ("b", "")]
    assert read[0].instructions[0].text.split() == ["one", "&&", "two"]
    assert read[1].instructions[0].listed == ["c", "d e"]


def test_every_app_and_folder_of_templates_is_in_the_image():
    apps = {path.parent.name for path in ROOT.glob("*/apps.py")} | {"config"}
    copied = {Path(word).parts[0] for each in of("COPY") for word in each.words[:-1]}

    assert apps | {"templates", "static", "locale"} <= copied
