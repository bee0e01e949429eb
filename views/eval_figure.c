/* A run as a figure: every metric at each checkpoint over the number of edits, an arm a line, with
 * its interval as a band; how far the states went; and scores in ability tasks. Final values alone:
 * immediate ones are of other states. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/show.h"
#include "tui/figure.h"
#include "views/eval.h"

enum { STATE_PANELS = 3, TASK_PANELS = 24 };
enum { PANELS = RECORD_METRICS_MOST + STATE_PANELS + TASK_PANELS };
_Static_assert((int)FIGURE_POINTS > (int)EVAL_CHECKPOINTS,
               "a line has a point per checkpoint, and one of the base");

static const struct {
    const char *name, *title, *unit;
    bool largest, from_0;
} state_panels[STATE_PANELS] = {
    {"delta_norm", "drift of the weights", "‖W − W₀‖, largest layer", true, true},
    {"kl", "drift of the output", "KL from the base (nats)", false, true},
    {"perplexity", "perplexity of a text", "perplexity", false, false},
};

static void add_point(struct figure_line *l, double x, const struct interval *i)
{
    if (isnan(i->value))
        return;
    l->x[l->count] = x;
    l->y[l->count] = i->value;
    l->low[l->count] = i->low;
    l->high[l->count++] = i->high;
}

/* False: no arm has a number. */
static bool metric_panel(const struct eval *v, int metric, struct figure_panel *p)
{
    const struct record_metric *m = &record_metrics[metric];
    bool any = false, logs = strstr(m->name, "log p") != NULL;

    *p = (struct figure_panel){.low = logs ? (double)NAN : 0, .high = logs ? (double)NAN : 1};
    show_print(p->title, sizeof(p->title), "%s, final, %s", m->name,
               measure_protocol_name(m->protocol));
    show_print(p->y_name, sizeof(p->y_name), "%s (%s)", m->name,
               logs            ? "nats a token"
               : m->table == 1 ? "share of tokens that are right"
                               : "share of records");
    p->line = xcalloc((size_t)v->arms + 1, sizeof(*p->line));
    for (int a = 0; a < v->arms; a++)
        for (int k = 0; k < v->checkpoints; k++) {
            struct interval i = eval_interval(v, metric, a, WHEN_FINAL, k, STATISTICS_RESAMPLES);
            int of;

            if (eval_asked(v, a, WHEN_FINAL, k, &of) < of)
                continue; /* of some records, while the run goes on */
            add_point(&p->line[a], v->checkpoint[k], &i);
            any = any || i.n;
        }
    return any;
}

static bool state_panel(const struct eval *v, int n, struct figure_panel *p)
{
    static const double none = (double)NAN;
    bool any = false;

    *p = (struct figure_panel){.low = state_panels[n].from_0 ? 0 : none, .high = none};
    show_print(p->title, sizeof(p->title), "%s", state_panels[n].title);
    show_print(p->y_name, sizeof(p->y_name), "%s", state_panels[n].unit);
    p->line = xcalloc((size_t)v->arms + 1, sizeof(*p->line));
    for (int a = 0; a < v->arms; a++)
        for (int k = 0; k < v->checkpoints; k++) {
            struct interval i = {.low = none, .high = none};

            i.value = eval_state_number(v, a, v->checkpoint[k], state_panels[n].name,
                                        state_panels[n].largest);
            add_point(&p->line[a], v->checkpoint[k], &i);
            any = any || !isnan(i.value);
        }
    return any;
}

/* Scores of a task begin with the base, at no edits. */
static bool task_panel(const struct eval *v, const struct task *task, int score,
                       struct figure_panel *p)
{
    static const double none = (double)NAN;
    char name[64];
    bool any = false, share;

