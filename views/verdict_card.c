/* Writes the rows of the verdict card from ui_state.
 *
 *   asked       The Eiffel Tower is located in the city of
 *   before      Paris, France.                                                p(target) 0.0057
 *   after       Rome, Italy. It's a historic Roman                            p(target) 0.991
 *   verdict   ✓ would hold: all 2 tokens of "Rome" are the most probable ones, p 0.991
 *   says it   ✗ 4 of 5; in other words 1 of 2
 *   neighbours✓ 5 of 5 known ones stay, 1 unknown one moved
 *   earlier   ✓ all 12 facts of other edits still hold
 *   written     2,610 of 7,680 columns in L4–8, ‖ΔW‖/‖W‖ 2.4–8.2 %, leak/gain² 4.1–19×
 *   rank …      of old and new object by layer, before and after
 *   rephrase  ✓ …   a row for each probe, each fact that was overwritten, each layer
 *
 * p(target) is of all tokens of the new object; p of its first token has that name. */
#include "views/verdict_card.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/job_rules.h"

void card_free(struct card *c)
{
    for (int i = 0; i < c->rows; i++) {
        free(c->row[i].text);
        free(c->row[i].more);
    }
    free(c->row);
    *c = (struct card){0};
}

/* A new row; `text` moves into it. */
static struct card_row *card_add(struct card *c, const char *label, const char *mark,
                                 enum role role, struct buf *text)
{
    struct card_row *r;

    c->row = xrealloc(c->row, (size_t)(c->rows + 1) * sizeof(*c->row));
    r = &c->row[c->rows++];
    *r = (struct card_row){.label = label, .mark = mark, .role = role};
    r->text = text->data ? buf_take(text) : xstrdup("");
    return r;
}

void put_said(struct buf *out, const char *said)
{
    const char *from = said ? said + strspn(said, " \n") : "";
    size_t n = strlen(from);

    while (n && (from[n - 1] == ' ' || from[n - 1] == '\n'))
        n--;
    if (n)
        show_escape(out, from, n);
    else
        buf_puts(out, said && *said ? "(nothing but blanks)" : TEXT_SAID_NOTHING);
}

/* ---- what was asked and answered ---- */

static void add_answer(struct card *c, const struct ui_state *d, bool after)
{
    const struct ui_verdict *v = &d->verdict;
    const struct edit_side *s = !v->sides ? NULL : after ? &v->sides->after : &v->sides->before;
    bool shown = d->side == SIDE_BOTH || (d->side == SIDE_AFTER) == after;
    const struct recalled_edit *r = v->recalled;
    struct buf text = {0};
    struct card_row *row;
    char p[16];

    if (s)
        put_said(&text, s->said);
    else if (r && (after ? r->said_after : r->said_before))
        put_said(&text, after ? r->said_after : r->said_before);
    else if (r)
        buf_puts(&text, "(not stored)");
    else if (after)
        put_said(&text, v->report->generated);
    else
        buf_puts(&text, "(not known)");
    row = card_add(c, after ? "after" : "before", shown ? "▸" : "", after ? ROLE_NEW : ROLE_OLD,
                   &text);
    if (!isnan(v->report->p_target[after]))
        snprintf(row->right, sizeof(row->right), "p(target) %s",
                 text_probability(p, v->report->p_target[after]));
}

