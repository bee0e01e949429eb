/* What is special to the CUDA device, on emulated hardware. */
#include "tests/unit/cuda_test.c"
