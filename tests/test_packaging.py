"""The wheel carries what the code needs, the bounds are the tested ones, and the tree names nothing it should not."""

import json
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

from vaekit.version import __version__

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_wheel_in_an_empty_environment_carries_recipes_templates_and_statistics(tmp_path):
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", tmp_path, ROOT]
    subprocess.run(build, check=True, timeout=300)
    (wheel,) = tmp_path.glob("*.whl")
    venv.create(tmp_path / "empty", with_pip=False)
    python = tmp_path / "empty/bin/python"
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", wheel]
    subprocess.run(install, check=True, timeout=300)
    code = (
        "import json, vaekit; from pathlib import Path; from importlib.metadata import entry_points, version\n"
        "root = Path(vaekit.__file__).parent\n"
        "print(json.dumps({'files': [str(f.relative_to(root)) for f in root.rglob('*.*')],"
        " 'version': version('vaekit'),"
        " 'script': [e.value for e in entry_points(group='console_scripts', name='vaekit')]}))"
    )
    # Elsewhere and isolated, so that the checkout can not help out.
    found = json.loads(subprocess.run([python, "-I", "-c", code], cwd=tmp_path, check=True, capture_output=True).stdout)
    for folder in ("recipes", "reporting/templates", "reporting/assets"):
        carried = {f"{folder}/{f.name}" for f in (ROOT / "vaekit" / folder).iterdir() if f.is_file()}
        assert carried and carried <= set(found["files"]), folder
    assert "faces/statistics.json" in found["files"]
    assert found["version"] == __version__ and found["script"] == ["vaekit.cli:main"]


def test_lowest_versions_are_the_bounds():
    """`make test-lowest` installs exactly these: a bound nobody runs is a guess."""
    pins = dict(line.split("==") for line in (ROOT / "tests/lowest.txt").read_text().split() if "==" in line)
    bounds = dict(re.fullmatch(r"([\w-]+)>=([\d.]+)", d).groups() for d in PROJECT["dependencies"])
    assert pins == bounds


def test_every_dependency_is_imported_or_reserved_by_the_owner():
    """torchmetrics stands in the owner's list, as the tests' peer; the package itself must use everything else."""
    names = {
        "scikit-learn": "sklearn",
        "pillow": "PIL",
        "tomli-w": "tomli_w",
        "torch-fidelity": "torch_fidelity",
        "markdown-it-py": "markdown_it",
    }
    code = "\n".join(f.read_text() for f in (ROOT / "vaekit").rglob("*.py"))
    for dependency in PROJECT["dependencies"]:
        name = re.match(r"[\w-]+", dependency).group()
        if name == "torchmetrics":
            continue
        assert re.search(rf"^\s*(import|from) {names.get(name, name)}\b", code, re.M), name


def test_the_tree_names_no_machine():
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\n")
    pattern = re.compile(r"/(?:wo" r"rk|ro" r"ot|ho" r"me)/|pythonho" r"sted")
    for name in filter(None, files):
        if (ROOT / name).suffix in {".py", ".md", ".toml", ".txt", ".json", ".j2", ".css", ".js", ".html", ""}:
            text = (ROOT / name).read_text(encoding="utf-8", errors="ignore")
            assert not pattern.search(text), f"{name}: {pattern.search(text)}"
