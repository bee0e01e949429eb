/* The Fact pane: the fact or the form it is typed in, its tokens, what the model predicts now, and
 * the probability of the new object.
 *
 *   ╭ Fact ──────────────────────────── e edit ╮
 *   │ subject   Eiffel Tower                   │
 *   │ prompt    The {} is in the city of       │
 *   │ new       Rome                           │
 *   │ The ·E iff el ·Tower ·is ·in ·the ...    │   tokens; the subject's last one stands out
 *   │ now says  Paris 0.62  the 0.05           │   the likeliest next tokens
 *   │ p(target) Rome 0.0021  rank 312 of 49152 │
 *   ╰──────────────────────────────────────────╯ */
#include <string.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/edit/relations.h"
#include "tui/box.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/panes/panes.h"

enum { LABEL = 10 };

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

/* Subject, prompt and new object: as text, or as input fields while the form is open. */
static void fact_form_fields(const struct ui_state *d, const struct fact_form *form,
                             struct surface *s, struct rect in)
{
    static const char *const label[FORM_FIELDS] = {"subject", "prompt", "new"};
    const char *value[FORM_FIELDS] = {d->fact.subject, d->fact.prompt, d->fact.target};

    for (int i = 0; i < FORM_FIELDS; i++) {
        struct pen p = pen_at(s, in, i, 0);

        pen_text(&p, form->open && form->at == i ? ROLE_ACCENT : ROLE_DIM, label[i]);
        p.x = LABEL;
        if (form->open)
            field_draw(&form->field[i], s, in, i, LABEL, in.w - LABEL, form->at == i);
        else if (!value[i])
            hint_draw(d, s, in, i, LABEL, ROLE_DIM, d->viewed ? "" : "{fact} types it");
        else if (i == FORM_PROMPT)
            template_line(p, value[i]);
        else
            pen_fit(&p, i == FORM_TARGET ? ROLE_NEW : ROLE_STRONG, in.w - LABEL, value[i]);
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
static void next_tokens_line(const struct ui_state *d, const struct edit_side *side,
                             struct surface *s, struct rect in, int y)
{
    struct pen p = pen_at(s, in, y, 0);
    const struct prompt_info *look = side ? &side->prompt : d->prompt_info;

    if (!side)
        pen_text(&p, ROLE_DIM, "now says");
    else
        pen_text(&p, d->verdict.committed ? ROLE_EDITED : ROLE_PREVIEW,
                 d->side == SIDE_BEFORE ? "before" : "after");
    if (side && d->side != SIDE_BEFORE && ui_verdict_moved(d))
        pen_text(&p, ROLE_DIM, " " STALE_HATCH "≈");
    p.x = LABEL;
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
static void note_unusual_form(const struct ui_state *d, struct pen *p)
{
    const struct prompt_info *look = d->prompt_info;
    bool chat = d->fact.wording.form ? d->fact.wording.form == ASK_CHAT
                                     : params_choice(&d->params, P_PROMPT_FORM) != 0;
    const char *words = chat ? "  chat form" : "  no blank before it";

    if ((chat || (look->targets && *look->target[0].text != ' ')) &&
        p->x + text_width(words) <= p->area.w)
        pen_text(p, ROLE_DIM, words);
}

/* The numbers of target_line(): of a verdict before and after, or the shown side by itself; else p
 * and the rank of the first token in the vocabulary. */
static void put_target_numbers(const struct ui_state *d, const struct ui_verdict *v, int cols,
                               struct buf *out)
{
    const struct edit_report *report = v ? v->report : NULL;
    const struct prompt_info *look = d->prompt_info;
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
static void target_line(const struct ui_state *d, const struct ui_verdict *v, struct surface *s,
                        struct rect in, int y)
{
    struct pen p = pen_at(s, in, y, 0);
    const char *target = d->fact.target ? d->fact.target : "";
    struct buf numbers = {0};
    int room, name = text_width(target);

    put_target_numbers(d, v, in.w - LABEL - 1 - (name < 6 ? name : 6), &numbers);
    room = in.w - LABEL - 1 - text_width(numbers.data);
    room = room < 6 ? 6 : room;
    pen_text(&p, ROLE_DIM, "p(target)");
    p.x = LABEL;
    pen_fit(&p, ROLE_NEW, name < room ? name : room, target);
    p.x++;
    pen_text(&p, !v ? ROLE_DIM : ui_verdict_moved(d) ? ROLE_STALE : ROLE_NEW, numbers.data);
    buf_free(&numbers);
    if (!v)
        note_unusual_form(d, &p);
}

struct fact form_fact(const struct fact_form *form)
{
    return (struct fact){
        .subject = xstrdup(field_text(&form->field[FORM_SUBJECT])),
        .prompt = xstrdup(field_text(&form->field[FORM_PROMPT])),
        .target = xstrdup(field_text(&form->field[FORM_TARGET])),
    };
}

/* Why the typed text is no fact yet; "" if it is one. Tokens and answer of an earlier text would
 * stand under it otherwise. */
static const char *typed_problem(const struct fact_form *form, struct err *err)
{
    struct fact fact = form_fact(form);

    if (!is_fact_line(fact.subject)) /* brings its own prompt */
        fact_normalise(&fact, err);
    fact_free(&fact);
    return err->text;
}

/* In which parts the tokens and the answer are not those of the fact shown. */
static unsigned info_differs(const struct ui_state *d, const struct fact_form *form)
{
    struct fact fact;
    unsigned differs;

    if (!form->open)
        return ui_differs(d, d->prompt_info);
    fact = form_fact(form);
    if (!fact_normalise(&fact, NULL)) { /* what is typed is none yet */
        fact_free(&fact);
        return ui_differs_with(d, d->prompt_info, &d->fact);
    }
    differs = ui_differs_with(d, d->prompt_info, &fact);
    fact_free(&fact);
    return differs;
}

void pane_fact(const struct ui_state *d, const struct fact_form *form, struct surface *s,
               struct rect area, bool focus)
{
    unsigned differs = info_differs(d, form);
    char title[8 + UI_WORDS] = "Fact";
    struct err err = {0};
    struct rect in;
    int y = FORM_FIELDS;

    if (differs == STAMP_STATE)
        pane_stale_title(d, d->prompt_info, title, sizeof(title));
    in = hint_box(d, s, area, title, form->open ? "Enter accepts  Esc leaves" : "{fact} edit",
                  focus || form->open);

    if (d->fact.subject || form->open || !d->header || d->header->rows < 1)
        fact_form_fields(d, form, s, in);
    else
        run_fields(d, s, in);
    if (form->open && *typed_problem(form, &err)) {
        surface_lines(s, in, y, ROLE_WARN, err.text);
        return;
    }
    if (!d->prompt_info || y >= in.h || (!form->open && differs & (STAMP_FACT | STAMP_OBJECT))) {
        struct pen p = pen_at(s, in, y, 0);

        pen_fit(&p, ROLE_DIM, in.w,
                !d->ready             ? "the model is being loaded"
                : d->viewed           ? HINT_NOT_THERE
                : !*d->state.checksum ? "the session is being opened"
                : d->recorded         ? "not in this recording; open a model"
                                      : "");
        return;
    }
    if (d->prompt_info->problem[0]) {
        surface_lines(s, in, y, ROLE_WARN, d->prompt_info->problem);
        return;
    }
    if (*d->prompt_info->note) {
        struct pen p = pen_at(s, in, y++, 0);

        pen_fit(&p, ROLE_WARN, in.w, d->prompt_info->note);
    }
    y += token_chips(d->prompt_info, s, in, y, in.h - y - 2 > 1 ? in.h - y - 2 : 1);
    /* what is being typed has no verdict */
    next_tokens_line(d, form->open ? NULL : ui_shown_side(d), s, in, y);
    target_line(d, form->open || !ui_verdict_is_present(d) ? NULL : ui_verdict(d), s, in, y + 1);
    if (differs)
        surface_stale(s, (struct rect){in.y + FORM_FIELDS, in.x, in.h - FORM_FIELDS, in.w});
}
