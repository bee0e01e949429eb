/* Three views with every number of colours a terminal can have, as the bytes that would be sent. */
#include "tui/theme.h"

#include "tests/screens/fixture.h"

static const struct tier_case {
    const char *name, *theme;
    struct caps caps;
} tiers[] = {
    {"direct", "dark", {TIER_DIRECT, false, false}}, {"256", "dark", {TIER_256, false, false}},
    {"16", "16", {TIER_16, false, false}},           {"8", "16", {TIER_8, false, true}},
    {"mono", "mono", {TIER_MONO, false, false}},     {"ascii", "mono", {TIER_MONO, true, true}},
    {"ascii-256", "dark", {TIER_256, true, true}},
};
enum { TIERS = sizeof(tiers) / sizeof(*tiers) };

static char *sent(const struct tier_case *t, const struct surface *s)
{
    struct theme theme;
    struct palette p;
    struct buf out = {0};

    CHECK(theme_load(&theme, t->theme, NULL, NULL));
    palette_build(&p, &theme, t->caps);
    surface_ansi(s, &p, &out);
    return buf_take(&out);
}

static void compare_file(const char *view, const char *tier, const char *got)
{
    struct err err = {0};
    char path[96], *want;

    snprintf(path, sizeof(path), "tests/screens/%s-%s.ansi", view, tier);
    if (getenv("SCREENS")) {
        CHECK(file_write(path, got, strlen(got), &err));
        return;
    }
    want = file_read(path, 1 << 20, NULL, &err);
    CHECK_STR(err.text, "");
    if (want && strcmp(got, want) != 0) {
        printf("%s differs (`make screens` rewrites it); it is now:\n%s", path, got);
        CHECK(false);
    }
    free(want);
}

/* Nothing is sent that the tier has not: what follows each ESC is an SGR of its kind. */
static void only_what_the_tier_has(const struct tier_case *t, const char *bytes)
{
    bool wrong = false;

    for (const char *p = bytes; *p; p++) {
        if (t->caps.ascii && (unsigned char)*p > 126)
            wrong = true;
        if (*p != '\033')
            continue;
        for (p += 2; *p != 'm'; p++) {
            char *end;
            long n = strtol(p, &end, 10);

            if (t->caps.tier == TIER_MONO)
                wrong |= n > 7;
            else if (t->caps.tier <= TIER_16)
                wrong |= n == 38 || n == 48 || (t->caps.tier == TIER_8 && n >= 90);
            p = end;
            if (*p == 'm')
                break;
        }
    }
    CHECK(!wrong);
}

static void every_tier_is_as_it_was(void)
{
    static const char *const names[] = {"edit", "heatmap", "neurons"};
    struct ui_state d;
    struct host host = host_of(&d);

    make_full_ui_state(&d);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        struct view *v = view_open(view_find(names[i]), &host);
        struct screen screen = {.ui = &d, .view = v};
        struct surface *s = surface_new(24, 80);

        if (v->ops->open)
            v->ops->open(v);
        screen_draw(&screen, s);
        for (int t = 0; t < TIERS; t++) {
            char *bytes = sent(&tiers[t], s);

            only_what_the_tier_has(&tiers[t], bytes);
            compare_file(names[i], tiers[t].name, bytes);
            free(bytes);
        }
        surface_free(s);
        view_close(v);
    }
    ui_free(&d);
}

/* Letters of every view in every theme of ours can be read: the worst contrast of what is painted,
 * whatever stands on whatever. Lines, blocks and dots are marks. */
static bool is_letter(const char *text)
{
    unsigned char c = (unsigned char)text[0];

    return c > 32 && c < 127 && !strchr("-|.·_", c);
}

static void letters_can_be_read_wherever_they_stand(void)
{
    struct ui_state d;
    struct host host = host_of(&d);

    make_full_ui_state(&d);
    for (int k = 0; builtin_themes[k].name; k++) {
        struct theme theme;
        struct palette p;
        double worst = 21;
        char where[160] = "";

        CHECK(theme_load(&theme, builtin_themes[k].name, NULL, NULL));
        if (theme.limited)
            continue;
        palette_build(&p, &theme, (struct caps){TIER_DIRECT, false, false});
        for (int i = 0; views[i]; i++) {
            struct view *v = view_open(views[i], &host);
            struct screen screen = {.ui = &d, .view = v};
            struct surface *s = surface_new(36, 120);

            if (v->ops->open)
                v->ops->open(v);
            screen_draw(&screen, s);
            for (int c = 0; c < s->h * s->w; c++) {
                const struct cell *cell = &s->cells[c];
                struct paint paint;
                double contrast;

                if (!cell->width || !is_letter(cell->text) || cell->role == ROLE_EMPTY ||
                    cell->role == ROLE_BORDER || cell->role == ROLE_TRACK)
                    continue;
                palette_paint(&p, cell, &paint);
                contrast = colour_contrast((uint32_t)paint.fg, (uint32_t)paint.bg);
                if (contrast >= worst)
                    continue;
                worst = contrast;
                snprintf(where, sizeof(where), "%s: '%s' of %s on %s in %s: %.2f", theme.name,
                         cell->text, role_name((enum role)cell->role),
                         role_name((enum role)cell->backdrop), views[i]->name, contrast);
            }
            surface_free(s);
            view_close(v);
        }
        if (worst < 3)
            printf("%s\n", where);
        CHECK(worst >= 3);
    }
    ui_free(&d);
}

static const struct test tests[] = {
    {"every tier is as it was", every_tier_is_as_it_was},
    {"letters can be read wherever they stand", letters_can_be_read_wherever_they_stand},
};
TEST_MAIN(tests)
