/* Selects neurons by rank without sorting. A float becomes an integer of the same order; a
 * histogram of its top 11 bits says in which bin the k-th largest is; the same for the next 11 bits
 * of that bin, and for the last 10. Three passes at most, each over fewer values, and no branches
 * that a processor could mispredict. */
#include "core/edit/select.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "core/base/rng.h"

enum { RADIX_BITS = 11, BINS = 1 << RADIX_BITS };

/* An integer of the same order as the float; -0 and 0 are equal. */
static uint32_t key_of(float x)
{
    uint32_t bits;

    x += 0.0f;
    memcpy(&bits, &x, sizeof(bits));
    return bits ^ (bits >> 31 ? 0xffffffffu : 0x80000000u);
}

static float value_of(uint32_t key)
{
    uint32_t bits = key ^ (key >> 31 ? 0x80000000u : 0xffffffffu);
    float x;

    memcpy(&x, &bits, sizeof(x));
    return x;
}

static uint32_t hash_of(uint32_t i)
{
    uint64_t state = i;

    return (uint32_t)(rng_next(&state) >> 32);
}

static void keys_of(const float *x, int n, uint32_t *key)
{
    for (int i = 0; i < n; i++)
        key[i] = key_of(x[i]);
}

/* The largest key t such that the elements with key >= t weigh at least `goal`; *above is the
 * weight of those with key > t. An element weighs 1, or with by_mass its value. n > 0; scratch [n].
 */
static uint32_t find_level(const uint32_t *key, int n, double goal, bool by_mass, uint32_t *scratch,
                           double *above)
{
    static const int shifts[] = {32 - RADIX_BITS, 32 - 2 * RADIX_BITS, 0};
    uint32_t prefix = 0;

    *above = 0;
    for (int pass = 0; pass < 3; pass++) {
        int shift = shifts[pass], width = pass < 2 ? RADIX_BITS : 32 - 2 * RADIX_BITS;
        uint32_t mask = (1u << width) - 1, bin, lowest;
        double weight[BINS] = {0};
        int same = 0;

        for (int i = 0; i < n; i++)
            weight[(key[i] >> shift) & mask] += by_mass ? (double)value_of(key[i]) : 1;
        for (lowest = 0; !(weight[lowest] > 0) && lowest < mask;)
            lowest++;
        /* sums of a mass are rounded: the goal may be above all of them */
        for (bin = mask; bin > lowest && *above + weight[bin] < goal; bin--)
            *above += weight[bin];
        prefix |= bin << shift;
        if (!shift)
            break;
        for (int i = 0; i < n; i++) {
            scratch[same] = key[i];
            same += ((key[i] >> shift) & mask) == bin;
        }
        key = scratch;
        n = same;
    }
    return prefix;
}

/* Marks `count` of the elements with key == level (at least 1, not all of them): the highest by
 * tie_break, then the lower index. */
static void mark_ties(const uint32_t *key, const float *tie_break, int n, uint32_t level, int count,
                      uint32_t *work, uint8_t *bits, uint8_t bit)
{
    uint32_t *tie = work, *scratch = work + n, last;
    double above;
    int m = 0, left;

    for (int i = 0; i < n; i++) { /* no branches: which neurons tie cannot be predicted */
        tie[m] = tie_break ? key_of(tie_break[i]) : hash_of((uint32_t)i);
        m += key[i] == level;
    }
    last = find_level(tie, m, count, false, scratch, &above);
    left = count - (int)above;
    m = 0;
    for (int i = 0; i < n; i++) {
        int tied = key[i] == level, same = tied & (tie[m] == last);
        int taken = (tied & (tie[m] > last)) | (same & (left > 0));

        bits[i] |= (uint8_t)(-taken & bit);
        left -= same;
        m += tied;
    }
}

static double share_of_ties(int equal, int n)
{
    return equal > 1 ? (double)equal / n : 0;
}

/* Marks the elements with key >= least, without branches. */
static void mark_from(const uint32_t *key, int n, uint32_t least, uint8_t *bits, uint8_t bit)
{
    for (int i = 0; i < n; i++)
        bits[i] |= (uint8_t)(-(key[i] >= least) & bit);
}

static int count_equal(const uint32_t *key, int n, uint32_t level)
{
    int equal = 0;

    for (int i = 0; i < n; i++)
        equal += key[i] == level;
    return equal;
}

