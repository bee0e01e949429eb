/* Draws the jobs as one line (job_row.h). */
#include "views/panes/job_row.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/show.h"
#include "core/base/utf8.h"
#include "tui/text.h"

enum { BAR = 10 };

/* One job of the row: "▸ preview 6 s". */
struct row_part {
    char text[80];
    bool runs;
};

struct row {
    struct row_part part[UI_JOBS + 2];
    int parts;
    const struct progress *bar; /* of the first one; NULL: none */
};

const char *job_share_text(const struct progress *progress, char out[24])
{
    out[0] = '\0';
    if (progress->total > 0)
        snprintf(out, 24, "%.0f %%", floor(100 * progress->done / progress->total));
    return out;
}

const char *job_seconds_text(double seconds, bool more, char out[24])
{
    out[0] = '\0';
    if (seconds >= 90)
        snprintf(out, 24, "%.0f min%s", ceil(seconds / 60), more ? "+" : "");
    else if (seconds >= 1)
        snprintf(out, 24, "%.0f s%s", ceil(seconds), more ? "+" : "");
    return out;
}

const char *job_left_text(const struct ui_state *d, const struct ui_job *card, char out[24])
{
    bool more;
    double left = ui_job_left(d, card, &more);

    if (card->stopping)
        return memcpy(out, "stops", sizeof("stops"));
    out[0] = '\0';
    if (left < 0 && (card->kind == CMD_PREVIEW || card->kind == CMD_COMMIT))
        return out; /* the share of a stage is not that of the edit */
    if (card->rank == RANK_IDLE || left < 0)
        return job_share_text(&card->progress, out);
    return job_seconds_text(left, more, out);
}

const char *job_glyph(const struct ui_job *card)
{
    static const char *const glyph[] = {"○", "▸", "○", "✓", "✗", "–"};

    return glyph[card->state];
}

static void add_part(struct row *row, bool runs, const char *glyph, const char *name,
                     const char *left)
{
    struct row_part *part = &row->part[row->parts++];

    part->runs = runs;
    show_print(part->text, sizeof(part->text), "%s %.40s%s%s", glyph, name, *left ? " " : "", left);
}

/* What runs and waits, then a download, then the background. */
static void row_make(const struct ui_state *d, struct row *row)
{
    const struct ui_job *card[UI_JOBS];
    int n = ui_cards(d, card);
    char left[24];

    *row = (struct row){0};
    for (int i = 0; i < n; i++) {
        char name[64];

        utf8_copy(name, sizeof(name), ui_job_name(card[i]));
        for (int k = 0; k < d->queue_count; k++)
            if (d->queue[k].job == card[i]->job)
                snprintf(name, sizeof(name), "%s %d of %d", ui_job_name(card[i]), k + 1,
                         d->queue_count);
        /* one job runs: what it interrupts waits for it */
        add_part(row, !i && card[i]->state == CARD_RUNS,
                 i && card[i]->state == CARD_RUNS ? "○" : job_glyph(card[i]), name,
                 job_left_text(d, card[i], left));
    }
    if (n && card[0]->state == CARD_RUNS && card[0]->progress.total > 0)
        row->bar = &card[0]->progress;
    if (d->pull_job) {
        char both[48], share[24];

        snprintf(both, sizeof(both), "%s %s", job_share_text(&d->pull, share),
                 job_seconds_text(d->pull.seconds_left, false, left));
        add_part(row, true, "▸", "download", both);
        row->bar = n || d->pull.total <= 0 ? row->bar : &d->pull;
    }
    if (d->background.total > 0) {
        if (!*job_seconds_text(d->background.seconds_left, false, left))
            job_share_text(&d->background, left);
        add_part(row, !row->parts, row->parts ? "○" : "▸", d->background.what, left);
        row->bar = row->parts > 1 ? row->bar : &d->background;
    }
}

static void bar_draw(const struct progress *g, struct pen *p)
{
    for (int i = 0; i < BAR; i++) {
        bool full = i < g->done / g->total * BAR;

        pen_text(p, full ? ROLE_FILL : ROLE_TRACK, full ? "━" : "─");
    }
    p->x += 2;
}

/* Columns for the jobs: half of the line, a third of it beside a long message. */
static int row_room(struct rect line, int left)
{
    int room = line.w - left - 2;

    return room < line.w / 3 ? line.w / 3 : room > line.w / 2 - 2 ? line.w / 2 - 2 : room;
}

int job_row_draw(const struct ui_state *d, struct surface *s, struct rect line, int left)
{
    struct row row;
    int room = row_room(line, left), wide = 0, fit = 0;
    char rest[16] = "";
    struct pen p;

    row_make(d, &row);
    if (!row.parts)
        return line.w;
    for (; fit < row.parts; fit++) {
        int more = text_width(row.part[fit].text) + (fit ? 2 : 0);

        if (fit && wide + more > room - (fit + 1 < row.parts ? 4 : 0))
            break;
        wide += more;
    }
    if (fit < row.parts)
        snprintf(rest, sizeof(rest), "  +%d", row.parts - fit);
    wide += text_width(rest);
    if (row.bar && wide + BAR + 2 <= room)
        wide += BAR + 2;
    else
        row.bar = NULL;
    line.w = line.w - 1 - wide > 0 ? line.w - 1 - wide : 0;
    p = pen_at(s, (struct rect){line.y, line.x, 1, line.w + 1 + wide}, 0, line.w);
    if (row.bar)
        bar_draw(row.bar, &p);
    for (int i = 0; i < fit; i++) {
        pen_text(&p, row.part[i].runs ? ROLE_STATUS : ROLE_DIM, row.part[i].text);
        p.x += 2;
    }
    p.x -= 2;
    pen_text(&p, ROLE_DIM, rest);
    return line.w;
}
