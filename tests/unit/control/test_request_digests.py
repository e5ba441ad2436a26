import hashlib
import json
from dataclasses import asdict, dataclass, replace

from tanren.control.request_digests import request_digest


@dataclass(frozen=True)
class Part:
    name: str
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class Request:
    name: str
    tags: dict[str, str]
    part: Part | None
    client_request_token: str | None


REQUEST = Request("é", {"b": "2", "a": "1"}, Part("inner", (1, 2)), "token")


def test_a_token_is_no_part_of_the_digest_and_everything_else_is():
    assert request_digest(replace(REQUEST, client_request_token=None)) == request_digest(REQUEST)
    others = [replace(REQUEST, name="e"), replace(REQUEST, tags={"a": "1"}), replace(REQUEST, part=Part("inner", (1,)))]
    assert len({request_digest(each) for each in (REQUEST, *others)}) == 4


def test_the_digest_is_the_one_that_earlier_versions_have_stored():
    whole = asdict(REQUEST)
    del whole["client_request_token"]
    assert request_digest(REQUEST) == hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
