/* The CUDA device on emulated hardware: the largest eigenvalues. */
#include "tests/unit/eigen_test.c"
