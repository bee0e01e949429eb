/* A whole edit on the CUDA device, on emulated hardware. */
#include "tests/engine/cuda_edit_test.c"
