/* Writes an edit as one web page that opens everywhere, and again in `editscope view`.
 *
 *   the verdict card as a table of text; map, ratios and lens as pictures; what it was made from;
 *   the command that repeats it; and in <script type="application/x-ndjson" id="editscope"> the
 *   results as lines of a recording. A browser does not run that script: its type is data.
 *
 * Pictures and data are those that the edit was made from: a commit's are of the state before it,
 * with its parameters (ui_as_of_verdict()), and where they are no longer at hand the page says so.
 *
 * The page is well-formed as XML, too. Text of facts and models is escaped twice: controls by
 * show_escape(), then the signs of HTML. In the data every "<" is written as \u003c. */
#include "views/shell/page.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/version.h"
#include "core/record/event_json.h"
#include "tui/svg.h"
#include "views/panes/panes.h"
#include "views/verdict_card.h"

enum { PICTURE_W = 100 };

/* Text that is printable already, with the signs of HTML escaped. */
static void put_html(struct buf *out, const char *text)
{
    for (const char *p = text; *p; p++)
        switch (*p) {
        case '&':
            buf_puts(out, "&amp;");
            break;
        case '<':
            buf_puts(out, "&lt;");
            break;
        case '>':
            buf_puts(out, "&gt;");
            break;
        case '"':
            buf_puts(out, "&quot;");
            break;
        case '\n':
            buf_puts(out, "<br/>\n");
            break;
        default:
            buf_add(out, p, 1);
        }
}

/* Foreign text. */
static void put_text(struct buf *out, const char *text)
{
    struct buf shown = {0};

    show_escape(&shown, text, strlen(text));
    put_html(out, shown.data ? shown.data : "");
    buf_free(&shown);
}

static void put_head(struct buf *out, const struct card *c)
{
    buf_puts(out, "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n"
                  "<head><meta charset=\"utf-8\"/>\n<title>");
    put_html(out, *c->title ? c->title : "editscope");
    buf_puts(out,
             "</title>\n<style>body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem "
             "auto;padding:0 1rem}table{border-collapse:collapse;width:100%}th{text-align:left;"
             "font-weight:600;white-space:nowrap}td,th{padding:.2rem .6rem;vertical-align:top;"
             "border-bottom:1px solid #ddd;overflow-wrap:anywhere}.number{white-space:nowrap}"
             ".more{color:#666;font-size:.9em}pre{background:#f3f3f3;padding:1rem;overflow:auto}"
             "svg{max-width:100%;height:auto}</style></head>\n<body>\n");
}

/* The ranks of a row as text: "20000 17000 ... 1". */
static void put_ranks(struct buf *out, const struct card_row *r)
{
    for (int i = 0; i < r->ranks; i++)
        buf_printf(out, "%s%d", i ? " " : ": ", r->rank[i]);
}

static void put_card(struct buf *out, const struct card *c)
{
    buf_puts(out, "<h1>");
    put_html(out, *c->title ? c->title : "no edit was previewed or committed");
    buf_puts(out, "</h1>\n<p>");
    put_html(out, c->state);
    buf_puts(out, "</p>\n<table>\n");
    for (int i = 0; i < c->rows; i++) {
        const struct card_row *r = &c->row[i];

        buf_printf(out, "<tr><th>%s</th><td>%s</td><td>", r->label, r->mark);
        put_html(out, r->text);
        put_ranks(out, r);
        if (r->more) {
            buf_puts(out, "<div class=\"more\">");
            put_html(out, r->more);
            buf_puts(out, "</div>");
        }
        buf_puts(out, "</td><td class=\"number\">");
        put_html(out, r->right);
        buf_puts(out, "</td></tr>\n");
    }
    buf_puts(out, "</table>\n");
}

/* ---- pictures ---- */

static void draw_map(const struct ui_state *d, struct surface *s, struct rect area)
{
    pane_map(d, &(struct map_window){0}, s, area, false);
}

static void draw_ratios(const struct ui_state *d, struct surface *s, struct rect area)
{
    pane_ratios(d, "{view-ratios} shows all", s, area, false);
}

static void draw_lens(const struct ui_state *d, struct surface *s, struct rect area)
{
    pane_lens(d, s, area, false);
}

