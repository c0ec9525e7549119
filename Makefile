# SPDX-License-Identifier: Apache-2.0
# Petrel. Targets: all test bench layers offline-bundle compile_commands man clean; variables: asan=1 tsan=1 CUDA=0|1 MPI=0|1 DEBUG=1
# Rooms find their own files: a new .c in a folder is built; a new folder under stages/ becomes petrel-FOLDER.
CC      ?= gcc
CXX     ?= g++
B       := build$(if $(asan),-asan)$(if $(tsan),-tsan)
# one value decides: found nvcc, or CUDA=0/1 on the command line
NVCC    ?= $(firstword $(wildcard $(CUDA_HOME)/bin/nvcc /usr/local/cuda/bin/nvcc) $(shell command -v nvcc 2>/dev/null))
CUDA    ?= $(if $(NVCC),1,0)

# likewise MPI, which carries gradients between processors: found mpicc, or MPI=0/1
MPICC   ?= $(shell command -v mpicc 2>/dev/null)
MPI     ?= $(if $(MPICC),1,0)

HDF5    := $(shell pkg-config --cflags hdf5 2>/dev/null)
OPENJPEG := $(shell pkg-config --cflags libopenjp2 2>/dev/null)
HDF5_L  := $(shell pkg-config --libs hdf5 2>/dev/null || echo -lhdf5)
WARN    := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla -Wstrict-prototypes -Wmissing-prototypes
comma   := ,
SAN     := $(if $(asan),-fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)$(if $(tsan),-fsanitize=thread)
OPT     := $(if $(DEBUG),-O0,-O3) -g
CFLAGS  += -std=c11 -D_GNU_SOURCE $(OPT) $(WARN) $(SAN) -fno-math-errno -ffp-contract=off -fPIC
CXXFLAGS += -std=c++17 -D_GNU_SOURCE $(OPT) -Wall -Wextra $(SAN) -fPIC
CPPFLAGS += -I. -isystem /usr/include/hdf5/serial $(HDF5) $(OPENJPEG:-I%=-isystem %)
LDFLAGS += $(SAN)
LDLIBS_common := $(HDF5_L) -lz -ldeflate -lisal -lxxhash -lnettle -ljansson
LDLIBS_proto  := -lzmq -lmsgpackc
LDLIBS_kernels := -lopenblas -fopenmp
LDLIBS  := -lm -lpthread -ldl

# sources from a bundle have no .git of their own: their VERSION says it whole
VERSION := $(if $(wildcard .git),$(shell git describe --always --dirty --tags 2>/dev/null | sed 's/^v//'))
VERSION := $(shell cat VERSION)$(if $(VERSION),+$(VERSION))

