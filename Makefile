# What a newcomer needs: make demo, make test. Each builds the environments it uses, once.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
LABEL_STUDIO := .venv-label-studio/bin/label-studio
EMPTY_DATABASE := .venv-label-studio/data/label_studio.sqlite3
# More tests at once than there are cores, since they wait: for servers, and in the browser for what moves.
PARALLEL = --numprocesses $(shell n=$$(($$(nproc 2> /dev/null || echo 2) + $(1))); echo $$((n < 4 ? n : 4))) --dist worksteal
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest $(call PARALLEL,1) --durations 25 --ignore tests/e2e
# What is never imported need not be compiled: a minute of a core.
PIP_INSTALL := pip install --no-compile
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Unset where an image sets it: each of the servers that the tests start would compile everything anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test test-fast e2e lint audit docs release dist chromium clean
.DELETE_ON_ERROR:

demo: .venv/demo.installed $(LABEL_STUDIO)  ## Label Studio with sample pictures and click99, until Ctrl-C
	@$(BIN)/click99 demo --label-studio $(LABEL_STUDIO)

test: .venv/dev.installed  ## every test but the browser's; COVERAGE=1: and what of the code the fast ones run
	$(PYTEST) $(if $(COVERAGE),--cov=click99 --cov=click99_training --cov-report=term:skip-covered)

test-fast: .venv/dev.installed  ## those that are not marked slow; says what is left out and why
	$(PYTEST) --fast

e2e: .venv/e2e.installed $(EMPTY_DATABASE) chromium  ## what people do, in a real browser and a real Label Studio
	rm -rf artifacts/e2e
	$(BIN)/pytest -m e2e $(call PARALLEL,2) -rPfE --durations 25 tests/e2e

lint: .venv/e2e.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

audit: .venv/dev.installed  ## known vulnerabilities of all that is installed; fails where PyPI tells of none
	$(BIN)/pip install --quiet pip-audit
	$(BIN)/pip freeze --exclude-editable | sed 's/+[a-z0-9.]*$$//' > .venv/audit.txt  # torch 2.13.0+cpu is 2.13.0 there
	$(BIN)/pip-audit --strict --no-deps --disable-pip --requirement .venv/audit.txt

docs: .venv/docs.installed  ## the documentation as a site, in site/
	$(BIN)/mkdocs build --strict

release:  ## VERSION=0.2.0: into the package, the chart, the citation and the changelog, as a commit and a tag
	@echo '$(VERSION)' | grep -qxE '[0-9]+\.[0-9]+\.[0-9]+' || (echo "Say which: make release VERSION=0.2.0" && exit 1)
	sed -i 's/^__version__ = .*/__version__ = "$(VERSION)"/' backend/click99/__init__.py
	sed -i "s/^version: .*/version: $(VERSION)/; s/^date-released: .*/date-released: $$(date -I)/" CITATION.cff
	sed -i -E 's/^(version|appVersion): .*/\1: $(VERSION)/' docker/helm/Chart.yaml
	sed -i "s/^## \[Unreleased\]$$/&\n\n## [$(VERSION)] - $$(date -I)/" CHANGELOG.md
	git commit -qm "Release $(VERSION)" backend/click99/__init__.py CITATION.cff docker/helm/Chart.yaml CHANGELOG.md
	git tag -a 'v$(VERSION)' -m 'click99 $(VERSION)'

dist: .venv/dev.installed  ## wheel and sdist
	rm -rf dist
	$(BIN)/python -m build --no-isolation

chromium:
	@command -v chromium > /dev/null || (apt-get update -qq && apt-get install -qq -y chromium) \
	|| (echo "The browser test needs Chromium: install the package 'chromium', or run as root" && exit 1)

clean:  ## remove the environments and the demo's data
	rm -rf .venv* .demo artifacts

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/%.installed: pyproject.toml | .venv/bin/python
	$(BIN)/$(PIP_INSTALL) --editable ".[$*]"
	@touch $@ $(if $(filter e2e,$*),.venv/dev.installed)

# Label Studio pins libraries of its own, so it lives apart (about 1 GB).
$(LABEL_STUDIO):
	$(PYTHON) -m venv .venv-label-studio
	.venv-label-studio/bin/$(PIP_INSTALL) label-studio==1.23.2

# Label Studio's tables, which each process of the browser's tests begins with.
$(EMPTY_DATABASE): $(LABEL_STUDIO)
	SENTRY_DSN= LABEL_STUDIO_COLLECT_ANALYTICS=false LABEL_STUDIO_BASE_DATA_DIR=$(CURDIR)/$(@D) .venv-label-studio/bin/python \
	.venv-label-studio/lib/python3*/site-packages/label_studio/manage.py migrate --verbosity 0
