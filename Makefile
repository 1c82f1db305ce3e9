# `make help` lists what there is. Everything but help installs first what is missing.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/.venv/bin:$(PATH)
PYTHON := .venv/bin/python

.PHONY: help install demo up down status test soak check bench

help: ## this list
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: ## PostgreSQL, Redis, Python and npm packages, where missing
	@devstack/install.sh

demo: install ## from nothing to an imported list, with the stack left running
	@$(PYTHON) -m devstack up
	@$(PYTHON) -m devstack.demo

up: install ## start the local stack, migrate and seed; again: do what is missing
	@$(PYTHON) -m devstack up

down: ## stop the local stack; its data stays
	@test -x $(PYTHON) || { echo "nothing is installed, so nothing runs"; exit 0; }; $(PYTHON) -m devstack down

status: ## what runs, where, and since when
	@test -x $(PYTHON) || { echo "nothing is installed, so nothing runs"; exit 0; }; $(PYTHON) -m devstack status

test: install ## pytest and pgTAP on stacks of their own (a few minutes)
	@$(PYTHON) -m devstack.testrun

soak: install ## the long tests, on a stack of their own
	@$(PYTHON) -m devstack.testrun --soak

check: install ## linters, types, import arrows, migrations there and back, Supabase's own linters
	@ruff check .
	@ruff format --check .
	@mypy
	@$(PYTHON) -m pytest -q tests/test_layers.py
	@$(PYTHON) -m devstack.check_migrations

bench: install ## imports, policies and requests, timed beside what bounds them
	@$(PYTHON) -m tests.bench
