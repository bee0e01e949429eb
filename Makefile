# make            build build/editscope             make run        set up, build, open it (ARGS=…)
# make check      set up, run every test            make help       all targets
# make CUDA=0|1   without / with the CUDA device    make V=1        show the commands
# make MPI=1          with Open MPI: mpirun -n N   make check-mpi  its tests
# make SAN=address,undefined tests                  make DEPS=0 …   install nothing
# make check-fast T=unit/mask   the tests with that in their name; so too check, coverage
# Lasting overrides go in config.mk.
-include config.mk

NAME    := editscope
PREFIX  ?= /usr/local
CC      ?= cc
CFLAGS  ?= -O2 -g
# Looked for at once: CUDA_HOME, where the environment does not say it, follows from it below.
ifndef NVCC
NVCC    := $(firstword $(wildcard $(addsuffix /bin/nvcc,$(CUDA_HOME) /usr/local/cuda)) \
           $(shell command -v nvcc))
endif
CUDA    ?= $(if $(NVCC),1,0)
CUDA_HOME ?= $(patsubst %/bin/nvcc,%,$(NVCC))
CUDA_ARCH ?= 80 90 100
PKGS    := ncursesw openblas lapacke jansson libpcre2-8 libutf8proc sqlite3 libcrypto libcurl zlib
JOBS    ?= $(shell nproc)
SAN     ?=
MPI     ?= 0
V       ?= 0
COVERAGE ?= 0
# Of the command line alone: what an environment calls T is something else.
ifneq ($(origin T),command line)
override T :=
endif

# Each variant has its own folder, so none is ever linked with another's objects.
comma   := ,
B       := build/$(if $(SAN),$(subst $(comma),-,$(SAN))-)$(if $(filter 1,$(MPI)),mpi-)$(if \
           $(filter 1,$(COVERAGE)),coverage-)$(if \
           $(filter 1,$(CUDA)),cuda,cpu)
# Of the CUDA device only main.c, gpu/ and tests know; the rest is the same without it, and shared.
SHARED  := $(B:%cuda=%cpu)
Q       := $(if $(filter 0,$(V)),@)
SUBMAKE  = $(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS))

WARN    := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
           -Wpointer-arith -Wvla -Wwrite-strings -Wundef -Wdouble-promotion -fno-common \
           $(if $(filter true 1,$(CI)),-Werror)
ALL_CPPFLAGS := -I. -D_GNU_SOURCE -DHAVE_CUDA=$(CUDA) -DHAVE_MPI=$(MPI) \
           $(shell pkg-config --cflags $(PKGS) 2>/dev/null) $(CPPFLAGS)
ALL_CFLAGS   := -std=c11 $(WARN) $(CFLAGS) -pthread
LIBS         := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lm -pthread
# Its headers are its own business, so -isystem.
ifeq ($(MPI),1)
ALL_CPPFLAGS += $(patsubst -I%,-isystem %,$(shell pkg-config --cflags ompi-c))
LIBS         += $(shell pkg-config --libs ompi-c)
endif
ifneq ($(SAN),)
ALL_CFLAGS   += -O1 -g1 -fno-omit-frame-pointer -fsanitize=$(SAN) \
           $(if $(findstring undefined,$(SAN)),-fno-sanitize-recover=undefined)
ALL_LDFLAGS  := -fsanitize=$(SAN)
endif
ifeq ($(COVERAGE),1)
ALL_CFLAGS   += -O1 --coverage -fprofile-update=atomic
ALL_LDFLAGS  += --coverage
endif