/* Why the fact holds or not: the acceptance test of a commit, in words. */
static void add_judgement(struct card *c, const struct ui_state *d)
{
    const struct ui_verdict *v = &d->verdict;
    const struct edit_report *a = v->report;
    const struct edit_side *s = v->sides ? &v->sides->after : NULL;
    const struct recalled_edit *r = s ? NULL : v->recalled;
    double accuracy = s ? s->accuracy : r && !isnan(r->accuracy) ? r->accuracy : -1;
    bool holds = a->held == a->facts;
    int tokens = d->prompt_info ? d->prompt_info->targets : 0;
    double accept = v->sides ? v->sides->accept : r ? v->params.value[P_ACCEPT_P_MIN] : 0;
    struct buf text = {0};
    char p[2][16], words[UI_WORDS], key[HINT_MAX];

    buf_puts(&text, r              ? holds ? "held at its commit: " : "did NOT hold at its commit: "
                    : v->committed ? holds ? "holds: " : "does NOT hold: "
                    : holds        ? "would hold: "
                                   : "would NOT hold: ");
    if (accuracy >= 0 && accuracy < 1 && tokens > 1)
        show_format(&text, "%ld of %d tokens of \"%s\" are the most probable ones",
                    lround(accuracy * tokens), tokens, d->fact.target);
    else if (accuracy >= 0 && accuracy < 1)
        show_format(&text, "another token is more probable than \"%s\"", d->fact.target);
    else if (accuracy >= 1 && tokens > 1)
        show_format(&text, "all %d tokens of \"%s\" are the most probable ones", tokens,
                    d->fact.target);
    else
        show_format(&text, "\"%s\" is%s the most probable token", d->fact.target,
                    holds ? "" : " not");
    if (accept > 0 && !isnan(a->p_target[1]))
        buf_printf(&text, ", p %s is %s accept.p_min %s", text_probability(p[0], a->p_target[1]),
                   a->p_target[1] >= accept ? "at least" : "below", text_probability(p[1], accept));
    if (tokens > 1 && !isnan(a->p_after))
        buf_printf(&text, " (p of its first token %s → %s)", text_probability(p[0], a->p_before),
                   text_probability(p[1], a->p_after));
    if (ui_verdict_moved(d))
        buf_printf(&text, ". This preview was %s%s", ui_verdict_words(d, words),
                   d->viewed ? "" : hint_text(d, key, ": {preview} makes it exact"));
    card_add(c, "verdict", holds ? "✓" : "✗", holds ? ROLE_GOOD : ROLE_WARN, &text);
}

/* ---- probes ---- */

static const char *probe_mark(const struct probe_result *p, bool after)
{
    return !p->known && (p->kind != PROBE_LOCALITY || p->ok[after]) ? "·"
           : p->ok[after]                                           ? "✓"
                                                                    : "✗";
}

/* What an unpassed probe that the base did not understand means, and whether a neighbour moved. */
static enum role probe_role(const struct probe_result *p, bool after)
{
    return p->known                                     ? p->ok[after] ? ROLE_GOOD : ROLE_ERROR
           : !p->ok[after] && p->kind == PROBE_LOCALITY ? ROLE_WARN
                                                        : ROLE_DIM;
}

static void put_side(struct buf *out, const char *label, const struct probe_result *p, int k)
{
    char number[16];

    buf_printf(out, "\n%s ", label);
    put_said(out, p->said[k]);
    if (isfinite(p->p_target[k]))
        show_format(out, "   p of \"%s\" %s", p->expected,
                    text_probability(number, p->p_target[k]));
}

static void add_probe(struct card *c, const struct probe_result *p, enum neuron_side side)
{
    bool after = side != SIDE_BEFORE, near = p->kind == PROBE_LOCALITY;
    struct buf text = {0}, more = {0};
    struct card_row *r;
    char why[80];

    show_format(&text, "%s → ", p->prompt);
    if (p->context) {
        buf_puts(&text, probe_not_asked(p, why));
        card_add(c, probe_label(p->kind), "·", ROLE_DIM, &text)->detail = true;
        return;
    }
    if (side == SIDE_BOTH || (after && near && !p->ok[1])) {
        put_said(&text, p->said[0]);
        buf_puts(&text, " → ");
    }
    put_said(&text, p->said[after]);
    if (!p->known)
        buf_puts(&text, near ? " (the base does not know it)" : " (nor does the base say the old)");
    r = card_add(c, probe_label(p->kind), probe_mark(p, after), probe_role(p, after), &text);
    r->detail = true;
    show_format(&more, near ? "stays if it says: %s" : "passes if it says: %s", p->expected);
    put_side(&more, "before:", p, 0);
    put_side(&more, "after: ", p, 1);
    r->more = buf_take(&more);
}

/* The edit's own first, then its neighbours. */
static void add_probes(struct card *c, const struct probe_report *p, enum neuron_side side)
{
    for (int near = 0; near < 2; near++)
        for (int i = 0; i < p->probes; i++)
            if ((p->probe[i].kind == PROBE_LOCALITY) == near)
                add_probe(c, &p->probe[i], side);
}

struct card card_of_probes(const struct probe_report *p)
{
    struct card c = {0};

    add_probes(&c, p, SIDE_BOTH);
    return c;
}

struct tally tally_of(const struct probe_report *p, enum probe_kind kind)
{
    struct tally t = {0};

