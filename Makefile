.DEFAULT_GOAL := help
BUILD ?= build
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
SECONDS ?= 60
CORE_SETUP ?= clang
CORE ?= conformance|framework|matrix|routing|serializer|waiting
MINUTES ?= 10
MAKEFLAGS += --no-print-directory

help: ## list these verbs
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what is missing
	@cmake/setup-debian.sh

configure: setup
	@echo "configuring $(BUILD)"
	@mkdir -p $(BUILD) && cmake -S . -B $(BUILD) $(CMAKE_OPTIONS) >$(BUILD)/configure.log 2>&1 || { cat $(BUILD)/configure.log; exit 1; }

build: configure ## configure and build; CMAKE_OPTIONS='-DMULPROC_TRANSPORT=pipe' and the like
	@cmake --build $(BUILD) --parallel $(JOBS)

test: build ## prove everything
	@rm -f $(BUILD)/tests/*/*.table
	@ctest --test-dir $(BUILD) --output-on-failure --no-tests=error --parallel $(JOBS); failed=$$?; cat $(BUILD)/tests/*/*.table; exit $$failed

nightly: build ## the long proofs, several hours: every pair of deaths, the models to their end, 20,000 random kills over each transport
	@cmake --build $(BUILD) --target nightly

crash-peers: ## other libraries' queues beside ours, 100 kills of a sender and 100 of a receiver each
	@cmake/setup-debian.sh peers
	@$(MAKE) configure
	@cmake --build $(BUILD) --parallel $(JOBS) --target test_crash.peers
	@cmake --build $(BUILD) --target crash-peers

stress: configure ## every scenario over every transport, and the report: build/report/stress.html
	@cmake --build $(BUILD) --parallel $(JOBS) --target mulproc-stress
	@mkdir -p $(BUILD)/report
	@$(BUILD)/stress/mulproc-stress all --transport all --report $(BUILD)/report/stress.html --json $(BUILD)/report/stress.json

soak: configure ## MINUTES=10: all of it again and again under chaos; memory, descriptors and processes must not grow
	@cmake --build $(BUILD) --parallel $(JOBS) --target mulproc-stress
	@mkdir -p $(BUILD)/report
	@$(BUILD)/stress/mulproc-stress all --transport all --soak $(MINUTES)m --chaos kill=50ms,stop=100ms,pause=2s --report $(BUILD)/report/soak.html --json $(BUILD)/report/soak.json

lost-message: configure ## a bug that loses one message in 100,000: each scenario must notice
	@cmake --build $(BUILD) --parallel $(JOBS) --target mulproc-scenarios
	@cmake -DSOURCE=$(CURDIR) -DWORK=$(BUILD)/lost-message -DBUILD=$(BUILD) -DCOMPILER=$(CXX) -DBUG=one_message_lost -DEVERY=100000 -P tests/seeded/seeded_bug.cmake

report-test: configure ## the pages of reports, traces and benchmarks in headless Chromium, which is installed; screenshots in build/report
	@cmake/setup-debian.sh chromium
	@cmake --build $(BUILD) --parallel $(JOBS) --target mulproc-stress mulproc-trace mulproc-bench
	@ctest --test-dir $(BUILD) --output-on-failure --no-tests=error -R '[.]page_in_a_browser$$'

bench: peers configure ## mulproc beside its peers; FILTER='^ping_pong' for a part; RESULTS=stress/results to write down
	@cmake --build $(BUILD) --parallel $(JOBS) --target mulproc-bench
	@$(BUILD)/stress/benchmarks/mulproc-bench $(if $(FILTER),--filter '$(FILTER)') $(if $(RESULTS),--results '$(RESULTS)')

peers:
	@cmake/setup-debian.sh peers || echo "going on without; the rows of what is missing say so"

costs: configure ## count instructions, allocations, system calls, lines and memory; written into stress/results
	@cmake --build $(BUILD) --parallel $(JOBS) --target costs

examples: build ## run every example; each checks its own result
	@ctest --test-dir $(BUILD) --output-on-failure --no-tests=error -R '^example\.'

install: build ## install headers and the CMake package into PREFIX (/usr/local)
	@cmake --install $(BUILD) --prefix $(PREFIX)

compile-cost: setup ## what <mulproc/channel.hpp> costs a compiler, in lines and in time
	@cmake/compile-cost.sh time $(CXX)

asan: ## the core tests under AddressSanitizer and UBSan
	@$(MAKE) core BUILD=build-asan CORE_SETUP= CMAKE_OPTIONS=-DMULPROC_SANITIZE=address,undefined

tsan: ## the core tests under ThreadSanitizer, with clang 16
	@TSAN_OPTIONS="die_after_fork=0" $(MAKE) core BUILD=build-tsan CORE='conformance|framework|matrix' CMAKE_OPTIONS='-DCMAKE_CXX_COMPILER=clang++-16 -DMULPROC_SANITIZE=thread'

clang: ## the core tests with clang 16, and every header alone
	@$(MAKE) core BUILD=build-clang CMAKE_OPTIONS=-DCMAKE_CXX_COMPILER=clang++-16
	@cmake --build build-clang --parallel $(JOBS) --target mulproc-headers-alone

fuzz: ## any bytes to the decoders, the frames and the segments, for SECONDS=60 in all; libFuzzer, ASan, UBSan
	@cmake/setup-debian.sh fuzz
	@tests/fuzz/fuzz.sh $(SECONDS)

hostile: ## a peer writes over random words of the segments, for SECONDS=60, under ASan and UBSan
	@$(MAKE) configure BUILD=build-asan CMAKE_OPTIONS=-DMULPROC_SANITIZE=address,undefined
	@cmake --build build-asan --parallel $(JOBS) --target test_hostile.peer
	@build-asan/tests/hostile/test_hostile.peer $(SECONDS) $$(date +%s)

core:
	@cmake/setup-debian.sh $(CORE_SETUP)
	@$(MAKE) configure
	@cmake --build $(BUILD) --parallel $(JOBS) --target mulproc-core
	@ctest --test-dir $(BUILD) --output-on-failure --no-tests=error -R '^($(CORE))\.' -E socket_pair --parallel $(JOBS)

clean: ## remove what was built
	rm -rf $(BUILD) build-asan build-clang build-tsan build-fuzz

.PHONY: help setup configure build test nightly crash-peers stress soak lost-message report-test bench peers costs examples install compile-cost asan tsan clang fuzz hostile core clean
