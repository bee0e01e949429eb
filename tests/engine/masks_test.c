/* The mask that the screen and the commands show is the mask that the engine solves with and writes
 * to the journal, neuron by neuron, for all combinations of parameters. */
#include "core/edit/mask.h"
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
static bool heard_by(struct ui_state *d, struct engine *e, enum command_kind kind,
                     const struct params *p, int *kept)
{
    struct command c = command(kind, kind == CMD_UNDO ? NULL : "Lily", "park");
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
    for (int mode = MODE_UNION; mode <= MODE_NONE; mode++)
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

static const struct test tests[] = {
    {"masks shown are masks committed", masks_shown_are_masks_committed},
};

int main(void)
{
    return small_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
