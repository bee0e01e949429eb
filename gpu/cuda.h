/* The CUDA device, linked in by `make CUDA=1`. Only main.c and tests include this; everything else
 * uses core/device/device.h. */
#ifndef GPU_CUDA_H
#define GPU_CUDA_H

#include "core/device/device.h"

extern const struct device_ops device_cuda;

#endif
