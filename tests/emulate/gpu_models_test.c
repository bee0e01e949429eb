/* What `make check-gpu` asks of a GPU on whole models, asked of the emulated one. */
#define EMULATED 1
#include "tests/gpu/models_test.c"
