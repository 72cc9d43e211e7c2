# Every command that the README or the continuous integration names. Each does its own set-up.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help demo test lint check fuzz audit faults pictures encoders train clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# uv installs what uv.lock pins; without uv, pip installs the same versions from requirements.lock (with hashes).
$(READY): uv.lock requirements.lock pyproject.toml
	@if command -v uv >/dev/null 2>&1; then \
	  uv sync --locked --quiet; \
	else \
	  test -x $(BIN)/python || $(PYTHON) -m venv $(VENV); \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
	@touch $@

demo: $(READY) ## Run everything on the sample mailbox: answers-demo/
	@$(BIN)/answers demo answers-demo

test: $(READY) lint check ## Lint, types, tests
	$(BIN)/python -m pytest

lint: $(READY) ## Style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

check: $(READY) ## Types
	$(BIN)/mypy

requirements.lock: uv.lock ## The pins of uv.lock for pip
	@if command -v uv >/dev/null 2>&1; then uv export --quiet --locked --no-emit-project --format requirements-txt -o $@; else touch $@; fi

fuzz: $(READY) ## Thousands of odd and damaged mails, new ones each time: make fuzz EXAMPLES=20000
	ANSWERS_FUZZ_EXAMPLES=$(or $(EXAMPLES),5000) $(BIN)/python -m pytest tests/test_fuzz_mail.py

audit: $(READY) ## Risky calls in the code, known vulnerabilities of what is locked (needs the network)
	@$(BIN)/python docs/audit.py

faults: $(READY) ## Kill, cut, freeze and fill everything, in full; writes docs/promises.md (25 minutes, Linux, root)
	rm -rf .promises
	FAULTS=full PROMISES=$(CURDIR)/.promises TESTS_NEED="dovecot chromium" $(BIN)/python -m pytest tests/faults
	$(BIN)/python tests/faults/promises.py .promises docs/promises.md

pictures: $(READY) ## The README's pictures, from the demo (needs chromium)
	$(BIN)/python docs/pictures/make.py

encoders: $(READY) ## Teach both encoders from bench/training, before `make train` (two hours, needs uv)
	uv run --locked --group bench --with torch==2.13.0 python bench/train_encoder.py
	uv run --locked --group bench --with torch==2.13.0 python bench/train_multilingual.py

train: $(READY) ## Fit all models anew from bench/training and data/atlas (an hour and a half, needs uv)
	uv sync --locked --quiet --group bench
	$(BIN)/python bench/train_topics.py
	$(BIN)/python bench/train_themes.py
	$(BIN)/python bench/train_insights.py bench/sample bench/brightfold --everything
	$(BIN)/python bench/train_sellers.py

clean: ## Remove the environment and the demo
	rm -rf $(VENV) answers-demo
