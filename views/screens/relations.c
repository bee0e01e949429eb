/* The Relations view: a fact as subject | relation | object. The relation is found by typing, and
 * its templates write the prompt and the probes.
 *
 *   +- A fact as a triple ----------- Enter takes it  Tab next  Esc cancels -+
 *   | subject   Eiffel Tower                                                 |
 *   | relation  loc                                                          |
 *   | object    Rome                                                         |
 *   +------------------------------------------------------------------------+
 *   +- Relations -------- 3 of 40 -++- In words, 1 of 4 ---- PgUp PgDn others-+
 *   | P276  location               || prompt    The Eiffel Tower is located … |
 *   | P131  located in             || must stay The Louvre is in Paris        |
 *   +------------------------------++------------------------------------------+
 *
 * Up and Down move in the list, PgUp and PgDn through the templates of the selected relation. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/edit/relations.h"
#include "tui/box.h"
#include "tui/field.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/requests.h"
#include "views/view.h"

enum { SUBJECT, RELATION, OBJECT, FIELDS };
enum { RELATIONS_MOST = 512, LABEL = 10 };

struct picker {
    struct field field[FIELDS];
    int at;
    struct list list;
    int prompt; /* which of the relation's templates */
};

/* Indices of the relations that match the typed text, best first. Returns how many. */
static int matching_relations(const struct view *v, int *index)
{
    const struct picker *p = v->state;
    const struct relations *r = v->host->ui->relations;

    return r ? relations_match(r, field_text(&p->field[RELATION]), index, RELATIONS_MOST) : 0;
}

/* The relation under the list's cursor, or NULL. */
static const struct relation *selected_relation(const struct view *v)
{
    const struct picker *p = v->state;
    int index[RELATIONS_MOST], n = matching_relations(v, index);

    return p->list.at < n ? &v->host->ui->relations->relation[index[p->list.at]] : NULL;
}

/* The fields start with the present fact. */
static void picker_open(struct view *v)
{
    struct picker *p = v->state;
    const struct fact *f = &v->host->ui->fact;

    field_set(&p->field[SUBJECT], f->subject ? f->subject : "");
    field_set(&p->field[RELATION], f->relation ? f->relation : "");
    field_set(&p->field[OBJECT], f->target ? f->target : "");
    p->at = RELATION;
    p->list = (struct list){0, 0};
    p->prompt = 0;
}

static void picker_close(struct view *v)
{
    struct picker *p = v->state;

    for (int i = 0; i < FIELDS; i++)
        field_free(&p->field[i]);
}

/* Enter: makes the fact, with probes from the relation, and goes to Edit. */
static void accept_triple(struct view *v)
{
    struct picker *p = v->state;
    const struct relation *r = selected_relation(v);
    struct err err = {0};
    struct fact f;

    if (!r) {
        v->host->message(v->host, TONE_ERROR, "no relation matches: delete some of the text");
        return;
    }
    f = relation_fact(r, field_text(&p->field[SUBJECT]), field_text(&p->field[OBJECT]), p->prompt,
                      (unsigned long)v->host->ui->params.value[P_SEED]);
    if (fact_normalise(&f, &err)) {
        ui_set_fact(v->host, &f);
        v->host->message(v->host, TONE_GOOD, "%s: %d neighbours and %d paraphrases as probes",
                         r->name, f.localities, f.paraphrases + (f.rephrase != NULL));
        v->host->open(v->host, "edit");
    } else {
        v->host->message(v->host, TONE_ERROR, "%s", err.text);
    }
    fact_free(&f);
}

static bool picker_key(struct view *v, const struct key *key)
{
    struct picker *p = v->state;
    const struct relation *r = selected_relation(v);
    int index[RELATIONS_MOST];

    switch (key->code) {
    case K_ENTER:
        accept_triple(v);
        return true;
    case K_TAB:
        p->at = (p->at + 1) % FIELDS;
        return true;
    case K_BACK_TAB:
        p->at = (p->at + FIELDS - 1) % FIELDS;
        return true;
    case K_UP:
    case K_DOWN:
        list_move(&p->list, key->code == K_UP ? -1 : 1, matching_relations(v, index), 10);
        p->prompt = 0;
        return true;
    case K_PAGE_UP:
    case K_PAGE_DOWN: /* the relation's next template */
        if (r)
            p->prompt = (p->prompt + r->prompts + (key->code == K_PAGE_UP ? -1 : 1)) % r->prompts;
        return true;
    default:
        break;
    }
    if (!field_key(&p->field[p->at], key))
        return false;
    if (p->at == RELATION) {
        list_move(&p->list, -RELATIONS_MOST, matching_relations(v, index), 10);
        p->prompt = 0;
    }
    return true;
}

static const struct field *picker_field(const struct view *v)
{
    const struct picker *p = v->state;

    return &p->field[p->at];
}

