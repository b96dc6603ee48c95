"""Rules about the files themselves (`make lint`): length, download addresses, machine paths, pins."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from project import REQUIREMENTS, ROOT, distributions, own_names

LONGEST = 300
MACHINE_PATH = re.compile(r"(?<![\w./:~$-])/(?:home|Users|root|work)/[\w.-]+")
LOCK_FILES = {"package-lock.json", "npm-shrinkwrap.json"}
NEVER_COMMITTED = {"uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock", "yarn.lock", "pnpm-lock.yaml"}
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


def _tracked() -> list[Path]:
    """Return the files that are, or are about to be, in the repository."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    paths = (Path(name) for name in done.stdout.split("\0") if name)
    return sorted(path for path in paths if (ROOT / path).is_file())


def _is_test(path: Path) -> bool:
    return "tests" in path.parts


def too_long(path: Path, text: str) -> Iterator[str]:
    """Files of the product stay short enough to read in one sitting; a migration is a list of tables, not a text."""
    lines = text.count("\n")
    if "migrations" in path.parts:
        return
    product = path.parts[0] in {"cloudpay", "plugins", "devnet", "scripts", "bench"}
    if product and path.suffix == ".py" and not _is_test(path) and lines > LONGEST:
        yield f"{path}: {lines} lines; split it (at most {LONGEST})"


def download_addresses(path: Path, text: str) -> Iterator[str]:
    """What is installed is pinned by hash; where it comes from is each machine's own affair."""
    if path.name in NEVER_COMMITTED:
        yield f"{path}: records download addresses; requirements/*.txt are the lock files here"
    if path.name in LOCK_FILES:
        packages = json.loads(text).get("packages", {})
        for name, package in packages.items():
            if "resolved" in package:
                yield f"{path}: {name} has a download address; run npm with omit-lockfile-registry-resolved=true"
            # npm learns the hash of another system's optional package only where it can see that package.
            if name and "integrity" not in package and not package.get("optional"):
                yield f"{path}: {name} has no integrity hash"
    if path.parts[0] == "requirements" and re.search(r"https?://|--(?:extra-)?index-url|--find-links", text):
        yield f"{path}: names a package index"


def machine_paths(path: Path, text: str) -> Iterator[str]:
    """A path of somebody's machine works on no other."""
    if path.suffix in {".md", ".py", ".sh", ".toml", ".cfg", ".txt", ".in", ".yml", ".json", ""}:
        for match in MACHINE_PATH.finditer(text):
            yield f"{path}: names {match.group()}, which is on one machine only"


def borrowed_tests(path: Path, text: str) -> Iterator[str]:
    """A plugin's tests run against its wheel too, where the tests of the whole tree do not stand."""
    if path.parts[0] == "plugins" and _is_test(path) and path.suffix == ".py":
        for match in re.finditer(r"^(?:from|import) (tests[\w.]*)", text, re.MULTILINE):
            yield f"{path}: imports {match.group(1)}; a test that needs it stands in tests/"


def stale_pins() -> Iterator[str]:
    """Every dependency that a pyproject declares is pinned, at a version that it allows."""
    own = own_names()
    for output, groups in (("run.txt", False), ("dev.txt", True)):
        pins = {
            canonicalize_name(name): version
            for name, version in PIN.findall((REQUIREMENTS / output).read_text("utf-8"))
        }
        for each in distributions():
            for line in (*each.dependencies, *(each.groups.get("dev", ()) if groups else ())):
                wanted = Requirement(line)
                name = canonicalize_name(wanted.name)
                if name not in own and (
                    name not in pins or not wanted.specifier.contains(pins[name], prereleases=True)
                ):
                    yield f"requirements/{output}: {each.name} needs {line}; run `make requirements`"


def _findings() -> Iterator[str]:
    for path in _tracked():
        try:
            text = (ROOT / path).read_text("utf-8")
        except UnicodeDecodeError:
            continue  # pictures and other binary files have no lines
        yield from too_long(path, text)
        yield from download_addresses(path, text)
        yield from machine_paths(path, text)
        yield from borrowed_tests(path, text)
    yield from stale_pins()


def main() -> int:
    """Print every finding; return 1 when there is one."""
    findings = list(_findings())
    print("\n".join(findings), end="\n" if findings else "")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
