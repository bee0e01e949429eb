#include "tui/heatmap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

const char *heat_scale_name(enum heat_scale scale)
{
    static const char *const name[SCALE_COUNT] = {"√", "linear", "log", "rank"};

    return name[scale];
}

const char *heat_pool_name(enum heat_pool pool)
{
    static const char *const name[POOL_COUNT] = {"max", "mean"};

    return name[pool];
}

void heat_pool(const float *x, int n, enum heat_pool pool, float *bin, int bins)
{
    for (int b = 0; b < bins; b++) {
        int from = (int)((long long)b * n / bins), to = (int)((long long)(b + 1) * n / bins);
        double sum = 0, most = 0;

        for (int i = from; i < to; i++) {
            double v = fabs((double)x[i]);

            sum += v;
            most = v > most || isnan(v) ? v : most;
        }
        bin[b] = (float)(pool == POOL_MAX || to <= from ? most : sum / (to - from));
    }
}

static double rank_of(double value, const float *sorted, int n)
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

    t = t < 0 ? 0 : t > 1 ? 1 : t;
    if (scale == SCALE_SQRT)
        t = sqrt(t);
    else if (scale == SCALE_LOG) /* three decades */
        t = t <= 1e-3 ? 0 : 1 + log10(t) / 3;
    else if (scale == SCALE_RANK)
        t = rank_of(value, sorted, n);
    return (int)lround((t > 1 ? 1 : t) * (RAMP_LEVELS - 1));
}

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

/* The computed values in rising order. Caller frees. */
static float *sorted_values(const struct heatmap *m, int *n)
{
    float *v = xmalloc(((size_t)m->rows * (size_t)m->cols + 1) * sizeof(*v));

    *n = 0;
    for (int i = 0; i < m->rows * m->cols; i++)
        if (isfinite(m->value[i]))
            v[(*n)++] = m->value[i];
    qsort(v, (size_t)*n, sizeof(*v), compare);
    return v;
}

static void cell(const struct heatmap *m, const float *sorted, int n, float up, float down,
                 struct surface *s, struct rect area, int y, int x)
{
    uint16_t fg = INK_NONE, bg = INK_NONE;

    if (isinf(up) || isinf(down)) {
        surface_text(s, area, y, x, ROLE_ERROR, "!");
        return;
    }
    if (isnan(up) && isnan(down)) {
        surface_text(s, area, y, x, ROLE_EMPTY, "·");
        return;
    }
    if (!isnan(up))
        fg = ink_ramp(m->ramp, heat_level((double)up, m->high, m->scale, sorted, n));
    if (!isnan(down))
        bg = ink_ramp(m->ramp, heat_level((double)down, m->high, m->scale, sorted, n));
    if (isnan(up))
        surface_ink(s, area, y, x, ROLE_TEXT, "▄", bg, INK_NONE);
    else
        surface_ink(s, area, y, x, ROLE_TEXT, "▀", fg, bg);
}

void heatmap_draw(const struct heatmap *m, struct surface *s, struct rect area)
{
    float *sorted = NULL;
    int n = 0;

    if (m->scale == SCALE_RANK)
        sorted = sorted_values(m, &n);
    for (int y = 0; y < area.h && y * 2 < m->rows; y++)
        for (int x = 0; x < area.w && x < m->cols; x++) {
            const float *up = &m->value[(size_t)y * 2 * (size_t)m->cols];
            bool last = y * 2 + 1 >= m->rows;

            cell(m, sorted, n, up[x], last ? NAN : up[m->cols + x], s, area, y, x);
        }
    free(sorted);
}

void heat_legend(struct surface *s, struct rect area, int y, int x, int cols, enum ramp ramp)
{
    for (int i = 0; i < cols; i++) {
        uint16_t ink = ink_ramp(ramp, cols > 1 ? i * (RAMP_LEVELS - 1) / (cols - 1) : 0);

        surface_ink(s, area, y, x + i, ROLE_TEXT, "█", ink, ink);
    }
}
