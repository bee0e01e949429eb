/* Pools values into columns, scales them to levels, draws two rows of data per row of cells. */
#include "tui/heatmap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/float_order.h"
#include "core/base/mem.h"

const char *heat_scale_name(enum heat_scale scale)
{
    static const char *const name[SCALE_COUNT] = {"√", "linear", "log", "rank"};

    return name[scale];
}

const char *heat_pool_name(enum heat_pool pool)
{
    static const char *const name[POOL_COUNT] = {"max", "mean", "count"};

    return name[pool];
}

void heat_pool(const float *x, int n, enum heat_pool pool, float *bin, int bins)
{
    for (int b = 0; b < bins; b++) {
        int from = (int)((long long)b * n / bins), to = (int)((long long)(b + 1) * n / bins);
        double sum = 0, most = 0, above = 0;
        bool bad = false;

        for (int i = from; i < to; i++) {
            double v = (double)x[i];

            bad |= !isfinite(v);
            sum += v;
            above += v > 0;
            most = fabs(v) > fabs(most) ? v : most;
        }
        if (pool == POOL_MEAN)
            most = to > from ? sum / (to - from) : 0;
        else if (pool == POOL_ABOVE)
            most = above;
        bin[b] = bad ? INFINITY : (float)most;
    }
}

/* The value's place among the sorted sizes, as a share 0..1: a binary search. */
static double value_rank(double value, const float *sorted, int n)
{
    int low = 0, high = n;

    while (low < high) {
        int mid = (low + high) / 2;

        if ((double)sorted[mid] < value)
            low = mid + 1;
        else
            high = mid;
    }
    return n > 1 ? (double)low / (n - 1) : 0;
}

int heat_level(double value, double high, enum heat_scale scale, const float *sorted, int n)
{
    double t = high > 0 ? value / high : 0;

    t = clamped(t, 0, 1);
    if (scale == SCALE_SQRT)
        t = sqrt(t);
    else if (scale == SCALE_LOG) /* three decades */
        t = t <= 1e-3 ? 0 : 1 + log10(t) / 3;
    else if (scale == SCALE_RANK)
        t = value_rank(value, sorted, n);
    return (int)lround(clamped(t, 0, 1) * (RAMP_LEVELS - 1));
}

int heat_level_signed(double value, double high, enum heat_scale scale, const float *sorted, int n)
{
    int level = heat_level(fabs(value), high, scale, sorted, n);

    return value < 0 ? 127 - level / 2 : 128 + level / 2;
}

static int compare_floats(const void *a, const void *b)
{
    return number_order((double)*(const float *)a, (double)*(const float *)b);
}

/* The sizes of the finite values in ascending order. Caller frees. */
static float *sorted_sizes(const float *value, int count, int *n)
{
    float *v = xmalloc(((size_t)count + 1) * sizeof(*v));

    *n = 0;
    for (int i = 0; i < count; i++)
        if (isfinite(value[i]))
            v[(*n)++] = fabsf(value[i]);
    qsort(v, (size_t)*n, sizeof(*v), compare_floats);
    return v;
}

double heat_clip(const float *value, int n, double share)
{
    int count, at;
    float *v = sorted_sizes(value, n, &count);
    double clip = 0;

    if (count) {
        at = (int)clamped(share * (count - 1) + 0.5, 0, count - 1);
        clip = (double)v[at];
        if (clip <= 0) /* nearly all are zero */
            clip = (double)v[count - 1];
    }
    free(v);
    return clip;
}

struct sample { /* one value as it is shown */
    float value;
    uint16_t slot;
    bool stale;
};

/* The value at (row, col) and the colour slot it is drawn with; no slot for what is not computed,
 * for an error, and below the last row. */
static struct sample sample_of(const struct heatmap *m, const float *sorted, int n, int row,
                               int col)
{
    struct sample out = {(float)NAN, COLOUR_SLOT_NONE, m->row_stale != NULL};
    enum ramp ramp = m->row_ramp && row < m->rows ? m->row_ramp[row] : m->ramp;
    double high = m->row_high && row < m->rows ? m->row_high[row] : m->high;

    if (row >= m->rows)
        return out;
    out.stale = m->row_stale && m->row_stale[row];
    out.value = m->value[(size_t)row * (size_t)m->cols + (size_t)col];
    if (isnan(out.value) || (isinf(out.value) && out.value > 0))
        return out;
    if (isinf(out.value))
        out.slot = colour_slot_role(ROLE_STRONG);
    else if (ramp == RAMP_DIVERGE)
        out.slot =
            colour_slot_ramp(ramp, heat_level_signed((double)out.value, high, m->scale, sorted, n));
    else
        out.slot = colour_slot_ramp(ramp, heat_level((double)out.value, high, m->scale, sorted, n));
    return out;
}

/* One cell from its upper and lower sample; a stale one has no colour. In this order: one is stale
 * and the other has no colour, the hatch; both are the rule "│"; one is an error "!"; neither is
 * computed "·"; only the lower "▄"; else "▀" with two colours. */
static void draw_cell(struct sample up, struct sample down, struct surface *s, struct rect area,
                      int y, int x)
{
    bool stale = up.stale || down.stale;

    if (up.stale)
        up = (struct sample){(float)NAN, COLOUR_SLOT_NONE, true};
    if (down.stale)
        down = (struct sample){(float)NAN, COLOUR_SLOT_NONE, true};
    if (stale && !up.slot && !down.slot && !isinf(up.value) && !isinf(down.value))
        surface_text(s, area, y, x, ROLE_STALE, STALE_HATCH);
    else if (up.slot && up.slot == down.slot && up.slot & 0x8000)
        surface_glyph(s, area, y, x, ROLE_STRONG, "│", up.slot, COLOUR_SLOT_NONE);
    else if ((isinf(up.value) && !up.slot) || (isinf(down.value) && !down.slot))
        surface_text(s, area, y, x, ROLE_ERROR, "!");
    else if (!up.slot && !down.slot)
        surface_text(s, area, y, x, ROLE_EMPTY, "·");
    else if (!up.slot)
        surface_glyph(s, area, y, x, ROLE_TEXT, "▄", down.slot, COLOUR_SLOT_NONE);
    else
        surface_glyph(s, area, y, x, ROLE_TEXT, "▀", up.slot, down.slot);
}

void heatmap_draw(const struct heatmap *m, struct surface *s, struct rect area)
{
    int wide = m->wide > 1 ? m->wide : 1, tall = m->tall > 1 ? m->tall : 1, n = 0;
    float *sorted = NULL;

    if (m->scale == SCALE_RANK)
        sorted = sorted_sizes(m->value, m->rows * m->cols, &n);
    for (int y = 0; y < area.h && y * 2 < m->rows * tall; y++)
        for (int x = 0; x < m->cols && x * wide < area.w; x++) {
            struct sample up = sample_of(m, sorted, n, y * 2 / tall, x);
            struct sample down = sample_of(m, sorted, n, (y * 2 + 1) / tall, x);

            for (int k = 0; k < wide; k++)
                if (!k || !(up.slot & down.slot & 0x8000)) /* a rule is one column wide */
                    draw_cell(up, down, s, area, y, x * wide + k);
        }
    free(sorted);
}

void heat_legend(struct surface *s, struct rect area, int y, int x, int cols, enum ramp ramp)
{
    for (int i = 0; i < cols; i++) {
        uint16_t slot = colour_slot_ramp(ramp, cols > 1 ? i * (RAMP_LEVELS - 1) / (cols - 1) : 0);

        surface_glyph(s, area, y, x + i, ROLE_TEXT, "█", slot, slot);
    }
}
