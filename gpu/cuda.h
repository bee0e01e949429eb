/* The CUDA device. Linked in by `make CUDA=1`; named nowhere but in main.c and its test. Every slot
 * of the table is filled. */
#ifndef GPU_CUDA_H
#define GPU_CUDA_H

#include "core/device/device.h"

extern const struct device_ops device_cuda;

#endif
