/* Checks a theme for its author: roles that were left without a look, text with little contrast,
 * ramps whose lightness does not rise all the way, and colours that people with a colour vision
 * deficiency cannot tell apart. */
#include <math.h>

#include "core/base/buf.h"
#include "tui/theme.h"

/* The RGB value of a palette's number. false for colours that the user's terminal defines: the
 * default and, below direct colour, indices under 16. */
static bool rgb_of(int32_t colour, enum tier tier, uint32_t *rgb)
{
    if (colour < 0 || (tier < TIER_DIRECT && colour < 16))
        return false;
    *rgb = colour_rgb(
        (struct colour){tier == TIER_DIRECT ? COLOUR_RGB : COLOUR_INDEX, (uint32_t)colour});
    return true;
}

/* The contrast a role needs by WCAG 2.1: 4.5 for text (1.4.3), 3 for marks (1.4.11), 1 for lines
 * that only divide. */
static double least_contrast(enum role role)
{
    switch (role) {
    case ROLE_BORDER:
    case ROLE_TRACK:
    case ROLE_EMPTY:
    case ROLE_FILL:
        return 1;
    case ROLE_NONE:
    case ROLE_CURVE:
        return CONTRAST_GRAPHIC_TENTHS / 10.0;
    default:
        return CONTRAST_TEXT_TENTHS / 10.0;
    }
}

static int check_role(const struct theme *t, const struct palette *p, enum role role,
                      struct buf *out)
{
    const struct style *s = &t->role[role];
    int32_t backdrop = p->bg[role] == -2 ? p->bg[ROLE_TEXT] : p->bg[role];
    double need = least_contrast(role), ratio;
    uint32_t fg, bg;

    if (s->fg.kind == COLOUR_UNSET && s->bg.kind == COLOUR_UNSET && !s->attrs && !t->given[role]) {
        if (p->caps.tier == TIER_DIRECT)
            buf_printf(out, "%s: not set; needs a colour or an attribute\n", role_name(role));
        return p->caps.tier == TIER_DIRECT;
    }
    if (!rgb_of(p->fg[role], p->caps.tier, &fg) || !rgb_of(backdrop, p->caps.tier, &bg))
        return 0;
    ratio = colour_contrast(fg, bg);
    if (ratio >= need)
        return 0;
    buf_printf(out, "%s: #%06x on #%06x (%s): contrast %.2f, needs %.1f\n", role_name(role), fg, bg,
               tier_words(p->caps.tier), ratio, need);
    return 1;
}

/* Lightness has to rise (or fall) by at least `least` from each colour of a ramp to the next; on a
 * ramp with a middle, up to the middle and back. Reports the first colour that breaks this; returns
 * 1, else 0. */
static int check_ramp_lightness(const char *name, const struct colour *c, int n, bool middle,
                                double least, const char *tier, struct buf *out)
{
    double first =
        n > 1 ? colour_lightness(colour_rgb(c[1])) - colour_lightness(colour_rgb(c[0])) : 0;

    for (int i = 1; i < n; i++) {
        double before = colour_lightness(colour_rgb(c[i - 1]));
        double now = colour_lightness(colour_rgb(c[i]));
        double way = middle && 2 * i > n - 1 ? -first : first;
        bool on_top = middle && 2 * i - 1 == n - 1; /* two steps share the middle */

        if (on_top || ((now - before) * way > 0 && fabs(now - before) >= least))
            continue;
        buf_printf(out, "ramp %s: colour %d (%s), L* %.1f after %.1f; needs to %s", name, i + 1,
                   tier, now, before, way > 0 ? "rise" : "fall");
        if (least > 0)
            buf_printf(out, " by %.0f or more", least);
        buf_printf(out, " all the way%s\n", middle ? " to the middle and back" : "");
        return 1;
    }
    return 0;
}

static int check_ramp(const struct theme *t, enum ramp ramp, struct buf *out)
{
    const struct ramp_stops *r = &t->ramp[ramp];
    bool middle = ramp == RAMP_DIVERGE;

    if (!r->stops) {
        buf_printf(out, "ramp %s: not set; needs two colours or more\n", ramp_name(ramp));
        return 1;
    }
    return check_ramp_lightness(ramp_name(ramp), r->stop, r->stops, middle, 0,
                                tier_words(TIER_DIRECT), out) +
           check_ramp_lightness(ramp_name(ramp), r->step, r->steps, middle,
                                ramp == RAMP_HEAT ? HEAT_STEP_LEAST : 0, tier_words(TIER_256), out);
}

/* The two colours must differ by CIELAB distance 15 for normal vision and for each deficiency.
 * Returns how many of the four fail. */
static int check_pair(const struct palette *p, enum role a, enum role b, struct buf *out)
{
    uint32_t x, y;
    int bad = 0;

    if (!rgb_of(p->fg[a], p->caps.tier, &x) || !rgb_of(p->fg[b], p->caps.tier, &y))
        return 0;
    for (int v = 0; v < VISION_COUNT; v++) {
        enum vision vision = (enum vision)v;
        double d = colour_distance(colour_simulate(x, vision), colour_simulate(y, vision));

        if (d >= DISTANCE_LEAST)
            continue;
        buf_printf(out, "%s and %s: #%06x and #%06x (%s), %s vision: distance %.1f, needs %d\n",
                   role_name(a), role_name(b), x, y, tier_words(p->caps.tier), vision_name(vision),
                   d, DISTANCE_LEAST);
        bad++;
    }
    return bad;
}

/* Old and new object, and each pair of neuron classes, carry meaning by colour: these pairs are
 * checked. */
int theme_check(const struct theme *theme, struct buf *out)
{
    static const enum role classes[] = {ROLE_GENERAL, ROLE_SPECIFIC, ROLE_BOTH, ROLE_NONE};
    int bad = 0;

    for (int tier = TIER_DIRECT; tier >= (int)TIER_256; tier--) {
        struct palette p;

        palette_build(&p, theme, (struct caps){.tier = (enum tier)tier});
        if (theme->limited && theme->most < (enum tier)tier && tier < (int)TIER_DIRECT)
            continue;
        for (int r = 0; r < ROLE_COUNT; r++)
            bad += check_role(theme, &p, (enum role)r, out);
        if (theme->limited && theme->most < TIER_256)
            continue; /* its colours are the terminal's */
        for (int i = 0; i < 4; i++)
            for (int k = i + 1; k < 4; k++)
                bad += check_pair(&p, classes[i], classes[k], out);
        bad += check_pair(&p, ROLE_OLD, ROLE_NEW, out);
    }
    for (int r = 0; r < RAMP_COUNT; r++)
        bad += check_ramp(theme, (enum ramp)r, out);
    return bad;
}
