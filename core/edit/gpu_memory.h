/* Estimates the GPU memory of a model and its edits before anything is allocated, and decides what
 * of it (second moments, null spaces, float32 copies) is on the device. Pure functions. */
#ifndef CORE_EDIT_GPU_MEMORY_H
#define CORE_EDIT_GPU_MEMORY_H

#include "core/base/params.h"
#include "core/device/device.h"
#include "core/model/matrix.h"

enum memory_part {
    MEMORY_WEIGHTS, /* in the file's types; vectors as float32 */
    MEMORY_MASTERS, /* edited matrices as float32: of the edited state, and of a preview */
    MEMORY_KEYS,    /* of past edits */
    MEMORY_READING, /* a batch of the text of the second moments, with its cache */
    MEMORY_SCRATCH, /* factors as bfloat16 terms, or stored matrices as floats */
    MEMORY_WORK,    /* the largest of: attribution, target, a solve, summing in bands */
    MEMORY_SYSTEM,  /* CUDA's own: context, cuBLAS, cuSOLVER */
    MEMORY_SPACES,  /* null spaces, where they are on the device */
    MEMORY_SUMS,    /* second moments, where they are on the device */
    MEMORY_FLOATS,  /* what float32 copies of weights take more than the stored types */
    MEMORY_PARTS
};

struct memory_plan {
    double part[MEMORY_PARTS]; /* bytes */
    double total, limit;
    bool moments_on_host, spaces_on_host;
};

struct memory_request {
    const struct model_config *config;
    double weights; /* bytes, as MEMORY_WEIGHTS: weights_bytes() */
    double wider;   /* more bytes if all were float32 and that helped; 0: it does not help */
    int edited;     /* layers that are edited */
    double held;    /* floats of matrices that the state holds besides these layers' down */
    int above;      /* blocks after the last of them: what the target's gradient goes through */
    int rows;       /* prompts that are scored: 1 + attr.prefixes */
    enum precision precision;
    double allowed; /* --memory: bytes in all; 0: the weights, `held` and 4 GiB */
    double free;    /* bytes the opened device has left */
};

/* Second moments of M neurons are 8 M^2 bytes a layer, null spaces up to twice that: what is left
 * of the limit goes to the null spaces, then the moments, then float32 copies; what does not fit
 * stays on the host. An eigendecomposition takes more for a moment: where the device has not that
 * much free, the CPU does it (core/edit/nullspace.h). False with ERR_LIMIT, naming what is needed
 * by part and what there is. */
bool gpu_memory_plan(struct memory_plan *plan, const struct memory_request *r, struct err *err);
/* Bytes of the weights as the device holds them, and how many more as float32. With bfloat16
 * products, what is stored as bfloat16 is multiplied as it is: float32 would not help. */
void gpu_memory_weights(const struct weights *w, enum precision precision, double *bytes,
                        double *wider);
/* memory_request.held: of held [layers * MATRICES], see session_edited_matrices(), where `layer`
 * [layers] are edited. */
double plan_held(const struct model_config *c, const bool *held, const int *layer, int layers);

#endif