static void put_picture(struct buf *out, const struct ui_state *d, const struct theme *theme,
                        const char *title, int rows,
                        void (*draw)(const struct ui_state *d, struct surface *s, struct rect area))
{
    struct surface *s = surface_new(rows, PICTURE_W);
    struct buf svg = {0};
    const char *from;

    draw(d, s, surface_rect(s));
    svg_surface(s, theme, false, title, &svg);
    from = strstr(svg.data, "<svg"); /* without its XML declaration */
    buf_printf(out, "<h2>%s</h2>\n%s", title, from ? from : "");
    buf_free(&svg);
    surface_free(s);
}

static void put_missing(struct buf *out, const char *title, const char *what)
{
    buf_printf(out, "<h2>%s</h2>\n<p>%s that the edit was made from %s not at hand.</p>\n", title,
               what, what[strlen(what) - 1] == 's' ? "are" : "is");
}

/* `then`: what the edit was made from. */
static void put_pictures(struct buf *out, const struct ui_state *then, const struct theme *theme,
                         bool verdict, bool forced)
{
    int layers = then->layers < 100 ? then->layers : 100;

    if (verdict) {
        buf_puts(out, "<p>Map, ratios and ranks are those that the edit was made from, ");
        ui_put_state(then, then->state.state, out);
        buf_puts(out, ".</p>\n");
    }
    if (then->scored_layers)
        put_picture(out, then, theme, "Map", layers + 6, draw_map);
    else if (verdict)
        put_missing(out, "Map", "The scores");
    if (then->scored_layers && forced)
        put_picture(out, then, theme, "Ratios and mask", layers + 12, draw_ratios);
    else if (verdict)
        put_missing(out, "Ratios and mask", "The masks");
    if (then->prompt_info && (!verdict || !ui_differs(then, then->prompt_info)))
        put_picture(out, then, theme, "Rank by layer", 16, draw_lens);
    else if (verdict)
        put_missing(out, "Rank by layer", "The ranks");
}

/* ---- what it was made from ---- */

static void put_fact_row(struct buf *out, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    buf_printf(out, "<tr><th>%s</th><td>", name);
    put_text(out, value);
    buf_puts(out, "</td></tr>\n");
}

static void put_provenance(struct buf *out, const struct ui_state *d, const struct ui_state *then)
{
    struct buf changed = {0}, before = {0};

    params_show_changed(&then->params, AFFECTS_EDIT, &changed);
    if (ui_verdict(d)) {
        ui_put_state(d, then->state.state, &before);
        buf_printf(&before, ", %s", then->state.state);
    }
    buf_puts(out, "<h2>Made from</h2>\n<table>\n");
    put_fact_row(out, "subject", d->fact.subject);
    put_fact_row(out, "prompt", d->fact.prompt);
    put_fact_row(out, "new object", d->fact.target);
    put_fact_row(out, "old object", d->fact.old);
    put_fact_row(out, "model", d->model.name);
    put_fact_row(out, "model content", d->state.base);
    put_fact_row(out, "made", before.data);
    put_fact_row(out, "state now", d->state.state);
    put_fact_row(out, "checksum", d->verdict.report ? d->verdict.report->checksum : "");
    put_fact_row(out, "parameters off default",
                 changed.len ? changed.data : "none: every parameter has its default");
    put_fact_row(out, "program", EDITSCOPE_VERSION);
    buf_puts(out, "</table>\n");
    buf_free(&changed);
    buf_free(&before);
}

/* The model by its path: its name is the model's own and finds no file. */
static void put_commands(struct buf *out, const struct ui_state *d)
{
    struct buf line = {0}, changed = {0};
    const char *p;

    buf_puts(&line, "editscope edit -m ");
    show_shell_word(&line, *d->model.path ? d->model.path : d->model.name);
    buf_puts(&line, " -s new.es --subject ");
    show_shell_word(&line, d->fact.subject);
    buf_puts(&line, " --prompt ");
    show_shell_word(&line, d->fact.prompt);
    buf_puts(&line, " --target ");
    show_shell_word(&line, d->fact.target);
    params_show_changed(&d->params, AFFECTS_EDIT, &changed);
    for (p = changed.data ? changed.data : ""; *p; p += strcspn(p, ";"), p += *p == ';') {
        char *one = xasprintf("%.*s", (int)strcspn(p, ";"), p);

        buf_puts(&line, " --set ");
        show_shell_word(&line, one);
        free(one);
    }
    buf_puts(out, "<h2>Repeat it</h2>\n<pre>");
    put_text(out, line.data);
    buf_puts(out, "</pre>\n");
    buf_free(&line);
    buf_free(&changed);
}

/* ---- the data ---- */

