/* Colours as theme files write them, and what a reduced terminal shows instead.
 *
 * Pure functions; nearness is CIELAB distance, not a rounding of channels. */
#ifndef TUI_COLOUR_H
#define TUI_COLOUR_H

#include <stdbool.h>
#include <stdint.h>

enum colour_kind { COLOUR_UNSET, COLOUR_DEFAULT, COLOUR_INDEX, COLOUR_RGB };

struct colour {
    enum colour_kind kind;
    uint32_t value; /* INDEX: 0..255 of the xterm palette; RGB: 0xRRGGBB */
};

enum tier { TIER_MONO, TIER_8, TIER_16, TIER_256, TIER_DIRECT };

/* "#rrggbb", "0".."255", "red", "bright-red", "default" */
bool colour_parse(struct colour *c, const char *word);
uint32_t colour_rgb(struct colour c);                  /* of an INDEX or RGB colour */
uint32_t colour_mix(uint32_t a, uint32_t b, double t); /* t = 0: a, 1: b; in RGB */
double colour_lightness(uint32_t rgb);                 /* CIELAB L*, 0..100 */
double colour_contrast(uint32_t a, uint32_t b);        /* WCAG ratio, 1..21 */
/* As eyes with one kind of cone missing see it: Machado, Oliveira and Fernandes 2009, severity 1,
 * applied to linear RGB. VISION_NORMAL gives the colour back. */
enum vision { VISION_NORMAL, VISION_PROTAN, VISION_DEUTAN, VISION_TRITAN, VISION_COUNT };
const char *vision_name(enum vision vision); /* "normal", "protanopia", ... */
uint32_t colour_simulate(uint32_t rgb, enum vision vision);
double colour_distance(uint32_t a, uint32_t b); /* CIELAB, Delta E*ab (1976) */
/* What a terminal of this tier takes: -1 for its default, an index, or 0xRRGGBB if DIRECT. */
int32_t colour_for(struct colour c, enum tier tier);

#endif
