"""Everything that the console says, it says in Japanese too, and so what the service tells of jobs and data."""

import ast
import re
from pathlib import Path

import tanren.console
from tanren.catalog.foundation_models import FOUNDATION_MODELS
from tanren.console.data_advice import ADVICE_TEXTS
from tanren.console.evaluation_form import COMPUTED, JUDGED, TASKS, EvaluationForm
from tanren.console.evaluation_results import VERDICTS, VIEWS
from tanren.console.hyperparameter_fields import fields_of
from tanren.console.japanese.findings import KINDS
from tanren.console.japanese.texts import JAPANESE, PARTS
from tanren.console.job_form import JobForm
from tanren.console.navigation import NAVIGATION
from tanren.console.pages.audit_events import KIND_LABELS, OUTCOME_LABELS, PERIOD_LABELS
from tanren.console.pages.evaluation_jobs import MODEL_KINDS
from tanren.console.pages.provisioned_throughputs import TERMS
from tanren.console.pages.service_status import CHECKS
from tanren.data.containers import _FOREIGN
from tanren.data.formats import _UNSUPPORTED_BLOCKS, _kind
from tanren.data.json_lines import _JSON_NAMES
from tanren.domain.sentences import PLAIN

CONSOLE = Path(tanren.console.__file__).parent
SERVICE = CONSOLE.parent
STRING = r'"((?:[^"\\]|\\.)*)"'
API_WORDS = {
    "FINE_TUNING",
    "CONTINUED_PRE_TRAINING",
    "InProgress",
    "Completed",
    "Failed",
    "Stopping",
    "Stopped",
    "NotStarted",
    "Active",
    "Creating",
    "InService",
    "Updating",
    "Evaluating",
    "Restarting",
    "gateway",
    "worker",
    "console",
    "neighbourhood",
    "Evaluation",
    "Running",
    "Batch inference",
    "Ready",
    "Starting",
    "Wanted",
    "QuestionAndAnswer",
    "Generation",
    "Classification",
    "Summarization",
    "ModelCustomization",
    "ModelInvocation",
    "ModelEvaluation",
    "ModelImport",
    "CustomModelCreation",
    "ModelCopy",
    "lines right",
    "not garbled",
    "said once",
    "no personal data or secrets",
    "answers complete",
    "one language",
    "apart from the validation set",
    "labels in balance",
    "said twice",
    "nearly said twice",
    "one question, two answers",
    "also in the validation set",
    "question also in the validation set",
    "answer may be cut off",
    "personal data: e-mail address",
    "personal data: telephone number",
    "personal data: card number",
    "personal data: My Number",
    "personal data: IP address",
    "secret: AWS access key",
    "secret: private key",
    "secret: API token",
    "secret: JSON web token",
    "secret: password",
}
"""Said through `say`: statuses and kinds as the API has them."""


def said() -> set[str]:
    texts: set[str] = set()
    for path in CONSOLE.rglob("*.html"):
        source = path.read_text()
        texts.update(re.findall(rf"\bt\({STRING}", source))
        for badge in re.findall(rf"parts\.badge\({STRING} if \w+\.\w+ else {STRING}", source):
            texts.update(badge)
        texts.update(re.findall(rf'\("\w+Details", {STRING}\)', source))
    for path in CONSOLE.rglob("*.py"):
        texts.update(re.findall(rf"\.text\(\s*{STRING}", path.read_text()))
        texts.update(re.findall(r', "(\{n\} \w+)"\)', path.read_text()))
    texts.update([*TERMS.values(), *ADVICE_TEXTS])
    for labels in (PERIOD_LABELS, KIND_LABELS, OUTCOME_LABELS, TASKS, COMPUTED, JUDGED, VIEWS):
        texts.update(labels.values())
    texts.update([*MODEL_KINDS, *(check.name for check in CHECKS), *(text for _, text in VERDICTS.values())])
    evaluation = EvaluationForm(metrics=("Builtin.Correctness",), dataset_uri="x", output_uri="x", max_tokens="x")
    texts.update([*evaluation.missing(), *evaluation.complaints()])
    texts.update([*EvaluationForm(metrics=()).missing(), *EvaluationForm(model="x", baseline="x").complaints()])
    for section in NAVIGATION:
        texts.update([section.text, *(entry.text for entry in section.entries)])
    for model_id in FOUNDATION_MODELS:
        for known in fields_of(model_id):
            texts.update([known.label, known.advice])
    empty = JobForm(customization_type="FINE_TUNING", further="x", tags="x")
    texts.update([*empty.missing(), *(label for label, _ in empty.complaints())])
    return texts


def sentences() -> set[str]:
    """The templates of every `sentence(…)` of the service."""
    found: set[str] = set()
    for path in SERVICE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "sentence":
                template = node.args[0]
                assert isinstance(template, ast.Constant), f"{path}:{node.lineno}: a template is a literal"
                found.add(str(template.value))
    return found


def test_every_sentence_of_the_service_has_its_japanese_one():
    assert sorted(sentences() - JAPANESE.keys()) == []


def test_no_text_stands_in_two_parts():
    assert len(JAPANESE) == sum(map(len, PARTS))


def test_what_a_value_may_be_has_its_japanese_word():
    """Checked where the words are lists; `kind` and `what` are not the user's own text."""
    kinds = {*_JSON_NAMES.values(), *_FOREIGN.values(), *_UNSUPPORTED_BLOCKS.values()}
    kinds |= {_kind(value) for value in (None, True, 1, "", [], {})}
    assert sorted(kinds - KINDS.keys()) == []


def test_every_text_has_its_japanese_one():
    assert sorted(said() - JAPANESE.keys()) == []


def test_no_japanese_text_is_left_over():
    assert sorted(JAPANESE.keys() - said() - API_WORDS - sentences() - {PLAIN}) == []


def test_a_translation_has_the_values_of_its_text():
    values = re.compile(r"\{\w+\}")
    for english, japanese in JAPANESE.items():
        assert sorted(values.findall(english)) == sorted(values.findall(japanese)), english
