"""The walls of the house: which module may import which, what stays free of torch, how long a file may be."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "vaekit"
FILES = sorted(PACKAGE.rglob("*.py"))

# Lowest first; rooms on the same row are strangers to one another.
ROWS = [
    {"errors", "version"},
    {"quantity"},
    {"registry", "seeding", "artifacts", "checkpoint_files", "config", "progress", "device", "faces", "inception_file"},
    {"statistics"},
    {"options"},
    {"figures"},
    {"data"},
    {"priors"},
    {"models"},
    {"objective", "checkpoint", "calibration", "codes"},
    {"foreign"},
    {"training", "judge"},
    {"evaluation", "exploration"},
    {"failure_analysis"},
    {"reporting"},
    {"api"},
    {"cli"},
    {"__main__"},
]
HEIGHT = {room: height for height, row in enumerate(ROWS) for room in row}
# Imports that skip no row but cross a wall: training reports through figures, never through evaluation.
FORBIDDEN = {
    ("evaluation", "training"),
    ("reporting", "failure_analysis"),
    ("reporting", "evaluation"),
    ("reporting", "models"),
}
TORCH_FREE = (
    "vaekit.figures",
    "vaekit.reporting",
    "vaekit.api.verbs",
    "vaekit.artifacts",
    "vaekit.cli",
    "vaekit.failure_analysis.pictures.ranking",
)


def room(file: Path) -> str:
    return file.relative_to(PACKAGE).with_suffix("").parts[0]


def imported_rooms(file: Path) -> set[str]:
    """Rooms that `file` imports anywhere, also inside functions; imports for type checkers only do not count."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    typing_only = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and "TYPE_CHECKING" in ast.unparse(branch.test)
        for child in branch.body
        for node in ast.walk(child)
    }
    rooms = set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "vaekit":
            parts = node.module.split(".")
            rooms |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            # `import vaekit` alone reaches for the package above every room.
            rooms |= {
                parts[1] if len(parts) > 1 else "the package"
                for alias in node.names
                if (parts := alias.name.split("."))[0] == "vaekit"
            }
    return rooms & {*HEIGHT, "the package"}


@pytest.mark.parametrize(
    "file", [f for f in FILES if f != PACKAGE / "__init__.py"], ids=lambda f: str(f.relative_to(PACKAGE))
)
def test_imports_point_downwards(file):
    own = room(file)
    assert own in HEIGHT, f"{file.name} stands in no row: say in ROWS where it belongs"
    imported = imported_rooms(file) - {own}
    assert "the package" not in imported, f"{own} imports the package, which is above it"
    for other in imported:
        assert HEIGHT[other] < HEIGHT[own], f"{own} imports {other}, which is not below it"
        assert (own, other) not in FORBIDDEN, f"{own} imports {other}"


def test_the_wall_test_can_fail(tmp_path):
    bad = tmp_path / "bad.py"
    bad.write_text("def f():\n    from vaekit.cli import main\n    import vaekit.training.trainer\n    import vaekit\n")
    assert imported_rooms(bad) == {"cli", "training", "the package"}


@pytest.mark.parametrize("module", TORCH_FREE)
def test_stays_free_of_torch(module):
    code = f"import sys, {module}; assert 'torch' not in sys.modules, 'torch was imported'"
    if module == "vaekit.figures":
        code = (
            "import sys; from vaekit.figures.base import FIGURES as f; assert f.names() and 'torch' not in sys.modules"
        )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_files_are_short_and_well_named(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 400
    assert file.stem not in {"utils", "helpers", "common", "misc"}


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_only_the_console_prints(file):
    if file == PACKAGE / "cli" / "console.py":
        return
    calls = [n for n in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)]
    assert not [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "print"]


def parameters(function: ast.FunctionDef) -> int:
    """How many arguments a caller may give, without self or cls."""
    a = function.args
    names = [arg.arg for arg in (*a.posonlyargs, *a.args, *a.kwonlyargs, *filter(None, (a.vararg, a.kwarg)))]
    return len([name for name in names if name not in ("self", "cls")])


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_functions_are_short_and_take_few_arguments(file):
    """Excepted: public functions and commands, of which each argument is a flag, and constructors."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 80, f"{node.name} is {node.end_lineno - node.lineno + 1} lines long"
            if room(file) not in ("api", "cli") and node.name != "__init__":
                assert parameters(node) <= 7, f"{node.name} takes {parameters(node)} arguments"
