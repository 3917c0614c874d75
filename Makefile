# What a newcomer needs: make demo, make test. Each builds the environments it uses, once.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
LABEL_STUDIO := .venv-label-studio/bin/label-studio
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test e2e lint chromium clean
.DELETE_ON_ERROR:

demo: .venv/demo.installed $(LABEL_STUDIO)  ## Label Studio with sample pictures and click99, until Ctrl-C
	@$(BIN)/click99 demo --label-studio $(LABEL_STUDIO)

test: .venv/dev.installed  ## every test but the browser's
	$(BIN)/pytest -m "not e2e"

e2e: .venv/e2e.installed $(LABEL_STUDIO) chromium  ## what people do, in a real browser and a real Label Studio
	$(BIN)/pytest -m e2e -s tests/e2e

lint: .venv/e2e.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

chromium:
	@command -v chromium > /dev/null || (apt-get update -qq && apt-get install -qq -y chromium) \
	|| (echo "The browser test needs Chromium: install the package 'chromium', or run as root" && exit 1)

clean:  ## remove the environments and the demo's data
	rm -rf .venv* .demo artifacts

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/%.installed: pyproject.toml | .venv/bin/python
	$(BIN)/pip install --editable ".[$*]"
	@touch $@

# Label Studio pins libraries of its own, so it lives apart (about 1 GB).
$(LABEL_STUDIO):
	$(PYTHON) -m venv .venv-label-studio
	.venv-label-studio/bin/pip install label-studio==1.23.2