SRC   := $(wildcard core/*/*.c core/*/*/*.c)
# Screens have one thread.
SRC   += $(if $(filter thread,$(SAN)),,$(wildcard tui/*.c views/*.c views/*/*.c))
TEST  := $(wildcard $(addsuffix /*_test.c,$(addprefix tests/,unit engine screens e2e)))
FUZZ  := $(wildcard tests/fuzz/*_fuzz.c)
BENCH := $(wildcard tests/bench/*_bench.c)
# What is asked of a GPU. Its programs are built with the CUDA device, and once more emulated.
GPU_BENCH_SRC := $(wildcard tests/gpu/bench_*.c) tests/gpu/synthetic.c
ifeq ($(CUDA),1)
TEST  += $(wildcard tests/gpu/*_test.c)
GPU   := $(wildcard gpu/*.c gpu/*.cu)
ALL_CPPFLAGS += $(if $(filter-out /usr,$(CUDA_HOME)),-isystem $(CUDA_HOME)/include)
LIBS  += $(if $(filter-out /usr,$(CUDA_HOME)),-L$(CUDA_HOME)/lib64 -Wl$(comma)-rpath$(comma)$(CUDA_HOME)/lib64) \
         -lcudart_static -lstdc++ -ldl -lrt
endif
OBJ   := $(SRC:%=$(SHARED)/%.o) $(if $(filter thread,$(SAN)),,$(SHARED)/themes.c.o) $(GPU:%=$(B)/%.o)
# The CUDA device compiled for the host (gpu/launch.cuh), where there is a C++ compiler.
EMU_TEST := $(if $(SAN),,$(if $(shell command -v $(CXX)),$(wildcard tests/emulate/*_test.c)))
EMU_BIN  := $(EMU_TEST:%.c=$(B)/%)
EMU_OBJ  := $(patsubst %,$(B)/emulated/%.o,$(filter-out gpu/blas.c,$(wildcard gpu/*.c gpu/*.cu)) \
            tests/emulate/runtime.c tests/emulate/kernel.cpp tests/emulate/stream.cpp)
EMU_FLAGS = -Itests/emulate/include $(ALL_CPPFLAGS) -UHAVE_CUDA -DHAVE_CUDA=1 -O1 -g -pthread \
            -ffp-contract=off -MMD -MP
TEST_BIN  := $(TEST:%.c=$(B)/%)
FUZZ_BIN  := $(FUZZ:%.c=$(B)/%)
BENCH_BIN := $(BENCH:%.c=$(B)/%)
# What `tests` builds and tests/run runs: everything on the plain build. Under the sanitizers neither
# whole programs, nor what takes faults for itself, nor what needs minutes of the default model there;
# under the thread sanitizer only what has threads.
SAN_LEAVES := $(wildcard tests/e2e/*_test.c tests/gpu/*_test.c $(patsubst %,tests/unit/%_test.c,cuda crash_handler) \
           $(patsubst %,tests/engine/%_test.c,cuda_edit attribution forward identities official solve_golden baselines \
           beside forget))
THREADED := $(wildcard $(patsubst %,tests/unit/%_test.c,bus player device*) \
           $(patsubst %,tests/engine/%_test.c,engine prompt_info engine_queries queue states pull))
CHOSEN   := $(if $(SAN),$(filter-out $(SAN_LEAVES),$(if $(filter thread,$(SAN)),$(THREADED),$(TEST))),$(TEST))
CHOSEN_BIN := $(CHOSEN:%.c=$(B)/%) $(if $(filter thread,$(SAN)),,$(FUZZ_BIN)) $(EMU_BIN)
GPU_BENCH := $(B)/tests/gpu/gpu_bench
EMU_BENCH := $(if $(EMU_TEST),$(B)/tests/emulate/gpu_bench)
# With T, those whose name holds it.
named = $(if $(T),$(foreach b,$1,$(if $(findstring $(T),$(b:$(B)/tests/%=%)),$b)),$1)

all: $(B)/$(NAME)
	$(Q)$(if $(SAN),:,ln -sfn $(B:build/%=%)/$(NAME) build/$(NAME))

tests: $(if $(filter thread,$(SAN)),,all) $(call named,$(CHOSEN_BIN)) \
       $(if $(SAN),,$(if $(if $(T),$(findstring $(T),gpu/bench.sh),all),$(GPU_BENCH) $(EMU_BENCH)))

$(B)/$(NAME): $(B)/main.c.o
$(TEST_BIN) $(BENCH_BIN): $(B)/%: $(B)/%.c.o
# FUZZER=1 (`make fuzz`): libFuzzer brings main(); otherwise replay.c runs the files it is given.
$(FUZZ_BIN):  $(B)/%: $(B)/%.c.o $(if $(FUZZER),,$(B)/tests/fuzz/replay.c.o)
$(FUZZ_BIN):  ALL_LDFLAGS += $(if $(FUZZER),-fsanitize=fuzzer)
$(GPU_BENCH): $(GPU_BENCH_SRC:%=$(B)/%.o)
# The engine's events pass through this test on their way to the program.
$(B)/tests/screens/truth_test: ALL_LDFLAGS += -Wl,--wrap=engine_next
# The server that the Hub's client is tested with.
$(addprefix $(B)/tests/,unit/hub_pull_test engine/pull_test e2e/pull_test): LIBS += -lssl -lcrypto
# Doubles that tests put in a part's place.
DOUBLES := $(wildcard tests/doubles/*.c)
$(TEST_BIN): $(DOUBLES:%=$(B)/%.o)
# An archive: a test program holds what it tests, and links while other folders are being rebuilt.
$(B)/$(NAME).a: $(OBJ)
	@echo "  AR    $@"
	$(Q)rm -f $@; ar rcs $@ $^
$(B)/$(NAME) $(TEST_BIN) $(FUZZ_BIN) $(BENCH_BIN) $(GPU_BENCH): $(B)/$(NAME).a
	@mkdir -p $(@D); echo "  LD    $@"
	$(Q)$(CC) $(ALL_LDFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS)

$(B)/emulated/%.cu.o: %.cu
	@mkdir -p $(@D); echo "  EMU   $<"
	$(Q)$(CXX) -std=c++17 -x c++ -Wall -Wextra $(EMU_FLAGS) -c -o $@ $<
$(B)/emulated/%.cpp.o: %.cpp
	@mkdir -p $(@D); echo "  EMU   $<"
	$(Q)$(CXX) -std=c++17 -Wall -Wextra $(EMU_FLAGS) -c -o $@ $<
$(B)/emulated/%.c.o: %.c | libraries
	@mkdir -p $(@D); echo "  EMU   $<"
	$(Q)$(CC) -std=c11 $(WARN) $(EMU_FLAGS) -c -o $@ $<
$(EMU_BIN): $(B)/%: $(B)/emulated/%.c.o $(DOUBLES:%=$(B)/%.o)
$(EMU_BENCH): $(GPU_BENCH_SRC:%=$(B)/emulated/%.o)
$(EMU_BIN) $(EMU_BENCH): $(EMU_OBJ) $(B)/$(NAME).a
	@mkdir -p $(@D); echo "  LD    $@"
	$(Q)$(CXX) $(ALL_LDFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(filter-out -lcudart%,$(LIBS))

# The arithmetic loops are worth vectorising harder; where bits are promised on every machine,
# a compiler may not contract a multiplication and an addition into one rounding.
ifeq ($(SAN),)
$(SHARED)/core/device/%.c.o: ALL_CFLAGS += -O3
endif
$(patsubst %,$(SHARED)/core/%.c.o,$(addprefix device/,dtype dtype_avx2 dtype_store cpu_delta) edit/delta): \
	ALL_CFLAGS += -ffp-contract=off

# What they compare with is computed by one thread.
ifeq ($(SAN),thread)
$(B)/tests/unit/device%.c.o: ALL_CFLAGS += -fno-sanitize=thread
endif

define COMPILE
$(1)/%.c.o: %.c | libraries
	@mkdir -p $$(@D); echo "  CC    $$<"
	$$(Q)$$(CC) $$(ALL_CPPFLAGS) $$(ALL_CFLAGS) -MMD -MP -c -o $$@ $$<
endef
$(foreach folder,$(sort $(B) $(SHARED)),$(eval $(call COMPILE,$(folder))))

# The themes as text, so that the program needs no files. dark comes first: it is the default.
THEMES := themes/dark $(filter-out themes/dark,$(sort $(wildcard themes/*)))
$(SHARED)/themes.c: $(THEMES)
	@mkdir -p $(@D); echo "  GEN   $@"
	$(Q){ echo '#include "tui/theme.h"'; echo 'const struct builtin_theme builtin_themes[] = {'; \
	for f in $^; do echo "{\"$${f#themes/}\","; sed 's/[\\"]/\\&/g; s/.*/"&\\n"/' $$f; echo '},'; done; \
	echo '{0}};'; } >$@
