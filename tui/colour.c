/* Names and numbers of colours, the nearest colour in a smaller palette, and contrast. The chain is
 * sRGB channel -> linear light -> luminance or CIELAB; formulas are those of the sRGB and CIE
 * standards. */
#include "tui/colour.h"

#include <ctype.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t system_colours[16] = {
    0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5,
    0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff,
};

static const char *const names[8] = {"black", "red",     "green", "yellow",
                                     "blue",  "magenta", "cyan",  "white"};

static bool parse_name(struct colour *c, const char *word)
{
    uint32_t bright = 0;

    if (!strncmp(word, "bright-", 7)) {
        bright = 8;
        word += 7;
    } else if (!strcmp(word, "grey") || !strcmp(word, "gray")) {
        *c = (struct colour){COLOUR_INDEX, 8};
        return true;
    }
    for (uint32_t i = 0; i < 8; i++)
        if (!strcmp(word, names[i])) {
            *c = (struct colour){COLOUR_INDEX, i + bright};
            return true;
        }
    return false;
}

bool colour_parse(struct colour *c, const char *word)
{
    char *end;
    long n;

    if (!strcmp(word, "default")) {
        *c = (struct colour){COLOUR_DEFAULT, 0};
        return true;
    }
    if (word[0] == '#') {
        if (strlen(word) != 7 || strspn(word + 1, "0123456789abcdefABCDEF") != 6)
            return false;
        *c = (struct colour){COLOUR_RGB, (uint32_t)strtoul(word + 1, NULL, 16)};
        return true;
    }
    if (!isdigit((unsigned char)word[0]))
        return parse_name(c, word);
    n = strtol(word, &end, 10);
    if (*end || n > 255)
        return false;
    *c = (struct colour){COLOUR_INDEX, (uint32_t)n};
    return true;
}

/* The xterm palette: 0-15 the system colours (users change them; these are xterm's defaults),
 * 16-231 a cube of 6 x 6 x 6, 232-255 a ramp of greys. */
static uint32_t index_rgb(uint32_t i)
{
    static const uint32_t level[6] = {0, 95, 135, 175, 215, 255};

    if (i < 16)
        return system_colours[i];
    if (i >= 232)
        return (8 + 10 * (i - 232)) * 0x010101u;
    i -= 16;
    return level[i / 36] << 16 | level[i / 6 % 6] << 8 | level[i % 6];
}

uint32_t colour_rgb(struct colour c)
{
    return c.kind == COLOUR_INDEX ? index_rgb(c.value & 255) : c.value;
}

uint32_t colour_mix(uint32_t a, uint32_t b, double t)
{
    uint32_t out = 0;

    for (int shift = 16; shift >= 0; shift -= 8) {
        double x = a >> shift & 255, y = b >> shift & 255;

        out |= (uint32_t)lround(x + (y - x) * t) << shift;
    }
    return out;
}