struct selection select_topk(const float *score, const float *tie_break, int n, double ratio,
                             uint32_t *work, uint8_t *bits, uint8_t bit)
{
    int k = (int)lround(ratio * n), equal, left;
    uint32_t *key = work, level;
    double above;
    struct selection s = {.chosen = k};

    keys_of(score, n, key);
    level = find_level(key, n, k > 0 ? k : 1, false, work + n, &above);
    equal = count_equal(key, n, level);
    left = k - (int)above;
    if (left == equal) {
        mark_from(key, n, level, bits, bit);
    } else if (left > 0) {
        mark_from(key, n, level + 1, bits, bit);
        mark_ties(key, tie_break, n, level, left, work + n, bits, bit);
    }
    s.threshold = (double)value_of(level);
    s.ties = share_of_ties(equal, n);
    s.next_up = k < n ? fmin(ratio + 1.0 / n, 1) : (double)NAN;
    s.next_down = k > 0 ? fmax(ratio - 1.0 / n, 0) : (double)NAN;
    return s;
}

/* torch.quantile(x, 1 - ratio) with the same rounding (editscope-method(7) 4.6). */
static float quantile_of(const uint32_t *key, int n, double ratio, uint32_t *scratch)
{
    float place = (float)(1 - ratio) * (float)(n - 1);
    int below = (int)place, higher = 0;
    float part = place - (float)below, low, high;
    uint32_t level, next = UINT32_MAX;
    double above;

    level = find_level(key, n, n - below, false, scratch, &above);
    for (int i = 0; i < n; i++) {
        higher += key[i] > level;
        next = key[i] > level && key[i] < next ? key[i] : next;
    }
    low = value_of(level);
    high = higher == n - 1 - below && higher ? value_of(next) : low;
    return part < 0.5f ? low + part * (high - low) : high - (high - low) * (1 - part);
}

struct selection select_quantile(const float *score, int n, double ratio, uint32_t *work,
                                 uint8_t *bits, uint8_t bit)
{
    uint32_t *key = work, lowest = UINT32_MAX, tau;
    int equal, last_out, last_in;
    float threshold;
    struct selection s = {0};

    keys_of(score, n, key);
    threshold = quantile_of(key, n, ratio, work + n);
    tau = key_of(threshold);
    for (int i = 0; i < n; i++) {
        bool in = key[i] >= tau;

        s.chosen += in;
        lowest = in && key[i] < lowest ? key[i] : lowest;
    }
    mark_from(key, n, tau, bits, bit);
    equal = count_equal(key, n, lowest);
    s.threshold = (double)threshold;
    s.ties = share_of_ties(equal, n);
    /* Positions in ascending order where the choice changes: it gains neurons when the quantile
     * reaches the highest one that is not chosen, and loses some when it passes the last one of the
     * lowest chosen level. A quarter of a position more makes the change certain in float32. */
    last_out = n - s.chosen - 1;
    last_in = last_out + equal;
    s.next_up = last_out >= 0 ? fmin(1 - (last_out - 0.25) / (n - 1), 1) : (double)NAN;
    s.next_down = last_in < n - 1 ? 1 - (last_in + 0.25) / (n - 1) : (double)NAN;
    return s;
}

int select_mass(const float *x, int n, double mass, uint32_t *work, float *weight)
{
    uint32_t *key = work, level;
    double sum = 0, above, value;
    int chosen = 0, left;

    for (int i = 0; i < n; i++) {
        key[i] = key_of(fabsf(x[i]));
        sum += (double)fabsf(x[i]);
    }
    memset(weight, 0, (size_t)n * sizeof(*weight));
    if (!(mass * sum > 0))
        return 0;
    level = find_level(key, n, mass * sum, true, work + n, &above);
    value = (double)value_of(level);
    left = value > 0 ? (int)fmin(ceil((mass * sum - above) / value), n) : 0;
    for (int i = 0; i < n; i++) {
        if (key[i] > level || (key[i] == level && left-- > 0)) {
            weight[i] = 1;
            chosen++;
        }
    }
    return chosen;
}

void select_random(int n, int count, uint64_t seed, uint32_t *work, float *weight)
{
    for (int i = 0; i < n; i++)
        work[i] = (uint32_t)i;
    memset(weight, 0, (size_t)n * sizeof(*weight));
    for (int i = 0; i < count; i++) {
        uint32_t j = (uint32_t)i + rng_below(&seed, (uint32_t)(n - i)), drawn = work[j];

        work[j] = work[i];
        work[i] = drawn;
        weight[drawn] = 1;
    }
}