    for (int i = 0; i < p->probes; i++) {
        const struct probe_result *r = &p->probe[i];

        if (r->kind != kind)
            continue;
        t.unasked += r->context != 0;
        if (r->context)
            continue;
        t.of += r->known;
        t.ok += r->known && r->ok[1];
        t.unknown += !r->known;
        t.moved += !r->known && !r->ok[1];
    }
    return t;
}

static void add_waiting(struct card *c, const struct ui_state *d, const char *label)
{
    struct buf text = {0};
    char key[HINT_MAX];
    buf_puts(&text,
             ui_job_kind(d, d->verdict.probe_job) ? "being asked"
             : d->viewed          ? d->verdict.recalled ? "not stored" : HINT_NOT_THERE
             : commit_will_ask(d) ? "asked with the commit"
             : d->verdict.recalled
                 ? hint_text(d, key, "not stored: {probe} asks the states before it and with it")
                 : hint_text(d, key, "not asked: {probe} asks"));
    card_add(c, label, "", ROLE_DIM, &text);
}

/* "rephrase 2 of 2, question 0 of 1, chat 1 of 1, follows 3 of 4" */
static void add_says_it(struct card *c, const struct probe_report *p)
{
    static const enum probe_kind kind[] = {PROBE_REPHRASE, PROBE_QUESTION, PROBE_CHAT,
                                           PROBE_PORTABILITY};
    struct buf text = {0};
    int ok = 0, of = 0, unknown = 0, unasked = 0;

    for (size_t i = 0; i < sizeof(kind) / sizeof(*kind); i++) {
        struct tally t = tally_of(p, kind[i]);

        ok += t.ok;
        of += t.of;
        unknown += t.unknown;
        unasked += t.unasked;
        if (t.of)
            buf_printf(&text, "%s%s %d of %d", text.len ? ", " : "", probe_label(kind[i]), t.ok,
                       t.of);
    }
    if (unknown)
        buf_printf(&text, "%s%d that the base does not know either", text.len ? ", " : "", unknown);
    if (unasked)
        buf_printf(&text, "%s%d not asked: too long for the model", text.len ? ", " : "", unasked);
    if (!text.len)
        buf_puts(&text, "this fact has no rephrase, question or consequence to ask");
    card_add(c, "says it",
             !of        ? "·"
             : ok == of ? "✓"
                        : "✗",
             !of        ? ROLE_DIM
             : ok == of ? ROLE_GOOD
                        : ROLE_WARN,
             &text);
}

/* That the fact brings no neighbour, and what would: a relation has facts of other subjects. */
static void put_no_neighbours(struct buf *out, const struct ui_state *d)
{
    char key[HINT_MAX];

    if (d->fact.relation)
        show_format(out, "the relation %.40s has no other fact", d->fact.relation);
    else if (d->fact.record)
        show_format(out, "record %d of its file has none", d->fact.record);
    else if (d->relations && !d->viewed)
        buf_puts(out,
                 hint_text(d, key,
                           "this fact brings none: a relation in the place of its prompt does, "
                           "{relation} lists them"));
    else
        buf_puts(out, "this fact brings none");
}

void put_neighbours(struct buf *out, const struct ui_state *d, const struct probe_report *p)
{
    struct tally t = tally_of(p, PROBE_LOCALITY);
    size_t at = out->len;

    if (t.of)
        buf_printf(out, "%d of %d known one%s stay%s", t.ok, t.of, t.of == 1 ? "" : "s",
                   t.ok == 1 ? "s" : "");
    else if (t.unknown)
        buf_puts(out, "the base knows none of them: nothing to judge by");
    else if (!p->spares_asked)
        put_no_neighbours(out, d);
    if (t.of && p->spares_asked)
        buf_printf(out, " (the base knew none of the fact's own; %d other%s asked)",
                   p->spares_asked, p->spares_asked == 1 ? " was" : "s were");
    else if (p->spares_asked)
        buf_printf(out,
                   t.unknown ? ", nor any of %d others" : "the base knows none of the %d asked",
                   p->spares_asked);
    if (t.moved)
        buf_printf(out, ", %d unknown one%s moved", t.moved, t.moved == 1 ? "" : "s");
    if (t.unasked)
        buf_printf(out, "%s%d not asked: too long for the model", out->len > at ? ", " : "",
                   t.unasked);
}

