/* From what a cell means to what one terminal is sent.
 *
 * Three questions are answered once per theme and terminal, by palette_build():
 *
 * 1. Which tier? The terminal's (direct colour, 256, 16, 8 or no colours), or fewer if the theme
 *    says `tier = 16`.
 * 2. How does each role look? A theme may give up to four styles for a role:
 *
 *      error = #ff5f5f bold | 203 bold | bright-red | bold reverse
 *              direct         256        16 and 8     no colours
 *
 *    A missing style is taken from its left, the one for no colours from the first. Its colours
 *    are then replaced by the nearest ones of the tier (colour_for()): "#ff5f5f" alone, on 8
 *    colours, is index 1, red.
 *
 * 3. Which colour has each of the 256 levels of a ramp? A theme lists stops, such as "#000000
 *    #b30000 #ffff00"; between two stops the colours are mixed in RGB. For 256 colours it may list
 *    palette indices as well (`heat.256 = 16 52 88 ...`), used without mixing. Below 256 colours
 *    ramps have no colours.
 *
 * palette_paint() then turns one cell into text, colours and attributes, for every frame:
 *
 *   text with a role           the role's colours, whatever the tier
 *   ▀ with two colour slots    256 or more: the levels' colours as foreground and background.
 *                              Fewer: one shade " ░▒▓█" for the larger of the two values;
 *                              ".:-=+*#%@" in ASCII; on a diverging ramp a digit 1-9 above zero, a
 *                              letter a-i below. ASCII with 256 or more: these on the level's
 *                              colour.
 *   text on a level            256 or more: black or white on the level's colour. Fewer: the text
 *                              alone, bold for high levels, dim for low ones.
 *
 * Last, glyphs that the terminal cannot show are replaced: by ASCII (caps.ascii), or braille by
 * blocks (caps.no_braille, the Linux console). */
#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/utf8.h"
#include "tui/text.h"
#include "tui/theme.h"

/* The style of a role for this tier: its own, else the nearest richer one that the theme has;
 * without colours, the richest. */
static const struct style *style_for(const struct theme *t, enum role r, enum tier tier)
{
    int at = tier == TIER_DIRECT ? -1 : tier == TIER_256 ? 0 : tier >= TIER_8 ? 1 : 2;

    if (tier == TIER_MONO && !(t->given[r] & 4))
        at = -1; /* its attributes are all that shows */
    while (at >= 0 && !(t->given[r] & 1u << at))
        at--;
    return at < 0 ? &t->role[r] : &t->reduced[r][at];
}

/* Fills fg, bg and attrs of one role. Two repairs for terminals with few colours: text whose colour
 * falls on its own background becomes black or white, and without colours a role that had a
 * background of its own is shown in reverse. */
static void build_role(struct palette *p, const struct theme *t, enum role r)
{
    const struct style *style = style_for(t, r, p->tier), *text = style_for(t, ROLE_TEXT, p->tier);
    bool unset = style->fg.kind == COLOUR_UNSET && r != ROLE_TEXT;
    enum tier tier = p->tier;

    p->fg[r] = colour_for(unset ? text->fg : style->fg, tier);
    p->bg[r] = style->bg.kind == COLOUR_UNSET ? -2 : colour_for(style->bg, tier);
    p->attrs[r] = style->attrs;
    if (tier == TIER_8 && style->fg.kind == COLOUR_INDEX && style->fg.value >= 8 &&
        style->fg.value < 16)
        p->attrs[r] |= ATTR_BOLD;
    if (tier <= TIER_16 && p->fg[r] >= 0) {
        int32_t bg = p->bg[r] == -2 ? colour_for(text->bg, tier) : p->bg[r];

        if (p->fg[r] == bg)
            p->fg[r] = bg == 0 ? 7 : 0;
    }
    if (tier == TIER_MONO && !(t->given[r] & 4) && style->bg.kind > COLOUR_DEFAULT &&
        r != ROLE_TEXT && r != ROLE_TOKEN && r != ROLE_FIELD && r != ROLE_DIALOG)
        p->attrs[r] |= ATTR_REVERSE;
}

