# Only forwards; the work is in meson.build and tools/.  ARGS go on to the program or the tool.
.PHONY: all serve install test asan tsan bench fuzz coverage format lint
all:       ; @tools/build.sh
serve:     ; @[ -x build/weft ] || echo 'make: first what a build needs is installed, then Weft is built: minutes, once'
	@tools/setup.sh build && tools/build.sh weft && exec build/weft serve -e examples/data/countries.csv $(ARGS)
install:   ; @tools/setup.sh build && tools/install $(ARGS)
test:      ; @tools/setup.sh test && tools/test.sh all
asan tsan: ; @tools/setup.sh build && tools/test.sh $@
bench:     ; @tools/build.sh && tools/bench $(ARGS)
fuzz:      ; @tools/setup.sh fuzz && tools/fuzz.sh $(ARGS)
coverage:  ; @tools/setup.sh build && tools/coverage $(ARGS)
format:    ; @git ls-files '*.c' '*.h' | xargs clang-format -i
lint:      ; @tools/setup.sh test && tools/lint.sh
