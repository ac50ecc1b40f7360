.DEFAULT_GOAL := help
BUILD ?= build
JOBS ?= $(shell nproc)

help: ## list these verbs
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what is missing
	@cmake/setup-debian.sh

build: setup ## configure and build
	@mkdir -p $(BUILD) && cmake -S . -B $(BUILD) $(CMAKE_OPTIONS) >$(BUILD)/configure.log 2>&1 || { cat $(BUILD)/configure.log; exit 1; }
	@cmake --build $(BUILD) --parallel $(JOBS)

test: build ## prove everything
	@ctest --test-dir $(BUILD) --output-on-failure --no-tests=error

stress: build ## the full-duplex poison pill and real text, over every transport
	@$(BUILD)/stress/mulproc-stress full_duplex word_count --transport all

clean: ## remove what was built
	rm -rf $(BUILD)

.PHONY: help setup build test stress clean
