"""The command `palate`."""

from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from local_stack.doctor import obstacles
from local_stack.gateway import GatewayLate
from local_stack.home import Home, HomeInUse
from local_stack.ports import Ports
from local_stack.preparation import PreparationFailed
from local_stack.preparation import train as train_models
from local_stack.readiness import NotReady
from local_stack.release_file import ReleaseFileDamaged
from local_stack.settings import LocalSettings, SettingsRefused
from local_stack.up import CanNotStart, run_stack
from local_stack.weight import change_weight

__all__ = ["main"]

main = typer.Typer(
    help="The whole platform on this machine: PALATE_PORT moves it, PALATE_HOME holds its state.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@main.command()
def up() -> None:
    """Prepare what lacks, start everything, and keep it running until Ctrl-C."""
    try:
        run_stack(_settings(), _say)
    except (CanNotStart, HomeInUse, PreparationFailed, NotReady, ReleaseFileDamaged) as error:
        _fail(str(error))


@main.command()
def weight(
    percent: Annotated[int, typer.Argument(min=0, max=100, help="share of visitors that meets v2")],
) -> None:
    """Change the share of visitors that meets v2, live."""
    home = Home(_settings().home)
    if not home.root.is_dir():
        _fail(f"there is no stack in {home.root}: start one with `make run`, or name its PALATE_HOME")
    try:
        _say(change_weight(home, percent))
    except (ReleaseFileDamaged, GatewayLate, OSError) as error:
        _fail(str(error))


@main.command()
def train(
    data: Annotated[Path | None, typer.Option(help="reviews to train on instead of the source in params.yaml")] = None,
) -> None:
    """Train v1 and v2 and publish them; a running stack takes them over."""
    home = Home(_settings().home)
    try:
        home.prepare()
        train_models(home, data and data.absolute())
    except OSError as error:
        _fail(f"{home.root} can't be written ({error.strerror}): choose another folder with PALATE_HOME")
    except PreparationFailed as error:
        _fail(str(error))


@main.command()
def doctor() -> None:
    """Look for what would keep the stack from starting."""
    settings = _settings()
    if found := obstacles(Home(settings.home), Ports.following(settings.port)):
        _fail("\n".join(found))
    _say(f"nothing stands in the way of a stack on port {settings.port} in {settings.home}")


def _settings() -> LocalSettings:
    try:
        return LocalSettings.read()
    except SettingsRefused as error:
        _fail(str(error))


def _say(line: str) -> None:
    """One line, at once, for programs too: they wait for `ready:`."""
    Console(highlight=False, soft_wrap=True, markup=False).print(line, style=_style(line))


def _style(line: str) -> str | None:
    return "bold green" if line.startswith("ready:") else None


def _fail(message: str) -> NoReturn:
    Console(stderr=True, highlight=False, soft_wrap=True, markup=False).print(message, style="red")
    raise typer.Exit(1)
