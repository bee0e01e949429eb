/* For truth_test.c: the numbers of the Compare, Sweep, Facts and History views, and what the titles
 * of stale panes say, against what the engine's events said. */
#ifndef TESTS_SCREENS_CLAIMS_VIEWS_H
#define TESTS_SCREENS_CLAIMS_VIEWS_H

#include "tests/screens/claims.h"

enum { COLUMNS_TRIED = METHODS + 5, MASKS_TRIED = 2 }; /* of Compare */

static int number_at(const char *text)
{
    return (int)strtol(text, NULL, 10);
}

static const struct edit_row *edit_at(int edit)
{
    for (int i = 0; i < heard.rows; i++)
        if (heard.row[i].edit == edit)
            return &heard.row[i];
    return NULL;
}

/* ---- Compare and Sweep ---- */

/* The parameters that the test moves, apart from those that Compare and Sweep set by themselves. */
static bool same_knobs(const struct params *p, bool sweep)
{
    static const enum param moved[] = {P_ATTR_AMPLIFY, P_RATIO_GE_A, P_RATIO_GE_B,
                                       P_RATIO_INV_TEMP};

    for (int i = 0; i < (sweep ? 2 : 4); i++)
        if (fabs(p->value[moved[i]] - on->ui.params.value[moved[i]]) > 1e-9)
            return false;
    return true;
}

/* The name of the state that the title says the variants were tried on: "on BASE", "after edit 3",
 * or "before edit 3", which is after the active edit before it. "": not known, yet or any more:
 * the history says that an edit is undone just before the state does. */
static const char *titled_state(struct rect in)
{
    char title[1024];
    const char *before, *after;
    const char *state = heard.base;
    int edit;

    row_text(in.y - 1, in.x, in.w, title);
    before = strstr(title, "before edit ");
    after = strstr(title, "after edit ");
    if (!before && !after)
        return heard.base;
    edit = number_at((before ? before : after) + strlen(before ? "before edit " : "after edit "));
    for (int i = 0; i < heard.rows; i++)
        if (before ? heard.row[i].active && heard.row[i].edit < edit : heard.row[i].edit == edit)
            state = heard.row[i].state;
    return state;
}

/* The newest result with this p(target) that fits the fact and the knobs at hand and was tried on
 * this state. `variant` -1: any of a sweep. */
static const struct claim *variant_claim(int variant, const char *number, const char *state)
{
    struct stamp now = at_hand(on);
    char p[16];

    for (int i = heard.claims - 1; i >= 0; i--) {
        const struct claim *c = &heard.claim[i];
        bool compared = c->of == COLUMNS_TRIED + MASKS_TRIED; /* no grid of Sweep has as many */
        bool mine =
            c->kind == EV_VARIANT && (variant < 0 ? !compared : compared && c->key == variant);

        if (mine && !strcmp(number, c->failed ? "✗" : text_probability(p, c->p[0])) &&
            !stamp_differs(&c->stamp, &now, FACT) && same_knobs(c->params, variant < 0) &&
            (!*state || !*c->state || !strcmp(c->state, state)))
            return c;
    }
    return NULL;
}

static void check_compare(void)
{
    struct rect in = pane("Compare: ");
    char row[1024], *save = NULL;
    int y = 0, column = 0;

    while (y < in.h && column_of(in, y, "p(target)"))
        y++;
    if (y >= in.h)
        return;
    row_text(in.y + y, in.x + 14, in.w - 14, row);
    for (char *w = strtok_r(row, " ", &save); w; w = strtok_r(NULL, " ", &save), column++) {
        int x = column_of(in, y, w);

        if (column < COLUMNS_TRIED && strcmp(w, "·") != 0 && x >= 0 &&
            role_at(in, y, x) != ROLE_STALE)
            expect_claim(variant_claim(column, w, titled_state(in)) != NULL, "p(target) of Compare",
                         in, y);
    }
}

static void check_sweep(void)
{
    struct rect in = pane("Cell ");
    char text[1024], number[32];

    for (int y = 0; y < in.h; y++) {
        int x = column_of(in, y, "p(target) ");

        if (x < 0 || role_at(in, y, x + 10) == ROLE_STALE)
            continue;
        if (sscanf(row_text(in.y + y, in.x + x + 10, 12, text), "%31s", number) == 1 &&
            strcmp(number, "·") != 0 && strcmp(number, "✗") != 0)
            expect_claim(variant_claim(-1, number, titled_state(pane("Sweep: "))) != NULL,
                         "p(target) of Sweep", in, y);
    }
}

