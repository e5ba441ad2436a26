from tanren.workflows.evaluation_journal import Journal, Reply, reply_key


def test_what_was_replied_is_there_in_the_next_attempt_and_a_torn_entry_is_not(tmp_path):
    whole = Reply(text="half a pair: \ud800", tool_input={"score": 3}, input_token_count=1, output_token_count=2)
    with Journal(tmp_path, 1) as first:
        first.add("a", whole)
        first.add("b", Reply(error="too long"))
    path = tmp_path / "replies" / "1.jsonl"
    path.write_bytes(path.read_bytes()[:-5])
    with Journal(tmp_path, 2) as second:
        assert (second.find("a"), second.find("b"), len(second)) == (whole, None, 1)
        second.add("b", Reply(text="asked again"))
    with Journal(tmp_path, 3) as third:
        assert third.find("b") == Reply(text="asked again")


def test_the_first_reply_stands_where_a_late_attempt_asked_as_well(tmp_path):
    with Journal(tmp_path, 1) as late, Journal(tmp_path, 2) as current:
        late.add("a", Reply(text="first"))
        current.add("a", Reply(text="second"))
    with Journal(tmp_path, 10) as journal:
        assert journal.find("a") == Reply(text="first")


def test_a_key_tells_model_place_and_request_apart_and_nothing_else():
    keys = {
        reply_key("arn:a", "0/1", {"x": 1, "y": 2}),
        reply_key("arn:b", "0/1", {"x": 1, "y": 2}),
        reply_key("arn:a", "0/2", {"x": 1, "y": 2}),
        reply_key("arn:a", "0/1", {"x": 1, "y": 3}),
    }
    assert len(keys) == 4
    assert reply_key("arn:a", "0/1", {"y": 2, "x": 1}) in keys
