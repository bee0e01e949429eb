/* Plain mode's results: what the screen draws, as sentences. Each function reads ui_state only. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/std.h"
#include "core/base/utf8.h"
#include "core/edit/editors/editors.h"
#include "core/edit/relations.h"
#include "tui/text.h"
#include "views/knobs.h"
#include "views/panes/job_row.h"
#include "views/panes/pane_scoreboard.h"
#include "views/shell/plain_internal.h"
#include "views/variant_metrics.h"
#include "views/verdict_card.h"
#include "views/view_tables.h"

enum { NEAR = 100 /* ranks */, ROWS_MOST = 60, PICTURE_COLS = 100, PICTURE_ROWS = 60 };

void plain_print_fact(const struct ui_state *d)
{
    char subject[200], prompt[400], target[200], old[200];

    if (!d->fact.subject) {
        plain_say("no fact yet\n");
        return;
    }
    plain_say("fact: subject %s. prompt %s. new object %s",
              text_piece(subject, sizeof(subject), d->fact.subject),
              text_piece(prompt, sizeof(prompt), d->fact.prompt),
              text_piece(target, sizeof(target), d->fact.target ? d->fact.target : "none"));
    if (d->fact.old)
        plain_say(". old object %s", text_piece(old, sizeof(old), d->fact.old));
    plain_say("\n");
}

void plain_print_relations(const struct ui_state *d, const char *typed)
{
    enum { MOST = 64 };
    int index[MOST], n = d->relations ? relations_match(d->relations, typed, index, MOST) : 0;

    for (int i = 0; i < n; i++) {
        const struct relation *r = &d->relations->relation[index[i]];

        plain_say("%s: %s\n", r->name, r->prompt[0]);
    }
    if (!n)
        plain_say(d->relations ? "no relation matches %s\n"
                               : "the file of relations was not found%s\n",
                  d->relations ? typed : "");
}

/* Before a result that was made from something else than what is at hand: what that was. */
static void print_stale(const struct ui_state *d, const void *result)
{
    char words[UI_WORDS];

    if (*ui_differs_words(d, result, words))
        plain_say("not of what is at hand, but %s:\n", words);
}

/* Of what the scores are: of the unedited model, and of NMKE, whatever the method does. */
static void print_scores_note(const struct ui_state *d)
{
    const struct editor_ops *editor = editor_of(&d->params);

    if (*scores_of_base(&d->params))
        plain_say("scores%s\n", strstr(scores_of_base(&d->params), " of "));
    if (ui_scored_words(d))
        plain_say("scores are sums over %d words that stand for the vocabulary (attr.words)\n",
                  ui_scored_words(d));
    if (!editor_takes_mask(&d->params))
        plain_say("%s has no mask: classes and ratios are those of NMKE\n", editor->title);
}

void plain_print_neurons(const struct ui_state *d)
{
    struct ranked_neuron top[10];
    int n = d->scored_layers ? ui_top_neurons(d, -1, ORDER_SCORE, top, 10) : 0;

    if (!n)
        plain_say("no neuron is scored yet: attribute scores them\n");
    for (int i = 0; i < n; i++)
        plain_say("%d. layer %d neuron %d, score %.3f, %s%s\n", i + 1, top[i].layer, top[i].neuron,
                  top[i].score,
                  top[i].class_bits == 3   ? "general and specific"
                  : top[i].class_bits == 1 ? "general"
                  : top[i].class_bits == 2 ? "specific"
                                           : "of no class",
                  isnan(ui_weight(d, top[i].layer, top[i].neuron)) ? ""
                  : !editor_takes_mask(&d->params) ? top[i].kept ? ", chosen" : ", not chosen"
                  : top[i].kept                    ? ", in the mask"
                                                   : ", outside the mask");
    print_scores_note(d);
}

