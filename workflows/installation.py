"""An installation's workflows, put together: its steps, with what the operator allows them, and its library."""

from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import dataclass

from trading_bot.clock import Clock
from trading_bot.services.commands import Commands
from trading_bot.services.key_rotation import KeyRotation
from trading_bot.services.keys import Keys
from trading_bot.settings import Settings
from trading_bot.store.store import Store
from workflows.library import OUR_FOLDER, Library
from workflows.model import Operations
from workflows.steps.api_call import ApiCalls
from workflows.steps.bot_commands import CommandDesk, bot_commands
from workflows.steps.command import CommandSteps
from workflows.steps.house_commands import House, house_commands
from workflows.steps.programs import Programs
from workflows.steps.registry import CommandRegistry, NamedCommand
from workflows.steps.requests import Requests
from workflows.steps.runner import Steps
from workflows.steps.validation import Validations
from workflows.steps.wait import Waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What can be run here, and what runs it."""

    steps: Steps
    """Carries single steps out."""
    library: Library
    """Every workflow."""


def installation(
    settings: Settings,
    *,
    store: Store,
    commands: Commands,
    clock: Clock,
    workers: Executor,
    operations: Operations,
    others: Iterable[NamedCommand] = (),
) -> Installation:
    """The workflows of an installation; `others` are commands beside those of bot and house. Reads no file yet."""
    rotation = KeyRotation(
        keys=Keys(store.engine, clock), folder=settings.keys_dir, first_key_file=settings.first_key_file
    )
    house = House(settings=settings, store=store, commands=commands, rotation=rotation, workers=workers)
    desk = CommandDesk(store=store, commands=commands, clock=clock, workers=workers)
    allow = settings.workflow_allow_file
    steps = Steps(
        commands=CommandSteps(
            registry=CommandRegistry((*bot_commands(desk), *house_commands(house), *others)),
            programs=Programs(allow_file=allow, folder=settings.home),
        ),
        api_calls=ApiCalls(operations=operations, requests=Requests(allow_file=allow)),
        validations=Validations(operations=operations, clock=clock),
        waits=Waits(clock=clock),
    )
    folders = (OUR_FOLDER, settings.own_workflows_dir)
    return Installation(steps=steps, library=Library(folders=folders, facts=steps, watched=(allow,)))
