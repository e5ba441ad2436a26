from tanren.model_files.memory import available_bytes, memory_needs


def test_training_needs_more_than_answering_and_a_wider_dtype_more_than_a_narrow_one():
    half, single = memory_needs(10**9, "BF16"), memory_needs(10**9, "F32")
    assert 2e9 < half.serve_bytes < single.serve_bytes < half.lora_bytes == single.lora_bytes < half.full_bytes
    # float16 is computed in float32.
    assert memory_needs(10**9, "F16") == single


def test_a_machine_says_how_much_it_has():
    available = available_bytes()
    assert available is not None
    assert available > 10**8
