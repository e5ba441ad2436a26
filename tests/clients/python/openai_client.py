"""OpenAI's official client, unmodified; its endpoint and key come from OPENAI_BASE_URL and OPENAI_API_KEY.

python openai_client.py '[["chat", "tanren.nano-v1:0"], ["fine_tune", "tanren.nano-v1:0", "train.jsonl", "question"]]'

A line of JSON for each case: what the client made of the answers, or the class of error that it raised.
"""

import json
import sys
import time
from pathlib import Path

from openai import APIStatusError, OpenAI

client = OpenAI(timeout=120)  # which comes back by itself while an engine is being loaded


def chat(model: str, question: str = "Hello.") -> dict:
    settings = {
        "model": model,
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": question}],
        "max_tokens": 24,
        "temperature": 0,
    }
    whole = client.chat.completions.create(**settings)
    chunks = list(client.chat.completions.create(**settings, stream=True, stream_options={"include_usage": True}))
    return {
        "text": whole.choices[0].message.content,
        "pieces": [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices],
        "finish_reason": whole.choices[0].finish_reason,
        "output_tokens": whole.usage.completion_tokens,
        "streamed_output_tokens": chunks[-1].usage.completion_tokens,
        "request_id": whole._request_id,
    }


def complete(model: str) -> dict:
    whole = client.completions.create(model=model, prompt="The knife", max_tokens=8, temperature=0)
    pieces = client.completions.create(model=model, prompt="The knife", max_tokens=8, temperature=0, stream=True)
    return {"text": whole.choices[0].text, "pieces": [chunk.choices[0].text for chunk in pieces]}


def models(model: str) -> dict:
    return {"is_listed": model in [each.id for each in client.models.list()], "id": client.models.retrieve(model).id}


def fine_tune(model: str, path: str, question: str) -> dict:
    file = client.files.create(file=Path(path), purpose="fine-tune")
    assert client.files.content(file.id).read() == Path(path).read_bytes()
    assert file.id in [each.id for each in client.files.list()]
    job = client.fine_tuning.jobs.create(
        model=model,
        training_file=file.id,
        suffix="forge",
        method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 30, "batch_size": 4}}},
    )
    states = [job.status]
    while (job := client.fine_tuning.jobs.retrieve(job.id)).status not in ("succeeded", "failed", "cancelled"):
        if job.status != states[-1]:
            states.append(job.status)
        time.sleep(0.2)
    if job.fine_tuned_model is None:
        return {"status": job.status, "error": None if job.error is None else job.error.message}
    answer = chat(job.fine_tuned_model, question)
    return {
        "status": job.status,
        "states": states,
        "trained_tokens": job.trained_tokens,
        "is_listed": job.id in [each.id for each in client.fine_tuning.jobs.list(limit=1)],
        "events": [event.message for event in client.fine_tuning.jobs.list_events(job.id, limit=2)],
        "checkpoint_losses": [each.metrics.train_loss for each in client.fine_tuning.jobs.checkpoints.list(job.id)],
        "model": models(job.fine_tuned_model),
        "answer": answer["text"],
        "is_deleted": client.files.delete(file.id).deleted,
    }


CASES = {"chat": chat, "complete": complete, "models": models, "fine_tune": fine_tune}

for kind, *arguments in json.loads(sys.argv[1]):
    try:
        told = CASES[kind](*arguments)
    except APIStatusError as error:
        told = {"error": type(error).__name__, "status": error.status_code, "code": error.code, "text": str(error)}
    print(json.dumps({"case": kind, **told}), flush=True)
