/* Reproducible random numbers (splitmix64): the same seed gives the same numbers on every machine.
 *
 * Not for anything secret. The state is one integer that the caller owns and initialises with the
 * seed. */
#ifndef CORE_BASE_RNG_H
#define CORE_BASE_RNG_H

#include <stdint.h>

/* 64 random bits. The constants are those of Vigna's splitmix64.c. */
static inline uint64_t rng_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* A whole number 0 .. n - 1, n > 0. Not exactly uniform: the bias is n / 2^32. */
static inline uint32_t rng_below(uint64_t *state, uint32_t n)
{
    return (uint32_t)(((rng_next(state) >> 32) * n) >> 32);
}

/* A real number in [0, 1), a multiple of 2^-53. */
static inline double rng_unit(uint64_t *state)
{
    return (double)(rng_next(state) >> 11) * 0x1p-53;
}

#endif