/* For each level of a ramp black or white, whichever has the higher contrast on it. */
static void build_text_on(const int32_t *level, enum tier tier, int32_t *on)
{
    for (int i = 0; i < RAMP_LEVELS; i++) {
        enum colour_kind kind = tier == TIER_DIRECT ? COLOUR_RGB : COLOUR_INDEX;
        uint32_t rgb;

        on[i] = -1;
        if (level[i] < 0)
            continue;
        rgb = colour_rgb((struct colour){kind, (uint32_t)level[i]});
        on[i] = colour_contrast(rgb, 0) > colour_contrast(rgb, 0xffffff)
                    ? colour_for((struct colour){COLOUR_RGB, 0x000000}, tier)
                    : colour_for((struct colour){COLOUR_RGB, 0xffffff}, tier);
    }
}

/* The 256 levels of a ramp: a theme's own steps for 256 colours, or a mix of its stops. Mixed
 * levels go in groups of four: 64 steps are enough for the eye, and longer runs of equal colour
 * need fewer bytes on the way to the terminal. */
static void build_ramp(struct palette *p, const struct ramp_stops *r, int32_t *level)
{
    for (int i = 0; i < RAMP_LEVELS; i++) {
        double t = (double)(i / 4) / (RAMP_LEVELS / 4 - 1);
        int at;

        level[i] = -1;
        if (r->stops < 2 || p->tier < TIER_256)
            continue;
        if (p->tier == TIER_256 && r->steps) {
            at = i * r->steps / RAMP_LEVELS;
            level[i] = colour_for(r->step[at], TIER_256);
            continue;
        }
        at = (int)(t * (r->stops - 1));
        at = at > r->stops - 2 ? r->stops - 2 : at;
        level[i] = colour_for((struct colour){COLOUR_RGB, colour_mix(colour_rgb(r->stop[at]),
                                                                     colour_rgb(r->stop[at + 1]),
                                                                     t * (r->stops - 1) - at)},
                              p->tier);
    }
}

/* A direct-colour terminal takes no palette indices, so those of a theme limited to fewer colours
 * are sent as RGB. */
static void palette_indices_to_rgb(struct palette *p)
{
    int32_t *const list[] = {p->fg, p->bg, p->ramp[0], p->on_ramp[0]};
    const int count[] = {ROLE_COUNT, ROLE_COUNT, RAMP_COUNT * RAMP_LEVELS,
                         RAMP_COUNT * RAMP_LEVELS};

    for (int k = 0; k < 4; k++)
        for (int i = 0; i < count[k]; i++)
            if (list[k][i] >= 0)
                list[k][i] =
                    (int32_t)colour_rgb((struct colour){COLOUR_INDEX, (uint32_t)list[k][i]});
}

void palette_build(struct palette *p, const struct theme *theme, struct caps caps)
{
    p->caps = caps;
    p->caps.ascii |= theme->ascii;
    p->tier = theme->limited && theme->most < caps.tier ? theme->most : caps.tier;
    for (int r = 0; r < ROLE_COUNT; r++)
        build_role(p, theme, (enum role)r);
    for (int r = 0; r < RAMP_COUNT; r++) {
        build_ramp(p, &theme->ramp[r], p->ramp[r]);
        build_text_on(p->ramp[r], p->tier, p->on_ramp[r]);
    }
    if (p->bg[ROLE_TEXT] == -2)
        p->bg[ROLE_TEXT] = -1;
    if (caps.tier == TIER_DIRECT && p->tier < TIER_DIRECT)
        palette_indices_to_rgb(p);
}

/* The colour of a colour slot; `otherwise` where there is none. */
static int32_t slot_colour(const struct palette *p, uint16_t slot, int32_t otherwise)
{
    if (slot == COLOUR_SLOT_NONE)
        return otherwise;
    if (slot & 0x8000)
        return p->fg[(slot & 0x7fff) % ROLE_COUNT];
    return p->ramp[(slot - 1) / RAMP_LEVELS % RAMP_COUNT][(slot - 1) % RAMP_LEVELS];
}

