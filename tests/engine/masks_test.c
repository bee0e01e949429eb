/* The mask that the screen and the commands show is the mask that the engine solves with and writes
 * to the journal, neuron by neuron, for all combinations of parameters. */
#include "core/edit/editors/editors.h"
#include "core/session/session.h"
#include "tests/engine/small.h"
#include "views/ui_state.h"

enum { LAYER = 2, MOST = 256 };

/* A combination that was committed, and the neurons its mask was shown to keep. */
struct shown {
    char what[64];
    int neurons, kept;
    bool *in;
};

static struct params with(int mode, int rule, int compensate)
{
    struct params p = draft();

    CHECK(params_assign(&p, "edit.layers=2", FROM_COMMAND_LINE, NULL));
    CHECK(params_assign(&p, "edit.null_frac=1", FROM_COMMAND_LINE, NULL)); /* gains to compensate */
    CHECK(params_assign(&p, "edit.lambda=1e-6", FROM_COMMAND_LINE, NULL));
    CHECK(params_assign(&p, "edit.v_steps=2", FROM_COMMAND_LINE, NULL));
    CHECK(params_assign(&p, "mask.density=0.4", FROM_COMMAND_LINE, NULL));
    p.value[P_MASK_MODE] = mode;
    p.value[P_SELECT_RULE] = rule;
    p.value[P_MASK_COMPENSATE] = compensate;
    p.value[P_MASK_MASS] = compensate ? 0 : 0.6; /* keymag by mass, and by the union's size */
    return p;
}

/* Runs a command; a struct ui_state gets every event. False: refused. */
static bool fact_heard_by(struct ui_state *d, struct engine *e, enum command_kind kind,
                          const char *subject, const struct params *p, int *kept)
{
    struct command c = command(kind, kind == CMD_UNDO ? NULL : subject, "park");
    struct event ev;
    unsigned job;

    c.params = *p;
    job = engine_post(e, &c);
    while (next_event(e, &ev)) {
        bool mine = ev.job == job, done = mine && ev.kind == EV_DONE;
        bool failed = mine && ev.kind == EV_FAILED;

        if (mine && kept && (ev.kind == EV_PREVIEW || ev.kind == EV_COMMIT))
            *kept = ev.edit_report->layer[0].kept;
        ui_event(d, &ev);
        if (done || failed)
            return done;
    }
    return false;
}

static bool heard_by(struct ui_state *d, struct engine *e, enum command_kind kind,
                     const struct params *p, int *kept)
{
    return fact_heard_by(d, e, kind, "Lily", p, kept);
}

static bool *neurons_of(const float *weight, int n)
{
    bool *in = xcalloc((size_t)n, sizeof(*in));

    for (int i = 0; i < n; i++)
        in[i] = !weight || weight[i] > 0;
    return in;
}

/* Shows, previews, commits and undoes; the journal keeps what was committed. */
static bool show_and_commit(struct engine *e, struct ui_state *d, const struct params *p,
                            struct shown *s)
{
    const struct mask *m;
    int previewed = -1, committed = -1;

    d->params = *p;
    CHECK(heard_by(d, e, CMD_ATTRIBUTE, p, NULL));
    ui_remask(d);
    m = d->layer[LAYER].mask;
    CHECK(m != NULL);
    if (!m || !heard_by(d, e, CMD_PREVIEW, p, &previewed)) /* compensation of too little gain */
        return false;
    CHECK(heard_by(d, e, CMD_COMMIT, p, &committed));
    snprintf(s->what, sizeof(s->what), "%s, %s, %s", params_word(p, P_MASK_MODE),
             params_word(p, P_SELECT_RULE), params_word(p, P_MASK_COMPENSATE));
    s->neurons = m->neurons;
    s->kept = m->selected;
    s->in = neurons_of(m->weight, m->neurons);
    if (previewed != m->selected || committed != m->selected)
        CHECK_STR(s->what, "not what is previewed or committed");
    CHECK(heard_by(d, e, CMD_UNDO, p, NULL));
    return true;
}

