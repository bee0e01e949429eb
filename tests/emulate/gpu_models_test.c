/* The tests of `make check-gpu` on whole models, on the emulated GPU. */
#define EMULATED 1
#include "tests/gpu/models_test.c"
