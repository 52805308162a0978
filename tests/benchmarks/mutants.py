"""Formulas with one slip of the pen, drawn by a seed, against the tests of their room.

`python -m tests.benchmarks.mutants` prints what became of them. A mutant that no test notices is printed with its line:
a test is missing, or the slip changes nothing that matters.
"""

import argparse
import ast
import copy
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
LONGEST = 120  # seconds: a mutant that never ends is noticed, too
ROOMS = {
    "vaekit/evaluation/metrics/*.py": ["tests/evaluation/test_metrics.py", "tests/evaluation/test_borrowed.py"],
    "vaekit/evaluation/latent/[acdi]*.py": ["tests/evaluation/test_latent.py"],
    "vaekit/failure_analysis/[efpu]*.py": [
        f"tests/failure_analysis/test_{name}.py" for name in ("equal_complexity", "properties", "persons", "unlike")
    ],
    "vaekit/failure_analysis/slices/*.py": ["tests/failure_analysis/slices"],
    "vaekit/failure_analysis/split/*.py": ["tests/failure_analysis/split"],
}
LEFT_OUT = {"analyse.py", "facts.py", "failures.py", "finding.py", "findings.py", "findings_file.py", "wording.py"}
OTHER: dict[type, type] = {
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult},
    **{ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq},
    **{ast.And: ast.Or, ast.Or: ast.And},
}
NAMES = {"mean": "sum", "sum": "mean", "min": "max", "max": "min", "var": "std", "std": "var", "exp": "expm1"}


def slips(tree: ast.Module) -> list[int]:
    """Return the numbers of the nodes at which the pen may slip; words and types are left alone."""
    said = {
        id(part)
        for node in ast.walk(tree)
        for words in ([node] if isinstance(node, ast.JoinedStr | ast.Raise) else _types(node))
        for part in ast.walk(words)
    }
    return [at for at, node in enumerate(ast.walk(tree)) if id(node) not in said and _slip(copy.deepcopy(node))]


def slipped(text: str, at: int) -> tuple[int, str]:
    """Return the line of node number `at` and the text of the module with the slip."""
    tree = ast.parse(text)
    node = next(node for number, node in enumerate(ast.walk(tree)) if number == at)
    _slip(node)
    return node.lineno, ast.unparse(tree)


def _types(node: ast.AST) -> list[ast.AST]:
    found = [getattr(node, name, None) for name in ("annotation", "returns")]
    return [one for one in found if one is not None]


def _slip(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign) and type(node.op) in OTHER:
        node.op = OTHER[type(node.op)]()
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in OTHER:
        node.ops[0] = OTHER[type(node.ops[0])]()
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        node.value = node.value + 1 if isinstance(node.value, int) else node.value * 1.5
    elif isinstance(node, ast.Attribute) and node.attr in NAMES:
        node.attr = NAMES[node.attr]
    else:
        return False
    return True


def drawn(count: int, seed: int) -> list[tuple[Path, int, str, list[str]]]:
    """Return so many mutants, a fair share of each room: file, line, text, and the tests that should notice."""
    generator, chosen = np.random.default_rng(seed), []
    for pattern, tests in ROOMS.items():
        every = [
            (file, at)
            for file in sorted(ROOT.glob(pattern))
            if file.name not in LEFT_OUT
            for at in slips(ast.parse(file.read_text(encoding="utf-8")))
        ]
        for i in generator.choice(len(every), min(count // len(ROOMS), len(every)), replace=False):
            file, at = every[i]
            chosen.append((file.relative_to(ROOT), *slipped(file.read_text(encoding="utf-8"), at), tests))
    return chosen


def main() -> None:
    """Try the mutants in a copy of the checkout and print what became of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    became = Counter[str]()
    with tempfile.TemporaryDirectory() as place:
        for name in ("vaekit", "tests", "pyproject.toml", "README.md"):
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, Path(place) / name)
        for file, line, text, tests in drawn(asked.count, asked.seed):
            original = (Path(place) / file).read_text(encoding="utf-8")
            (Path(place) / file).write_text(text, encoding="utf-8")
            try:
                command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
                done = subprocess.run(command, cwd=place, capture_output=True, timeout=LONGEST, check=False)
                result = {0: "survived", 1: "killed"}.get(done.returncode, "not tried")
            except subprocess.TimeoutExpired:
                result = "killed"
            became[result] += 1
            (Path(place) / file).write_text(original, encoding="utf-8")
            if result != "killed":
                before, after = (ast.unparse(ast.parse(part)).splitlines() for part in (original, text))
                changed = next((new for old, new in zip(before, after, strict=True) if old != new), "")
                print(f"{result}: {file}:{line}: {changed.strip()}", flush=True)
    print(", ".join(f"{number} {result}" for result, number in sorted(became.items())))


if __name__ == "__main__":
    main()
