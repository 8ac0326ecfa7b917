"""Cards: what a value shows of itself in a notebook.

No script, no address elsewhere, everything escaped, secrets masked. Colours come from the page, so that a card fits
every theme.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wayhook.display.batch import BatchFigures, batch_card, figures_card, progress_card, results_card
from wayhook.display.call import call_card, calls_card
from wayhook.display.definition import (
    action_card,
    authentication_card,
    configuration_card,
    connection_card,
    parameter_card,
    parameters_card,
    variable_card,
)
from wayhook.display.expression import expression_card
from wayhook.display.form import form_card
from wayhook.display.html import written
from wayhook.display.imported import imported_card
from wayhook.display.journey import activity_card, journey_card
from wayhook.display.limit import limit_card, rating_card, rule_card
from wayhook.display.outcome import attempt_card, outcome_card, response_card
from wayhook.display.part import Card
from wayhook.display.record import edit_card, page_card, stored_card
from wayhook.display.violation import can_deploy_card, error_card, violations_card
from wayhook.errors import Violation, Violations, WayhookError
from wayhook.execution.batch import Batch
from wayhook.execution.latency import Latencies
from wayhook.execution.ports import Page
from wayhook.expression.expression import Expression
from wayhook.formats.foreign.imported import Imported
from wayhook.formats.form import Form
from wayhook.model.action import Action, UrlConfiguration
from wayhook.model.authentication import Authentication
from wayhook.model.capping import CappingConfiguration, CappingRule
from wayhook.model.connection import Connection
from wayhook.model.journey import ActionActivity, Activity, Journey
from wayhook.model.limit import CanDeploy, Rating
from wayhook.model.parameter import MessageParameter, ParameterTree, Variable
from wayhook.model.record import Edit, Stored
from wayhook.model.throttling import ThrottlingConfiguration, ThrottlingRule
from wayhook.notebook.progress import Picture, Progress
from wayhook.notebook.results import Calls, Results
from wayhook.wire import Attempt, Call, Outcome, Response

__all__ = ["batch_picture", "card", "card_of"]


def card(value: object) -> str:
    """Return the card of `value` as an HTML fragment."""
    return written(card_of(value))


def batch_picture(tally: Mapping[str, int], latencies: Latencies, done: int, total: int | None = None) -> str:
    """Return the picture of many outcomes as an HTML fragment: tally, latency histogram, progress.

    `tally`: how many had each status. `done`: how many ended, of `total` where that is known.
    """
    return written(figures_card(BatchFigures(tally, latencies, done, total)))


def card_of(value: Any) -> Card:  # noqa: C901, PLR0911, PLR0912 - one line for each kind
    """Return what the card of `value` is made of; of a value that has none, its `repr`."""
    match value:
        case Call():
            return call_card(value)
        case Outcome():
            return outcome_card(value)
        case Attempt():
            return attempt_card(value)
        case Response():
            return response_card(value)
        case Batch():
            return batch_card(value)
        case Progress():
            return progress_card(value)
        case Picture():
            return progress_card(value.now)
        case Results():
            return results_card(value)
        case Calls():
            return calls_card(value)
        case BatchFigures():
            return figures_card(value)
        case Action():
            return action_card(value)
        case UrlConfiguration():
            return configuration_card(value)
        case Authentication():
            return authentication_card(value)
        case Connection():
            return connection_card(value)
        case MessageParameter():
            return parameter_card(value)
        case ParameterTree():
            return parameters_card(value)
        case Variable():
            return variable_card(value)
        case Journey():
            return journey_card(value)
        case ActionActivity() | Activity():
            return activity_card(value)
        case Expression():
            return expression_card(value)
        case Form():
            return form_card(value)
        case Imported():
            return imported_card(value)
        case CappingConfiguration() | ThrottlingConfiguration():
            return limit_card(value)
        case CappingRule() | ThrottlingRule():
            return rule_card(value)
        case Rating():
            return rating_card(value)
        case CanDeploy():
            return can_deploy_card(value)
        case Violation():
            return violations_card((value,))
        case Violations():
            return violations_card(value)
        case WayhookError():
            return error_card(value, outcome_card)
        case Stored():
            return stored_card(value, card_of)
        case Edit():
            return edit_card(value, card_of)
        case Page():
            return page_card(value)
        case _:
            return Card(type(value).__name__, repr(value))