/* Entropy, ratio and threshold of both kinds, one edited layer per line; gain and leak if known. */
void plain_print_ratios(const struct ui_state *d)
{
    bool any = false;

    for (int l = 0; l < d->layers; l++) {
        const struct mask *m = d->layer[l].mask;
        const struct layer_report *r = ui_layer_report(d, l);
        int kept = ui_kept_in(d, l);

        if (!m || !ui_edits_layer(d, l))
            continue;
        if (!any || d->layer[l].differs)
            print_stale(d, d->layer[l].score);
        any = true;
        plain_say(
            "layer %d: general entropy %.3f, ratio %.3f, threshold %.3f. specific entropy %.3f, "
            "ratio %.3f, threshold %.3f. ",
            l, m->general.H, m->general.rho, m->general.tau, m->specific.H, m->specific.rho,
            m->specific.tau);
        if (kept >= 0)
            plain_say("%d neurons kept", kept);
        else
            plain_say(editor_takes_mask(&d->params) ? "the neurons of the edit before kept"
                                                    : "of NMKE");
        if (r && !isnan(r->gain_mask) && !ui_report_differs(d))
            plain_say(", gain %.2f, leak over gain squared %.1f", r->gain_mask, r->leak_ratio);
        std_text("\n");
    }
    if (!any)
        plain_say("no ratios yet: attribute computes them\n");
    print_scores_note(d);
}

void plain_print_why(const struct ui_state *d)
{
    plain_print_neurons(d);
    plain_print_ratios(d);
}

void plain_print_parameters(const struct ui_state *d)
{
    char value[16];

    for (int k = 0; k < KNOB_COUNT; k++) {
        const struct param_info *info = param_info(knob_info((enum knob)k)->param);

        plain_say("%s is %s: %s\n", *info->alias ? info->alias : info->name,
                  knob_text(&d->params, (enum knob)k, value), info->help);
    }
    plain_say("mask %s, selection %s, method %s. set NAME=VALUE changes any parameter\n",
              params_word(&d->params, P_MASK_MODE), params_word(&d->params, P_SELECT_RULE),
              params_word(&d->params, P_EDIT_METHOD));
}

void plain_print_state(const struct ui_state *d)
{
    plain_say("%s, %d edit%s, checksum %.8s. %s%s%s\n", d->state.preview ? "preview" : "no preview",
              d->state.edits, d->state.edits == 1 ? "" : "s", d->state.checksum,
              d->state.readonly ? "read-only. " : "",
              *d->state.session ? "session " : "no session file: edits last as long as the program",
              d->state.session);
}

/* Every fact of every edit, with p before and after. */
void plain_print_history(const struct ui_state *d)
{
    const struct history *h = d->history;
    char subject[200], target[200], before[16], after[16];

    for (int i = 0; h && i < h->count; i++)
        for (int k = 0; k < h->entry[i].facts; k++) {
            const struct history_fact *f = &h->entry[i].fact[k];
            struct p_change p = history_p_change(f);

            plain_say("edit %d, %s: %s is %s, %s %s before and %s after%s\n", h->entry[i].edit,
                      h->entry[i].active ? "active" : "undone",
                      text_piece(subject, sizeof(subject), f->subject),
                      text_piece(target, sizeof(target), f->target), p.name,
                      text_probability(before, p.before), text_probability(after, p.after),
                      f->outcome == OUTCOME_HELD     ? ", held"
                      : f->outcome == OUTCOME_FAILED ? ", did not hold"
                                                     : "");
        }
    if (!h || !h->count)
        plain_say("no edits yet\n");
}

void plain_print_facts(const struct ui_state *d)
{
    static const char *const words[] = {[QUEUE_WAITS] = "waits",
                                        [QUEUE_RUNS] = "is being edited",
                                        [QUEUE_HOLDS] = "holds",
                                        [QUEUE_WEAK] = "is in the session but does not hold",
                                        [QUEUE_FAILED] = "failed"};
    char subject[200], target[200], p[16];

    for (int i = 0; i < d->queue_count; i++) {
        const struct queued_fact *q = &d->queue[i];

        plain_say("%d. %s is %s: %s", i + 1, text_piece(subject, sizeof(subject), q->fact.subject),
                  text_piece(target, sizeof(target), q->fact.target),
                  ui_rewritten_since(d, q)     ? "rewritten by a later fact"
                  : ui_overwritten_since(d, q) ? "held when made, overwritten since"
                                               : words[q->state]);
        if (ui_rewritten_since(d, q))
            plain_say(", edit %d", ui_rewritten_since(d, q));
        if (q->edit)
            plain_say(", edit %d, p(target) %s", q->edit, text_probability(p, q->p[1]));
        plain_say("%s%s\n", *q->why ? ": " : "", q->why);
    }
    if (!d->queue_count)
        plain_say("no list of facts yet: facts FILE reads one\n");
}

