# The README's commands. `make demo` and `make test` do all set-up on a machine that has Python and nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 4500
DATA_DIR ?= .tanren

.DEFAULT_GOAL := help
.PHONY: help setup clients demo serve test lint fix types bench gpu proofs nano clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: ## Make .venv with the `tanren` command; does nothing where that is done
	@$(PYTHON) scripts/setup.py $(VENV)

clients: setup ## Make .clients: the AWS CLI, LangChain, LiteLLM and two SDKs that the tests run
	@$(PYTHON) scripts/setup_clients.py .clients

demo: setup ## Run the main job, from a JSONL in S3 to a tuned model that answers
	@$(BIN)/tanren demo

serve: setup ## Start the server in the foreground
	@$(BIN)/tanren serve --port $(PORT) --data-dir $(DATA_DIR)

# Two processes share the cores, so a thread that waits must sleep and not spin. Files are given out in their order: the
# long ones of tests/service before the many short ones of tests/unit, so that neither process waits for the other.
test: setup ## Run linters, type checker and all tests
	@$(MAKE) --no-print-directory --output-sync=target -j2 clients lint types
	@OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

lint: setup ## ruff, import contracts, spelling
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/codespell

fix: setup ## Format, and repair what ruff can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: setup ## pyright, strict
	@$(BIN)/pyright

nano: setup ## Pre-train the embedded base model from scratch
	@$(BIN)/python -m nano.build

proofs: clients ## The long proofs: demonstrations and series of kills; figures go to docs/proofs.md
	@$(BIN)/python -m pytest -q -s proofs
	@$(BIN)/python -m pytest -q --long -m long tests

bench: setup ## Run the benchmarks
	@set -e; for script in $(filter-out benchmarks/train_gpu.py,$(wildcard benchmarks/*.py)); do $(BIN)/python $$script; done
	@echo "benchmarks/train_gpu.py was left out: it needs an NVIDIA GPU, and \`make gpu\` runs it."

gpu: setup ## Where there is an NVIDIA GPU: the tests that need one, and training beside TRL on it
	@$(BIN)/python -m pytest -q -rs -m gpu
	@$(BIN)/python -m benchmarks.train_gpu

clean: ## Remove what setup made; the data directory stays
	rm -rf $(VENV) .clients