/* An sRGB channel 0..255 as linear light 0..1. */
static double srgb_linear(uint32_t channel)
{
    double c = (double)channel / 255;

    return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

/* Y of the colour, 0..1: what contrast and lightness are computed from. */
static double relative_luminance(uint32_t rgb)
{
    return 0.2126 * srgb_linear(rgb >> 16 & 255) + 0.7152 * srgb_linear(rgb >> 8 & 255) +
           0.0722 * srgb_linear(rgb & 255);
}

/* The CIELAB curve f(t): a cube root, with a straight piece near 0. */
static double lab_curve(double t)
{
    return t > 216.0 / 24389 ? cbrt(t) : (24389.0 / 27 * t + 16) / 116;
}

/* L*, a*, b* of an sRGB colour under the white point D65. */
static void lab_of(uint32_t rgb, double lab[3])
{
    double r = srgb_linear(rgb >> 16 & 255), g = srgb_linear(rgb >> 8 & 255),
           b = srgb_linear(rgb & 255);
    double x = lab_curve((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047);
    double y = lab_curve(0.2126 * r + 0.7152 * g + 0.0722 * b);
    double z = lab_curve((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883);

    lab[0] = 116 * y - 16;
    lab[1] = 500 * (x - y);
    lab[2] = 200 * (y - z);
}

double colour_lightness(uint32_t rgb)
{
    return 116 * lab_curve(relative_luminance(rgb)) - 16;
}

double colour_contrast(uint32_t a, uint32_t b)
{
    double x = relative_luminance(a) + 0.05, y = relative_luminance(b) + 0.05;

    return x > y ? x / y : y / x;
}

const char *vision_name(enum vision vision)
{
    static const char *const vision_names[VISION_COUNT] = {"normal", "protanopia", "deuteranopia",
                                                           "tritanopia"};

    return vision_names[vision];
}

/* Linear light as an sRGB channel: the inverse of srgb_linear(). */
static uint32_t srgb_encoded(double c)
{
    c = c < 0 ? 0 : c > 1 ? 1 : c;
    return (uint32_t)lround(255 * (c <= 0.0031308 ? 12.92 * c : 1.055 * pow(c, 1 / 2.4) - 0.055));
}

uint32_t colour_simulate(uint32_t rgb, enum vision vision)
{
    /* table 1 of the paper at severity 1.0 */
    static const double matrix[VISION_COUNT - 1][3][3] = {
        {{0.152286, 1.052583, -0.204868},
         {0.114503, 0.786281, 0.099216},
         {-0.003882, -0.048116, 1.051998}},
        {{0.367322, 0.860646, -0.227968},
         {0.280085, 0.672501, 0.047413},
         {-0.011820, 0.042940, 0.968881}},
        {{1.255528, -0.076749, -0.178779},
         {-0.078411, 0.930809, 0.147602},
         {0.004733, 0.691367, 0.303900}},
    };
    double in[3] = {srgb_linear(rgb >> 16 & 255), srgb_linear(rgb >> 8 & 255),
                    srgb_linear(rgb & 255)};
    uint32_t out = 0;

    if (vision == VISION_NORMAL)
        return rgb;
    for (int i = 0; i < 3; i++) {
        const double *m = matrix[vision - 1][i];

        out = out << 8 | srgb_encoded(m[0] * in[0] + m[1] * in[1] + m[2] * in[2]);
    }
    return out;
}

double colour_distance(uint32_t a, uint32_t b)
{
    double x[3], y[3];

    lab_of(a, x);
    lab_of(b, y);
    return sqrt((x[0] - y[0]) * (x[0] - y[0]) + (x[1] - y[1]) * (x[1] - y[1]) +
                (x[2] - y[2]) * (x[2] - y[2]));
}

static double index_lab[256][3];
static pthread_once_t index_lab_once = PTHREAD_ONCE_INIT;

static void fill_index_lab(void)
{
    for (uint32_t i = 0; i < 256; i++)
        lab_of(index_rgb(i), index_lab[i]);
}

/* The palette index in [from, to) nearest to the colour. A palette asks for hundreds of these
 * before the first frame, so the CIELAB values of all 256 indices are computed once. */
static int32_t nearest_index(uint32_t rgb, int from, int to)
{
    double want[3], best = 1e30;
    int32_t found = from;

    pthread_once(&index_lab_once, fill_index_lab);
    lab_of(rgb, want);
    for (int i = from; i < to; i++) {
        const double *got = index_lab[i];
        double d = 0;

        for (int k = 0; k < 3; k++)
            d += (want[k] - got[k]) * (want[k] - got[k]);
        if (d < best) {
            best = d;
            found = i;
        }
    }
    return found;
}

const char *tier_words(enum tier tier)
{
    static const char *const words[] = {"no colours", "8 colours", "16 colours", "256 colours",
                                        "24-bit colour"};

    return words[tier];
}

/* With 256 colours, indices 0 to 15 are never chosen as a stand-in: the user may have set them to
 * anything. With 16 or 8 colours there is no other choice; a bright index then falls to its plain
 * one. */
int32_t colour_for(struct colour c, enum tier tier)
{
    if (tier == TIER_MONO || c.kind == COLOUR_UNSET || c.kind == COLOUR_DEFAULT)
        return -1;
    if (tier == TIER_DIRECT)
        return (int32_t)colour_rgb(c);
    if (tier == TIER_256) /* 0..15 are the user's: never a stand-in for a colour of ours */
        return c.kind == COLOUR_INDEX ? (int32_t)c.value : nearest_index(c.value, 16, 256);
    if (c.kind == COLOUR_INDEX && c.value < (tier == TIER_16 ? 16u : 8u))
        return (int32_t)c.value;
    if (c.kind == COLOUR_INDEX && c.value < 16)
        return (int32_t)c.value - 8;
    return nearest_index(colour_rgb(c), 0, tier == TIER_16 ? 16 : 8);
}