static void print_probes(const struct probe_report *b)
{
    char prompt[240], before[160], after[160], why[80];

    for (int i = 0; b && i < b->probes; i++) {
        const struct probe_result *r = &b->probe[i];

        if (r->context) {
            plain_say("%s: %s: %s\n", probe_not_asked(r, why), probe_label(r->kind),
                      text_piece(prompt, sizeof(prompt), r->prompt));
            continue;
        }
        plain_say("%s %s: %s Before: %s. After: %s\n",
                  !r->known  ? "unknown to the base,"
                  : r->ok[1] ? "passed,"
                             : "FAILED,",
                  probe_label(r->kind), text_piece(prompt, sizeof(prompt), r->prompt),
                  text_said(before, sizeof(before), r->said[0]),
                  text_said(after, sizeof(after), r->said[1]));
    }
}

void plain_print_scoreboard(const struct ui_state *d)
{
    const struct probe_report *b = ui_scoreboard(d);
    char words[160];

    print_stale(d, b);
    if (b)
        plain_say("probes: %s\n", scoreboard_summary(b, words));
    else
        plain_say("no probe was asked yet: preview or commit the edit first\n");
    print_probes(b);
}

/* The main rows of the verdict card, a sentence each. */
void plain_print_verdict(const struct ui_state *d)
{
    struct card c = card_of(d, d->side);

    if (c.rows)
        plain_say("verdict of %s, %s\n", c.title, c.state);
    for (int i = 0; i < c.rows && !c.row[i].rank; i++)
        if (!c.row[i].detail || c.row[i].role == ROLE_ERROR)
            plain_say("%s: %s%s%s\n", c.row[i].label, c.row[i].text, *c.row[i].right ? ", " : "",
                      c.row[i].right);
    card_free(&c);
}

/* A token as a word: without the space in front, and a space alone by its name. */
static const char *token_word(char *out, size_t size, const char *token)
{
    if (!token[strspn(token, " ")])
        return *token ? "a space" : "an empty token";
    return text_piece(out, size, token + strspn(token, " "));
}

/* The first layer from which on a line is worth hearing: where an object is among the first. */
static int first_near_layer(const struct lens_grid *g)
{
    int l = 0;

    for (; l + 1 < g->layers; l++) {
        int at = l * g->tokens + g->tokens - 1;

        if ((!g->rank_new && !g->rank_old) || (g->rank_new && g->rank_new[at] <= NEAR) ||
            (g->rank_old && g->rank_old[at] <= NEAR))
            break;
    }
    return l;
}

/* The last position of one grid, a line per layer: what it says and the ranks of both objects. */
static void print_grid(const struct ui_state *d, const struct lens_grid *g, const char *state)
{
    const char *old = d->prompt_info ? d->prompt_info->old.text : "the old object";
    const char *target = ui_differs(d, g) || !d->fact.target ? "the new object" : d->fact.target;
    int from = first_near_layer(g);
    char said[80], word[80];

    print_stale(d, g);
    plain_say("lens of the %s model at the last token:\n", state);
    if (from)
        plain_say("layers 0 to %d: neither object is among the first %d\n", from - 1, NEAR);
    for (int l = from; l < g->layers; l++) {
        int at = l * g->tokens + g->tokens - 1;

        plain_say("layer %d says %s", l, token_word(said, sizeof(said), g->top[at].text));
        if (g->rank_new)
            plain_say(", %s is rank %d", token_word(word, sizeof(word), target), g->rank_new[at]);
        if (g->rank_old)
            plain_say(", %s rank %d", token_word(word, sizeof(word), old), g->rank_old[at]);
        std_text("\n");
    }
}

