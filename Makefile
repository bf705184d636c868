# Everything a newcomer types. Needs Python 3.11 or newer and make; installs the rest into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test browser lint format size clean benchmark bench-memory bench-metrics bench-depth bench-training bench-models bench-latency ledger results kill-training kill-saves onnx-all

demo: $(VENV)/.installed
	$(BIN)/superfine demo --out demo-out

# Two processes with one thread each take half the time of one with two.
test: $(VENV)/.tested
	$(BIN)/python -m pytest -n 2 --dist worksteal

# Chromium, which the tests of pages drive; Debian and Ubuntu. Those tests are skipped without it.
browser:
	@command -v chromium >/dev/null || { \
		apt-get -qq update && apt-get -qq install -y --no-install-recommends chromium >/dev/null; }

lint: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.tested
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Every figure of the README, and a page about it; the sets lie in SUPERFINE_DATA.
benchmark: $(VENV)/.tested
	@mkdir -p build/bench
	$(BIN)/superfine benchmark bicubic fsrcnn --data set5,set14,bsd100 --scale 2,3,4 \
		--report build/bench/report.html --overwrite

# What the methods for depth make of a set of maps (docs/depth_methods.md), and how fast they are.
DEPTH_SET ?= ../shared/data/depth/Middlebury30
bench-depth: $(VENV)/.tested
	$(BIN)/python bench/depth.py fingerprints $(DEPTH_SET)
	$(BIN)/python bench/depth.py methods $(DEPTH_SET)
	$(BIN)/python bench/depth.py phase $(DEPTH_SET)
	$(BIN)/python bench/depth.py speed

# How fast the metrics are, beside scikit-image (docs/metrics.md).
bench-metrics: $(VENV)/.tested
	$(BIN)/python bench/metric_speed.py

# Peak memory of the largest promise: 100 megapixels in, 400 out (docs/memory.md).
bench-memory: $(VENV)/.tested
	@mkdir -p build/bench
	$(BIN)/python bench/upscale_memory.py src/superfine/demo/coffee.png build/bench

# What a training step costs, which setting is fastest here, and how fast samples come
# (docs/training.md).
bench-training: $(VENV)/.tested
	$(BIN)/python bench/training_step.py
	$(BIN)/python bench/training_settings.py
	$(BIN)/python bench/training_data.py
	$(BIN)/python bench/training_memory.py

# What every network costs: src/superfine/ledger.json and the tables of docs/networks.md.
ledger: $(VENV)/.tested
	$(BIN)/python bench/ledger.py

# docs/results.md: every figure of the seeds beside ours; after new weights or new figures.
results: $(VENV)/.tested
	$(BIN)/python bench/results.py

# How fast the shipped weights are here, into both.
bench-models: $(VENV)/.tested
	$(BIN)/python bench/model_speed.py --write
	$(BIN)/python bench/ledger.py

# The latency of every network, into both; about half an hour.
bench-latency: $(VENV)/.tested
	$(BIN)/python bench/model_speed.py --latency --write
	$(BIN)/python bench/ledger.py

# Twenty kill -9 at random moments for 0, 1 and 2 workers; a hundred in the moment of saving.
kill-training: $(VENV)/.tested
	$(BIN)/python -m tests.training.kills 20

kill-saves: $(VENV)/.tested
	SUPERFINE_KILLS=100 $(BIN)/python -m pytest tests/training/test_checkpoint.py -k tear_nothing

# Every network of the zoo whole in ONNX, at sizes its export has not seen; the suite has a part.
onnx-all: $(VENV)/.tested
	SUPERFINE_ONNX=all $(BIN)/python -m pytest tests/models/test_onnx.py -k at_any_size --timeout 1800

# Lines of code in each room.
size:
	@for room in src/superfine src/superfine/*/ ; do \
		printf '%6d  %s\n' "$$(cat $$room/*.py 2>/dev/null | wc -l)" "$$room" ; \
	done
	@printf '%6d  tests\n' "$$(find tests -name '*.py' -exec cat {} + | wc -l)"

clean:
	rm -rf $(VENV) demo-out build dist

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) --editable .
	@touch $@

$(VENV)/.tested: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.installed
