/* The Fact pane: the fact or the form it is typed in, its tokens, what the model predicts now, and
 * the probability of the new object.
 *
 *   ╭ Fact ──────────────────────────── e edit ╮
 *   │ subject   Eiffel Tower                   │
 *   │ prompt    The {} is in the city of       │
 *   │ new       Rome  old Paris                │   the form has a row for the old object
 *   │ The ·E iff el ·Tower ·is ·in ·the ...    │   tokens; the subject's last one stands out
 *   │ now says  Paris 0.62  the 0.05           │   the likeliest next tokens
 *   │ p(target) Rome 0.0021  rank 312 of 49152 │
 *   ╰──────────────────────────────────────────╯ */
#include <string.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/edit/editors/editors.h"
#include "core/edit/relations.h"
#include "tui/box.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/panes/panes.h"

enum { LABEL = 10 };

/* The old object has a row of its own only while it can be typed. */
static int form_rows(const struct fact_form *form)
{
    return form->open ? FORM_FIELDS : FORM_OLD;
}

/* The prompt with its {} set apart. */
static void template_line(struct pen p, const char *text)
{
    const char *slot = strstr(text, "{}");
    struct buf head = {0};

    if (!slot) {
        pen_fit(&p, ROLE_TEXT, p.area.w - p.x, text);
        return;
    }
    buf_add(&head, text, (size_t)(slot - text));
    pen_text(&p, ROLE_TEXT, head.data ? head.data : "");
    pen_text(&p, ROLE_SLOT, "{}");
    pen_fit(&p, ROLE_TEXT, p.area.w - p.x, slot + 2);
    buf_free(&head);
}

/* A RUN file of 0.1.0 names no fact; its first row says what was asked and which token explained.
 */
static void run_fields(const struct ui_state *d, struct surface *s, struct rect in)
{
    static const char *const label[2] = {"run of", "explains"};
    char text[400];

    for (int i = 0; i < 2; i++) {
        struct pen p = pen_at(s, in, i, 0);

        pen_text(&p, ROLE_DIM, label[i]);
        p.x = LABEL;
        pen_fit(&p, i ? ROLE_NEW : ROLE_TEXT, in.w - LABEL,
                i ? ui_explained_token(d, text)
                  : text_piece(text, sizeof(text), d->header->prompt[0]));
    }
}

/* "old Paris" behind the new object, from column x on, or that it is missing where the method needs
 * it; nothing where there is no room. */
static void old_object(const struct ui_state *d, struct surface *s, struct rect in, int y, int x)
{
    static const char missing[] = "no old object";
    struct pen p = pen_at(s, in, y, x);
    char piece[64];

    if (d->fact.old && x + 10 <= in.w) {
        pen_text(&p, ROLE_DIM, "old ");
        pen_fit(&p, ROLE_OLD, in.w - p.x, text_piece(piece, sizeof(piece), d->fact.old));
    } else if (!d->fact.old && editor_of(&d->params)->needs & NEEDS_OLD &&
               x + text_width(missing) <= in.w) {
        pen_text(&p, ROLE_WARN, missing);
    }
}

/* A field while it is open; an empty old object says whether there must be one. */
static void open_field(const struct ui_state *d, const struct fact_form *form, int i,
                       struct surface *s, struct rect in)
{
    const struct editor_ops *editor = editor_of(&d->params);
    struct pen p = pen_at(s, in, i, LABEL);

    if (i == FORM_OLD && form->at != i && !*field_text(&form->field[i])) {
        if (editor->needs & NEEDS_OLD)
            pen_printf(&p, ROLE_WARN, "%s needs it", editor->title);
        else
            pen_text(&p, ROLE_DIM, "may be left out");
        return;
    }
    field_draw(&form->field[i], s, in, i, LABEL, in.w - LABEL, form->at == i);
}

/* Subject, prompt and objects: as text, or as input fields while the form is open. */
static void fact_form_fields(const struct ui_state *d, const struct fact_form *form,
                             struct surface *s, struct rect in)
{
    static const char *const label[FORM_FIELDS] = {"subject", "prompt", "new", "old"};
    const char *value[FORM_OLD] = {d->fact.subject, d->fact.prompt, d->fact.target};

    for (int i = 0; i < form_rows(form); i++) {
        struct pen p = pen_at(s, in, i, 0);

        pen_text(&p, form->open && form->at == i ? ROLE_ACCENT : ROLE_DIM, label[i]);
        p.x = LABEL;
        if (form->open)
            open_field(d, form, i, s, in);
        else if (!value[i])
            hint_draw(d, s, in, i, LABEL, ROLE_DIM, d->viewed ? "" : "{fact} types it");
        else if (i == FORM_PROMPT)
            template_line(p, value[i]);
        else
            pen_fit(&p, i == FORM_TARGET ? ROLE_NEW : ROLE_STRONG, in.w - LABEL, value[i]);
        if (i == FORM_TARGET && !form->open && value[i])
            old_object(d, s, in, i, LABEL + text_width(value[i]) + 2);
    }
}