void plain_print_lens(const struct ui_state *d)
{
    static const struct {
        unsigned state;
        const char *name;
    } states[] = {{STATE_BASE, "base"}, {STATE_EDITED, "edited"}, {STATE_PREVIEW, "previewed"}};
    bool any = false;

    for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
        const struct lens_grid *g = ui_lens(d, states[i].state);

        if (g)
            print_grid(d, g, states[i].name);
        any |= g != NULL;
    }
    if (!any)
        plain_say("no lens yet\n");
}

/* The parameters in which a variant differs from those at hand: "edit.method=memit". */
static void put_difference(const struct params *now, const struct params *of, struct buf *out)
{
    for (int i = 0; i < PARAM_COUNT; i++) {
        struct buf value = {0};

        if (param_same(now, of, (enum param)i))
            continue;
        params_show(of, (enum param)i, &value);
        buf_printf(out, "%s%s=%s", out->len ? " " : "", param_info((enum param)i)->name,
                   value.data);
        buf_free(&value);
    }
    if (!out->len)
        buf_puts(out, "the parameters at hand");
}

/* "yes" of "✓ yes": the mark is for the eye. */
static const char *without_mark(const char *text)
{
    const char *blank = strchr(text, ' ');

    return (unsigned char)*text >= 0x80 && blank ? blank + 1 : text;
}

void plain_print_variants(const struct ui_state *d)
{
    int n = 0, masks = 0;

    for (int i = 0; i < UI_VARIANTS; i++) {
        const struct variant_result *t = d->variant[i];
        struct variant v;
        struct buf what = {0};
        char text[24], said[96];

        if (!t || n++ >= ROWS_MOST)
            continue;
        if (!param_same(&t->params, &d->params, P_SEED)) { /* the cloud of Compare */
            masks++;
            continue;
        }
        variant_take(&v, t);
        put_difference(&d->params, &t->params, &what);
        plain_say("variant %d, %s: ", t->variant + 1, what.data);
        for (int m = 0; variant_has_numbers(&v) && m < metric_count; m++)
            if (!isnan(variant_value(&v, m)))
                plain_say("%s%s %s", m ? ", " : "", metric_table[m].name,
                          without_mark(metric_text(&v, m, text)));
        plain_say("%s%s\n", variant_has_numbers(&v) ? ", says " : "not possible: ",
                  variant_has_numbers(&v) ? text_said(said, sizeof(said), v.said) : v.why);
        buf_free(&what);
    }
    if (masks)
        plain_say("and %d masks drawn by other seeds; export FILE.csv writes all\n", masks);
    if (!n)
        plain_say("no variant was tried yet\n");
    else if (n > ROWS_MOST)
        plain_say("and %d more; export FILE.csv writes all\n", n - ROWS_MOST);
}

void plain_print_jobs(const struct ui_state *d)
{
    const struct ui_job *card[UI_JOBS];
    int n = ui_cards(d, card);

    for (int i = 0; i < n; i++) {
        char words[200], left[24];

        job_left_text(d, card[i], left);
        ui_job_words(d, card[i], words, sizeof(words));
        plain_say("job %u, %s: %s%s%s%s%s\n", card[i]->job, words,
                  card[i]->state == CARD_RUNS ? "runs" : "waits", *left ? ", " : "", left,
                  *card[i]->note ? ", " : "", card[i]->note);
    }
    if (!n)
        plain_say("nothing runs\n");
}

void plain_print_answer(const struct answer *a)
{
    char name[32], route[160];
    struct buf text = {0};
    const char *said = a->completion ? a->completion : "";

    if (a->edit)
        snprintf(name, sizeof(name), "the state after edit %d", a->edit);
    else
        utf8_copy(name, sizeof(name),
                  a->state == STATE_BASE      ? "base"
                  : a->state == STATE_PREVIEW ? "preview"
                                              : "edited");
    said = *said ? said + strspn(said, " ") : TEXT_SAID_NOTHING;
    show_escape(&text, said, strlen(said));
    plain_say("%s%s says: %s\n", name, a->changed ? ", with changed neurons," : "",
              text.data ? text.data : "");
    if (*answer_route_words(a, route))
        plain_say("%s: %s\n", name, route);
    buf_free(&text);
}

