"""One recipe from end to end by its command, on a real server; `make proofs` runs all of them."""

import json
import subprocess
import sys

from tests.service.servers import Server


def test_a_recipe_trains_serves_and_measures_on_a_real_server(server: Server):
    command = [sys.executable, "-m", "tanren", "recipes", "run", "ticket-routing", "--hyper", "epochCount=2"]
    asked = [*command, "--output", "json", "--data-dir", str(server.data_dir)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["checks"][0]["tuned"] > told["checks"][0]["base"] + 0.2
    deployed = server.client("bedrock").list_custom_model_deployments()["modelDeploymentSummaries"]
    assert told["model"] not in [each["modelArn"] for each in deployed]
    assert server.client("bedrock").get_custom_model(modelIdentifier=told["model"])["modelArn"] == told["model"]