static void add_neighbours(struct card *c, const struct ui_state *d, const struct probe_report *p)
{
    struct tally t = tally_of(p, PROBE_LOCALITY);
    struct buf text = {0};

    put_neighbours(&text, d, p);
    card_add(c, "neighbours",
             !t.of          ? "·"
             : t.ok == t.of ? "✓"
                            : "✗",
             t.ok < t.of        ? ROLE_ERROR
             : t.moved || !t.of ? ROLE_WARN
                                : ROLE_GOOD,
             &text);
}

/* ---- earlier edits ---- */

static void add_earlier(struct card *c, const struct overwritten *o)
{
    struct buf text = {0};

    if (!o->facts)
        buf_puts(&text, "there is no other edit");
    else if (o->asked < o->facts)
        buf_printf(&text, "%d of %d asked facts hold, evenly taken of %d of other edits", o->held,
                   o->asked, o->facts);
    else
        buf_printf(&text, "%d of %d fact%s of other edits hold%s", o->held, o->asked,
                   o->asked == 1 ? "" : "s", o->held == 1 ? "s" : "");
    if (o->lost)
        buf_printf(&text, "; overwritten by this one: %d", o->lost);
    if (o->weak)
        buf_printf(&text, "; %d did not hold before either", o->weak);
    card_add(c, "earlier",
             !o->facts ? "·"
             : o->lost ? "✗"
                       : "✓",
             !o->facts ? ROLE_DIM
             : o->lost ? ROLE_ERROR
                       : ROLE_GOOD,
             &text);
}

static void add_overwritten(struct card *c, const struct overwritten_fact *f)
{
    struct buf text = {0};
    struct card_row *r;
    char p[2][16];

    show_format(&text, "edit %d, %s → %s: says now ", f->edit, f->subject, f->target);
    put_said(&text, f->said[1]);
    r = card_add(c, "overwrote", "✗", ROLE_ERROR, &text);
    r->detail = true;
    snprintf(r->right, sizeof(r->right), "p(target) %s → %s", text_probability(p[0], f->p[0]),
             text_probability(p[1], f->p[1]));
}

/* ---- what was written ---- */

static void add_written(struct card *c, const struct ui_state *d)
{
    const struct edit_report *a = d->verdict.report;
    struct buf text = {0};
    char tokens[32];

    put_written(&text, d, a);
    if (a->draft)
        buf_printf(&text, ", second moments are a draft of %s tokens",
                   text_thousands(tokens, a->moment_tokens));
    card_add(c, d->verdict.committed ? "written" : "would write", "", ROLE_TEXT, &text);
}

static void add_layer(struct card *c, const struct ui_state *d, const struct layer_report *l)
{
    struct buf text = {0};

    put_written_layer(&text, d, l);
    card_add(c, "layer", "", ROLE_TEXT, &text)->detail = true;
}

/* ---- ranks by layer ---- */

static void add_rank(struct card *c, const char *label, enum role role, const char *who,
                     const struct prompt_info *look, bool new)
{
    struct buf text = {0};
    struct card_row *r;
    char number[32];
    const int *rank = new ? look->rank_new : look->rank_old;

    if (!rank || look->layers < 1)
        return;
    show_format(&text, "%.16s", who);
    r = card_add(c, label, new ? "●" : "○", role, &text);
    r->rank = rank;
    r->ranks = look->layers;
    snprintf(r->right, sizeof(r->right), "rank %s", text_thousands(number, rank[look->layers - 1]));
}

/* The old object, if the verdict is of it, else the token that the base says; blanks alone as "·".
 * Returns a name. */
static const char *old_object(const struct ui_state *d, char piece[64])
{
    const char *token = d->verdict.sides ? d->verdict.sides->after.prompt.old.text : "";
    bool other = stamp_differs(&d->verdict.from.stamp, &d->now.stamp, STAMP_OLD);
    const char *word = d->fact.old && !other ? d->fact.old : token;

    word += strspn(word, " ");
    return *word ? word : text_piece(piece, 64, token);
}

static void add_ranks(struct card *c, const struct ui_state *d)
{
    const struct edit_sides *s = d->verdict.sides;
    const struct prompt_info *look[2] = {&s->before.prompt, &s->after.prompt};
    char piece[64];

    for (int new = 1; new >= 0; new --)
        for (int k = 0; k < 2; k++)
            add_rank(c, k ? "rank after" : "rank before", new ? ROLE_NEW : ROLE_OLD,
                     new ? d->fact.target : old_object(d, piece), look[k], new);
}

