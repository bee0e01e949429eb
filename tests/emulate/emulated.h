/* Properties of the emulated machine, which tests may set. */
#ifndef TESTS_EMULATE_EMULATED_H
#define TESTS_EMULATE_EMULATED_H

#include <stddef.h>

enum { EMULATED_GPUS = 4 };

struct emulated {
    int gpus;            /* 1; 0: the driver sees none */
    int driver, runtime; /* CUDA versions, 1000 major + 10 minor; driver 0: there is none */
    size_t memory;       /* bytes a GPU has */
    size_t used[EMULATED_GPUS];
    size_t peak[EMULATED_GPUS];
    /* Launches until a kernel ends in an error that stays, as an illegal address does; < 0: never.
     * `lost` is that state. A program that is run again finds the GPU well. */
    long launches_left;
    int lost;
    /* Work of all streams but the first made runs when it is queued (after what it waits for),
     * while the first runs as late as ever; 0: everything is late. */
    int early;
};
extern struct emulated emulated;

#ifdef __cplusplus
extern "C"
#endif
    int
    emulated_launch(void); /* counts a launch; 0: the kernel does not run */

#endif
