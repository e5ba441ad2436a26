"""`python -m scripts.recipe_data`: writes the data of those recipes whose rows come from templates.

Templates are used where rows of the real task are alike too: tickets, log lines, notes, questions for one fact. What
needs a voice is written by hand and is only in the recipes' folders. A test compares the files with what comes of this.
"""

import json
from pathlib import Path

from scripts.recipe_data import (
    glossary,
    json_format,
    lighthouses,
    medical_notes,
    quality_logs,
    sentiment,
    ticket_routing,
)
from scripts.recipe_data.rows import Files

FOLDER = Path(__file__).resolve().parents[2] / "src" / "tanren" / "recipes"
RECIPES = {
    "glossary": glossary.files,
    "ticket-routing": ticket_routing.files,
    "json-format": json_format.files,
    "sentiment": sentiment.files,
    "medical-notes": medical_notes.files,
    "quality-logs": quality_logs.files,
    "pre-training-then-tuning": lighthouses.files,
}


def texts(files: Files) -> dict[str, str]:
    return {name: "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows) for name, rows in files.items()}


if __name__ == "__main__":
    for recipe, files in RECIPES.items():
        for name, text in texts(files()).items():
            (FOLDER / recipe).mkdir(exist_ok=True)
            (FOLDER / recipe / name).write_text(text, encoding="utf-8")