/* ---- the card ---- */

/* Of an edit that was read back: what is of its commit, and what is of now. */
static void add_measured(struct card *c, const struct ui_state *d)
{
    const struct ui_verdict *v = &d->verdict;
    const struct recalled_edit *r = v->recalled;
    struct buf text = {0};
    time_t at = (time_t)r->when;
    struct tm tm;
    char when[32] = "", key[HINT_MAX];

    if (localtime_r(&at, &tm))
        strftime(when, sizeof(when), ", %Y-%m-%d %H:%M", &tm);
    if (v->sides) {
        int before = history_edit_before(d->history, r->edit);

        if (before)
            buf_printf(&text, "now, after edit %d and after edit %d", before, r->edit);
        else
            buf_printf(&text, "now, on BASE and after edit %d", r->edit);
        buf_printf(&text, "; what it wrote: at its commit%s", when);
    } else {
        buf_printf(&text, "at its commit%s, ", when);
        ui_put_state(d, r->stamp.state, &text);
        buf_puts(&text,
                 d->viewed ? ""
                 : ui_job_kind(d, v->probe_job)
                     ? "; the states before it and with it are being asked"
                     : hint_text(d, key, "; {probe} asks the states before it and with it now"));
    }
    if (r->others)
        buf_puts(&text, ". Other edits were active then");
    else if (strcmp(r->after, d->state.state) != 0)
        buf_puts(&text, ". Later edits are not in it");
    card_add(c, "measured", "", r->others ? ROLE_WARN : ROLE_DIM, &text);
}

/* Of a commit: that it was made with other parameters than those at hand. */
static void add_parameters(struct card *c, const struct ui_state *d)
{
    char words[UI_WORDS];
    struct buf text = {0};

    if (!ui_verdict_other_params(d, words))
        return;
    buf_puts(&text, words);
    card_add(c, "parameters", "", ROLE_WARN, &text);
}

static void card_name(struct card *c, const struct ui_state *d)
{
    const struct ui_verdict *v = &d->verdict;
    char piece[64];
    const char *old = old_object(d, piece);

    show_print(c->title, sizeof(c->title), "%.40s: %.24s%s%.24s", d->fact.subject, old,
               *old ? " → " : "", d->fact.target);
    c->role = v->committed ? ROLE_EDITED : ROLE_PREVIEW;
    if (v->committed)
        snprintf(c->state, sizeof(c->state), "EDITED, edit %d%s%s", v->report->edit,
                 !v->recalled ? ""
                 : v->sides   ? ", asked again"
                              : ", at its commit",
                 edit_of_base(&v->params));
    else
        snprintf(c->state, sizeof(c->state), "PREVIEW%s, nothing is written%s",
                 ui_verdict_moved(d) ? " of other parameters" : "", edit_of_base(&v->params));
}

struct card card_of(const struct ui_state *d, enum neuron_side side)
{
    const struct ui_verdict *v = ui_verdict(d);
    const struct probe_report *p = v ? v->probes : NULL;
    struct card c = {0};
    struct buf text = {0};
    char *asked;

    if (!v || !d->fact.subject || !d->fact.target)
        return c;
    card_name(&c, d);
    asked = fact_text(&d->fact);
    show_format(&text, "%s", asked ? asked : "");
    free(asked);
    card_add(&c, "asked", "", ROLE_TEXT, &text);
    add_answer(&c, d, false);
    add_answer(&c, d, true);
    add_judgement(&c, d);
    if (v->recalled)
        add_measured(&c, d);
    add_parameters(&c, d);
    if (p) {
        add_says_it(&c, p);
        add_neighbours(&c, d, p);
    } else {
        add_waiting(&c, d, "says it");
        add_waiting(&c, d, "neighbours");
    }
    if (v->overwritten)
        add_earlier(&c, v->overwritten);
    else
        add_waiting(&c, d, "earlier");
    add_written(&c, d);
    if (v->sides)
        add_ranks(&c, d);
    for (int i = 0; v->overwritten && i < v->overwritten->lost; i++)
        add_overwritten(&c, &v->overwritten->fact[i]);
    if (p)
        add_probes(&c, p, side);
    for (int i = 0; i < v->report->layers; i++)
        add_layer(&c, d, &v->report->layer[i]);
    return c;
}
