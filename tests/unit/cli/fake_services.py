"""boto3's clients without a server: a request is checked against the service's model and answered as the test says."""

from collections.abc import Callable
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.exceptions import ClientError, ParamValidationError
from botocore.validate import ParamValidator

from tanren.aws.sdk_overlay import MODELS_FOLDER

Answer = Callable[[dict[str, Any]], dict[str, Any]]
"""Of the request's parameters."""


def refusal(code: str, message: str) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"RequestId": "r-1"}}
    return ClientError(response, "Anything")


class FakeServices:
    """Answers by operation, and all calls that were made. An operation without an answer fails the test."""

    def __init__(self) -> None:
        self.answers: dict[str, dict[str, Any] | Answer | Exception] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._session = botocore.session.Session()
        self._session.set_config_variable("data_path", str(MODELS_FOLDER))

    def client(self, service: str) -> "FakeClient":
        return FakeClient(self, self._session.get_service_model(service))

    def made(self, operation: str) -> list[dict[str, Any]]:
        """The parameters of the calls of one operation."""
        return [parameters for name, parameters in self.calls if name == operation]


class FakeClient:
    def __init__(self, services: FakeServices, model: Any) -> None:
        self._services = services
        self._model = model
        self._names = {xform_name(name): name for name in model.operation_names}

    def __getattr__(self, method: str) -> Callable[..., Any]:
        operation = self._names[method]

        def call(**parameters: Any) -> Any:
            shape = self._model.operation_model(operation).input_shape
            report = ParamValidator().validate(parameters, shape) if shape else None
            if report is not None and report.has_errors():
                raise ParamValidationError(report=report.generate_report())
            self._services.calls.append((operation, parameters))
            answer = self._services.answers[operation]
            if isinstance(answer, Exception):
                raise answer
            return dict(answer(parameters) if callable(answer) else answer)

        return call