static void masks_shown_are_masks_committed(void)
{
    char *path = in_home("masks.es");
    struct engine *e = start(tiny, &device_cpu, path, false);
    struct session *session;
    struct ui_state ui;
    struct shown shown[MOST];
    int n = 0, magnitudes = 0;
    struct params start_params = draft();

    ui_init(&ui, &start_params);
    for (int mode = MODE_UNION; mode < MODE_PREVIOUS; mode++)
        for (int rule = RULE_TOPK; rule <= RULE_QUANTILE_GE; rule++)
            for (int gain = COMPENSATE_NONE; gain <= COMPENSATE_GAIN; gain++) {
                struct params p = with(mode, rule, gain);

                if (show_and_commit(e, &ui, &p, &shown[n])) {
                    n++;
                    magnitudes += mode == MODE_KEYMAG;
                }
            }
    CHECK(n > 40 && magnitudes == 6);
    engine_stop(e);
    ui_free(&ui);
    session = session_peek(path, NULL);
    for (int i = 0; i < n; i++) {
        struct delta *delta = NULL;
        int deltas = 0;
        bool *in;

        CHECK(session && session_load_deltas(session, i + 1, &delta, &deltas, NULL) && deltas == 1);
        if (deltas == 1) {
            in = neurons_of(delta->weight, delta->cols);
            if (delta->cols != shown[i].neurons ||
                memcmp(in, shown[i].in, (size_t)shown[i].neurons * sizeof(*in)) != 0)
                CHECK_STR(shown[i].what, "another mask than is committed");
            free(in);
        }
        for (int k = 0; k < deltas; k++)
            delta_free(&delta[k]);
        free(delta);
        free(shown[i].in);
    }
    session_close(session);
    free(path);
}

/* What an edit of the journal may write: of W_down its columns, of W_gate and W_up, whose rows are
 * the neurons, its rows. Caller frees; NULL: it has no such edit, or writes nothing. */
static bool *written_by(struct session *session, int edit, int neurons)
{
    struct delta *delta = NULL;
    int deltas = 0;
    bool *in = NULL;

    if (!session_load_deltas(session, edit, &delta, &deltas, NULL))
        return NULL;
    for (int k = 0; k < deltas; k++) {
        const struct delta *d = &delta[k];
        bool low = d->kind == DELTA_LOW_RANK, down = d->matrix == MATRIX_DOWN;

        in = in ? in : xcalloc((size_t)neurons, sizeof(*in));
        for (int i = 0; i < neurons; i++)
            for (int j = 0; j < (low ? d->rank : down ? d->rows : d->cols); j++)
                in[i] |= (!low || !down) ? d->r[j * neurons + i] != 0
                         : d->weight     ? d->weight[i] > 0
                                         : d->x[j * neurons + i] != 0;
    }
    deltas_free(delta, deltas);
    return in;
}

/* With mask.methods = all a mask limits what every method with a solve writes, and the report says
 * it; with nmke it limits NMKE alone. */
static void a_mask_limits_any_method(void)
{
    char *path = in_home("methods.es");
    struct engine *e = start(tiny, &device_cpu, path, false);
    struct session *session;
    struct ui_state ui;
    struct params p = with(MODE_COMPLEMENT, RULE_TOPK, COMPENSATE_NONE);
    int method[2 * METHODS], n = 0, most = 0;
    bool *shown = NULL;

    p.value[P_MASK_SHARE] = 0;
    ui_init(&ui, &p);
    for (int all = 0; all < 2; all++)
        for (int m = 0; m < METHODS; m++) {
            int kept = -1;

            p.value[P_EDIT_METHOD] = m;
            p.value[P_MASK_METHODS] = all ? MASKS_ALL : MASKS_NMKE;
            ui.params = p;
            if (!editor_by_method(m)->solve && !(editor_by_method(m)->needs & MAY_MASK))
                continue;
            CHECK(editor_takes_mask(&p) == (all || m == METHOD_NMKE));
            if (!shown) {
                CHECK(heard_by(&ui, e, CMD_ATTRIBUTE, &p, NULL));
                ui_remask(&ui);
                most = ui.layer[LAYER].mask->neurons;
                shown = neurons_of(ui.layer[LAYER].mask->weight, most);
                CHECK(ui.layer[LAYER].mask->selected > 0 && ui.layer[LAYER].mask->selected < most);
            }
            CHECK(heard_by(&ui, e, CMD_COMMIT, &p, &kept));
            if (kept != (editor_takes_mask(&p) ? ui.layer[LAYER].mask->selected : most))
                CHECK_STR(editor_by_method(m)->name, "another number of neurons is reported");
            method[n++] = editor_takes_mask(&p) ? m : -1;
            CHECK(heard_by(&ui, e, CMD_UNDO, &p, NULL));
        }
    CHECK(n > 20);
    engine_stop(e);
    session = session_peek(path, NULL);
    for (int i = 0; i < n; i++) {
        bool *in = written_by(session, i + 1, most);

        CHECK(in);
        for (int j = 0; in && method[i] >= 0 && j < most; j++)
            if (in[j] && !shown[j]) {
                CHECK_STR(editor_by_method(method[i])->name, "writes what the mask leaves out");
                break;
            }
        for (int j = 0; in && method[i] == METHOD_MEMIT && j < most; j++)
            CHECK(in[j] == shown[j]);
        free(in);
    }
    session_close(session);
    ui_free(&ui);
    free(shown);
    free(path);
}

