/* What an edit wrote, or would write, in words: for the verdict and the dialog before a commit. */
#include <math.h>
#include <stdio.h>

#include "core/base/show.h"
#include "tui/text.h"
#include "views/verdict_card.h"

static double norm_of(const struct layer_report *l)
{
    return l->weight_norm > 0 ? 100 * l->delta_norm / l->weight_norm : (double)NAN;
}

/* Whether the method solves for no key, as fine-tuning does; else gains are known or not stored. */
static bool no_key(const struct layer_report *l)
{
    return isnan(l->gain_mask) && l->weight_norm > 0;
}

static double leak_of(const struct layer_report *l)
{
    return l->leak_ratio;
}

/* Two digits; hundreds as they are in Ratios, not as powers of ten. */
static const char *two_digits(char out[16], double x)
{
    snprintf(out, 16, x >= 99.5 && x < 1e6 ? "%.0f" : "%.2g", x);
    return out;
}

static void put_range(struct buf *out, const struct edit_report *a,
                      double (*value)(const struct layer_report *l), const char *unit)
{
    double low = (double)INFINITY, high = -(double)INFINITY;
    char number[2][16];

    for (int i = 0; i < a->layers; i++) {
        double x = value(&a->layer[i]);

        low = x < low ? x : low;
        high = x > high ? x : high;
    }
    if (low > high)
        buf_puts(out, "not known");
    else if (low < high)
        buf_printf(out, "%s–%s%s", two_digits(number[0], low), two_digits(number[1], high), unit);
    else
        buf_printf(out, "%s%s", two_digits(number[0], low), unit);
}

/* "2,610 of 7,680 columns in L4–8, ‖ΔW‖/‖W‖ 2.4–8.2 %, leak/gain² 4.1–19×" */
static void put_columns(const struct ui_state *d, const struct edit_report *a, struct buf *out)
{
    char kept[32], all[32], range[48];
    bool keyless = true;
    long sum = 0;

    for (int i = 0; i < a->layers; i++) {
        sum += a->layer[i].kept;
        keyless &= no_key(&a->layer[i]);
    }
    buf_printf(out, "%s of %s columns in %s, ‖ΔW‖/‖W‖ ", text_thousands(kept, sum),
               text_thousands(all, (long long)a->layers * d->model.neurons),
               report_range(a, range));
    put_range(out, a, norm_of, " %");
    buf_puts(out, keyless ? ", no gain and leak" : ", leak/gain² ");
    if (!keyless)
        put_range(out, a, leak_of, "×");
}

void put_written(struct buf *out, const struct ui_state *d, const struct edit_report *a)
{
    if (!report_writes(a)) {
        buf_puts(out, "no weight: the model says so already");
        return;
    }
    if (a->layers)
        put_columns(d, a, out);
    if (*a->beside)
        show_format(out, "%s%s", a->layers ? "; " : "no weight; ", a->beside);
}

void put_written_layer(struct buf *out, const struct ui_state *d, const struct layer_report *l)
{
    char kept[32], all[32], norm[32] = "not known", leak[16];

    text_thousands(kept, l->kept);
    text_thousands(all, d->model.neurons);
    if (l->weight_norm > 0)
        snprintf(norm, sizeof(norm), "%.2g %%", norm_of(l));
    if (l->weight_norm > 0 && !(l->delta_norm > 0))
        buf_printf(out, "L%d: nothing, in %s chosen of %s columns", l->layer, kept, all);
    else if (no_key(l))
        buf_printf(out, "L%d: %s of %s columns, ‖ΔW‖/‖W‖ %s, no gain and leak", l->layer, kept, all,
                   norm);
    else if (isnan(l->gain_mask))
        buf_printf(out, "L%d: %s of %s columns, ‖ΔW‖ %.3g; gain, leak and ‖W‖ not stored", l->layer,
                   kept, all, l->delta_norm);
    else
        buf_printf(out, "L%d: %s of %s columns, ‖ΔW‖/‖W‖ %s, gain %.2g, leak %.2g, leak/gain² %s×",
                   l->layer, kept, all, norm, l->gain_mask, l->leak,
                   two_digits(leak, l->leak_ratio));
}
