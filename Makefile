# SPDX-License-Identifier: Apache-2.0
# Petrel. Targets: all test bench layers install uninstall dist deb offline-bundle compile_commands man clean
#   variables: asan=1 tsan=1 memcheck=1 (for valgrind: no sandbox round the parsers) CUDA=0|1 MPI=0|1 DEBUG=1 V=1 (whole commands); CC CXX AR PKG_CONFIG CPPFLAGS CFLAGS CXXFLAGS LDFLAGS LDLIBS are the
#   packager's: his -O and -g win over ours, what the code cannot be without stays; a build with other flags is made anew.
#   install: prefix DESTDIR bindir libdir datadir mandir docdir completionsdir
# Rooms find their own files: a new .c in a folder is built; a new folder under stages/ becomes petrel-FOLDER.
B       := build$(if $(asan),-asan)$(if $(tsan),-tsan)$(if $(memcheck),-memcheck)
PKG_CONFIG ?= pkg-config
V       ?= 0
# $(call say,WHAT): a line a command, or with V=1 the command itself
say      = $(if $(filter 0,$(V)),@printf '  %-4s %s\n' '$(1)' '$@';)
# one value decides: found nvcc, or CUDA=0/1 on the command line
NVCC    ?= $(firstword $(wildcard $(CUDA_HOME)/bin/nvcc /usr/local/cuda/bin/nvcc) $(shell command -v nvcc 2>/dev/null))
CUDA    ?= $(if $(NVCC),1,0)

# likewise MPI, which carries gradients between processors: found mpicc, or MPI=0/1
MPICC   ?= $(shell command -v mpicc 2>/dev/null)
MPI     ?= $(if $(MPICC),1,0)

# where things are put, and where an installed program looks for its parts: libdir as seen from bindir, so that a tree may be moved whole
prefix  ?= /usr/local
exec_prefix ?= $(prefix)
bindir  ?= $(exec_prefix)/bin
libdir  ?= $(exec_prefix)/lib
datadir ?= $(prefix)/share
mandir  ?= $(datadir)/man
docdir  ?= $(datadir)/doc/petrel
completionsdir ?= $(datadir)/bash-completion/completions
pkglibdir := $(libdir)/petrel
pkgdatadir := $(datadir)/petrel
PARTS_AT := $(shell realpath -m --relative-to='$(bindir)' '$(pkglibdir)')

HDF5    := $(shell $(PKG_CONFIG) --cflags hdf5 2>/dev/null)
OPENJPEG := $(shell $(PKG_CONFIG) --cflags libopenjp2 2>/dev/null)
HDF5_L  := $(shell $(PKG_CONFIG) --libs hdf5 2>/dev/null || echo -lhdf5)
WARN    := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla -Wstrict-prototypes -Wmissing-prototypes
comma   := ,
SAN     := $(if $(asan),-fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)$(if $(tsan),-fsanitize=thread)
GUIDE   := $(if $(guided),-fsanitize=address$(comma)undefined -fno-omit-frame-pointer)
SAN     += $(if $(guided),$(GUIDE) -fsanitize=fuzzer-no-link)
OPT     := $(if $(DEBUG),-O0,-O3) -g
# ours, the packager's, what must be; FLAGS: a room's own. No path of this machine gets into a program.
NEEDED  := -D_GNU_SOURCE -fPIC -ffile-prefix-map=$(CURDIR)=.
C_FLAGS  = $(OPT) $(WARN) $(CFLAGS) -std=c11 $(NEEDED) $(SAN) -fno-math-errno -ffp-contract=off $(FLAGS)
CXX_FLAGS = $(OPT) -Wall -Wextra $(CXXFLAGS) -std=c++17 $(NEEDED) $(SAN) $(FLAGS)
INCLUDES = -I. $(SEES) -isystem /usr/include/hdf5/serial $(HDF5) $(OPENJPEG:-I%=-isystem %) $(CPPFLAGS)
LD_FLAGS = $(SAN) $(LDFLAGS)
LDLIBS_common := $(HDF5_L) -lz -ldeflate -lisal -lxxhash -lnettle -ljansson
LDLIBS_proto  := -lzmq -lmsgpackc
LDLIBS_kernels := -lopenblas -fopenmp
# what flags.txt holds: read here, for a target's own flags would get into it
COMPILED := $(CC) $(CXX) $(INCLUDES) $(C_FLAGS) $(CXX_FLAGS)
LIBS    := -lm -lpthread -ldl $(LDLIBS)

