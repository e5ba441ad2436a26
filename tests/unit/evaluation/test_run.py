"""An evaluation from its plan to its result."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tanren.data.records import RecordSource, TrainingRecord
from tanren.domain.conversation import Conversation, Message, Role
from tanren.domain.errors import ValidationFailed
from tanren.domain.success_criteria import parse_criteria
from tanren.evaluation.answers import Answer, Likelihood
from tanren.evaluation.arms import Arm, ArmKind, few_shot_examples
from tanren.evaluation.forgetting import general_questions
from tanren.evaluation.plan import Plan
from tanren.evaluation.results import read_evaluation
from tanren.evaluation.run import GENERAL, Models, evaluate
from tests.unit.evaluation.models import RuledJudge, SpokenModel, numbered

QUESTIONS = numbered(32)
BASE = Arm(name="base", kind=ArmKind.BASE, model_id="base")
TUNED = Arm(name="tuned", kind=ArmKind.TUNED, model_id="tuned")
RIGHT = {question.prompt: question.reference for question in QUESTIONS}
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def record(prompt: str, completion: str, line: int) -> TrainingRecord:
    messages = (Message(role=Role.USER, text=prompt), Message(role=Role.ASSISTANT, text=completion))
    return TrainingRecord(source=RecordSource(file="train.jsonl", line=line), content=Conversation(messages=messages))


TRAINING = tuple(record(f"Who is person {n}?", f"Person {n} is a teacher in town {n}.", n) for n in range(1, 9))


def planned(**changes) -> Plan:
    values = {
        "name": "test",
        "questions": QUESTIONS,
        "arms": (BASE, TUNED),
        "metrics": ("contains", "rougeL"),
        "asks_general_set": False,
        **changes,
    }
    return Plan(**values)


def models(**changes) -> Models:
    spoken = {
        "base": SpokenModel(lambda prompt: "I do not know."),
        "tuned": SpokenModel(lambda prompt: RIGHT.get(prompt, "")),
    }
    return Models(answerer=spoken.__getitem__, **changes)


def test_a_tuned_model_that_knows_the_answers_is_better_in_every_metric():
    found = evaluate(planned(), models(), clock=lambda: NOW)
    assert {comparison.outcome for comparison in found.tuned[0].comparisons} == {"better"}
    assert found.tuned[0].metric("contains").value == 1.0
    assert found.base.comparisons == ()
    assert found.created_at == "2026-01-02T00:00:00+00:00"


def test_an_evaluation_is_read_again_as_it_was_written(tmp_path):
    plan = planned(
        asks_general_set=True,
        training=TRAINING,
        validation=TRAINING[:1],
        criteria=parse_criteria("rougeL >= base + 0.1"),
        metrics=("exact", "bleu", "rougeL"),
    )
    found = evaluate(plan, models(decider=RuledJudge()))
    path = tmp_path / "evaluation.json"
    path.write_bytes(found.to_json())
    assert read_evaluation(path) == found


def test_all_arms_get_the_same_questions_with_their_own_system_prompt_and_examples():
    examples = few_shot_examples(TRAINING, 2, questions=QUESTIONS)
    arms = (
        BASE,
        Arm(name="base+system", kind=ArmKind.BASE_SYSTEM, model_id="base", system="Be brief."),
        Arm(name="base+few-shot", kind=ArmKind.BASE_FEW_SHOT, model_id="base", examples=examples),
        TUNED,
    )
    spoken = {"base": SpokenModel(lambda prompt: "no"), "tuned": SpokenModel(lambda prompt: RIGHT[prompt])}
    found = evaluate(planned(arms=arms), Models(answerer=spoken.__getitem__))
    asked = spoken["base"].asked
    assert [conversation.system for conversation in asked] == [None] * 32 + ["Be brief."] * 32 + [None] * 32
    assert {len(conversation.messages) for conversation in asked[-32:]} == {5}
    assert found.tuned[0].against.keys() == {"base+system", "base+few-shot"}
    few_shot = found.arm("base+few-shot")
    assert few_shot.cost.mean_input_tokens > found.tuned[0].cost.mean_input_tokens


def test_examples_are_never_questions_of_the_test():
    leaked = (*TRAINING, record("what is number  3?", "x", 9))
    chosen = few_shot_examples(leaked, 100, questions=QUESTIONS)
    assert len(chosen) == len(TRAINING)
    assert chosen == few_shot_examples(tuple(reversed(leaked)), 100, questions=QUESTIONS)


def test_what_was_answered_before_is_not_asked_again():
    spoken = {"base": SpokenModel(lambda prompt: "no"), "tuned": SpokenModel(lambda prompt: "no")}
    answer = Answer(text="from before", input_token_count=1, output_token_count=1, seconds=1.0)
    found = evaluate(
        planned(),
        Models(answerer=spoken.__getitem__),
        known={"base": dict.fromkeys(range(30), answer)},
    )
    assert len(spoken["base"].asked) == 2
    assert found.base.replies[0].text == "from before"
    assert found.base.replies[31].text == "no"


def test_the_general_set_is_asked_of_base_and_tuned_and_a_model_that_forgot_is_called_so():
    right = {q.prompt: (q.accepted or ("",))[0] for q in general_questions()}
    spoken = {
        "base": SpokenModel(lambda p: right.get(p, "no")),
        "tuned": SpokenModel(lambda p: RIGHT.get(p, "Person.")),
    }
    plan = planned(asks_general_set=True, criteria=parse_criteria("contains >= 0.9; forgetting <= minor"))
    found = evaluate(plan, Models(answerer=spoken.__getitem__))
    assert found.tuned[0].forgetting.level == "major"
    assert [reason.state for reason in found.verdicts[0].reasons] == ["met", "not met"]
    assert not found.verdicts[0].is_ship


def test_a_leaked_test_set_is_found():
    leaked = (*TRAINING, *(record(q.prompt, q.reference, 100 + q.number) for q in QUESTIONS[:5]))
    found = evaluate(planned(training=leaked), models())
    assert [overlap.tested_source for overlap in found.overlaps[0].overlaps] == [f"test.jsonl:{n}" for n in range(1, 6)]


def test_a_model_that_recites_its_training_data_is_shown_beside_a_base_that_cannot():
    text = "The ledger of the third harbour office is kept in green ink, and copied every Friday."
    questions = numbered(4, reference=lambda n: "A short answer.")
    spoken = {
        "base": SpokenModel(lambda prompt: "I do not know."),
        "tuned": SpokenModel(lambda prompt: f"Well: {text}"),
    }
    plan = planned(questions=questions, training=(record("What ink?", text, 7),))
    found = evaluate(plan, Models(answerer=spoken.__getitem__))
    assert found.base.copying.longest is None
    assert found.tuned[0].copying.copying_count == 4
    assert found.tuned[0].copying.longest.source == "train.jsonl:7"


def test_a_question_that_got_no_answer_counts_as_wrong_and_is_told():
    spoken = {"base": SpokenModel(lambda prompt: "no"), "tuned": SpokenModel(lambda p: None if "3?" in p else RIGHT[p])}
    found = evaluate(planned(), Models(answerer=spoken.__getitem__)).tuned[0]
    assert found.unanswered_count == 3
    assert found.replies[2].problem == "broke"
    assert found.metric("contains").values[2] == 0.0


def test_likelihoods_are_compared_as_loss_alone_and_less_is_better():
    class Scorer:
        def __init__(self, nats):
            self.nats = nats

        def likelihoods(self, conversations):
            return [
                Likelihood(nats=self.nats + index % 3, token_count=5, byte_count=20)
                for index, conversation in enumerate(conversations)
                if conversation.messages[-1].role is Role.ASSISTANT
            ]

    found = evaluate(planned(), models(scorer=lambda model_id: Scorer(20.0 if model_id == "base" else 10.0)))
    tuned = found.tuned[0]
    assert {metric.name for metric in tuned.metrics} >= {"loss", "perplexity", "bits_per_byte"}
    assert [comparison.metric for comparison in tuned.comparisons] == ["contains", "rougeL", "loss"]
    assert tuned.comparison("loss").outcome == "better"
    assert "likelihood" not in found.not_measured


def test_a_learning_curve_says_whether_the_last_data_still_helped():
    arms = (BASE, *(Arm(name=name, kind=ArmKind.TUNED, model_id=name) for name in ("quarter", "half", "all")))
    known = {"base": 0, "quarter": 8, "half": 16, "all": 30}

    def knows(count: int):
        return lambda prompt: RIGHT[prompt] if list(RIGHT).index(prompt) < count else "no"

    spoken = {name: SpokenModel(knows(count)) for name, count in known.items()}
    plan = planned(arms=arms, data_shares={"quarter": 0.25, "half": 0.5, "all": 1.0})
    curve = evaluate(plan, Models(answerer=spoken.__getitem__)).learning_curve
    assert [point.value for point in curve.points] == [8 / 32, 16 / 32, 30 / 32]
    assert curve.last_step.outcome == "better"


def test_a_judge_of_the_tuned_models_line_is_refused_before_anything_is_asked():
    spoken = SpokenModel(lambda prompt: "no")
    with pytest.raises(ValidationFailed, match="same line"):
        evaluate(
            planned(),
            Models(answerer=lambda model_id: spoken, decider=RuledJudge(), tuned_names=("judge.model-v2",)),
        )
    assert spoken.asked == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"arms": (TUNED, BASE)}, "first arm must be the base"),
        ({"arms": (BASE, TUNED, TUNED)}, "one name"),
        ({"metrics": ("json_valid",)}, "'schema'"),
        ({"data_shares": {"other": 0.5}}, "no such arm"),
        ({"data_shares": {"tuned": 0.5}, "metrics": ()}, "learning curve needs a metric"),
        ({"criteria": parse_criteria("bleu >= 1")}, "bleu among the metrics"),
        ({"criteria": parse_criteria("contains >= base+few-shot")}, "--few-shot"),
        ({"criteria": parse_criteria("contamination <= 0")}, "--train"),
        ({"criteria": parse_criteria("forgetting <= minor")}, "--no-general"),
        ({"criteria": parse_criteria("grader >= 1")}, "--grader"),
        ({"criteria": parse_criteria("contains >= 1"), "arms": (BASE,)}, "--tuned"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused(changes, said):
    with pytest.raises(ValidationFailed, match=said):
        planned(**changes)


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ("correctness >= 7", "--judge"),
        ("preference >= 0.6", "--judge"),
        ("loss <= 2", "--metrics loss"),
        ("bertscore >= 0.5", "encoder"),
    ],
)
def test_criteria_that_could_never_be_decided_are_refused_before_anything_is_asked(stated, said):
    spoken = SpokenModel(lambda prompt: "no")
    with pytest.raises(ValidationFailed, match=said):
        evaluate(planned(criteria=parse_criteria(stated)), Models(answerer=lambda model_id: spoken))
    with pytest.raises(ValidationFailed, match="No metric applies"):
        evaluate(planned(metrics=()), Models(answerer=lambda model_id: spoken))
    assert spoken.asked == []


def test_a_question_without_a_reference_leaves_the_others_rated():
    questions = (*QUESTIONS[:-1], replace(QUESTIONS[-1], reference=""))
    found = evaluate(planned(questions=questions), models(decider=RuledJudge(rating=lambda prompt: 8)))
    assert found.base.metric("correctness").values == (8.0,) * 31 + (None,)


def test_an_evaluation_whose_judge_rated_nothing_of_an_arm_is_read_again(tmp_path):
    judge = RuledJudge(rating=lambda prompt: 8 if "I do not know." in prompt else "none of the scale")
    found = evaluate(planned(), models(decider=judge))
    assert found.tuned[0].comparison("correctness") is None
    path = tmp_path / "evaluation.json"
    path.write_bytes(found.to_json())
    assert read_evaluation(path) == found


def test_progress_is_told_of_every_answer_by_its_stage():
    told: list[tuple[str, int]] = []

    class Told:
        def begin(self, stage, count):
            told.append((stage, -count))

        def answered(self, stage, index, answer):
            told.append((stage, index))

    evaluate(planned(asks_general_set=True), models(), progress=Told())
    assert told[0] == ("base", -32)
    assert {index for stage, index in told if stage == f"tuned, {GENERAL}" and index >= 0} == set(
        range(len(general_questions()))
    )
    json.dumps(told)
