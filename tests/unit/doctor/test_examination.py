from dataclasses import replace

from tanren.doctor.examination import examine
from tanren.doctor.findings import Level
from tanren.settings import Settings


def test_a_new_directory_on_this_machine_is_examined_whole_and_left_as_it_was(tmp_path):
    folder = tmp_path / "data"
    findings = list(examine(replace(Settings(), data_dir=folder)))
    subjects = [finding.subject for finding in findings]
    assert len(set(subjects)) == len(subjects)
    assert {"Python", "native library", "data directory", "port", "S3", "torch", "GPU", "engine"} <= set(subjects)
    assert all(finding.fix for finding in findings if finding.level is Level.PROBLEM)
    assert not folder.exists()