/* Neurons of layer LAYER, as the parameters at hand choose them of a fact's scores now. */
static bool *neurons_now(struct ui_state *d, struct engine *e, const char *subject,
                         const struct params *p)
{
    const struct mask *m;

    d->params = *p;
    CHECK(fact_heard_by(d, e, CMD_ATTRIBUTE, subject, p, NULL));
    ui_remask(d);
    m = d->layer[LAYER].mask;
    return m ? neurons_of(m->weight, m->neurons) : NULL;
}

/* previous: the union of the fact edited before, on the weights now; without one it is refused, and
 * the screen does not say which neurons. redrawn: as many, others for another fact. */
static void masks_of_another_fact(void)
{
    char *path = in_home("another.es");
    struct engine *e = start(tiny, &device_cpu, path, false);
    struct session *session;
    struct ui_state ui;
    struct params p = with(MODE_PREVIOUS, RULE_TOPK, COMPENSATE_NONE);
    struct params of_all = with(MODE_UNION, RULE_TOPK, COMPENSATE_NONE);
    struct params drawn = with(MODE_REDRAWN, RULE_TOPK, COMPENSATE_NONE);
    bool *want, *got, *one, *two;
    int neurons, kept = -1, count[2] = {0};

    ui_init(&ui, &p);
    CHECK(!fact_heard_by(&ui, e, CMD_PREVIEW, "Lily", &p, NULL));
    CHECK(fact_heard_by(&ui, e, CMD_COMMIT, "Tom", &of_all, NULL));
    want = neurons_now(&ui, e, "Tom", &of_all);
    neurons = ui.layer[LAYER].mask->neurons;
    free(neurons_now(&ui, e, "Lily", &p));
    CHECK(ui.layer[LAYER].mask->elsewhere && !ui.layer[LAYER].mask->selected);
    CHECK(fact_heard_by(&ui, e, CMD_COMMIT, "Lily", &p, &kept));
    drawn.value[P_MASK_DENSITY] = 0.25;
    one = neurons_now(&ui, e, "Lily", &drawn);
    two = neurons_now(&ui, e, "Tom", &drawn);
    engine_stop(e);
    session = session_peek(path, NULL);
    got = written_by(session, 2, neurons);
    CHECK(want && got && one && two && kept > 0);
    for (int i = 0; i < neurons; i++) {
        CHECK(got[i] == want[i]);
        kept -= want[i];
        count[0] += one[i];
        count[1] += two[i];
    }
    CHECK(!kept && count[0] == (int)lround(0.25 * neurons) && count[0] == count[1]);
    CHECK(memcmp(one, two, (size_t)neurons * sizeof(*one)) != 0);
    session_close(session);
    ui_free(&ui);
    free(want);
    free(got);
    free(one);
    free(two);
    free(path);
}

static const struct test tests[] = {
    {"masks shown are masks committed", masks_shown_are_masks_committed},
    {"a mask limits any method", a_mask_limits_any_method},
    {"masks of another fact", masks_of_another_fact},
};

int main(void)
{
    return small_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
