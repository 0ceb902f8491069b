# SPDX-License-Identifier: Apache-2.0
# The front door.  meson does the work; everything here can be said in one word, works on a
# bare Debian 12, and installs only the packages that it needs and does not find.

BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
QUICK ?=
ARTICLE ?=

all: $(BUILD)/build.ninja ## build build/firn (the default)
	@ninja -C $(BUILD) --quiet

$(BUILD)/build.ninja:
	@packaging/install-dependencies build
	@echo "Building $(BUILD)/firn"
	@meson setup --prefix=$(PREFIX) $(BUILD) > $(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log

deps: ## install what a build needs, as packaging/dependencies says
	@packaging/install-dependencies build run

install: all ## install firn, its pages and completions (PREFIX, DESTDIR)
	@meson configure -Dprefix=$(PREFIX) $(BUILD)
	@ninja -C $(BUILD) > $(BUILD)/install.log 2>&1 || { cat $(BUILD)/install.log; exit 1; }
	@DESTDIR=$(DESTDIR) meson install -C $(BUILD) --no-rebuild --quiet

demo: ## see firn work on a real disk image, step by step, in two minutes
	@packaging/install-dependencies build run demo
	@$(MAKE) --no-print-directory all
	@tools/demo $(BUILD)/firn

demo-failure: ## see a failure named, explained, verified and repaired, in Wine (ARTICLE=FILE)
	@packaging/install-dependencies build run demo failure
	@$(MAKE) --no-print-directory all
	@test -f $(BUILD)/src/extension/firn-extension.exe || \
	    meson setup --reconfigure $(BUILD) > $(BUILD).log
	@rm -f $(BUILD).log
	@$(MAKE) --no-print-directory all
	@ARTICLE=$(ARTICLE) tools/demo-failure $(BUILD)

check: ## prove everything: style, both compilers, all tests, sanitizers, model
	@packaging/install-dependencies build run test
	@packaging/unpack-dependencies build-check/unpacked
	@tools/check

failures: ## a table: each code, provoked, verified, repaired, proved, undone by the tests
	@packaging/install-dependencies build run test
	@tools/check gcc wine > build-failures.log; good=$$?; tools/failures build-check || good=1; \
	    [ $$good -eq 0 ] || cat build-failures.log; rm -f build-failures.log; exit $$good

bench: ## compare with other tools and with the limit (QUICK=1: under 5 minutes)
	@packaging/install-dependencies build run bench
	@$(MAKE) --no-print-directory all
	@QUICK=$(QUICK) FIRN=$(abspath $(BUILD)/firn) bench/run

bench-vm: ## measure backups of running machines (QUICK=1: some minutes)
	@packaging/install-dependencies build run bench
	@packaging/unpack-dependencies build-check/unpacked
	@$(MAKE) --no-print-directory all
	@QUICK=$(QUICK) FIRN=$(abspath $(BUILD)/firn) bench/vm

bench-articles: ## read 15,000 articles, beside reading their bytes alone (half a minute)
	@packaging/install-dependencies build run bench
	@$(MAKE) --no-print-directory all
	@bench/articles $(BUILD) ../shared/samples

fuzz: ## feed every parser with invented input for a while (SECONDS_EACH=60)
	@packaging/install-dependencies build run test
	@tools/fuzz

soak: ## the long tests: crash states, faults and kills by the ten thousand (an hour or two)
	@packaging/install-dependencies build run test
	@tools/check --soak

format: ## clang-format the C files that differ from the last commit
	@packaging/install-dependencies test
	@git diff --name-only --diff-filter=d HEAD -- '*.c' '*.h' | xargs -r clang-format -i

clean: ## remove all build folders
	rm -rf $(BUILD) build-*

help: ## show this
	@echo "make WORD, where WORD is one of"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 18

.PHONY: all deps install demo demo-failure check failures bench bench-vm bench-articles fuzz soak format clean help