/* ---- Facts ---- */

/* A row of the list: "✓ holds         Eiffel Tower → Rome     0.891": of an edit that is active. */
static void check_outcome(struct rect in, int y)
{
    char row[1024], p[16];
    bool said = false;

    row_text(in.y + y, in.x, in.w, row);
    if ((!strstr(row, "holds") && !strstr(row, "does not hold")) || role_at(in, y, 2) == ROLE_STALE)
        return;
    for (int i = 0; i < heard.claims && !said; i++) {
        const struct claim *c = &heard.claim[i];
        const struct edit_row *edit = edit_at(c->edit); /* NULL: the history has not come yet */

        said = c->kind == EV_COMMIT && (!edit || edit->active) && strstr(row, c->fact) &&
               strstr(row, text_probability(p, c->p[1]));
    }
    expect_claim(said, "a fact of the list", in, y);
}

static bool probes_say(const char *fact, int at, int ok, int of)
{
    struct stamp now = at_hand(on);

    for (int i = heard.claims - 1; i >= 0; i--) {
        const struct claim *c = &heard.claim[i];

        if (c->kind == EV_PROBES && !strcmp(c->fact, fact) && c->count[at] == ok &&
            c->count[at + 1] == of && !stamp_differs(&c->stamp, &now, STAMP_STATE))
            return true;
    }
    return false;
}

/* "Eiffel Tower: Rome", and below it "rephrase 1/2 · neighbours 2/2 kept". */
static void check_probes(void)
{
    static const char *const word[2] = {"rephrase %d/%d", "neighbours %d/%d kept"};
    struct rect in = pane("Probes");
    char fact[1024], text[1024], *colon, name[160];
    int ok, of;

    if (in.h < 2 || role_at(in, 1, 0) == ROLE_STALE)
        return;
    row_text(in.y, in.x, in.w, fact);
    colon = strstr(fact, ": ");
    if (!colon)
        return;
    snprintf(name, sizeof(name), "%.*s → %s", (int)(colon - fact), fact, colon + 2);
    name[strcspn(name, "\n")] = '\0';
    while (*name && name[strlen(name) - 1] == ' ')
        name[strlen(name) - 1] = '\0';
    row_text(in.y + 1, in.x, in.w, text);
    for (int k = 0; k < 2; k++) {
        const char *at = strstr(text, k ? "neighbours " : "rephrase ");

        if (at && sscanf(at, word[k], &ok, &of) == 2)
            expect_claim(probes_say(name, 2 * k, ok, of), "probes", in, 1);
    }
}

static void check_facts(void)
{
    struct rect in = pane("Facts ");

    for (int y = 0; y < in.h; y++)
        if (!column_of(in, y, "✓ ") || !column_of(in, y, "▽ "))
            check_outcome(in, y);
    check_probes();
}

/* ---- History ---- */

static void check_journal(void)
{
    struct rect in = pane("Journal");
    char row[1024];

    for (int y = 0; y < in.h; y++) {
        bool active = column_of(in, y, "●") >= 0;
        const struct edit_row *edit;
        const char *at;

        row_text(in.y + y, in.x, in.w, row);
        at = strstr(row, active ? "●" : "○");
        edit = at ? edit_at(number_at(at + strlen("●"))) : NULL;
        if (!at || !number_at(at + strlen("●")))
            continue;
        expect_claim(edit && edit->active == active && strstr(row, edit->numbers), "an edit", in,
                     y);
    }
}

static void check_drift(void)
{
    struct rect in = pane("Drift over the edits");

    for (int y = 0; y < in.h; y++) {
        int x = column_of(in, y, "facts hold "), ok[4] = {0};
        char row[1024];
        bool said = false;
        struct stamp now = at_hand(on);
        const char *near;

        if (x < 0 || role_at(in, y, x) == ROLE_STALE)
            continue;
        row_text(in.y + y, in.x, in.w, row);
        near = strstr(row, "kept ");
        sscanf(strstr(row, "facts hold ") + 11, "%d/%d", &ok[0], &ok[1]);
        if (near)
            sscanf(near + 5, "%d/%d", &ok[2], &ok[3]);
        for (int i = 0; i < heard.claims && !said; i++)
            said = heard.claim[i].kind == EV_DRIFT &&
                   !memcmp(heard.claim[i].count, ok, sizeof(ok)) &&
                   !stamp_differs(&heard.claim[i].stamp, &now, STAMP_STATE);
        expect_claim(said, "drift", in, y);
    }
}

