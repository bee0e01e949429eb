/* Decoding of parts that several block types share: half precision numbers, packed scales. */
#ifndef CORE_DEVICE_DTYPE_BLOCKS_H
#define CORE_DEVICE_DTYPE_BLOCKS_H

#include <stdint.h>
#include <string.h>

static inline float float_of(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline uint32_t bits_of(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

/* IEEE half to single without branches, so that loops of it vectorise. Normal numbers: shift
 * the fields into place with an exponent that is too large by 112 and scale that away (exact;
 * infinities and NaN keep an exponent of all ones). Subnormals: put the fraction behind the
 * point of 0.5 and subtract 0.5 (exact). */
static inline float half(uint16_t h)
{
    uint32_t twice = (uint32_t)h << 17;
    uint32_t sign = (uint32_t)(h & 0x8000) << 16;
    uint32_t normal = bits_of(float_of((twice >> 4) + (0xe0u << 23)) * 0x1p-112f);
    uint32_t subnormal = bits_of(float_of((twice >> 17) | (126u << 23)) - 0.5f);
    uint32_t small = -(uint32_t)(twice < (1u << 27)); /* a choice would become a branch */

    return float_of(sign | (subnormal & small) | (normal & ~small));
}

/* The eight 6-bit scales and minima of Q4_K and Q5_K, packed into 12 bytes. */
static inline void scales_k(const uint8_t *s, int k, int *scale, int *least)
{
    if (k < 4) {
        *scale = s[k] & 63;
        *least = s[k + 4] & 63;
    } else {
        *scale = (s[k + 4] & 15) | s[k - 4] >> 6 << 4;
        *least = s[k + 4] >> 4 | s[k] >> 6 << 4;
    }
}

#endif