$(SHARED)/themes.c.o: $(SHARED)/themes.c tui/theme.h | libraries
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

# Where bits are promised, nvcc must not contract either.
$(B)/gpu/dequant.cu.o: NVCC_FLAGS = -fmad=false

$(B)/%.cu.o: %.cu | libraries
	@mkdir -p $(@D); echo "  NVCC  $<"
	$(Q)$(NVCC) -I. -O3 -g -lineinfo $(NVCC_FLAGS) \
		$(foreach a,$(CUDA_ARCH),-gencode arch=compute_$a,code=sm_$a) \
		-gencode arch=compute_$(lastword $(CUDA_ARCH)),code=compute_$(lastword $(CUDA_ARCH)) \
		-MMD -MP -MF $(@:.o=.d) -c -o $@ $<

libraries:
	@pkg-config --exists $(PKGS) || { echo "libraries are missing; 'make deps' installs them"; exit 1; }

deps:
	@sh tests/deps

model: deps
	@sh samples/fetch-model

run: deps
	@$(SUBMAKE) all
	@sh samples/fetch-model
	@build/$(NAME) $(ARGS)

# The plain variants, then the sanitizers. tests/run prints the closing line. Where there is a CUDA
# compiler, the tests run on that build, and the one without it is the program alone.
check:
	@sh tests/deps check
	@$(SUBMAKE) CUDA=0 $(if $(filter 1,$(CUDA)),all,tests)
	@$(if $(filter 1,$(CUDA)),$(SUBMAKE) CUDA=1 tests)
	@$(SUBMAKE) CUDA=0 SAN=address,undefined tests
	@$(SUBMAKE) CUDA=0 SAN=thread tests
	@sh samples/fetch-model
	@LINT='$(LINT)' T='$(T)' sh tests/run $(if $(filter 1,$(CUDA)),build/cuda,build/cpu) \
		build/address-undefined-cpu build/thread-cpu

