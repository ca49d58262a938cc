# make demo and make test need only Python 3.11+, make and a package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What no process here imports: two fifths of all there is to compile.
UNREAD := /(tests|openai|mypyc?|sympy/physics|ray/(data|llm|rllib|serve|train|tune)|torch/_inductor/(codegen|fx_passes|kernel)
UNREAD := $(UNREAD)|selenium/webdriver/common/devtools)/
# sentence-transformers reads the configurations of many families
UNREAD := $(UNREAD)|/models/(?!auto|bert|bloom|encoder_d|gpt|llama|mistral|paligemma|qwen3|roberta)[^/]*/(?!__init__|configuration)
READY := $(VENV)/.ready

.PHONY: demo test quick docs bench clean

demo: $(READY)
	$(BIN)/sociolect demo --out runs/demo

test: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/sociolect docs --check
	$(BIN)/python -m pytest --durations=40 -n 2 --dist loadgroup

# What pre-commit runs: seconds, not minutes.
quick: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/python -m pytest -m "not slow and not realdata" tests/test_guards.py

docs: $(READY)
	$(BIN)/sociolect docs

bench: $(READY)
	$(BIN)/pip install -q -r requirements-bench.txt
	$(BIN)/python benchmarks/loading.py
	$(BIN)/python benchmarks/finetuning.py
	$(BIN)/python benchmarks/generation.py
	$(BIN)/python benchmarks/distances.py
	$(BIN)/python benchmarks/instruments.py
	$(BIN)/python benchmarks/worlds.py
	$(BIN)/python benchmarks/mixed_effects.py
	$(BIN)/python benchmarks/relations.py
	$(BIN)/python benchmarks/relations_open.py
	$(BIN)/python benchmarks/modularity.py
	$(BIN)/python benchmarks/signatures.py
	$(BIN)/python benchmarks/expansion.py
	$(BIN)/python benchmarks/ties.py
	$(BIN)/python benchmarks/explorer.py
	$(BIN)/python benchmarks/served.py
	$(BIN)/python benchmarks/journal.py
	$(BIN)/python benchmarks/doctor.py
	$(BIN)/python benchmarks/pii.py
	$(BIN)/python benchmarks/kills.py
	$(BIN)/python benchmarks/fuzz.py --minutes 2
	$(BIN)/python benchmarks/determinism.py
	$(BIN)/python benchmarks/donor_game.py
	$(BIN)/python benchmarks/traitors.py
	$(BIN)/python benchmarks/debate.py
	$(BIN)/python benchmarks/robustness.py
	$(BIN)/python benchmarks/moral_graph.py
	$(BIN)/python benchmarks/maxmin.py
	$(BIN)/python benchmarks/trustworthy.py
	$(BIN)/python benchmarks/cluster.py
	$(BIN)/python benchmarks/partitions.py
	$(BIN)/python benchmarks/gpu.py

clean:
	rm -rf $(VENV) runs build

# Byte code is compiled here once: importing torch and transformers costs seconds where it is not.
$(READY): requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("sociolect needs Python 3.11 or newer; say make PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-compile -r requirements.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	$(BIN)/python -m compileall -q -j 0 -x '$(UNREAD)' $(VENV)/lib || true
	touch $(READY)