/* The three fields, the label of the active one highlighted. */
static void draw_fields(const struct picker *p, struct surface *s, struct rect in)
{
    static const char *const label[FIELDS] = {"subject", "relation", "object"};

    for (int i = 0; i < FIELDS; i++) {
        struct pen pen = pen_at(s, in, i, 0);

        pen_text(&pen, p->at == i ? ROLE_ACCENT : ROLE_DIM, label[i]);
        field_draw(&p->field[i], s, in, i, LABEL, in.w - LABEL, p->at == i);
    }
}

/* The left box: number and name of the matching relations. */
static void draw_list(const struct view *v, struct surface *s, struct rect area)
{
    const struct picker *p = v->state;
    const struct relations *all = v->host->ui->relations;
    int index[RELATIONS_MOST], n = matching_relations(v, index), top;
    char hint[32];
    struct rect in;

    snprintf(hint, sizeof(hint), "%d of %d", n, all ? all->count : 0);
    in = box_draw(s, area, "Relations", hint, false);
    if (!n)
        surface_lines(s, in, 0, ROLE_WARN,
                      all ? "no relation matches" : "the file of relations was not found");
    top = list_top(&p->list, n, in.h);
    for (int y = 0; y < in.h && top + y < n; y++) {
        const struct relation *r = &all->relation[index[top + y]];
        bool at = top + y == p->list.at;
        struct pen pen = list_row(s, in, y, at, -1);

        pen_fit(&pen, ROLE_DIM, 6, r->id);
        pen_fit(&pen, at ? ROLE_STRONG : ROLE_TEXT, in.w - 6, r->name);
    }
}

/* A label in the first LABEL columns, then a text. */
static void draw_labelled(struct surface *s, struct rect in, int y, const char *label,
                          enum role role, const char *text)
{
    struct pen pen = pen_at(s, in, y, 0);

    if (y >= in.h)
        return;
    pen_fit(&pen, ROLE_DIM, LABEL, label);
    pen_fit(&pen, role, in.w - LABEL, text);
}

/* The right box: the fact that Enter would take, with all its probes. */
static void draw_preview(const struct view *v, struct surface *s, struct rect area)
{
    const struct picker *p = v->state;
    const struct relation *r = selected_relation(v);
    const char *subject = field_text(&p->field[SUBJECT]), *object = field_text(&p->field[OBJECT]);
    char title[64] = "In words", *text;
    struct fact f;
    struct rect in;
    int y = 0;

    if (r)
        snprintf(title, sizeof(title), "In words, %d of %d", p->prompt + 1, r->prompts);
    in = box_draw(s, area, title, r && r->prompts > 1 ? "PgUp PgDn others" : "", false);
    if (!r)
        return;
    f = relation_fact(r, *subject ? subject : "…", *object ? object : "…", p->prompt,
                      (unsigned long)v->host->ui->params.value[P_SEED]);
    text = fact_text(&f);
    draw_labelled(s, in, y++, "prompt", ROLE_STRONG, text);
    free(text);
    draw_labelled(s, in, y++, "object", ROLE_NEW, f.target);
    if (f.old)
        draw_labelled(s, in, y++, "so far", ROLE_OLD, f.old);
    if (f.rephrase)
        draw_labelled(s, in, y++, "rephrase", ROLE_TEXT, f.rephrase);
    if (f.question)
        draw_labelled(s, in, y++, "question", ROLE_TEXT, f.question);
    for (int i = 0; i < f.paraphrases; i++)
        draw_labelled(s, in, y++, i ? "" : "also", ROLE_TEXT, f.paraphrase[i]);
    for (int i = 0; i < f.localities; i++) {
        char line[300];

        snprintf(line, sizeof(line), "%.200s %.80s", f.locality[i].prompt, f.locality[i].answer);
        draw_labelled(s, in, y++, i ? "" : "must stay", ROLE_DIM, line);
    }
    fact_free(&f);
}

static void picker_draw(const struct view *v, struct surface *s, struct rect area)
{
    struct rect form = {area.y, area.x, area.h < 5 ? area.h : 5, area.w}, rest = area, right, in;

    in = box_draw(s, form, "A fact as a triple", "Enter takes it  Tab next  Esc cancels", true);
    draw_fields(v->state, s, in);
    rest.y += form.h;
    rest.h -= form.h;
    right = rest;
    rest.w = rest.w * 2 / 5;
    right.x += rest.w;
    right.w -= rest.w;
    draw_list(v, s, rest);
    draw_preview(v, s, right);
}

const struct view_ops view_relations = {
    .name = "relations",
    .title = "Relations",
    .tab = "",
    .footer = "back",
    .overlay = true,
    .size = sizeof(struct picker),
    .open = picker_open,
    .close = picker_close,
    .key = picker_key,
    .field = picker_field,
    .field_keys = "enter:take tab:next up:relation pgdn:wording esc:leave",
    .draw = picker_draw,
};
