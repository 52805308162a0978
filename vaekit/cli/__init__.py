"""The command line: a thin coat that parses, calls one function of `vaekit.api` and prints what it returns."""

import typer

from vaekit.cli import (
    check,
    compare,
    data,
    doctor,
    edit,
    evaluate,
    failures,
    interpolate,
    prior,
    reconstruct,
    report,
    sample,
    train,
    traverse,
)
from vaekit.cli.console import run_app

app = typer.Typer(
    name="vaekit",
    help="Train, evaluate and take apart variational autoencoders of faces.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("train")(train.command)
app.command("evaluate")(evaluate.command)
app.command("failures")(failures.command)
app.command("report")(report.command)
app.command("compare")(compare.command)
app.command("check")(check.command)
app.command("doctor")(doctor.command)
app.command("prior")(prior.command)
app.command("sample")(sample.command)
app.command("reconstruct")(reconstruct.command)
app.command("traverse")(traverse.command)
app.command("interpolate")(interpolate.command)
app.command("edit")(edit.command)
app.add_typer(data.app, name="data")


def main() -> None:
    """Run the command line and exit with 0, 1 (the user's data or files), 2 (usage), 3 (`check` failed) or 130."""
    run_app(app)
