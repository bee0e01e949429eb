/* The CUDA device on emulated hardware, through the tests every device passes. */
#include "tests/unit/device_graph_test.c"