# Sums and sweeps of several processes against those of one, where Open MPI is.
check-mpi:
	@if pkg-config --exists ompi-c && command -v mpirun >/dev/null; then \
		$(SUBMAKE) CUDA=0 MPI=1 all build/mpi-cpu/tests/e2e/mpi_test && \
		build/mpi-cpu/tests/e2e/mpi_test; \
	else echo "skip all: no Open MPI here"; echo "0 passed, 0 failed, 1 skipped"; fi

# A run of eval that is killed 20 times against one that is left alone: minutes. SEED=N, KILLS_MODEL=FILE.
check-kills: all
	@python3 tests/e2e/kills.py $(B)/$(NAME)

# Real models against transformers, and edits of them: an hour. ARGS="gemma", RECORDS=N, TOKENS=N.
models-check: all
	@python3 tests/models/check.py build/$(NAME) $(ARGS)

# The test programs of this variant, for tests/run.
chosen:
	@printf '%s\n' $(CHOSEN:%.c=$(B)/%)

# What to run while writing: one variant, no sanitizers, nothing installed.
check-fast: tests
	@LINT='$(LINT)' T='$(T)' sh tests/run $(B)

# Which lines the tests run, in percent a folder. Slower than check-fast: nothing is optimised.
coverage:
	@$(SUBMAKE) CUDA=0 COVERAGE=1 tests
	@find build/coverage-cpu -name '*.gcda' -delete
	@T='$(T)' sh tests/run build/coverage-cpu; status=$$?; sh tests/coverage build/coverage-cpu; exit $$status

LINT = sh tests/lint/run $(CUDA) $(ALL_CPPFLAGS) -std=c11 $(WARN)
check check-fast lint: export CC := $(CC)
lint:
	@$(LINT)

format:
	clang-format -i $$(git ls-files '*.c' '*.h' '*.cu')

# The checks of .clang-tidy on every file: minutes. Lint checks the files that have changed.
tidy: compdb
	@command -v clang-tidy >/dev/null || { echo "tidy: clang-tidy is not here; it is Debian's package of that name"; exit 1; }
	@printf '%s\n' $(SRC) $(filter %.c,$(GPU)) main.c | \
		xargs -P $(JOBS) -n 8 clang-tidy --quiet --warnings-as-errors='*' 2>/dev/null

