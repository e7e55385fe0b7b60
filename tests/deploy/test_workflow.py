"""The workflow of the forge runs what runs here too: targets of the Makefile, and nothing else."""

from __future__ import annotations

import re

import yaml

from config.embedded import addresses
from tests.config.processes import ROOT

WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
# Every Python that the README names.
PYTHONS = ["3.11", "3.12", "3.13"]


def steps():
    return [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]


def test_every_command_is_a_target_of_the_makefile():
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    commands = [step["run"] for step in steps() if "run" in step]

    assert len(commands) >= 7
    for command in commands:
        assert re.fullmatch(r"make ([a-z-]+)( PYTHON=python)?", command), command
        assert command.split()[1] in targets


def test_nothing_else_is_used_than_the_checkout_and_python():
    assert {step["uses"].split("@")[0] for step in steps() if "uses" in step} == {
        "actions/checkout",
        "actions/setup-python",
    }


def test_all_pythons_and_two_releases_of_each_store():
    jobs = WORKFLOW["jobs"]
    assert jobs["check"]["strategy"]["matrix"]["python"] == PYTHONS
    assert jobs["embedded-stores"]["strategy"]["matrix"]["python"] == PYTHONS
    assert jobs["real-stores"]["strategy"]["matrix"] == {"postgresql": ["15", "18"], "mongodb": ["7.0", "8.0"]}


def test_real_stores_are_what_the_suite_is_given():
    job = WORKFLOW["jobs"]["real-stores"]

    assert job["env"].keys() == {"DATABASE_URL", "MONGODB_URL"}
    for name, (service, image) in {
        "DATABASE_URL": ("postgresql", "postgres:${{ matrix.postgresql }}"),
        "MONGODB_URL": ("mongodb", "mongodb/mongodb-atlas-local:${{ matrix.mongodb }}"),
    }.items():
        port = job["services"][service]["ports"][0].split(":")[0]
        assert f":{port}/" in job["env"][name]
        assert job["services"][service]["image"] == image
        assert job["env"][name] != getattr(addresses, name.lower())(ROOT / ".data")
