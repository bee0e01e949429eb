/* Models of a given shape with random weights: no file, no tokenizer, token ids are given directly.
 * Their answers mean nothing, but they cost as much as a real model of that shape, and their
 * activations stay in a normal range. */
#ifndef TESTS_GPU_SYNTHETIC_H
#define TESTS_GPU_SYNTHETIC_H

#include "core/edit/request.h"
#include "core/model/model.h"

struct shape {
    const char *name, *arch; /* "8B Llama-3 shape"; model_type of config.json */
    int layers, hidden, ffn, vocab, heads, kv_heads, head_dim;
    bool tied;
};

extern const struct shape shape_llama3_8b, shape_qwen25_05b;
extern const struct shape shape_small_llama, shape_small_qwen; /* for tests: thousands of weights */

/* n values in [-size, size], bfloat16, the same for the same seed on every machine. */
void noise_bf16(uint16_t *to, size_t n, float size, uint32_t seed);
/* The same numbers as float32. */
void noise_f32(float *to, size_t n, float size, uint32_t seed);

/* The matrices are windows on one pool of bfloat16 noise, each from a place of its own, so that the
 * pool is little larger than the largest matrix. NULL with err where the memory is not there. */
struct weights *synthetic_weights(const struct shape *s, uint32_t seed, struct err *err);
/* A fact as token ids drawn from the seed: a bare prompt of 10 tokens and 5 prefixed ones of 20,
 * the subject ending at the 5th of the prompt, one target token. */
struct request synthetic_request(int vocab, uint32_t seed);

#endif