# sources from a bundle have no .git of their own: their VERSION says it whole
VERSION := $(if $(wildcard .git),$(shell git describe --always --dirty --tags 2>/dev/null | sed 's/^v//'))
VERSION := $(shell cat VERSION)$(if $(VERSION),+$(VERSION))

# what each room is made of; a stage may have folders of its own
src      = $(sort $(wildcard $(addsuffix /*.c,$(1))) $(wildcard $(addsuffix /*.cc,$(1))))
stage_src = $(call src,$(1) $(patsubst %/,%,$(wildcard $(addsuffix /*/,$(1)))))
obj      = $(patsubst %,$(B)/%.o,$(1))
COMMON  := $(call obj,$(call src,common))
PROTO   := $(call obj,$(call src,proto))
KERNELS := $(call obj,$(call src,kernels kernels/ref kernels/cpu kernels/nets kernels/methods kernels/optim))
STAGES  := $(notdir $(patsubst %/,%,$(dir $(wildcard stages/*/main.c))))
LEARN   := train eval classify
# those that read what classify found
READ    := export followup
# protobuf: event files and ONNX, both train's
PROTOS  := $(wildcard stages/train/*/*.proto)
GEN     := $(patsubst %.proto,$(B)/gen/%.pb-c.c.o,$(notdir $(PROTOS)))
STAGE_SHARED := $(call obj,stages/stage.c)
FINDINGS_SHARED := $(call obj,$(wildcard stages/findings*.c))
# those that parse DICOM of other people's
SANDBOX_SHARED := $(call obj,stages/sandbox.c)
PARSE   := load export
MODEL_SHARED := $(call obj,$(filter-out stages/stage.c stages/sandbox.c stages/findings%,$(wildcard stages/*.c)))
PROGRAMS := $(addprefix $(B)/bin/petrel-,$(STAGES)) $(if $(wildcard datasets/simulate/main.c),$(B)/bin/petrel-simulate)
UNIT    := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(wildcard tests/unit/*.c))
FAULT   := $(patsubst tests/fault/%.c,$(B)/tests/fault/%,$(wildcard tests/fault/*.c))
FUZZ    := $(patsubst tests/fuzz/%.c,$(B)/tests/fuzz/%,$(wildcard tests/fuzz/*.c))
GPU     := $(B)/tests/gpu/device
BENCH   := $(patsubst tests/bench/%.c,$(B)/tests/bench/%,$(wildcard tests/bench/*.c))

all: $(PROGRAMS) $(if $(filter 1,$(CUDA)),cuda) $(if $(filter 1,$(MPI)),$(B)/bin/petrel-mpi.so)
.PHONY: FORCE all test tests fuzz bench bench-programs layers compile_commands man clean cuda fault offline-bundle install uninstall dist deb
.SECONDARY:
.DELETE_ON_ERROR:

# What a file is made from besides its sources: a text that is written anew when it differs.
stamp    = @mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$(1))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(1))' >$@
FORCE:
$(B)/version.txt: FORCE
	$(call stamp,$(VERSION))
$(B)/parts.txt: FORCE
	$(call stamp,$(PARTS_AT))
$(B)/flags.txt: FORCE
	$(call stamp,$(COMPILED))
$(B)/linked.txt: FORCE
	$(call stamp,$(CC) $(CXX) $(AR) $(LD_FLAGS) $(LIBS))
# these alone are rebuilt when the version, or the place of the parts, changes
$(B)/common/version.c.o: SEES = -DPETREL_VERSION='"$(VERSION)"'
$(B)/common/version.c.o: $(B)/version.txt
$(B)/kernels/object.c.o: SEES = -DPETREL_PARTS='"$(PARTS_AT)"'
$(B)/kernels/object.c.o: $(B)/parts.txt
$(B)/stages/sandbox.c.o: SEES = $(if $(memcheck),-DPETREL_UNBOXED)

$(B)/kernels/%.c.o $(B)/stages/eval/%.c.o: FLAGS = -fopenmp
# our own arithmetic may fuse: the cpu back end is compared with ref by tolerance, not by bits
$(B)/kernels/cpu/%.c.o: FLAGS = -fopenmp -ffp-contract=fast
$(B)/%.c.o: %.c $(B)/flags.txt
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(INCLUDES) $(C_FLAGS) -MMD -MP -c $< -o $@
$(B)/%.cc.o: %.cc $(B)/flags.txt
	@mkdir -p $(@D)
	$(call say,CXX)$(CXX) $(INCLUDES) $(CXX_FLAGS) -MMD -MP -c $< -o $@
vpath %.proto $(sort $(dir $(PROTOS)))
$(B)/gen/%.pb-c.c $(B)/gen/%.pb-c.h: %.proto
	@mkdir -p $(@D)
	$(call say,GEN)protoc-c --c_out=$(B)/gen --proto_path=$(<D) $<
$(B)/gen/%.c.o: $(B)/gen/%.c $(B)/flags.txt
	$(call say,CC)$(CC) $(INCLUDES) $(C_FLAGS) -w -c $< -o $@
$(B)/stages/train/%.c.o $(B)/tests/%.c.o: SEES = -isystem $(B)/gen
$(call obj,$(call stage_src,stages/train)) $(B)/tests/unit/train_export.c.o: | $(GEN)
$(B)/bin/petrel-train: $(GEN)
# pages: their words, looks and scripts are files of their own, and arrays in the programs; stages/page is what all of them share
PAGES   := stages/page stages/eval/page stages/classify/page
PAGE    := $(patsubst %,$(B)/gen/page/%.c.o,$(notdir $(wildcard $(addsuffix /*,$(PAGES)))))
vpath %.html $(PAGES)
vpath %.css $(PAGES)
vpath %.js $(PAGES)
$(B)/gen/page/%.c: %
	@mkdir -p $(@D)
	$(call say,GEN){ echo 'const unsigned char $(subst .,_,$*)[] = {'; od -An -v -tx1 $< | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g'; echo '0};'; } >$@
$(B)/bin/petrel-eval $(B)/bin/petrel-classify: $(PAGE)
$(B)/libcommon.a: $(COMMON)
$(B)/libproto.a: $(PROTO)
$(B)/libkernels.a: $(KERNELS)
$(B)/lib%.a:
	$(call say,AR)rm -f $@ && $(AR) rcs $@ $^

# a stage: its folder, stage.c, and the libraries of its layer; load, export and simulate alone link DCMTK (C++)
define stage_rule
$(B)/bin/petrel-$(1): $(call obj,$(call stage_src,stages/$(1))) $(STAGE_SHARED) $(if $(filter $(1),$(READ)),$(FINDINGS_SHARED)) $(if $(filter $(1),$(PARSE)),$(SANDBOX_SHARED)) $(if $(filter $(1),$(LEARN)),$(MODEL_SHARED) $(B)/libkernels.a) $(B)/libproto.a $(B)/libcommon.a $(B)/linked.txt
	@mkdir -p $$(@D)
	$$(call say,LD)$(if $(filter $(1),$(PARSE)),$(CXX),$(CC)) $(LD_FLAGS) -o $$@ $$(filter %.o %.a,$$^) $(if $(filter $(1),$(LEARN)),$(LDLIBS_kernels)) $$(LDLIBS_$(1)) $(LDLIBS_proto) $(LDLIBS_common) $(LIBS)
endef
$(B)/bin/petrel-cache: $(call obj,stages/picture.c)
$(foreach s,$(STAGES),$(eval $(call stage_rule,$(s))))
LDLIBS_load := -ldcmdata -ldcmimgle -ldcmjpeg -ldcmjpls -loflog -lofstd -lopenjp2 -lseccomp -lpng
LDLIBS_export := -ldcmseg -ldcmfg -ldcmiod -lcmr -ldcmsr -ldcmimgle -ldcmdata -loflog -lofstd -lseccomp
LDLIBS_train := -lpng -lprotobuf-c
LDLIBS_eval := -lpng
LDLIBS_cache := -lpng
LDLIBS_classify := -lpng
$(B)/bin/petrel-simulate: $(call obj,$(call stage_src,datasets/simulate)) $(B)/libproto.a $(B)/libcommon.a $(B)/linked.txt
	@mkdir -p $(@D)
	$(call say,LD)$(CXX) $(LD_FLAGS) -o $@ $(filter %.o %.a,$^) -ldcmdata -loflog -lofstd $(LDLIBS_proto) $(LDLIBS_common) $(LIBS)

# a part of its own, opened by the cpu back end where several ranks are asked for; -isystem: MPI's headers are not held to our warnings
$(B)/bin/petrel-mpi.so: kernels/mpi/ranks.c kernels/ranks.h $(B)/libcommon.a $(B)/flags.txt $(B)/linked.txt
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(INCLUDES) $(patsubst -I%,-isystem %,$(filter -I%,$(shell $(MPICC) -showme:compile 2>/dev/null || $(MPICC) -compile_info))) $(C_FLAGS) -shared -o $@ $< $(B)/libcommon.a $(LD_FLAGS) $(shell $(MPICC) -showme:link 2>/dev/null || $(MPICC) -link_info)

# tests see every room; a stage's arithmetic is all its files but main.c
PARTS   := $(filter-out %/main.c.o,$(foreach s,$(STAGES),$(call obj,$(call stage_src,stages/$(s)))) $(call obj,$(call stage_src,datasets/simulate)))
$(B)/libparts.a: $(PARTS) $(GEN) $(PAGE) $(STAGE_SHARED) $(MODEL_SHARED) $(FINDINGS_SHARED) $(SANDBOX_SHARED)
$(B)/tests/%: $(B)/tests/%.c.o $(B)/libparts.a $(B)/libkernels.a $(B)/libproto.a $(B)/libcommon.a $(B)/linked.txt
	@mkdir -p $(@D)
	$(call say,LD)$(CXX) $(LD_FLAGS) -o $@ $(filter %.o,$^) $(B)/libparts.a $(B)/libkernels.a $(B)/libproto.a $(B)/libcommon.a -lcmocka $(LDLIBS_kernels) $(LDLIBS_export) $(LDLIBS_load) $(LDLIBS_train) $(LDLIBS_proto) $(LDLIBS_common) $(PEER_LIBS) $(LIBS)
$(B)/tests/%.c.o: FLAGS = -fopenmp
$(B)/tests/gpu/device: $(B)/kernels/cuda/conv_form.c.o

# kernels/cuda as it is, compiled by g++ against tests/emu and run on the CPU, for its tests: no nvcc, no GPU
EMULATED := $(B)/tests/emu/petrel-cuda.so
EMU_FLAGS = -Itests/emu -fvisibility=hidden -fno-math-errno
$(EMULATED): $(patsubst %,$(B)/tests/emu/%.o,$(wildcard kernels/cuda/*.cu tests/emu/*.cc)) $(call obj,$(filter-out %/plan.c,$(wildcard kernels/cuda/*.c)) kernels/shape.c) $(B)/common/base.c.o $(B)/common/version.c.o $(B)/linked.txt
	$(call say,LD)$(CXX) $(LD_FLAGS) -shared -Wl,-Bsymbolic -o $@ $(filter %.o,$^) -lm
$(B)/tests/emu/%.cu.o: %.cu $(B)/flags.txt
	@mkdir -p $(@D)
	$(call say,CXX)$(CXX) $(EMU_FLAGS) $(INCLUDES) $(CXX_FLAGS) -O2 -Wno-unknown-pragmas -MMD -MP -x c++ -c $< -o $@
$(B)/tests/emu/%.cc.o: %.cc $(B)/flags.txt
	@mkdir -p $(@D)
	$(call say,CXX)$(CXX) $(EMU_FLAGS) $(INCLUDES) $(CXX_FLAGS) -MMD -MP -c $< -o $@

# cuDNN's plans for GPUs that are not here, where cuDNN is installed
plans: $(B)/libkernels.a $(B)/libcommon.a
	@$(MAKE) -C kernels/cuda plans B=$(abspath $(B)) $(if $(NVCC),NVCC=$(NVCC))
.PHONY: plans

# before the C library: a disk that is full, memory that is gone (tests/fault/programs.sh)
$(B)/tests/fault/preload.so: tests/fault/preload/preload.c $(B)/flags.txt
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(filter-out -fsanitize%,$(C_FLAGS)) -shared -o $@ $< -ldl

tests: $(UNIT) $(FAULT) $(FUZZ) $(BENCH) $(B)/tests/fault/preload.so $(EMULATED) $(GPU) $(if $(SAN),,plans)
test: all tests layers
	tests/run.sh $(B)
fault: all tests
	tests/fault/run.sh $(B) '$(N)' '$(R)'
# guided by coverage, with clang: the parsers and what they call, built apart with every sanitizer
GUIDED  := build-fuzz/libfuzzer
SECONDS ?= 60
fuzz: build/tests/fuzz/parsers
	@command -v clang >/dev/null || { echo "needs clang: apt-get install clang" >&2; exit 69; }
	$(MAKE) CC=clang CXX=clang++ B=build-fuzz guided=1 CUDA=0 $(GUIDED)
	tests/fuzz/guided/run.sh $(GUIDED) $< $(SECONDS) $(TARGETS)
ifdef guided
$(GUIDED): $(B)/tests/fuzz/guided/libfuzzer.c.o $(filter-out %/main.c.o,$(call obj,$(call stage_src,stages/load))) $(SANDBOX_SHARED) $(B)/libproto.a $(B)/libcommon.a
	$(CXX) $(GUIDE) -fsanitize=fuzzer -o $@ $^ -lcmocka $(LDLIBS_load) $(LDLIBS_proto) $(LDLIBS_common) $(LIBS)
$(B)/tests/fuzz/guided/%.c.o: FLAGS =
endif
# conv's peer, where it is installed: oneDNN 2 (libdnnl-dev) or 3 (DNNL=PREFIX, where include and lib lie)
DNNL    ?= $(if $(wildcard /usr/include/oneapi/dnnl/dnnl.h),/usr)
DNNL_AT := $(filter-out /usr,$(DNNL))
$(B)/onednn.txt: FORCE
	$(call stamp,$(DNNL))
ONEDNN  := $(B)/tests/bench/onednn/conv_onednn.c.o
$(ONEDNN): SEES = $(if $(DNNL),-DWITH_ONEDNN) $(DNNL_AT:%=-isystem %/include)
$(B)/tests/bench/conv: PEER_LIBS = $(foreach at,$(DNNL_AT),-L$(at)/lib -Wl$(comma)-rpath$(comma)$(at)/lib) $(if $(DNNL),-ldnnl)
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
# The sources that are committed, as an archive that is the same whoever makes it.
dist:
	packaging/dist.sh
deb:
	packaging/deb.sh

# Nothing is stripped: packagers keep what they take away, and `strip $(bindir)/petrel-*` is one command.
install: all man
	packaging/install.sh '$(B)' '$(DESTDIR)' '$(bindir)' '$(pkglibdir)' '$(pkgdatadir)' '$(mandir)' '$(docdir)' '$(completionsdir)'
uninstall:
	packaging/install.sh --remove '$(DESTDIR)' '$(bindir)' '$(pkglibdir)' '$(pkgdatadir)' '$(mandir)' '$(docdir)' '$(completionsdir)'
compile_commands:
	@command -v bear >/dev/null || { echo "needs bear: apt-get install bear" >&2; exit 69; }
	bear -- $(MAKE) -B all tests
cuda:
	@if [ -f kernels/cuda/Makefile ]; then $(MAKE) -C kernels/cuda B=$(abspath $(B)) NVCC=$(NVCC); fi
clean:
	rm -rf build build-asan build-tsan build-memcheck build-fuzz
-include $(shell find $(B) -name '*.d' 2>/dev/null)
