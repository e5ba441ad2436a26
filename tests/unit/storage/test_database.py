import json

import pytest

from tanren.storage.database import _read_json

WRITTEN = ['{"a": [1, 2.5, "é", null, true]}', '{"loss": NaN}', "[Infinity, -1e999]", '"\\ud800"', str(10**30), "0.1"]


@pytest.mark.parametrize("text", WRITTEN)
def test_a_json_column_reads_what_python_wrote(text: str) -> None:
    assert repr(_read_json(text)) == repr(json.loads(text))