# How each file is compiled, for editors and clang-tidy.
COMPILED := $(SRC) $(filter %.c,$(GPU)) main.c $(wildcard tests/*/*_test.c tests/*/*_fuzz.c tests/*/*_bench.c) $(DOUBLES)
compdb:
	@{ echo '['; comma=; for f in $(COMPILED); do \
		printf '%s{"directory":"%s","file":"%s","command":"%s"}\n' "$$comma" "$(CURDIR)" $$f \
		"$(filter-out ccache,$(CC)) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -c $$f"; comma=,; done; echo ']'; \
	} >compile_commands.json

fuzz:
	@$(SUBMAKE) CC=clang CUDA=0 FUZZER=1 SAN=address,undefined,fuzzer-no-link fuzz-programs
	@sh tests/fuzz/run build/address-undefined-fuzzer-no-link-cpu $(TIME)

fuzz-programs: $(FUZZ_BIN)

bench: all $(BENCH_BIN)
	@rc=0; for b in $(BENCH_BIN); do echo "== $$b"; $$b || rc=1; done; exit $$rc

# On a GPU; EMULATE=1: the same programs without one. Where there is none they say so.
GPU_PROGRAMS = $(NAME) $(addprefix tests/,unit/device_test unit/device_nn_test \
        unit/device_lps_test unit/device_graph_test unit/cuda_test engine/cuda_edit_test \
        gpu/ops_test gpu/models_test gpu/gpu_bench)
DEFAULT_MODEL = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/editscope/models/SmolLM2-135M-Instruct.Q4_1.gguf
gpu-programs: $(GPU_PROGRAMS:%=$(B)/%)

check-gpu:
ifeq ($(EMULATE),1)
	@$(SUBMAKE) CUDA=0 tests
	@sh tests/gpu/check build/cpu emulated
else ifeq ($(CUDA),1)
	@$(SUBMAKE) CUDA=1 gpu-programs
	@sh tests/gpu/check build/cuda
else
	@echo "nothing was checked on a GPU: there is no CUDA compiler (NVCC, CUDA_HOME) here"
	@echo "0 passed, 0 failed, 1 skipped"
endif

# ARGS="--device cpu --small" tries the benchmark itself; see tests/gpu/bench_main.c.
bench-gpu:
	@$(SUBMAKE) $(B)/tests/gpu/gpu_bench
	@$(B)/tests/gpu/gpu_bench --json build/gpu-bench.json $(ARGS) || [ $$? = 77 ]

# build/gpu-kit: what these two need, for a machine with a GPU and nothing else.
gpu-kit:
ifeq ($(CUDA),1)
	@$(SUBMAKE) gpu-programs $(B)/tests/emulate/gpu_ops_test
	@sh samples/fetch-model
	@CUDA_HOME='$(CUDA_HOME)' sh tests/gpu/kit $(B) build/gpu-kit "$(or $(EDITSCOPE_MODEL),$(DEFAULT_MODEL))"
else
	@echo "gpu-kit: there is no CUDA compiler (NVCC, CUDA_HOME) here"; exit 1
endif

screens: tests
	@for t in $(filter $(B)/tests/screens/%,$(TEST_BIN)); do SCREENS=write $$t || exit 1; done

# What `editscope --demo` shows: a run on the default model, some minutes long.
demo-record: all
	@sh samples/fetch-model
	@work=$$(mktemp -d) && XDG_STATE_HOME=$$work XDG_CONFIG_HOME=$$work build/$(NAME) replay \
		samples/demo.script --batch --small --record $$work/demo.rec.gz && \
		mv $$work/demo.rec.gz samples/demo.rec.gz && chmod 644 samples/demo.rec.gz; \
		status=$$?; rm -rf $$work; exit $$status

# The pictures of the README, drawn from the recorded demo.
pictures: all
	@build/$(NAME) replay samples/demo.rec.gz --batch --script man/pictures/pictures.script

reference:
	@sh samples/fetch-model
	@sh tests/reference/run

install: all
	install -Dm755 $(B)/$(NAME) $(DESTDIR)$(PREFIX)/bin/$(NAME)
	for m in man/*.[1-9]; do \
		install -Dm644 $$m $(DESTDIR)$(PREFIX)/share/man/man$${m##*.}/$${m##*/} || exit 1; done
	for f in $$(find samples themes -type f); do \
		install -Dm644 $$f $(DESTDIR)$(PREFIX)/share/$(NAME)/$$f || exit 1; done

	for s in bash:bash-completion/completions/$(NAME) zsh:zsh/site-functions/_$(NAME) \
			fish:fish/vendor_completions.d/$(NAME).fish; do \
		f=$(DESTDIR)$(PREFIX)/share/$${s#*:}; mkdir -p $${f%/*} && \
		$(B)/$(NAME) completions $${s%%:*} >$$f || exit 1; done

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/share/bash-completion/completions/$(NAME)
	rm -f $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_$(NAME)
	rm -f $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/$(NAME).fish
	rm -f $(DESTDIR)$(PREFIX)/bin/$(NAME)
	for m in man/*.[1-9]; do rm -f $(DESTDIR)$(PREFIX)/share/man/man$${m##*.}/$${m##*/}; done
	rm -rf $(DESTDIR)$(PREFIX)/share/$(NAME)

clean:
	rm -rf build

help:
	@sed -n 's/^# \(make.*\)/\1/p' Makefile
	@echo "also: tests deps model check-fast models-check lint format tidy fuzz bench screens reference"
	@echo "      check-kills check-gpu bench-gpu gpu-kit"
	@echo "      install uninstall (PREFIX, DESTDIR) clean"

.PHONY: check-mpi check-kills all tests chosen libraries deps model run check check-fast models-check lint format tidy compdb coverage fuzz fuzz-programs \
        bench gpu-programs check-gpu bench-gpu gpu-kit screens demo-record reference \
        install uninstall clean help
.SECONDARY:
.DELETE_ON_ERROR:
-include $(shell find $(B) $(SHARED) -name '*.d' 2>/dev/null)
