/* Colours as theme files write them, and what terminals with fewer colours show instead. Pure
 * functions. "Nearest colour" means the smallest CIELAB distance, in which equal numbers look
 * equally different, not a rounding of the red, green and blue channels. */
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
const char *tier_words(enum tier tier); /* "no colours", "8 colours", ..., "24-bit colour" */

/* "#rrggbb", "0".."255" (xterm palette), "red", "bright-red", "grey" or "default"; false for
 * anything else. */
bool colour_parse(struct colour *c, const char *word);
/* 0xRRGGBB of an INDEX or RGB colour. */
uint32_t colour_rgb(struct colour c);
/* Linear mix in RGB; t = 0 gives a, 1 gives b. */
uint32_t colour_mix(uint32_t a, uint32_t b, double t);
/* CIELAB L*, 0 (black) to 100 (white). */
double colour_lightness(uint32_t rgb);
/* Contrast ratio of WCAG 2.1: (L1 + 0.05) / (L2 + 0.05) of relative luminances, 1 to 21. */
double colour_contrast(uint32_t a, uint32_t b);
/* Which kind of cone an eye misses, if any. */
enum vision { VISION_NORMAL, VISION_PROTAN, VISION_DEUTAN, VISION_TRITAN, VISION_COUNT };
const char *vision_name(enum vision vision); /* "normal", "protanopia", ... */
/* The colour as people with one kind of cone missing see it: Machado, Oliveira and Fernandes 2009,
 * severity 1, applied to linear RGB. VISION_NORMAL returns the colour itself. */
uint32_t colour_simulate(uint32_t rgb, enum vision vision);
/* CIELAB distance, Delta E*ab (1976). Below about 2 two colours look the same side by side. */
double colour_distance(uint32_t a, uint32_t b);
/* What a terminal of this tier is sent: -1 for its default colour, a palette index, or 0xRRGGBB for
 * TIER_DIRECT. */
int32_t colour_for(struct colour c, enum tier tier);

#endif