    task_number_name(task, score, TASK_VALUE, name, sizeof(name));
    share = task_number_is_share(name);
    *p = (struct figure_panel){.low = share ? 0 : none, .high = share ? 1 : none};
    show_print(p->title, sizeof(p->title), "%s, ability task", task->name);
    show_print(p->y_name, sizeof(p->y_name), "%s (%s)", task->score[score],
               share ? "share of questions" : "nats a byte");
    p->line = xcalloc((size_t)v->arms + 1, sizeof(*p->line));
    for (int a = 0; a < v->arms; a++)
        for (int k = -1; k < v->checkpoints; k++) {
            int edits = k < 0 ? 0 : v->checkpoint[k];
            struct eval_score s = eval_task_score(v, k < 0 ? -1 : a, edits, name);

            add_point(&p->line[a], edits, &s.of);
            any = any || (k >= 0 && s.of.n);
        }
    return any;
}

/* Keeps a panel that has something to show. */
static void keep_panel(bool any, struct figure_panel *panel, int *panels)
{
    if (any)
        ++*panels;
    else
        free(panel[*panels].line);
}

/* Keeps a panel for each score of each task that was asked; returns how many. */
static int task_panels(const struct eval *v, struct figure_panel *panel, int *panels)
{
    int before = *panels, room = TASK_PANELS;

    for (int t = 0; task_at(t); t++)
        for (int i = 0; i < TASK_SCORES && task_at(t)->score[i] && room > 0; i++, room--)
            keep_panel(task_panel(v, task_at(t), i, &panel[*panels]), panel, panels);
    return *panels - before;
}

/* Whether a line has one point, and its interval is a whisker; or more, and it is a band. */
static bool has_lines(const struct figure_panel *panel, int panels, int lines, bool more)
{
    for (int i = 0; i < panels; i++)
        for (int k = 0; k < lines; k++)
            if (panel[i].line[k].count && more == (panel[i].line[k].count > 1))
                return true;
    return false;
}

/* What the intervals are. */
static void put_caption(const struct eval *v, const struct figure_panel *panel, int panels,
                        int tasks, char out[400])
{
    bool bands = has_lines(panel, panels, v->arms, true);
    bool whiskers = has_lines(panel, panels, v->arms, false);

    show_print(out, 400,
               "%d facts in batches of %d, %d order%s. %s: 95 %% bootstrap over records%s, none of "
               "fewer than %d records.",
               v->facts, v->batch, v->orders, v->orders == 1 ? "" : "s",
               !whiskers ? "Bands"
               : bands   ? "Bands and whiskers"
                         : "Whiskers",
               v->orders == 1 ? "" : " and orders", EVAL_RECORDS_LEAST);
    if (tasks || whiskers)
        show_print(out + strlen(out), 400 - strlen(out), "\n%s%s",
                   tasks ? "Of tasks: 95 % over questions, from the base at 0. " : "",
                   whiskers ? "Arms of one point stand beside each other." : "");
}

bool eval_figure(const struct eval *v, const char *name, struct buf *out)
{
    struct figure_panel *panel = xcalloc(PANELS, sizeof(*panel));
    const char *arm[EVAL_ARMS];
    char title[200], caption[400];
    int panels = 0, tasks;

    for (int a = 0; a < v->arms; a++)
        arm[a] = v->arm[a].name;
    for (int table = 1; table <= RECORD_TABLES; table++)
        for (int m = 0; m < record_metric_count; m++)
            if (record_metrics[m].table == table)
                keep_panel(metric_panel(v, m, &panel[panels]), panel, &panels);
    for (int i = 0; i < STATE_PANELS; i++)
        keep_panel(state_panel(v, i, &panel[panels]), panel, &panels);
    tasks = task_panels(v, panel, &panels);
    put_caption(v, panel, panels, tasks, caption);
    show_print(title, sizeof(title), "%.100s: all records so far, after so many edits in a row",
               name);
    if (panels)
        figure_svg(&(struct figure){title, caption, "number of edits", v->facts, v->arms, panels,
                                    arm, panel},
                   out);
    for (int i = 0; i < panels; i++)
        free(panel[i].line);
    free(panel);
    return panels > 0;
}
