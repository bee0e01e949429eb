/* Formats the metrics of variants and finds the best one. */
#include "views/variant_metrics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/show.h"
#include "core/base/utf8.h"
#include "tui/text.h"

void variant_take(struct variant *to, const struct variant_result *t)
{
    *to = (struct variant){.has = true};
    memcpy(to->state, t->state, sizeof(to->state));
    utf8_copy(to->why, sizeof(to->why), t->why);
    utf8_copy(to->said, sizeof(to->said), t->said);
    memcpy(to->metric, t->metric, sizeof(to->metric));
}

bool variant_has_numbers(const struct variant *t)
{
    return t->has && !*t->why;
}

double variant_value(const struct variant *t, int metric)
{
    return measured_value(&t->metric[metric]);
}

/* A value in the form that its row of metric_table asks for. */
static void value_text(const struct measured *m, enum metric_show show, char out[24])
{
    double v = measured_value(m);
    char number[16];

    switch (show) {
    case METRIC_YES:
        snprintf(out, 24, v > 0 ? "✓ yes" : "✗ no");
        break;
    case METRIC_COUNT:
        snprintf(out, 24, "%.0f/%.0f", m->part, m->whole);
        break;
    case METRIC_PERCENT:
        snprintf(out, 24, "%.1f %%", 100 * v);
        break;
    case METRIC_SMALL:
        snprintf(out, 24, v > 0 && v < 5e-6 ? "%.0e %%" : "%.3f %%", 100 * v);
        break;
    case METRIC_TIMES:
        snprintf(out, 24, v < 100 ? "%.2f×" : "%.0f×", v);
        break;
    case METRIC_SECONDS:
        snprintf(out, 24, "%.2f s", v);
        break;
    case METRIC_PROBABILITY:
        utf8_copy(out, 24, text_probability(number, v));
        break;
    }
}

const char *metric_text(const struct variant *t, int metric, char out[24])
{
    if (!variant_has_numbers(t))
        snprintf(out, 24, t->has ? "✗" : "·");
    else if (isnan(variant_value(t, metric)))
        snprintf(out, 24, "–");
    else
        value_text(&t->metric[metric], metric_table[metric].show, out);
    return out;
}

/* Two digits: .89 for 0.89, 1.2 for 1.23, 21 for 20.9. */
const char *metric_short(const struct variant *t, int metric, char out[16])
{
    double v = variant_value(t, metric);

    if (!variant_has_numbers(t))
        snprintf(out, 16, t->has ? "✗" : "·");
    else if (isnan(v))
        snprintf(out, 16, "–");
    else if (fabs(v) < 0.995)
        show_print(out, 16, "%s.%02d", v < 0 ? "-" : "", (int)lround(fabs(v) * 100));
    else if (fabs(v) < 9.95)
        snprintf(out, 16, "%.1f", v);
    else
        snprintf(out, 16, fabs(v) < 1e4 ? "%.0f" : "%.0e", v);
    return out;
}

bool metric_range(const struct variant *t, int count, int metric, double *low, double *high)
{
    bool any = false;

    for (int i = 0; i < count; i++) {
        double v = variant_value(&t[i], metric);

        if (!variant_has_numbers(&t[i]) || isnan(v))
            continue;
        *low = any && *low < v ? *low : v;
        *high = any && *high > v ? *high : v;
        any = true;
    }
    return any;
}

bool metric_flat(int metric, double low, double high)
{
    const struct metric *m = &metric_table[metric];
    double alike = fmax(m->resolution, 0.01 * fmax(fabs(low), fabs(high)));

    if (m->show == METRIC_YES || m->show == METRIC_COUNT) /* one of many counts */
        alike = 0;
    return high - low <= alike;
}

int metric_best(const struct variant *t, int count, int metric)
{
    int better = metric_table[metric].better;
    double low, high, want;

    if (!better || !metric_range(t, count, metric, &low, &high) || metric_flat(metric, low, high))
        return -1;
    want = better > 0 ? high : low;
    for (int i = 0; i < count; i++) {
        double v = variant_value(&t[i], metric);

        if (variant_has_numbers(&t[i]) && !(v < want) && !(v > want))
            return i;
    }
    return -1;
}
