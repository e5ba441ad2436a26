"""Which handler answers which path."""

from tanren.bodies.openai_chat import OpenAIChat
from tanren.bodies.openai_completion import OpenAICompletion
from tanren.openai_api.door import Route
from tanren.openai_api.files import OpenAIFiles
from tanren.openai_api.fine_tuning_jobs import FineTuningJobs
from tanren.openai_api.generation import Generating, generation_handler
from tanren.openai_api.models import OpenAIModels


def openai_routes(inference: Generating, models: OpenAIModels, files: OpenAIFiles, jobs: FineTuningJobs) -> list[Route]:
    return [
        Route(method="GET", path="models", handler=models.list_models),
        Route(method="GET", path="models/{id}", handler=models.get_model),
        Route(method="POST", path="chat/completions", handler=generation_handler(inference, models, OpenAIChat())),
        Route(method="POST", path="completions", handler=generation_handler(inference, models, OpenAICompletion())),
        Route(method="POST", path="files", handler=files.create),
        Route(method="GET", path="files", handler=files.list_files),
        Route(method="GET", path="files/{id}/content", handler=files.content),
        Route(method="GET", path="files/{id}", handler=files.get),
        Route(method="DELETE", path="files/{id}", handler=files.delete),
        Route(method="POST", path="fine_tuning/jobs", handler=jobs.create),
        Route(method="GET", path="fine_tuning/jobs", handler=jobs.list_jobs),
        Route(method="POST", path="fine_tuning/jobs/{id}/cancel", handler=jobs.cancel),
        Route(method="GET", path="fine_tuning/jobs/{id}/events", handler=jobs.events),
        Route(method="GET", path="fine_tuning/jobs/{id}/checkpoints", handler=jobs.checkpoints),
        Route(method="GET", path="fine_tuning/jobs/{id}", handler=jobs.get),
    ]