static void put_line(struct buf *out, enum event_kind kind, unsigned job, const void *what)
{
    struct event ev = {.kind = kind, .job = job, .id = kind == EV_ATTRIBUTED};

    if (!what && kind != EV_ATTRIBUTED)
        return;
    memcpy(&ev.progress, &what, sizeof(what)); /* any member of the union: all are one pointer */
    buf_puts(out, "{\"t\":0,");
    event_write(&ev, true, out);
    buf_puts(out, "}\n");
}

/* What the lines of job 1 are about: what the edit was made from. */
static void put_begun(struct buf *out, const struct ui_state *then)
{
    struct buf changed = {0};
    struct job_begun begun = {.command = "attribute",
                              .facts = 1,
                              .subject = then->fact.subject,
                              .prompt = then->fact.prompt,
                              .target = then->fact.target,
                              .old = then->fact.old,
                              .stamp = then->now.stamp};

    params_show_changed(&then->params, AFFECTS_EDIT, &changed);
    begun.changed = changed.data;
    put_line(out, EV_BEGUN, 1, &begun);
    buf_free(&changed);
}

static void put_verdict_lines(struct buf *out, const struct ui_state *d)
{
    const struct ui_verdict *v = &d->verdict;

    if (v->recalled && !v->sides) {
        put_line(out, EV_RECALLED, 1, v->recalled);
        return;
    }
    put_line(out, v->committed ? EV_COMMIT : EV_PREVIEW, 1, v->report);
    put_line(out, EV_SIDES, 1, v->sides);
    put_line(out, EV_PROBES, 1, v->probes);
    put_line(out, EV_OVERWRITTEN, 1, v->overwritten);
}

/* The results as lines of a recording: `then`, of what the edit was made from; d, of what is at
 * hand. */
static void put_lines(struct buf *out, const struct ui_state *d, const struct ui_state *then)
{
    struct state_info state = d->state;
    char *fact = d->fact.subject ? fact_to_json(&d->fact) : NULL,
         *params = params_to_json(&then->params);

    state.readonly = true;
    state.can_undo = state.can_redo = false;
    buf_puts(out, "{\"schema\":1,\"recording\":\"editscope\"");
    if (fact)
        buf_printf(out, ",\"fact\":%s", fact);
    buf_printf(out, ",\"params\":%s}\n", params);
    put_line(out, EV_MODEL, 0, &d->model);
    put_line(out, EV_STATE, 0, &state);
    put_line(out, EV_HISTORY, 0, d->history);
    if (!ui_differs(d, d->prompt_info))
        put_line(out, EV_PROMPT, 0, d->prompt_info);
    put_begun(out, then);
    if (then->header && !ui_differs(then, then->header))
        put_line(out, EV_HEADER, 1, then->header);
    for (int l = 0; l < then->layers; l++)
        if (then->layer[l].score && !then->layer[l].differs)
            put_line(out, EV_LAYER, 1, then->layer[l].score);
    if (then->header)
        put_line(out, EV_ATTRIBUTED, 1, NULL);
    if (ui_verdict(d))
        put_verdict_lines(out, d);
    for (int k = 0; k < 3; k++)
        if (!ui_differs(d, d->lens[k]))
            put_line(out, EV_LENS, 0, d->lens[k]);
    free(fact);
    free(params);
}

static void put_data(struct buf *out, const struct ui_state *d, const struct ui_state *then)
{
    struct buf lines = {0};

    put_lines(&lines, d, then);
    buf_puts(out, "<script type=\"application/x-ndjson\" id=\"editscope\">\n");
    for (const char *p = lines.data; *p; p++) /* the signs of markup stand in strings only */
        if (*p == '<' || *p == '&')
            buf_printf(out, "\\u%04x", (unsigned)*p);
        else
            buf_add(out, p, 1);
    buf_puts(out, "</script>\n");
    buf_free(&lines);
}

void page_write(const struct ui_state *d, const struct theme *theme, struct buf *out)
{
    struct card c = card_of(d, SIDE_BOTH);
    struct ui_state *then = xcalloc(1, sizeof(*then)); /* large */
    bool forced = ui_as_of_verdict(d, then);

    put_head(out, &c);
    put_card(out, &c);
    put_pictures(out, then, theme, ui_verdict(d) != NULL, forced);
    put_provenance(out, d, then);
    if (d->fact.subject && d->fact.target)
        put_commands(out, then);
    put_data(out, d, then);
    buf_puts(out, "</body></html>\n");
    ui_layers_copy_free(then);
    free(then);
    card_free(&c);
}