# what each room is made of; a stage may have folders of its own
src      = $(sort $(wildcard $(addsuffix /*.c,$(1))) $(wildcard $(addsuffix /*.cc,$(1))))
stage_src = $(call src,$(1) $(patsubst %/,%,$(wildcard $(addsuffix /*/,$(1)))))
obj      = $(patsubst %,$(B)/%.o,$(1))
COMMON  := $(call obj,$(call src,common))
PROTO   := $(call obj,$(call src,proto))
KERNELS := $(call obj,$(call src,kernels kernels/ref kernels/cpu kernels/nets kernels/losses kernels/optim))
STAGES  := $(notdir $(patsubst %/,%,$(dir $(wildcard stages/*/main.c))))
LEARN   := train eval classify
# protobuf: event files and ONNX, both train's
PROTOS  := $(wildcard stages/train/*/*.proto)
GEN     := $(patsubst %.proto,$(B)/gen/%.pb-c.c.o,$(notdir $(PROTOS)))
STAGE_SHARED := $(call obj,stages/stage.c)
MODEL_SHARED := $(call obj,$(filter-out stages/stage.c,$(wildcard stages/*.c)))
PROGRAMS := $(addprefix $(B)/bin/petrel-,$(STAGES)) $(if $(wildcard datasets/simulate/main.c),$(B)/bin/petrel-simulate)
UNIT    := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(wildcard tests/unit/*.c))
FAULT   := $(patsubst tests/fault/%.c,$(B)/tests/fault/%,$(wildcard tests/fault/*.c))
FUZZ    := $(patsubst tests/fuzz/%.c,$(B)/tests/fuzz/%,$(wildcard tests/fuzz/*.c))
GPU     := $(B)/tests/gpu/device
BENCH   := $(patsubst tests/bench/%.c,$(B)/tests/bench/%,$(wildcard tests/bench/*.c))

all: $(PROGRAMS) $(if $(filter 1,$(CUDA)),cuda) $(if $(filter 1,$(MPI)),$(B)/bin/petrel-mpi.so)
.PHONY: FORCE all test tests fuzz bench bench-programs layers compile_commands man clean cuda fault offline-bundle
.SECONDARY:
.DELETE_ON_ERROR:

# version.o alone is rebuilt when the version changes
$(B)/version.txt: FORCE
	@mkdir -p $(B); echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' > $@
FORCE:
$(B)/common/version.c.o: CPPFLAGS += -DPETREL_VERSION='"$(VERSION)"'
$(B)/common/version.c.o: $(B)/version.txt

$(B)/kernels/%.c.o: CFLAGS += -fopenmp
# our own arithmetic may fuse: the cpu back end is compared with ref by tolerance, not by bits
$(B)/kernels/cpu/%.c.o: CFLAGS += -ffp-contract=fast
$(B)/%.c.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@
$(B)/%.cc.o: %.cc
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS) $(CXXFLAGS) -MMD -MP -c $< -o $@
vpath %.proto $(sort $(dir $(PROTOS)))
$(B)/gen/%.pb-c.c $(B)/gen/%.pb-c.h: %.proto
	@mkdir -p $(@D)
	protoc-c --c_out=$(B)/gen --proto_path=$(<D) $<
$(B)/gen/%.c.o: $(B)/gen/%.c
	$(CC) $(CPPFLAGS) $(CFLAGS) -w -c $< -o $@
$(B)/stages/train/%.c.o $(B)/tests/%.c.o: CPPFLAGS += -isystem $(B)/gen
$(call obj,$(call stage_src,stages/train)) $(B)/tests/unit/train_export.c.o: | $(GEN)
$(B)/bin/petrel-train: $(GEN)
$(B)/libcommon.a: $(COMMON)
$(B)/libproto.a: $(PROTO)
$(B)/libkernels.a: $(KERNELS)
$(B)/lib%.a:
	@rm -f $@; ar rcs $@ $^

# a stage: its folder, stage.c, and the libraries of its layer; load and simulate alone link DCMTK (C++)
define stage_rule
$(B)/bin/petrel-$(1): $(call obj,$(call stage_src,stages/$(1))) $(STAGE_SHARED) $(if $(filter $(1),$(LEARN)),$(MODEL_SHARED) $(B)/libkernels.a) $(B)/libproto.a $(B)/libcommon.a
	@mkdir -p $$(@D)
	$$(if $$(filter load,$(1)),$(CXX),$(CC)) $(LDFLAGS) -o $$@ $$^ $(if $(filter $(1),$(LEARN)),$(LDLIBS_kernels)) $$(LDLIBS_$(1)) $(LDLIBS_proto) $(LDLIBS_common) $(LDLIBS)
endef
$(B)/bin/petrel-cache: $(call obj,stages/picture.c)
$(foreach s,$(STAGES),$(eval $(call stage_rule,$(s))))
LDLIBS_load := -ldcmdata -ldcmimgle -ldcmjpeg -ldcmjpls -loflog -lofstd -lopenjp2 -lseccomp -lpng
LDLIBS_train := -lpng -lprotobuf-c
LDLIBS_eval := -lpng
LDLIBS_cache := -lpng
LDLIBS_classify := -lpng
$(B)/bin/petrel-simulate: $(call obj,$(call stage_src,datasets/simulate)) $(B)/libproto.a $(B)/libcommon.a
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS) -o $@ $^ -ldcmdata -loflog -lofstd $(LDLIBS_proto) $(LDLIBS_common) $(LDLIBS)

# a part of its own, opened by the cpu back end where several ranks are asked for; -isystem: MPI's headers are not held to our warnings
$(B)/bin/petrel-mpi.so: kernels/mpi/ranks.c kernels/ranks.h $(B)/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(patsubst -I%,-isystem %,$(filter -I%,$(shell $(MPICC) -showme:compile 2>/dev/null || $(MPICC) -compile_info))) $(CFLAGS) -shared -o $@ $< $(B)/libcommon.a $(LDFLAGS) $(shell $(MPICC) -showme:link 2>/dev/null || $(MPICC) -link_info)

# tests see every room; a stage's arithmetic is all its files but main.c
PARTS   := $(filter-out %/main.c.o,$(foreach s,$(STAGES),$(call obj,$(call stage_src,stages/$(s)))) $(call obj,$(call stage_src,datasets/simulate)))
$(B)/libparts.a: $(PARTS) $(GEN) $(STAGE_SHARED) $(MODEL_SHARED)
$(B)/tests/%: $(B)/tests/%.c.o $(B)/libparts.a $(B)/libkernels.a $(B)/libproto.a $(B)/libcommon.a
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS) -o $@ $(filter %.o,$^) $(B)/libparts.a $(B)/libkernels.a $(B)/libproto.a $(B)/libcommon.a -lcmocka $(LDLIBS_kernels) $(LDLIBS_load) $(LDLIBS_train) $(LDLIBS_proto) $(LDLIBS_common) $(LDLIBS)
$(B)/tests/%.c.o: CFLAGS += -fopenmp
$(B)/tests/gpu/device: $(B)/kernels/cuda/conv_form.c.o

# kernels/cuda as it is, compiled by g++ against tests/emu and run on the CPU, for its tests: no nvcc, no GPU
EMULATED := $(B)/tests/emu/petrel-cuda.so
EMU_FLAGS = -Itests/emu -fvisibility=hidden -fno-math-errno
$(EMULATED): $(patsubst %,$(B)/tests/emu/%.o,$(wildcard kernels/cuda/*.cu tests/emu/*.cc)) $(call obj,$(filter-out %/plan.c,$(wildcard kernels/cuda/*.c)) kernels/shape.c) $(B)/common/base.c.o $(B)/common/version.c.o
	$(CXX) $(LDFLAGS) -shared -Wl,-Bsymbolic -o $@ $^ -lm
$(B)/tests/emu/%.cu.o: %.cu
	@mkdir -p $(@D)
	$(CXX) $(EMU_FLAGS) $(CPPFLAGS) $(CXXFLAGS) -O2 -Wno-unknown-pragmas -MMD -MP -x c++ -c $< -o $@
$(B)/tests/emu/%.cc.o: %.cc
	@mkdir -p $(@D)
	$(CXX) $(EMU_FLAGS) $(CPPFLAGS) $(CXXFLAGS) -MMD -MP -c $< -o $@

# cuDNN's plans for GPUs that are not here, where cuDNN is installed
plans: $(B)/libkernels.a $(B)/libcommon.a
	@$(MAKE) -C kernels/cuda plans B=$(abspath $(B)) $(if $(NVCC),NVCC=$(NVCC))
.PHONY: plans

tests: $(UNIT) $(FAULT) $(FUZZ) $(EMULATED) $(GPU) $(if $(SAN),,plans)
test: all tests layers
	tests/run.sh $(B)
fault: all $(FAULT)
	tests/fault/run.sh $(B) $(N)
# guided by coverage, with clang: the parsers and what they call, built apart with every sanitizer
GUIDED  := build-fuzz/libfuzzer
SECONDS ?= 60
fuzz: build/tests/fuzz/parsers
	@command -v clang >/dev/null || { echo "needs clang: apt-get install clang" >&2; exit 69; }
	$(MAKE) CC=clang CXX=clang++ B=build-fuzz guided=1 CUDA=0 $(GUIDED)
	tests/fuzz/guided/run.sh $(GUIDED) $< $(SECONDS) $(TARGETS)
ifdef guided
GUIDE   := -fsanitize=address,undefined -fno-omit-frame-pointer
CFLAGS  += $(GUIDE) -fsanitize=fuzzer-no-link
CXXFLAGS += $(GUIDE) -fsanitize=fuzzer-no-link
$(GUIDED): $(B)/tests/fuzz/guided/libfuzzer.c.o $(filter-out %/main.c.o,$(call obj,$(call stage_src,stages/load))) $(B)/libproto.a $(B)/libcommon.a
	$(CXX) $(GUIDE) -fsanitize=fuzzer -o $@ $^ -lcmocka $(LDLIBS_load) $(LDLIBS_proto) $(LDLIBS_common) $(LDLIBS)
$(B)/tests/fuzz/guided/%.c.o: CFLAGS := $(filter-out -fopenmp,$(CFLAGS))
endif
# conv's peer, where it is installed: oneDNN 2 (libdnnl-dev) or 3 (DNNL=PREFIX, where include and lib lie)
DNNL    ?= $(if $(wildcard /usr/include/oneapi/dnnl/dnnl.h),/usr)
DNNL_AT := $(filter-out /usr,$(DNNL))
$(B)/onednn.txt: FORCE
	@mkdir -p $(B); echo '$(DNNL)' | cmp -s - $@ || echo '$(DNNL)' > $@
ONEDNN  := $(B)/tests/bench/onednn/conv_onednn.c.o
$(ONEDNN): CPPFLAGS += $(if $(DNNL),-DWITH_ONEDNN) $(DNNL_AT:%=-isystem %/include)
$(B)/tests/bench/conv: LDLIBS += $(foreach at,$(DNNL_AT),-L$(at)/lib -Wl$(comma)-rpath$(comma)$(at)/lib) $(if $(DNNL),-ldnnl)
$(ONEDNN) $(B)/tests/bench/conv: $(B)/onednn.txt
$(B)/tests/bench/conv: $(ONEDNN)
bench-programs: $(BENCH)
bench: all $(BENCH)
	tests/bench/run.sh $(B)

# the recipe files are the settings' rows (proto/recipe.def), written out
recipes: $(B)/bin/petrel-train
	for r in paper released; do $< settings $$r > pipelines/recipes/$$r.conf || exit; done
.PHONY: recipes
layers:
	@tests/layers.sh
offline-bundle:
	pipelines/offline/bundle.sh
man: all
	docs/man.sh $(B)
compile_commands:
	@command -v bear >/dev/null || { echo "needs bear: apt-get install bear" >&2; exit 69; }
	bear -- $(MAKE) -B all tests
cuda:
	@if [ -f kernels/cuda/Makefile ]; then $(MAKE) -C kernels/cuda B=$(abspath $(B)) NVCC=$(NVCC); fi
clean:
	rm -rf build build-asan build-tsan build-fuzz
-include $(shell find $(B) -name '*.d' 2>/dev/null)
