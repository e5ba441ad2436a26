"""A stop that was asked for: of the server, by SIGTERM or Ctrl-C, in the middle of training, and of a job."""

from tanren.settings import read_settings
from tanren.supervision.data_directory import socket_folder
from tests.service.long_jobs import has_checkpoint, job_events, job_logs, start_long_job
from tests.service.servers import finished, wait_until


def test_an_orderly_stop_leaves_no_process_and_the_job_goes_on_at_the_next_start(own_server):
    own_server.start()
    arn = start_long_job(own_server)
    wait_until(lambda: has_checkpoint(own_server), seconds=120, what="a checkpoint")
    sockets = socket_folder(read_settings({}, data_dir=own_server.data_dir))
    assert own_server.stop() == 0
    assert own_server.group() == []
    assert not sockets.exists()
    own_server.start()
    assert finished(own_server.client("bedrock"), arn)["status"] == "Completed"


def test_ctrl_c_in_the_middle_of_training_is_an_orderly_stop(own_server):
    own_server.start()
    arn = start_long_job(own_server)
    wait_until(lambda: has_checkpoint(own_server), seconds=120, what="a checkpoint")
    assert own_server.interrupt() == 0
    assert own_server.group() == []
    own_server.start()
    assert finished(own_server.client("bedrock"), arn)["status"] == "Completed"
    assert not [message for message in job_events(own_server, arn) if "crashed" in message]
    log = job_logs(own_server)
    assert "Continuing after step" in log
    assert "KeyboardInterrupt" not in log


def test_a_stopped_job_makes_no_model(own_server):
    own_server.start()
    arn = start_long_job(own_server)
    bedrock = own_server.client("bedrock")
    wait_until(lambda: has_checkpoint(own_server), seconds=120, what="a checkpoint")
    bedrock.stop_model_customization_job(jobIdentifier=arn)
    job = finished(bedrock, arn, seconds=30)
    assert job["status"] == "Stopped"
    assert bedrock.list_custom_models()["modelSummaries"] == []