/* The prompt's tokens, over at most `rows` rows; "…" where they do not fit. Returns the rows it
 * took. */
static int token_chips(const struct prompt_info *look, struct surface *s, struct rect in, int y,
                       int rows)
{
    struct pen p = pen_at(s, in, y, 0);

    for (int i = 0; i < look->tokens; i++) {
        const struct shown_token *w = &look->token[i];
        char piece[64];
        int cols = text_width(text_piece(piece, sizeof(piece), w->text));

        if (p.x && p.x + cols > in.w) {
            if (p.y - y + 1 >= rows) {
                p.x = p.x < in.w ? p.x : in.w - 1;
                pen_text(&p, ROLE_DIM, "…");
                break;
            }
            p.y++;
            p.x = 0;
        }
        pen_text(&p,
                 i == look->lookup ? ROLE_LOOKUP
                 : w->subject      ? ROLE_SUBJECT
                                   : ROLE_TOKEN,
                 piece);
        p.x++;
    }
    return p.y - y + 1;
}

/* The likeliest next tokens and their probabilities, as many as fit: of the side of the verdict
 * that is shown, else of the weights as they are. */
static void next_tokens_line(const struct ui_state *d, const struct prompt_info *look,
                             const struct edit_side *side, struct surface *s, struct rect in, int y)
{
    struct pen p = pen_at(s, in, y, 0);

    if (!side)
        pen_text(&p, ROLE_DIM, "now says");
    else
        pen_text(&p, d->verdict.committed ? ROLE_EDITED : ROLE_PREVIEW,
                 d->side == SIDE_BEFORE ? "before" : "after");
    if (side && d->side != SIDE_BEFORE && ui_verdict_moved(d))
        pen_text(&p, ROLE_DIM, " " STALE_HATCH "≈");
    p.x = LABEL;
    look = side ? &side->prompt : look;
    for (int i = 0; i < look->nexts; i++) {
        const char *text = look->next[i].text;
        char piece[64];

        text_piece(piece, sizeof(piece), *text == ' ' && text[1] ? text + 1 : text);
        if (p.x + text_width(piece) + 5 > in.w || (i && look->next[i].p < 0.005)) /* "0.00" */
            break;
        pen_printf(&p,
                   i                 ? ROLE_TEXT
                   : look->rank == 1 ? ROLE_NEW
                                     : ROLE_OLD,
                   "%s %.2f", piece, look->next[i].p);
        p.x += 2;
    }
}

/* A note where the prompt is wrapped in a chat template, or where the new object follows without a
 * blank. */
static void note_unusual_form(const struct ui_state *d, const struct prompt_info *look,
                              struct pen *p)
{
    bool chat = d->fact.wording.form ? d->fact.wording.form == ASK_CHAT
                                     : params_choice(&d->params, P_PROMPT_FORM) != 0;
    const char *words = chat ? "  chat form" : "  no blank before it";

    if ((chat || (look->targets && *look->target[0].text != ' ')) &&
        p->x + text_width(words) <= p->area.w)
        pen_text(p, ROLE_DIM, words);
}

/* The numbers of target_line(): of a verdict before and after, or the shown side by itself; else p
 * and the rank of the first token in the vocabulary. */
static void put_target_numbers(const struct ui_state *d, const struct prompt_info *look,
                               const struct ui_verdict *v, int cols, struct buf *out)
{
    const struct edit_report *report = v ? v->report : NULL;
    struct p_change p = report ? report_p_change(report) : (struct p_change){"p(target)", 0, 0};
    char before[16], after[16], rank[64], all[32];

    if (strcmp(p.name, "p(target)") != 0) /* a recording of 0.1.0 */
        buf_printf(out, "%s ", p.name);
    if (report && d->side == SIDE_BEFORE)
        buf_printf(out, "%s before", text_probability(before, p.before));
    else if (report)
        buf_printf(out, "%s → %s%s", text_probability(before, p.before),
                   ui_verdict_moved(d) ? STALE_HATCH "≈" : "", text_probability(after, p.after));
    else
        buf_puts(out, text_probability(before, look->p_target));
    if (report || !look)
        return;
    text_thousands(all, look->rank);
    snprintf(rank, sizeof(rank), "  %s %s", look->targets > 1 ? "first token's rank" : "rank", all);
    if (text_width(out->data) + text_width(rank) > cols)
        return;
    buf_puts(out, rank);
    if (text_width(out->data) + 4 + text_width(text_thousands(all, d->model.vocab)) <= cols)
        buf_printf(out, " of %s", all);
}

/* The new object and p(target), which is of all its tokens. The name gives way to the numbers. */
static void target_line(const struct ui_state *d, const char *target,
                        const struct prompt_info *look, const struct ui_verdict *v,
                        struct surface *s, struct rect in, int y)
{
    struct pen p = pen_at(s, in, y, 0);
    struct buf numbers = {0};
    int room, name = text_width(target);

