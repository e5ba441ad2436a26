from tanren.storage.artifacts import ArtifactStore


def test_a_published_folder_is_complete_and_replaces_what_an_earlier_attempt_left(tmp_path, scope):
    store = ArtifactStore(tmp_path / "artifacts")
    path = store.custom_model_path(scope, "abcdefghijkl", 1)
    for content in ("attempt 1", "attempt 2"):
        source = tmp_path / content
        source.mkdir()
        (source / "adapter_model.safetensors").write_text(content)
        published = store.publish(source, path)
    assert (published / "adapter_model.safetensors").read_text() == "attempt 2"
    assert [p.name for p in published.parent.iterdir()] == ["attempt-1"]


def test_removing_what_is_not_there_is_no_error(tmp_path, scope):
    ArtifactStore(tmp_path).remove("custom-models/none")
