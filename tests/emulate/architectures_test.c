/* Every architecture on the CUDA device, on emulated hardware. */
#include "gpu/cuda.h"

#define ARCHITECTURES_DEVICES &device_cuda
#include "tests/engine/architectures_test.c"