/* The level 0..255 in a slot of a ramp; -1 for a role or none. */
static int slot_level(uint16_t slot)
{
    return slot == COLOUR_SLOT_NONE || slot & 0x8000 ? -1 : (slot - 1) % RAMP_LEVELS;
}

static void replace_glyph(struct paint *out, const char *glyph)
{
    snprintf(out->text, sizeof(out->text), "%s", glyph);
}

/* Whether the slot is of the ramp whose middle is zero. */
static bool slot_diverges(uint16_t slot)
{
    return slot_level(slot) >= 0 && (slot - 1) / RAMP_LEVELS == RAMP_DIVERGE;
}

/* How far from zero the value in a slot is, 0..255; -1 if it is not of a ramp. */
static int slot_size(uint16_t slot)
{
    int level = slot_level(slot);

    return level < 0              ? -1
           : !slot_diverges(slot) ? level
           : level < 128          ? 255 - 2 * level
                                  : 2 * level - 256;
}

/* A heat cell without colours or in ASCII, see the table in the opening comment. The rule of a
 * heatmap stays. */
static void paint_shade(const struct palette *p, const struct cell *c, struct paint *out)
{
    static const char *const utf8[] = {" ", "░", "▒", "▓", "█"};
    static const char ascii[] = " .:-=+*#%@", above[] = " 123456789", below[] = " abcdefghi";
    uint16_t slot = slot_size(c->fg) > slot_size(c->bg) ? c->fg : c->bg;
    int level = slot_size(slot);

    if ((c->fg | c->bg) & 0x8000) {
        replace_glyph(out, p->caps.ascii ? "|" : "│");
    } else if (slot_diverges(slot)) {
        out->text[0] = (slot_level(slot) < 128 ? below : above)[level * 10 / RAMP_LEVELS];
        out->text[1] = '\0';
    } else if (p->caps.ascii) {
        out->text[0] = ascii[level * 10 / RAMP_LEVELS];
        out->text[1] = '\0';
    } else {
        replace_glyph(out, utf8[level * 5 / RAMP_LEVELS]);
    }
    out->fg = p->fg[ROLE_TEXT];
    out->bg = p->bg[c->backdrop] == -2 ? p->bg[ROLE_TEXT] : p->bg[c->backdrop];
    if (p->tier >= TIER_256 && slot_level(slot) >= 0) { /* ASCII on the level's colour */
        out->bg = slot_colour(p, slot, out->bg);
        out->fg = p->on_ramp[(slot - 1) / RAMP_LEVELS % RAMP_COUNT][slot_level(slot)];
    }
}

/* Heatmaps draw their samples as these blocks. Any other character on a level of a ramp is text. */
static bool is_block(const char *text)
{
    return !strcmp(text, "▀") || !strcmp(text, "▄") || !strcmp(text, "█");
}

/* Text with a level of a ramp behind it: without colours the text remains, its weight says more
 * or less. */
static void paint_text_on_ramp(const struct palette *p, const struct cell *c, struct paint *out)
{
    int size = slot_size(c->bg), ramp = (c->bg - 1) / RAMP_LEVELS % RAMP_COUNT;

    if (p->tier >= TIER_256) {
        if (c->fg == COLOUR_SLOT_NONE)
            out->fg = p->on_ramp[ramp][slot_level(c->bg)];
    } else {
        out->bg = p->bg[c->backdrop] == -2 ? p->bg[ROLE_TEXT] : p->bg[c->backdrop];
        out->attrs |= size >= 170 ? ATTR_BOLD : size < 64 ? ATTR_DIM : 0;
    }
}

