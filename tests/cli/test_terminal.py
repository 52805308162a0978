"""The command line in surroundings that are not a modern terminal, and how little it loads to say no."""

import os
import subprocess
import sys

import pytest


def run(*arguments, folder, **environment):
    return subprocess.run(
        [sys.executable, "-m", "vaekit", *arguments],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
        capture_output=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("arguments", [("--help",), ("traverse", "--help"), ("train", "--list-recipes")])
def test_what_a_terminal_can_not_show_is_replaced(tmp_path, encoding, arguments):
    done = run(*arguments, folder=tmp_path, PYTHONIOENCODING=encoding)
    assert done.returncode == 0 and b"Traceback" not in done.stderr and len(done.stdout) > 100


HEAVY = ("torch", "pandas", "matplotlib", "scipy", "sklearn")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("evaluate defalt", "There is no checkpoint defalt"),
        ("failures defalt", "There is no checkpoint defalt"),
        ("report defalt", "There is no checkpoint defalt"),
        ("compare defalt other", "There is no checkpoint defalt"),
        ("check defalt --max mse=1", "There is no checkpoint defalt"),
        ("sample defalt", "There is no checkpoint defalt"),
        ("traverse defalt", "There is no checkpoint defalt"),
        ("interpolate defalt", "There is no checkpoint defalt"),
        ("edit defalt x.png --attribute Smiling", "There is no checkpoint defalt"),
        ("reconstruct defalt x.png", "There is no checkpoint defalt"),
        ("evaluate --crop 150", "crop = 150 does not fit"),
        ("train --recipe defalt", "Did you mean 'default'"),
        ("train --resume defalt", "The run defalt has no last.pt"),
    ],
)
def test_a_wrong_name_is_told_before_anything_heavy_is_imported(tmp_path, command, says):
    code = (
        "import sys; from vaekit.cli import main\n"
        f"sys.argv = {['vaekit', *command.split()]!r}\n"
        "try: main()\n"
        f"finally: print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert says in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert done.stdout.splitlines()[-1] == "[]", done.stdout


def test_a_near_run_name_is_offered(workplace):
    for name in ("default", "beta64"):
        (workplace.folder / f"checkpoints/{name}").mkdir(parents=True)
        (workplace.folder / f"checkpoints/{name}/best.pt").touch()
    done = workplace.vaekit("evaluate", "defalt", check=1)
    assert "Did you mean 'default'? Known: beta64, default." in done.stderr