    put_target_numbers(d, look, v, in.w - LABEL - 1 - (name < 6 ? name : 6), &numbers);
    room = in.w - LABEL - 1 - text_width(numbers.data);
    room = room < 6 ? 6 : room;
    pen_text(&p, ROLE_DIM, "p(target)");
    p.x = LABEL;
    pen_fit(&p, ROLE_NEW, name < room ? name : room, target);
    p.x++;
    pen_text(&p, !v ? ROLE_DIM : ui_verdict_moved(d) ? ROLE_STALE : ROLE_NEW, numbers.data);
    buf_free(&numbers);
    if (!v)
        note_unusual_form(d, look, &p);
}

static void swap_text(char **a, char **b)
{
    char *text = *a;

    *a = *b;
    *b = text;
}

/* The fields as they stand. */
static struct fact typed_fact(const struct fact_form *form)
{
    const char *old = field_text(&form->field[FORM_OLD]);

    return (struct fact){
        .subject = xstrdup(field_text(&form->field[FORM_SUBJECT])),
        .prompt = xstrdup(field_text(&form->field[FORM_PROMPT])),
        .target = xstrdup(field_text(&form->field[FORM_TARGET])),
        .old = old[strspn(old, " ")] ? xstrdup(old) : NULL,
    };
}

bool form_fact(const struct ui_state *d, const struct fact_form *form, struct fact *out,
               struct err *err)
{
    struct fact typed = typed_fact(form);

    *out = (struct fact){0};
    if (is_fact_line(typed.subject)) {
        bool ok = fact_from_line(out, typed.subject, d->relations,
                                 (unsigned long)d->params.value[P_SEED], err);

        fact_free(&typed);
        return ok;
    }
    if (!fact_normalise(&typed, err) || !fact_old_is_other(&typed, err)) {
        fact_free(&typed);
        return false;
    }
    if (!d->fact.subject || strcmp(d->fact.subject, typed.subject) != 0 ||
        strcmp(d->fact.prompt, typed.prompt) != 0) {
        *out = typed;
        return true;
    }
    *out = fact_copy(&d->fact);
    out->trimmed = typed.trimmed; /* of the fields as typed now */
    swap_text(&out->target, &typed.target);
    swap_text(&out->old, &typed.old);
    fact_free(&typed);
    return true;
}

/* Whether tokens and answer of the fact can be shown; else the pane says why not. */
static bool has_tokens(const struct ui_state *d, const struct prompt_info *look, struct surface *s,
                       struct rect in, int y)
{
    struct pen p = pen_at(s, in, y, 0);

    if (look && look->problem[0])
        surface_lines(s, in, y, ROLE_WARN, look->problem);
    else if (!look)
        pen_fit(&p, ROLE_DIM, in.w,
                !d->ready             ? "the model is being loaded"
                : d->viewed           ? HINT_NOT_THERE
                : !*d->state.checksum ? "the session is being opened"
                : d->recorded         ? "not in this recording; open a model"
                                      : "");
    return look && !look->problem[0];
}

/* Tokens, answer and probability of a fact, from row y on. What is being typed has no verdict. */
static void prompt_rows(const struct ui_state *d, const struct fact *fact,
                        const struct prompt_info *look, bool typed, struct surface *s,
                        struct rect in, int y)
{
    if (*look->note) {
        struct pen p = pen_at(s, in, y++, 0);

        pen_fit(&p, ROLE_WARN, in.w, look->note);
    }
    y += token_chips(look, s, in, y, in.h - y - 2 > 1 ? in.h - y - 2 : 1);
    next_tokens_line(d, look, typed ? NULL : ui_shown_side(d), s, in, y);
    target_line(d, fact->target ? fact->target : "", look,
                typed || !ui_verdict_is_present(d) ? NULL : ui_verdict(d), s, in, y + 1);
}

void pane_fact(const struct ui_state *d, const struct fact_form *form, struct surface *s,
               struct rect area, bool focus)
{
    unsigned differs = ui_differs(d, d->prompt_info);
    const struct prompt_info *look = d->prompt_info;
    char title[8 + UI_WORDS] = "Fact";
    struct fact typed = {0};
    struct err err = {0};
    int y = form_rows(form);
    struct rect in;

    if (form->open && form_fact(d, form, &typed, &err))
        look = ui_prompt_of(d, &typed, &differs);
    else if (differs & (STAMP_FACT | STAMP_OBJECT))
        look = NULL;
    if (differs == STAMP_STATE)
        pane_stale_title(d, d->prompt_info, title, sizeof(title));
    in = hint_box(d, s, area, title, form->open ? "Enter accepts  Esc leaves" : "{fact} edit",
                  focus || form->open);
    if (d->fact.subject || form->open || !d->header || d->header->rows < 1)
        fact_form_fields(d, form, s, in);
    else
        run_fields(d, s, in);
    if (form->open && *err.text) { /* not the tokens of an earlier text */
        surface_lines(s, in, y, ROLE_WARN, err.text);
    } else if (has_tokens(d, y < in.h ? look : NULL, s, in, y)) {
        prompt_rows(d, form->open ? &typed : &d->fact, look, form->open, s, in, y);
        if (differs)
            surface_stale(s, (struct rect){in.y + y, in.x, in.h - y, in.w});
    }
    fact_free(&typed);
}
