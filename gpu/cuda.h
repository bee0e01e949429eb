/* The CUDA device. Linked in by `make CUDA=1`; named nowhere but in main.c and its test.
 *
 * It is partial: operations that are not on the GPU yet are faults that name themselves
 * (gpu/missing.c), so `--device auto` prefers the CPU. Memory, copies, elementwise operations and
 * F32 and F64 products are here. */
#ifndef GPU_CUDA_H
#define GPU_CUDA_H

#include "core/device/device.h"

extern const struct device_ops device_cuda;

#endif
