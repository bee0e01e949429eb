/* The files that a run writes and reads: RUN (scores, masks, ratios) and z (the target vector of
 * editscope-method(7) 5). Any thread. */
#ifndef CORE_RECORD_RUN_FILE_H
#define CORE_RECORD_RUN_FILE_H

#include "core/base/err.h"
#include "core/edit/attribution.h"
#include "core/edit/mask.h"

struct run_layer { /* both of the same layer; borrowed */
    const struct attribution *attribution;
    const struct mask *mask;
};

/* Writes a safetensors file: per layer l scores.l and activation.l F32 [N, M]; general.l,
 * specific.l, mask.l U8 [M] (a neuron of both kinds is in both); r_ge.l, r_sp.l F32 [M].
 * Metadata: format, tool, model_sha256 and `run`, which is run_json. The file is replaced whole
 * or not at all. ERR_IO. */
bool run_file_save(const char *path, const struct run_layer *layer, int layers,
                   const char *model_sha256, const char *run_json, struct err *err);

/* Tensor `z` [d] of a safetensors file, of any float type; *width is d. Caller frees. ERR_IO,
 * ERR_FORMAT, ERR_USAGE if there is no such tensor or it is no vector of finite numbers. */
float *z_file_load(const char *path, int *width, struct err *err);

#endif
