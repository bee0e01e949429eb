/* Properties that only the CUDA device has, on emulated hardware. */
#include "tests/unit/cuda_test.c"
