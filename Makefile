# PYTHON=... on the command line names an existing environment, which demo, test and lint use as it is;
# for `make env` it names the interpreter that .venv is made from.
OPS ?=
BUDGET ?=
DATA ?=
MINUTES ?= 20
PAGE ?=
SEED ?= 0
WORK_DIR ?= work_dirs/demo$(if $(DATA),-$(notdir $(patsubst %/,%,$(DATA))))$(if $(BUDGET),-$(BUDGET))

ifeq ($(origin PYTHON),command line)
READY := check-python
RUN := PYTHONPATH="$(CURDIR)$${PYTHONPATH:+:$$PYTHONPATH}" "$(PYTHON)"
else
READY := env
RUN := .venv/bin/python
endif

.DEFAULT_GOAL := help
.PHONY: help env check-python demo test coverage hosts abuse lint docs wheels clean

help:
	@echo 'make env     create .venv (two minutes plus downloads; later calls: a second); no compiler needed'
	@echo '             PYTHON=python3.12 chooses the interpreter, 3.10 to 3.13'
	@echo '             OPS=full compiles all operators of mmcv, once for this machine (minutes); OPS=lite changes back'
	@echo 'make demo    the whole chain on a small data set that it makes itself: train, search, export, retrain, test'
	@echo '             DATA=DIR runs it on WIDER FACE or your own images (docs/own_data.md), WORK_DIR=DIR says where results go,'
	@echo '             BUDGET=small is a quick trial'
	@echo 'make test    the tests, in two processes if pytest-xdist is there'
	@echo 'make coverage'
	@echo '             the same, and which lines they run; a third slower below Python 3.12'
	@echo 'make hosts   training and search over two hosts and in a small container (as root, eight minutes)'
	@echo 'make abuse   random configs, annotations, predictions, images and damaged work dirs through the tools:'
	@echo '             each ends in a result or in one sentence; MINUTES=20 says how long, SEED=0 which'
	@echo 'make lint    ruff, mypy, and which folder may import which'
	@echo 'make docs    the site of these documents, in site/, with the page that detects in the browser (needs npm; PAGE=no'
	@echo '             leaves it out); any warning is a failure'
	@echo 'make wheels  what pip installs, in dist/: mmbfbox and mmbfbox-ops'
	@echo 'make clean   remove build products and caches; .venv, .venv-docs, work_dirs and a compiled mmcv stay'
	@echo 'demo, test, coverage, abuse and lint take PYTHON=path/to/python to use an environment you already have.'

env:
	@PYTHON="$(PYTHON)" OPS="$(OPS)" bash tools/make_env.sh

check-python:
	@"$(PYTHON)" -c 'import mmcv.ops, mmdet' || { \
	  echo 'error: $(PYTHON) cannot import mmdet and mmcv.ops; install them there, or leave PYTHON out to get a .venv with everything' >&2; \
	  exit 1; }

demo: $(READY)
	$(RUN) tools/demo.py $(if $(DATA),--data "$(DATA)") $(if $(BUDGET),--budget $(BUDGET)) --work-dir "$(WORK_DIR)"

# Each process computes with one thread: two programs that use all cores slow each other down.
SIDE_BY_SIDE = $$($(RUN) -c 'import xdist' 2>/dev/null && printf '%s' '-n 2 --dist $(1)')
PYTEST = OMP_NUM_THREADS=1 $(RUN) -m pytest -q $(call SIDE_BY_SIDE,loadfile)

# What several runtimes compute has processes of its own: their thread pools do not bear each other.
test: $(READY)
	$(PYTEST) --ignore=tests/deploy --ignore=tests/export/onnx
	$(PYTEST) tests/deploy
	OMP_NUM_THREADS=1 $(RUN) -m pytest -q $(call SIDE_BY_SIDE,load) tests/export/onnx

coverage: $(READY)
	$(PYTEST) --cov --cov-report=term:skip-covered --cov-report=html

# In one process: each test has the machine's two cores for two hosts.
hosts: $(READY)
	OMP_NUM_THREADS=1 $(RUN) -m pytest -q -m hosts tests/hosts

abuse: $(READY)
	$(RUN) -m tests.abuse --minutes $(MINUTES) --seed $(SEED)

lint: $(READY)
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(RUN) -c 'from importlinter.cli import lint_imports_command as lint; lint()' --no-cache

# In .venv-docs, apart from what detects and trains.
docs:
	@PYTHON="$(PYTHON)" PAGE="$(PAGE)" bash docs/building/make_docs.sh

# What an earlier build has left would get into this one.
wheels: $(READY)
	rm -rf build ops/build
	$(RUN) -m pip wheel -q --no-deps --no-build-isolation --wheel-dir dist . ./ops
	rm -rf build ops/build

clean:
	rm -rf build dist site *.egg-info ops/build ops/*.egg-info .coverage* htmlcov .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find mmbfbox tools configs tests benchmarks ops -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