/* ---- titles of stale panes ---- */

/* The subject that the title says the stale rows are of: "╱ of Big Ben → Oslo"; that at hand if it
 * names none; cut as the title is. false: the title says of nothing that it is stale. */
static bool stale_subject(struct rect in, char subject[160])
{
    char title[1024], *at, *end;

    row_text(in.y - 1, in.x, in.w, title);
    at = strstr(title, "╱ ");
    if (!at)
        return false;
    at += strlen("╱ ");
    at += strncmp(at, "rows ", 5) ? 0 : 5;
    if (strncmp(at, "of ", 3) != 0) {
        snprintf(subject, 160, "%s", on->ui.fact.subject);
        return true;
    }
    snprintf(subject, 160, "%s", at + 3);
    for (int i = 0; i < 3; i++)
        if ((end = strstr(subject, ((const char *const[]){" →", "…", " ─"})[i])))
            *end = '\0';
    return true;
}

/* The largest score of a layer, as the map writes it. */
static const char *peak_text(const struct attribution *a, char out[32])
{
    double peak = 0;

    for (int i = 0; i < a->neurons; i++) {
        double most = -(double)INFINITY;

        for (int r = 0; r < a->rows; r++)
            most = fmax(most, (double)a->score[(size_t)r * (size_t)a->neurons + (size_t)i]);
        peak = fmax(peak, most);
    }
    snprintf(out, 32,
             peak >= 99.95 || !(peak > 0) ? "%5.0f"
             : peak >= 0.05               ? "%5.1f"
                                          : " %.0e",
             peak);
    return out;
}

/* A hatched row of the map with a peak has a title that says of what it is, and an event of that
 * subject said the peak. */
static void check_stale_row(struct rect in, int y, int layer)
{
    char text[1024], peak[32], subject[160] = "";
    const char *last = NULL, *at = row_text(in.y + y, in.x, in.w, text);
    bool said = false, other = false;

    while ((at = strstr(at, "╱")))
        last = at++;
    if (!last || strtod(last + strlen("╱"), NULL) <= 0)
        return;
    if (!stale_subject(in, subject)) {
        expect_claim(false, "a stale row under a title that says nothing", in, y);
        return;
    }
    for (int i = 0; i < heard.claims && !said; i++) {
        const struct claim *c = &heard.claim[i];

        if (c->kind != EV_LAYER || c->key != layer || c->score->strategy == STRATEGY_MPC ||
            strncmp(c->fact, subject, strlen(subject)) != 0)
            continue;
        other |= fabs(c->score->amplify - on->ui.params.value[P_ATTR_AMPLIFY]) > 1e-9;
        said = strstr(last, peak_text(c->score, peak) + 1) != NULL;
    }
    if (said || !other) /* else it is extrapolated */
        expect_claim(said, "a stale row of what its title says", in, y);
}

/* Each kind of claim has been checked at least once. */
static void expect_all_kinds(void)
{
    static const char *const kind[] = {
        "p(target)",
        "now says",
        "before or after",
        "scores of a layer",
        "the peak of a layer",
        "ratios of a layer",
        "neurons kept",
        "gain and leak",
        "a strong neuron",
        "score of a neuron",
        "ranks by layer",
        "the lens grid",
        "the causal trace",
        "an answer",
        "a preview",
        "p(target) of Compare",
        "p(target) of Sweep",
        "a fact of the list",
        "probes",
        "an edit",
        "drift",
        "a stale row of what its title says",
    };

    for (size_t k = 0; k < sizeof(kind) / sizeof(*kind); k++) {
        bool was = false;

        for (int i = 0; i < 64; i++)
            was |= seen[i].what && !strcmp(seen[i].what, kind[k]);
        if (!was)
            printf("never checked: %s\n", kind[k]);
        CHECK(was);
    }
}

#endif