/* Replaces the glyph by one ASCII character, a wide one by a character and a blank. */
static void paint_to_ascii(struct paint *out, enum role role)
{
    const char *text = out->text;
    struct grapheme g;

    if (text_next(&text, &g)) {
        out->text[0] = text_ascii(g.code);
        if (g.code == 0x25cf && role == ROLE_SPECIFIC) /* the classes are G, S and B */
            out->text[0] = 'S';
        out->text[1] = g.width == 2 ? ' ' : '\0';
        out->text[2] = '\0';
    }
}

/* The Linux console's font has blocks but no braille: the nearest block. */
static void paint_without_braille(struct paint *out)
{
    const char *text = out->text;
    struct grapheme g;

    if (!text_next(&text, &g) || g.code < 0x2800 || g.code > 0x28ff)
        return;
    replace_glyph(out, g.code == 0x2800   ? " "
                       : !(g.code & 0xe4) ? "▀"
                       : !(g.code & 0x1b) ? "▄"
                                          : "█");
}

void palette_paint(const struct palette *p, const struct cell *c, struct paint *out)
{
    int32_t backdrop = p->bg[c->backdrop] == -2 ? p->bg[ROLE_TEXT] : p->bg[c->backdrop];

    memcpy(out->text, c->text, sizeof(out->text));
    out->attrs = p->attrs[c->role];
    out->fg = slot_colour(p, c->fg, p->fg[c->role]);
    out->bg = slot_colour(p, c->bg,
                          c->role == ROLE_TEXT || p->bg[c->role] == -2 ? backdrop : p->bg[c->role]);
    if (slot_level(c->bg) >= 0 && !is_block(c->text))
        paint_text_on_ramp(p, c, out);
    else if ((p->tier < TIER_256 || p->caps.ascii) &&
             (slot_level(c->fg) >= 0 || slot_level(c->bg) >= 0)) {
        paint_shade(p, c, out);
        return;
    }
    if (p->tier == TIER_MONO && p->bg[c->role] == -2)
        out->attrs |= p->attrs[c->backdrop] & ATTR_REVERSE;
    if (p->caps.ascii)
        paint_to_ascii(out, (enum role)c->role);
    else if (p->caps.no_braille)
        paint_without_braille(out);
}

/* The SGR parameter of a colour: 39 default, 31 or 91 index below 16, 38;5;N or 38;2;R;G;B (and 49,
 * 41 ... for backgrounds). */
static void put_sgr_colour(struct buf *out, int32_t colour, int base, enum tier tier)
{
    if (colour < 0)
        buf_printf(out, ";%d", base + 9);
    else if (tier == TIER_DIRECT)
        buf_printf(out, ";%d;2;%d;%d;%d", base + 8, (int)(colour >> 16), (int)(colour >> 8 & 255),
                   (int)(colour & 255));
    else if (tier == TIER_256)
        buf_printf(out, ";%d;5;%d", base + 8, (int)colour);
    else
        buf_printf(out, ";%d", (int)colour < 8 ? base + (int)colour : base + 52 + (int)colour);
}

void paint_sgr(const struct paint *paint, enum tier tier, struct buf *out)
{
    static const char code[5] = {'1', '2', '3', '4', '7'};

    buf_puts(out, "\033[0");
    for (int i = 0; i < 5; i++)
        if (paint->attrs & 1u << i)
            buf_printf(out, ";%c", code[i]);
    if (tier != TIER_MONO) {
        put_sgr_colour(out, paint->fg, 30, tier);
        put_sgr_colour(out, paint->bg, 40, tier);
    }
    buf_puts(out, "m");
}

void surface_ansi(const struct surface *s, const struct palette *p, struct buf *out)
{
    for (int y = 0; y < s->h; y++) {
        struct paint last = {.fg = -3};

        for (int x = 0; x < s->w; x++) {
            const struct cell *c = &s->cells[y * s->w + x];
            struct paint paint;

            if (!c->width)
                continue;
            palette_paint(p, c, &paint);
            if (paint.fg != last.fg || paint.bg != last.bg || paint.attrs != last.attrs)
                paint_sgr(&paint, p->caps.tier, out);
            buf_puts(out, paint.text);
            last = paint;
        }
        buf_puts(out, "\033[0m\n");
    }
}
