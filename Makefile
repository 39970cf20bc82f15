# The front door.  The build itself is CMake's: see CMakePresets.json for its variants.
#
# SPDX-License-Identifier: BSD-2-Clause

JOBS ?= $(shell nproc 2>/dev/null || echo 2)
export JOBS
MAKEFLAGS += --no-print-directory

# Ninja if it is there; an existing build directory keeps what it was made with.
ifneq ($(shell command -v ninja 2>/dev/null),)
export CMAKE_GENERATOR ?= Ninja
endif

.DEFAULT_GOAL := build
.PHONY: build demo check check-slow evidence bench format tidy clean help

build: ## build/vmem, build/libopenvmem.so and build/libopenvmem.a (the default)
	cmake --preset release
	cmake --build build --parallel $(JOBS)

demo: ## install what is missing, build, record a program and replay it
	scripts/deps build
	$(MAKE) build
	scripts/demo

check: ## install what is missing, build and test release and sanitizers, static checks
	@scripts/deps build check coverage static foreign proof
	@scripts/check

check-slow: ## the long runs: all states of small arenas, 10^8 random operations, fuzzing, mutants
	@scripts/evidence --check --slow

evidence: ## run all that shows the library to be right (two and a half hours), and write docs/TESTING.md
	@scripts/evidence

bench: ## install the baselines if possible, build, compare
	scripts/deps build bench
	$(MAKE) build
	build/vmem-bench

format: ## format all sources
	scripts/check_format --fix

tidy: ## clang-tidy over the library and its port
	@scripts/deps static
	@scripts/check_static clang-tidy

clean: ## remove everything that was built
	rm -rf build build-*

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | awk -F'\t' '{ printf "make %-10s %s\n", $$1, $$2 }'
