/* The operation tests of `make check-gpu` on the emulated GPU: fewer and smaller cases. */
#define EMULATED 1
#include "tests/gpu/ops_test.c"
