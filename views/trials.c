#include "views/trials.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/show.h"
#include "core/base/utf8.h"
#include "tui/text.h"

static const struct {
    const char *name;
    int better;
} metrics[METRICS] = {
    [METRIC_P] = {"p(target)", 1},       [METRIC_SUCCESS] = {"success", 1},
    [METRIC_REPHRASE] = {"rephrase", 1}, [METRIC_LOCALITY] = {"locality", 1},
    [METRIC_KEPT] = {"neurons kept", 0}, [METRIC_GAIN] = {"gain", 1},
    [METRIC_LEAK] = {"leak", -1},        [METRIC_LEAK_RATIO] = {"leak/gain²", -1},
    [METRIC_NORM] = {"‖ΔW‖/‖W‖", -1},    [METRIC_LEFT] = {"residual left", -1},
    [METRIC_SECONDS] = {"seconds", 0},
};

static double share(int part, int whole)
{
    return whole ? (double)part / whole : (double)NAN;
}

void trials_now(struct trials_about *a, const struct desk *d)
{
    char subject[64], target[48];

    text_piece(subject, sizeof(subject), d->fact.subject ? d->fact.subject : "no fact");
    text_piece(target, sizeof(target), d->fact.target ? d->fact.target : "?");
    show_print(a->fact, sizeof(a->fact), "%s → %s", subject, target);
    memcpy(a->state, d->state.state, sizeof(a->state));
}

const char *trials_title(const struct trials_about *a, const struct desk *d, const char *word,
                         char out[160])
{
    struct trials_about now;

    trials_now(&now, d);
    show_print(out, 160, "%s: %s", word, *a->fact ? a->fact : now.fact);
    return out;
}

const char *trials_stale(const struct trials_about *a, const struct desk *d)
{
    struct trials_about now;

    trials_now(&now, d);
    if (!*a->fact)
        return "";
    if (strcmp(a->fact, now.fact) != 0)
        return "another fact than now";
    return strcmp(a->state, now.state) != 0 ? "on other weights than now" : "";
}

void trial_take(struct trial *to, const struct tried *t)
{
    double *m = to->metric;

    *to = (struct trial){.has = true,
                         .p_before = t->p_target[0],
                         .rephrase_ok = t->rephrase_ok,
                         .rephrases = t->rephrases,
                         .locality_kept = t->locality_kept,
                         .localities = t->localities};
    utf8_copy(to->why, sizeof(to->why), t->why);
    utf8_copy(to->said, sizeof(to->said), t->said);
    m[METRIC_P] = t->p_target[1];
    m[METRIC_SUCCESS] = t->success;
    m[METRIC_REPHRASE] = share(t->rephrase_ok, t->rephrases);
    m[METRIC_LOCALITY] = share(t->locality_kept, t->localities);
    m[METRIC_KEPT] = t->share_kept;
    for (int i = 0; i < t->applied.layers; i++) {
        m[METRIC_GAIN] += t->applied.layer[i].gain_mask / t->applied.layers;
        m[METRIC_LEAK] += t->applied.layer[i].leak / t->applied.layers;
    }
    m[METRIC_LEAK_RATIO] = t->leak_ratio;
    m[METRIC_NORM] = t->relative_norm;
    m[METRIC_LEFT] = t->applied.z_error;
    m[METRIC_SECONDS] = t->seconds;
}

bool trial_stands(const struct trial *t)
{
    return t->has && !*t->why;
}

const char *metric_name(enum metric m)
{
    return metrics[m].name;
}

int metric_better(enum metric m)
{
    return metrics[m].better;
}

const char *metric_text(const struct trial *t, enum metric m, char out[24])
{
    double v = t->metric[m];
    char number[16];

    if (!trial_stands(t)) {
        snprintf(out, 24, t->has ? "✗" : "·");
    } else if (m == METRIC_SUCCESS) {
        snprintf(out, 24, v > 0 ? "✓ yes" : "✗ no");
    } else if (isnan(v)) {
        snprintf(out, 24, "–");
    } else if (m == METRIC_REPHRASE) {
        snprintf(out, 24, "%d/%d", t->rephrase_ok, t->rephrases);
    } else if (m == METRIC_LOCALITY) {
        snprintf(out, 24, "%d/%d", t->locality_kept, t->localities);
    } else if (m == METRIC_KEPT) {
        snprintf(out, 24, "%.1f %%", 100 * v);
    } else if (m == METRIC_LEAK_RATIO) {
        snprintf(out, 24, v < 100 ? "%.2f×" : "%.0f×", v);
    } else if (m == METRIC_NORM) {
        snprintf(out, 24, v > 0 && v < 5e-6 ? "%.0e %%" : "%.3f %%", 100 * v);
    } else if (m == METRIC_SECONDS) {
        snprintf(out, 24, "%.2f s", v);
    } else {
        utf8_copy(out, 24, text_probability(number, v));
    }
    return out;
}

/* .89 of 0.89; 1.2 of 1.23; 21 of 20.9 */
const char *metric_short(const struct trial *t, enum metric m, char out[16])
{
    double v = t->metric[m];

    if (!trial_stands(t))
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

bool metric_range(const struct trial *t, int count, enum metric m, double *low, double *high)
{
    bool any = false;

    for (int i = 0; i < count; i++) {
        double v = t[i].metric[m];

        if (!trial_stands(&t[i]) || isnan(v))
            continue;
        *low = any && *low < v ? *low : v;
        *high = any && *high > v ? *high : v;
        any = true;
    }
    return any;
}

int metric_best(const struct trial *t, int count, enum metric m)
{
    double low, high, want;

    if (!metrics[m].better || !metric_range(t, count, m, &low, &high) || !(high > low))
        return -1;
    want = metrics[m].better > 0 ? high : low;
    for (int i = 0; i < count; i++)
        if (trial_stands(&t[i]) && !(t[i].metric[m] < want) && !(t[i].metric[m] > want))
            return i;
    return -1;
}
