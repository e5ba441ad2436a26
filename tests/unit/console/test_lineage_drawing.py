"""A model's lineage as boxes and arrows."""

from typing import Any

from tanren.console.lineage_drawing import MOST_CHILDREN, WIDTH, lineage_drawing

BASE = {"modelArn": "arn:aws:bedrock:us-east-1::foundation-model/tanren.nano-v1:0", "isDeleted": False}


def model(name: str, **values: Any) -> dict[str, Any]:
    arn = f"arn:aws:bedrock:us-east-1:123456789012:custom-model/tanren.nano-v1:0/{name}"
    data = {"trainingDataS3Uri": f"s3://bucket/{name}.jsonl", "customizationType": "FINE_TUNING"}
    return {"modelArn": arn, "modelName": name, "isDeleted": False, **data, **values}


def test_it_goes_from_the_weights_over_every_job_down_to_the_model_and_its_children():
    drawing = lineage_drawing(
        {"weights": "nano-v1", "ancestors": [model("second"), model("first"), BASE], "descendants": [model("third")]}
    )
    assert [(box.kind, box.text) for box in drawing.boxes] == [
        ("weights", "nano-v1"),
        ("base", "tanren.nano-v1:0"),
        ("job", "first.jsonl"),
        ("model", "first"),
        ("job", "second.jsonl"),
        ("this", "second"),
        ("model", "third"),
    ]
    assert len(drawing.arrows) == 6
    assert [box.path for box in drawing.boxes][1:4] == [
        "/console/foundation-models/tanren.nano-v1%3A0",
        "/console/data/bucket/object?key=first.jsonl",
        "/console/models/first",
    ]


def test_what_was_deleted_is_shown_and_leads_nowhere():
    drawing = lineage_drawing({"ancestors": [model("second"), model("gone", isDeleted=True), BASE], "descendants": []})
    gone = next(box for box in drawing.boxes if box.text == "gone")
    assert (gone.kind, gone.path) == ("deleted", None)


def test_boxes_lie_in_the_picture_and_not_on_each_other_however_many_there_are():
    children = [model(f"child-{number}-{'x' * 60}") for number in range(MOST_CHILDREN + 5)]
    drawing = lineage_drawing({"ancestors": [model("this"), BASE], "descendants": children})
    assert drawing.boxes[-1].text == "+5"
    bottoms = [box.y + box.height for box in drawing.boxes]
    assert all(box.x >= 0 and box.x + box.width <= WIDTH for box in drawing.boxes)
    assert all(box.y > bottom for box, bottom in zip(drawing.boxes[1:], bottoms, strict=False))
    assert bottoms[-1] <= drawing.height
    assert all(len(box.text) <= 36 for box in drawing.boxes)