/* One row as "NAME VALUE, NAME VALUE". */
static void print_row(const struct table *t, size_t row)
{
    bool first = true;

    for (int c = 0; c < t->columns; c++) {
        const struct table_cell *cell = &t->cell[row * (size_t)t->columns + (size_t)c];

        if (cell->kind == CELL_MISSING || (cell->kind == CELL_TEXT && !*cell->text))
            continue;
        plain_say("%s%s ", first ? "" : ", ", t->column[c].name);
        if (cell->kind == CELL_TEXT)
            plain_say("%s", cell->text);
        else if (cell->kind == CELL_INTEGER)
            plain_say("%lld", cell->integer);
        else if (cell->kind == CELL_REAL)
            plain_say("%.3g", cell->real);
        else
            plain_say("%s", cell->integer ? "yes" : "no");
        first = false;
    }
    std_text("\n");
}

/* The letters of a picture without its lines: rows of words. */
static void print_picture(struct app *app)
{
    struct surface *s = surface_new(PICTURE_ROWS, PICTURE_COLS);
    struct view *v = app->view[app->shown];
    struct buf text = {0};

    v->ops->draw(v, s, (struct rect){0, 0, PICTURE_ROWS, PICTURE_COLS});
    surface_dump(s, &text);
    for (const char *p = text.data, *end; p && *p; p = *end ? end + 1 : end) {
        struct buf line = {0};
        const char *at = p;

        end = p + strcspn(p, "\n");
        while (at < end) {
            const char *from = at;
            int32_t code = utf8_next(&at, end);
            bool drawn = code >= 0x2500 && code < 0x2900; /* lines, blocks, braille */

            if (drawn || code == ' ')
                buf_puts(&line, line.len && line.data[line.len - 1] != ' ' ? " " : "");
            else
                buf_add(&line, from, (size_t)(at - from));
        }
        if (line.len && strspn(line.data, " ·") < line.len)
            plain_say("%s\n", line.data);
        buf_free(&line);
    }
    buf_free(&text);
    surface_free(s);
}

/* The Facts view: the list, or without one the scoreboard of the fact at hand. */
static void print_facts_view(const struct ui_state *d)
{
    if (d->queue_count)
        plain_print_facts(d);
    else
        plain_print_scoreboard(d);
}

static void print_verdict_view(const struct ui_state *d)
{
    if (ui_verdict(d))
        plain_print_verdict(d);
    else
        plain_say("no verdict yet: preview or commit the edit first\n");
}

/* What is printed of a view; the others print the rows of their table, or their picture. */
static const struct {
    const char *view;
    void (*print)(const struct ui_state *d);
} plain_views[] = {
    {"edit", plain_print_fact},        {"neurons", plain_print_neurons},
    {"ratios", plain_print_ratios},    {"lens", plain_print_lens},
    {"compare", plain_print_variants}, {"sweep", plain_print_variants},
    {"history", plain_print_history},  {"facts", print_facts_view},
    {"jobs", plain_print_jobs},        {"verdict", print_verdict_view},
};

void plain_print_view(struct app *app)
{
    const struct view_ops *ops = views[app->shown];
    struct table t = {0};
    size_t rows;

    plain_say("%s:\n", ops->title);
    for (size_t i = 0; i < sizeof(plain_views) / sizeof(*plain_views); i++)
        if (!strcmp(plain_views[i].view, ops->name)) {
            plain_views[i].print(&app->ui);
            return;
        }
    if (!view_table_of(&t, ops, &app->ui)) {
        print_picture(app);
        return;
    }
    rows = table_row_count(&t);
    for (size_t r = 0; r < rows && r < ROWS_MOST; r++)
        print_row(&t, r);
    if (rows > ROWS_MOST)
        plain_say("and %zu more rows; export FILE.csv writes all\n", rows - ROWS_MOST);
    table_free(&t);
}
