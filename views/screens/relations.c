/* Subject | relation | object: the relation is found by typing, and writes the prompt and its
 * probes. */
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
enum { MOST = 512, LABEL = 10 };

struct picker {
    struct field field[FIELDS];
    int at;
    struct list list;
    int prompt; /* which of the relation's templates */
};

static int matching(const struct view *v, int *index)
{
    const struct picker *p = v->state;
    const struct relations *r = v->host->ui->relations;

    return r ? relations_match(r, field_text(&p->field[RELATION]), index, MOST) : 0;
}

static const struct relation *chosen(const struct view *v)
{
    const struct picker *p = v->state;
    int index[MOST], n = matching(v, index);

    return p->list.at < n ? &v->host->ui->relations->relation[index[p->list.at]] : NULL;
}

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

static void accept(struct view *v)
{
    struct picker *p = v->state;
    const struct relation *r = chosen(v);
    struct err err = {0};
    struct fact f;

    if (!r) {
        v->host->message(v->host, TONE_ERROR, "no relation is called that: delete some of it");
        return;
    }
    f = relation_fact(r, field_text(&p->field[SUBJECT]), field_text(&p->field[OBJECT]), p->prompt,
                      (unsigned long)v->host->ui->params.value[P_SEED]);
    if (fact_normalise(&f, &err)) {
        ui_set_fact(v->host, &f);
        v->host->message(v->host, TONE_GOOD, "%s: %d neighbours, %d paraphrases as probes", r->name,
                         f.localities, f.paraphrases + (f.rephrase != NULL));
        v->host->open(v->host, "edit");
    } else {
        v->host->message(v->host, TONE_ERROR, "%s", err.text);
    }
    fact_free(&f);
}

static bool picker_key(struct view *v, const struct key *key)
{
    struct picker *p = v->state;
    const struct relation *r = chosen(v);
    int index[MOST];

    switch (key->code) {
    case K_ENTER:
        accept(v);
        return true;
    case K_TAB:
        p->at = (p->at + 1) % FIELDS;
        return true;
    case K_BACK_TAB:
        p->at = (p->at + FIELDS - 1) % FIELDS;
        return true;
    case K_UP:
    case K_DOWN:
        list_move(&p->list, key->code == K_UP ? -1 : 1, matching(v, index), 10);
        p->prompt = 0;
        return true;
    case K_PAGE_UP:
    case K_PAGE_DOWN: /* the relation's other ways of saying it */
        if (r)
            p->prompt = (p->prompt + r->prompts + (key->code == K_PAGE_UP ? -1 : 1)) % r->prompts;
        return true;
    default:
        break;
    }
    if (!field_key(&p->field[p->at], key))
        return false;
    if (p->at == RELATION) {
        list_move(&p->list, -MOST, matching(v, index), 10);
        p->prompt = 0;
    }
    return true;
}

static void draw_fields(const struct picker *p, struct surface *s, struct rect in)
{
    static const char *const label[FIELDS] = {"subject", "relation", "object"};

    for (int i = 0; i < FIELDS; i++) {
        struct pen pen = pen_at(s, in, i, 0);

        pen_text(&pen, p->at == i ? ROLE_ACCENT : ROLE_DIM, label[i]);
        field_draw(&p->field[i], s, in, i, LABEL, in.w - LABEL, p->at == i);
    }
}

static void draw_list(const struct view *v, struct surface *s, struct rect area)
{
    const struct picker *p = v->state;
    const struct relations *all = v->host->ui->relations;
    int index[MOST], n = matching(v, index), top;
    char hint[32];
    struct rect in;

    snprintf(hint, sizeof(hint), "%d of %d", n, all ? all->count : 0);
    in = box_draw(s, area, "Relations", hint, false);
    if (!n) {
        struct pen pen = pen_at(s, in, 0, 0);

        pen_fit(&pen, ROLE_WARN, in.w,
                all ? "none is called that" : "the relations are not beside the program");
    }
    top = list_top(&p->list, n, in.h);
    for (int y = 0; y < in.h && top + y < n; y++) {
        const struct relation *r = &all->relation[index[top + y]];
        bool at = top + y == p->list.at;
        struct pen pen = list_row(s, in, y, at, -1);

        pen_fit(&pen, ROLE_DIM, 6, r->id);
        pen_fit(&pen, at ? ROLE_STRONG : ROLE_TEXT, in.w - 6, r->name);
    }
}

static void labelled(struct surface *s, struct rect in, int y, const char *label, enum role role,
                     const char *text)
{
    struct pen pen = pen_at(s, in, y, 0);

    if (y >= in.h)
        return;
    pen_fit(&pen, ROLE_DIM, LABEL, label);
    pen_fit(&pen, role, in.w - LABEL, text);
}

/* What the fact would be. */
static void draw_preview(const struct view *v, struct surface *s, struct rect area)
{
    const struct picker *p = v->state;
    const struct relation *r = chosen(v);
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
    labelled(s, in, y++, "prompt", ROLE_STRONG, text);
    free(text);
    labelled(s, in, y++, "object", ROLE_NEW, f.target);
    if (f.old)
        labelled(s, in, y++, "so far", ROLE_OLD, f.old);
    if (f.rephrase)
        labelled(s, in, y++, "rephrase", ROLE_TEXT, f.rephrase);
    if (f.question)
        labelled(s, in, y++, "question", ROLE_TEXT, f.question);
    for (int i = 0; i < f.paraphrases; i++)
        labelled(s, in, y++, i ? "" : "also", ROLE_TEXT, f.paraphrase[i]);
    for (int i = 0; i < f.localities; i++) {
        char line[300];

        snprintf(line, sizeof(line), "%.200s %.80s", f.locality[i].prompt, f.locality[i].answer);
        labelled(s, in, y++, i ? "" : "must stay", ROLE_DIM, line);
    }
    fact_free(&f);
}

static void picker_draw(const struct view *v, struct surface *s, struct rect area)
{
    struct rect form = {area.y, area.x, area.h < 5 ? area.h : 5, area.w}, rest = area, right, in;

    in = box_draw(s, form, "A fact as a triple", "Enter takes it  Tab next  Esc leaves", true);
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
    .footer = "back next-pane:field help",
    .size = sizeof(struct picker),
    .open = picker_open,
    .close = picker_close,
    .key = picker_key,
    .draw = picker_draw,
};
