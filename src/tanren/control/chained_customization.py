"""What a job that starts from a custom model takes over of it.

A job goes on from its parent's adapter, rather than training a second one on top: the result is one adapter that holds
the whole update, so that serving adds exactly what training had, and deleting the parent changes nothing. An adapter
can only be gone on with in its own shape, so the job takes rank, alpha and targets of its parent where it names none.
A parent with whole weights is simply the base of a new adapter.
"""

from collections.abc import Mapping
from typing import Final

from tanren.control.model_references import ReferredModel
from tanren.domain.errors import ValidationFailed

METHOD: Final = "customizationMethod"
ADAPTER_SHAPE: Final = ("loraRank", "loraAlpha", "loraTargets")


def with_adapter_shape(base: ReferredModel, given: Mapping[str, str]) -> dict[str, str]:
    """The hyperparameters that the job has. Raises ValidationFailed where `given` asks for another shape."""
    parent = base.custom
    if parent is None or "full" in (given.get(METHOD), parent.hyperparameters.get(METHOD)):
        return dict(given)
    taken = dict(given)
    for rule in base.foundation.hyperparameters:
        if rule.name not in ADAPTER_SHAPE:
            continue
        noted = parent.hyperparameters.get(rule.name)
        has = rule.default if noted is None else rule.read(noted)
        if rule.name not in given:
            taken |= {} if noted is None else {rule.name: noted}
        elif rule.read(given[rule.name]) != has:
            raise ValidationFailed(
                f"hyperParameters.{rule.name} is {given[rule.name]}, but the adapter of custom model "
                f"'{parent.model_name}', which the job goes on from, has {has}. Leave it out, or set {METHOD} to "
                "'full', which merges the adapter and trains every weight."
            )
    return taken
