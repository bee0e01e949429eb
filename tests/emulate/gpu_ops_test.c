/* What `make check-gpu` asks of a GPU, asked of the emulated one: fewer and smaller cases. */
#define EMULATED 1
#include "tests/gpu/ops_test.c"
