# make run   set up what is missing, run the main job on the sample section, open napari
# make test  set up, then every check and test (needs no display: xvfb)
#
# PYTHON=python3.12 chooses the interpreter; TORCH_INDEX=URL the index that torch comes from.

PYTHON ?= python3.11
TORCH_INDEX ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
XVFB := xvfb-run -a -s "-screen 0 1600x1000x24 +extension GLX"
SAMPLE := sample_data/simulated_section
OUT ?= out/simulated_section
# The grain workbench is also tested on the other Qt binding, which napari's bundle ships.
BOTH_QT := $(addprefix tests/window/,$(addprefix grains/test_window_,grains.py grain_card.py) \
	$(addprefix judging/test_window_,pseudo_labels.py judging_figures.py))

# On a few busy cores torch's spinning threads cost more than they bring.
export OMP_NUM_THREADS ?= 1
export QT_API ?= pyqt6

.PHONY: run test tests-of-the-window tests-of-the-core check wheel test-slow test-clients docs benchmarks screenshots clean
.DELETE_ON_ERROR:

$(VENV)/.system: .ci/system_libraries.sh
	@bash .ci/system_libraries.sh
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@touch $@

# torch first, pinned: an open requirement would fetch gigabytes of CUDA libraries.
$(VENV)/.torch: $(VENV)/.system constraints.txt
	@echo "Installing torch (once; a few minutes)..."
	@$(PIP) torch $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	@touch $@

$(VENV)/.run: $(VENV)/.torch pyproject.toml constraints.txt
	@echo "Installing napari and the plugin (once; a few minutes)..."
	@$(PIP) -e ".[qt]"
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@echo "Installing the test tools (once)..."
	@$(PIP) -e ".[qt,pyside,codecs,bcf,xlsx,edf,cluster,dev,docs]"
	@touch $@

run: $(VENV)/.run
	@$(BIN)/mineral-anomaly detect $(SAMPLE) -o $(OUT) --overwrite
	@bash .ci/open_window.sh $(SAMPLE) $(OUT)

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/npe2 validate src/napari_mineral_anomaly/napari.yaml
	$(BIN)/python docs/draw_rooms.py --check
	$(BIN)/python docs/write_formats.py --check
	$(BIN)/python docs/write_clients.py --check

wheel: $(VENV)/.dev
	bash .ci/smoke_wheel.sh $(BIN)/python

test: check wheel
	$(MAKE) --jobs=2 tests-of-the-window tests-of-the-core
	QT_API=pyside6 $(XVFB) $(BIN)/python -m pytest -m "not slow" -o qt_api=pyside6 $(BOTH_QT)

# Two halves of about the same length, side by side, each with its own display and cache.
tests-of-the-window:
	$(XVFB) -n 110 $(BIN)/python -m pytest -m "not slow" -o cache_dir=.pytest_cache/window tests/window tests/io \
		--ignore=tests/io/truth

tests-of-the-core:
	$(XVFB) -n 160 $(BIN)/python -m pytest -m "not slow" -o cache_dir=.pytest_cache/core tests \
		--ignore=tests/window --ignore=tests/io/peers --ignore-glob="tests/io/test_*.py"

test-slow: $(VENV)/.dev
	$(XVFB) $(BIN)/python -m pytest -m slow

# Other programs open our files (docs/export.md); the table there is made from what they showed.
test-clients: $(VENV)/.dev
	bash .ci/clients.sh $(BIN)/python
	CLIENTS_RECORD=docs/measured/clients.json $(BIN)/python -m pytest tests/clients
	$(BIN)/python docs/write_clients.py

docs: $(VENV)/.dev
	$(BIN)/sphinx-build -W -b html docs docs/_build/html

screenshots: $(VENV)/.dev
	$(XVFB) $(BIN)/python docs/make_screenshots.py

clean:
	rm -rf build dist out docs/_build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
