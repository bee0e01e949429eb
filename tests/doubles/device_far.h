/* A CPU device whose memory only its own operations can touch (device_far.c). */
#ifndef TESTS_DOUBLES_DEVICE_FAR_H
#define TESTS_DOUBLES_DEVICE_FAR_H

#include "core/device/device.h"

extern const struct device_ops device_far;

#endif
