/* Job cards: their order, the time left of what was asked, the row and the board, and which jobs a
 * key drops, replaces or refuses. */
#include "tests/screens/fixture.h"
#include "views/panes/job_row.h"
#include "views/requests.h"
#include "views/screens/facts_list.h"
#include "views/shell/messages.h"
#include "views/tried_on.h"
#include "views/ui_state_internal.h"
#include "views/verdict_card.h"

/* The jobs of one_breath(), in the order they are posted. */
enum { LOOK = 1, SWEEP, SCORES, MAP, PREVIEW, COMMIT };

static unsigned last_job;
static unsigned cancelled[32];
static int cancels;

/* Posts as the app does: a card for each command. */
static unsigned card_post(struct host *host, struct command *cmd)
{
    struct ui_job card = ui_card_of(host->ui, cmd);

    command_free(cmd);
    ui_add_job(host->ui, ++last_job, card);
    return last_job;
}

static void note_cancel(struct host *host, unsigned job)
{
    (void)host;
    cancelled[cancels++ % 32] = job;
}

static struct host posting_host(struct ui_state *d)
{
    struct host host = host_of(d);

    host.post = card_post;
    host.cancel = note_cancel;
    last_job = 0;
    cancels = 0;
    last_question = (struct question){0};
    return host;
}

static void tell(struct ui_state *d, unsigned job, enum event_kind kind, void *what)
{
    struct event ev = {.kind = kind, .job = job, .progress = what};

    ui_event(d, &ev);
}

static void begin(struct ui_state *d, unsigned job)
{
    struct job_begun *begun = xcalloc(1, sizeof(*begun));

    begun->stamp = ui_job_card(d, job)->stamp;
    tell(d, job, EV_BEGUN, begun);
}

static void progress(struct ui_state *d, unsigned job, const char *what, double done, double total,
                     double left)
{
    struct progress *g = xcalloc(1, sizeof(*g));

    snprintf(g->what, sizeof(g->what), "%s", what);
    g->done = done;
    g->total = total;
    g->seconds_left = left;
    tell(d, job, EV_PROGRESS, g);
}

static void stop(struct ui_state *d, unsigned job)
{
    struct event ev = {.kind = EV_FAILED, .job = job};

    err_set(&ev.err, ERR_CANCELLED, "cancelled");
    ui_event(d, &ev);
}

/* The fact of the fixture with another subject. */
static void other_fact(struct host *host, const char *subject)
{
    struct fact fact = {
        .subject = xstrdup(subject), .prompt = xstrdup("The {} is in"), .target = xstrdup("Rome")};

    ui_set_fact(host, &fact);
    fact_free(&fact);
}

static enum command_kind kind_at(const struct ui_state *d, int at)
{
    const struct ui_job *card[UI_JOBS];

    return at < ui_cards(d, card) ? card[at]->kind : CMD_NONE;
}

/* x, P, C, y in one breath, while a sweep runs. Leaves the board with one card of each state. */
static void one_breath(struct host *host, struct view *board)
{
    struct ui_state *d = host->ui;
    struct tried_state on = {.on = TRIED_NOW};
    struct params variant[39];

    for (int i = 0; i < 39; i++)
        variant[i] = d->params;
    other_fact(host, "Big Ben");
    tell(d, LOOK, EV_DONE, NULL);
    request_variants(host, variant, 39, &on, 0);
    begin(d, SWEEP);
    progress(d, SWEEP, "variants", 8, 39, 40);
    request_attribute(host);
    request_preview(host);
    confirm_commit(host);
    CHECK(last_question.confirmed != NULL);
    last_question.confirmed(host, &last_question);
    snprintf(ui_job_card(d, COMMIT)->note, sizeof(d->job[0].note), "you said yes 12:04");
    tell(d, SWEEP, EV_PAUSED, NULL);
    begin(d, SCORES);
    progress(d, SCORES, "attribution", 0, 3, -1);
    tell(d, SCORES, EV_DONE, NULL);
    begin(d, PREVIEW);
    progress(d, PREVIEW, "target", 12, 25, 6);
    for (int i = 0; i < UI_JOBS; i++)
        d->job[i].begun = d->job[i].begun > 0 ? 100 + i : 0;
    for (int i = 0; i < d->ended_count; i++) {
        d->ended[i].begun = 90;
        d->ended[i].ended = 94;
    }
    d->clock = 106;
    board->ops->open(board);
}

/* The board has a line that begins so and says this. */
static void board_shows(struct view *v, const char *begins, const char *says)
{
    struct screen screen = {.ui = v->host->ui, .view = v};
    char *text = screen_text(&screen, 24, 140, false), *at = strstr(text, begins);

    if (!at || !strstr(at, says) || strchr(at, '\n') < strstr(at, says)) {
        printf("%s\n", text);
        CHECK_STR(begins, says);
    }
    free(text);
}

static void row_and_board(void)
{
    struct ui_state d;
    struct host host = posting_host(&d);
    struct view *v = view_open(view_find("jobs"), &host);
    struct screen screen = {.ui = &d, .view = v};

    make_ui_state(&d);
    give_model(&d);
    v->ops->open(v);
    one_breath(&host, v);
    CHECK(kind_at(&d, 0) == CMD_PREVIEW && kind_at(&d, 1) == CMD_COMMIT);
    CHECK(kind_at(&d, 2) == CMD_VARIANTS && kind_at(&d, 3) == CMD_ATTRIBUTE); /* the map */
    CHECK(ui_busy(&d) == CMD_PREVIEW && ui_is_wanted(&d));
    compare_golden("jobs-busy", &screen, 24, 80);
    compare_golden("jobs-busy", &screen, 36, 120);
    view_close(v);
    ui_free(&d);
}

/* An urgent job interrupts another one, which waits meanwhile. */
static void one_job_runs(void)
{
    struct ui_state d;
    struct host host = posting_host(&d);
    struct view *v = view_open(view_find("jobs"), &host);
    struct screen screen = {.ui = &d, .view = v};
    char *text;

    make_ui_state(&d);
    give_model(&d);
    v->ops->open(v);
    one_breath(&host, v);
    ui_add_job(&d, 20, (struct ui_job){.kind = CMD_LENS});
    begin(&d, 20);
    text = screen_text(&screen, 24, 120, false);
    CHECK(strstr(text, "▸ lens") && !strstr(text, "▸ preview"));
    CHECK(strstr(text, "○ preview") && strstr(text, "waits for the lens"));
    free(text);
    tell(&d, 20, EV_DONE, NULL);
    text = screen_text(&screen, 24, 120, false);
    CHECK(strstr(text, "▸ preview") && !strstr(text, "waits for the lens"));
    free(text);
    view_close(v);
    ui_free(&d);
}

/* However many jobs there are, the message says first whether the edit holds. */
static void the_verdict_stands_beside_the_jobs(void)
{
    static const char *const want[2] = {"would hold: p(target) 0.0057 → 0.891",
                                        "edit 1 holds: Rome"};
    static const enum event_kind kind[2] = {EV_PREVIEW, EV_COMMITTED};
    struct ui_state d;
    struct host host = posting_host(&d);
    struct view *v = view_open(view_find("edit"), &host);
    char message[320];
    struct screen screen = {.ui = &d, .view = v, .message = message};

    make_full_ui_state(&d);
    d.commit_report = xcalloc(1, sizeof(*d.commit_report));
    *d.commit_report =
        (struct commit_report){.edit = 1, .success = true, .unmasked_unchanged = true};
    one_breath(&host, v);
    for (int k = 0; k < 2; k++)
        for (int w = 80; w <= 120; w += 40) {
            struct event ev = {.kind = kind[k]};
            char *text;

            CHECK(message_of_event(&d, &ev, CMD_PREVIEW, &screen.tone, message));
            text = screen_text(&screen, 24, w, false);
            CHECK(strstr(text, want[k]) != NULL);
            CHECK(strstr(text, "▸ map 48 %") && strstr(text, " +"));
            free(text);
        }
    view_close(v);
    ui_free(&d);
}

static void the_board_drops_the_job_under_the_cursor(void)
{
    struct ui_state d;
    struct host host = posting_host(&d);
    struct view *v = view_open(view_find("jobs"), &host);

    make_ui_state(&d);
    give_model(&d);
    one_breath(&host, v);
    CHECK(v->ops->action(v, ACTION_DOWN) && v->ops->action(v, ACTION_DOWN));
    tell(&d, PREVIEW, EV_DONE, NULL); /* a card above is gone: the cursor stays on the sweep */
    CHECK(v->ops->action(v, ACTION_DROP));
    CHECK(cancels == 1 && cancelled[0] == SWEEP);
    CHECK(v->ops->action(v, ACTION_DROP) && cancels == 1); /* not twice */
    stop(&d, SWEEP);
    CHECK(ui_ended_card(&d, SWEEP)->state == CARD_STOPPED);
    CHECK(v->ops->action(v, ACTION_LAST) && v->ops->action(v, ACTION_DROP));
    CHECK(cancels == 1); /* what has ended cannot be dropped */
    view_close(v);
    ui_free(&d);
}

static void another_fact_drops_what_only_reads(void)
{
    struct ui_state d;
    struct host host = posting_host(&d);
    struct view *v = view_open(view_find("jobs"), &host);

    make_ui_state(&d);
    give_model(&d);
    one_breath(&host, v);
    last_said[0] = '\0';
    other_fact(&host, "Big Ben"); /* the same one */
    CHECK(cancels == 0);
    other_fact(&host, "Louvre");
    CHECK(cancels == 3); /* preview, map and a look; neither the commit nor the sweep */
    CHECK(ui_job_card(&d, MAP)->dropped && ui_job_card(&d, PREVIEW)->dropped);
    CHECK(!ui_job_card(&d, COMMIT)->dropped && !ui_job_card(&d, SWEEP)->dropped);
    CHECK(strstr(last_said, "dropped with the other fact: map Big Ben → Rome, preview Big Ben"));
    CHECK(kind_at(&d, 0) == CMD_PREVIEW); /* until it has ended */
    view_close(v);
    ui_free(&d);
}

/* The old object of the fact at hand changes while its map and its preview are made, or when there
 * is a preview: only what depends on it goes. */
static void another_old_object_drops_what_depends_on_it(void)
{
    static const struct {
        const char *set;
        int dropped; /* jobs */
        bool discard;
    } row[] = {{"edit.method=nmke", 0, false},
               {"edit.method=kn", 1, true},
               {"attr.target=old", 3, true}}; /* the scores of the edited layers, and the map */

    for (int i = 0; i < 3; i++) {
        struct ui_state d;
        struct host host = posting_host(&d);

        make_ui_state(&d);
        give_model(&d);
        CHECK(params_assign(&d.params, row[i].set, FROM_COMMAND_LINE, NULL));
        ui_name_old_object(&host, "Paris");
        request_attribute(&host);
        request_preview(&host);
        ui_name_old_object(&host, "Berlin");
        CHECK(cancels == row[i].dropped);
        CHECK((ui_job_card(&d, last_job - 1)->kind == CMD_DISCARD) == row[i].discard);
        d.state.preview = true;
        ui_name_old_object(&host, "Rio");
        CHECK((ui_job_card(&d, last_job - 1)->kind == CMD_DISCARD) == row[i].discard);
        ui_free(&d);
    }
}

/* The probes that follow a preview were not asked for: they go without a word. */
static void only_what_was_asked_is_said_to_be_dropped(void)
{
    for (int follow = 0; follow < 2; follow++) {
        struct ui_state d;
        struct host host = posting_host(&d);

        make_ui_state(&d);
        give_model(&d);
        give_prompt_info(&d);
        give_run(&d, LAYERS);
        give_preview(&d);
        request_verdict(&host);
        d.verdict.probes_follow = follow;
        last_said[0] = '\0';
        other_fact(&host, "Louvre");
        CHECK(cancels == 1 && (*last_said == '\0') == follow);
        ui_free(&d);
    }
}

static void what_is_under_way_is_not_asked_twice(void)
{
    struct ui_state d;
    struct host host = posting_host(&d);
    struct view *v = view_open(view_find("jobs"), &host);

    make_ui_state(&d);
    give_model(&d);
    one_breath(&host, v);
    last_job = 100;
    request_preview(&host);
    CHECK(last_job == 100 && strstr(last_said, "under way"));
    d.params.value[P_RATIO_GE_B] = 0.4;
    request_preview(&host); /* another one: it replaces the first */
    CHECK(last_job == 101 && cancels == 1 && cancelled[0] == PREVIEW);
    CHECK(ui_job_card(&d, PREVIEW)->dropped);
    last_question = (struct question){0};
    confirm_commit(&host);
    CHECK(!last_question.confirmed && strstr(last_said, "committed already"));
    d.state.edits = 1;
    d.state.can_undo = true;
    confirm_undo(&host, 0); /* it means the edit that is being written, not the one before */
    CHECK(!last_question.confirmed && strstr(last_said, "u undoes it once it is there"));
    confirm_undo_typed(&host, "1");
    CHECK(last_question.confirmed != NULL);
    last_question = (struct question){0};
    request_attribute(&host);
    CHECK(ui_job_card(&d, MAP) && !ui_job_card(&d, MAP)->stopping); /* the map goes on */
    CHECK(last_job == 102); /* the edited layers once more */
    view_close(v);
    ui_free(&d);
}

static void time_left_is_of_what_was_asked(void)
{
    struct ui_state d;
    struct host host = posting_host(&d);
    const struct ui_job *card;
    bool more;
    char text[24];

    make_ui_state(&d);
    give_model(&d);
    other_fact(&host, "Big Ben");
    request_preview(&host); /* 2 */
    card = ui_job_card(&d, 2);
    CHECK(card && ui_job_left(&d, card, &more) < 0); /* nothing has run yet */
    begin(&d, 2);
    progress(&d, 2, "target", 5, 25, 6);
    CHECK_NEAR(ui_job_left(&d, card, &more), 6, 1e-9);
    CHECK(more); /* the stages that follow have never run */
    CHECK_STR(job_left_text(&d, card, text), "6 s+");
    d.stages = 3;
    d.stage[0] = (struct stage_time){"attribution", 1.5};
    d.stage[1] = (struct stage_time){"solve", 0.5};
    d.stage[2] = (struct stage_time){"target", 0.2};
    CHECK_NEAR(ui_job_left(&d, card, &more), 6 + 3 * 1.5 + 0.5, 1e-9);
    CHECK(!more);
    give_run(&d, LAYERS); /* the scores are there */
    CHECK_NEAR(ui_job_left(&d, card, &more), 6 + 0.5, 1e-9);
    CHECK(d.stages == 3);
    request_trace(&host); /* 3 */
    progress(&d, 3, "target", 0, 0, -1);
    progress(&d, 3, "target", 1, 0, -1);
    tell(&d, 3, EV_DONE, NULL);
    CHECK_NEAR(d.stage[2].seconds, 0.2, 1e-9); /* stages of other jobs do not count */
    progress(&d, 2, "solve", 0, 0, -1);
    d.clock = ui_job_card(&d, 2)->stage_begun + 0.2;
    d.stage[1].seconds = 0.5;
    CHECK_NEAR(ui_job_left(&d, card, &more), 0.3, 1e-6);
    ui_free(&d);
}

static void moments_are_explained_once(void)
{
    struct ui_state d;
    struct host host = posting_host(&d);

    make_ui_state(&d);
    give_model(&d);
    other_fact(&host, "Big Ben");
    request_preview(&host);
    begin(&d, 2);
    progress(&d, 2, PROGRESS_MOMENTS, 300, 30720, -1);
    CHECK(!ui_job_card(&d, 2)->explains); /* how long is not known yet */
    progress(&d, 2, PROGRESS_MOMENTS, 600, 30720, 40);
    CHECK(ui_job_card(&d, 2)->explains);
    progress(&d, 2, PROGRESS_MOMENTS, 900, 30720, 39);
    CHECK(!ui_job_card(&d, 2)->explains);
    ui_free(&d);
}

/* Each card says how far it is, how long it takes by a measured rate, and what waits for what. */
static void the_board_tells_how_long_and_what_waits(void)
{
    struct ui_state d;
    struct host host = posting_host(&d);
    struct view *v = view_open(view_find("jobs"), &host);
    struct tried_state on = {.on = TRIED_NOW};
    struct progress *g;

    make_ui_state(&d);
    give_model(&d);
    v->ops->open(v);
    progress(&d, 0, PROGRESS_MOMENTS, 15360, 153600, -1);
    d.background.needed = 30720;
    board_shows(v, "▸ background", "second moments 10 %, no rate yet; edits wait for 20 %");
    d.background.seconds_left = 90;
    board_shows(v, "▸ background", "10 %, 2 min; edits wait for 20 %, 10 s");
    other_fact(&host, "Big Ben");
    request_variants(&host, &d.params, 1, &on, 0); /* 2 */
    begin(&d, 2);
    progress(&d, 2, PROGRESS_MOMENTS, 76800, 153600, 50);
    board_shows(v, "▸ variants", "second moments 50 %, 50 s+; 1 ways");
    board_shows(v, "○ background", "50 %, 50 s; goes on when nothing is asked");
    g = xcalloc(1, sizeof(*g));
    *g = (struct progress){.what = "variants", .total = 39, .seconds_left = -1, .stage = "target"};
    tell(&d, 2, EV_PROGRESS, g);
    request_preview(&host);
    board_shows(v, "▸ variants", "variants 0 of 39 (target), no rate yet, 1 waits behind it");
    progress(&d, 2, "variants", 1, 39, 38);
    board_shows(v, "▸ variants", "variants 1 of 39, 38 s, 1 waits behind it");
    tell(&d, 2, EV_DONE, NULL);
    tell(&d, 3, EV_DONE, NULL);
    board_shows(v, "▸ background", "50 %, 50 s; no edit waits");
    CHECK(v->ops->action(v, ACTION_DROP) && !cancels);
    CHECK(strstr(last_said, "only background work runs: second moments · it makes way"));
    progress(&d, 4, PROGRESS_MOMENTS, 153600, 153600, 0); /* a job has summed the rest */
    CHECK(d.background.total <= 0);
    view_close(v);
    ui_free(&d);
}

/* What the screen asks for by itself has no card, until it makes statistics. */
static void statistics_are_always_seen(void)
{
    struct ui_state d;
    struct host host = posting_host(&d);
    struct view *v = view_open(view_find("jobs"), &host);
    unsigned estimate;

    make_ui_state(&d);
    give_model(&d);
    give_prompt_info(&d);
    give_run(&d, LAYERS);
    v->ops->open(v);
    request_estimate(&host);
    estimate = last_job;
    CHECK(ui_job_kind(&d, estimate) == CMD_ESTIMATE);
    begin(&d, estimate);
    CHECK(kind_at(&d, 0) == CMD_NONE);
    progress(&d, estimate, PROGRESS_NULL_SPACE, 1, 5, 8);
    board_shows(v, "▸ gain and leak", "null space 1 of 5, 8 s");
    CHECK(!ui_busy(&d) && !ui_is_wanted(&d)); /* the knobs go on */
    request_preview(&host);
    CHECK(kind_at(&d, 0) == CMD_ESTIMATE && kind_at(&d, 1) == CMD_PREVIEW);
    board_shows(v, "▸ gain and leak", "1 waits behind it");
    stop(&d, estimate);
    CHECK(kind_at(&d, 0) == CMD_PREVIEW);
    view_close(v);
    ui_free(&d);
}

/* Recordings of 0.1.0 do not tell when a job begins. */
static void a_job_runs_when_it_is_heard_of(void)
{
    struct ui_state d;
    struct host host = posting_host(&d);

    make_ui_state(&d);
    give_model(&d);
    other_fact(&host, "Big Ben");
    request_preview(&host);
    CHECK(ui_job_card(&d, 2)->state == CARD_WAITS);
    progress(&d, 2, "target", 5, 25, 6);
    CHECK(ui_job_card(&d, 2)->state == CARD_RUNS);
    ui_free(&d);
}

/* Probes without a neighbour leave no empty sentence in the dialog. */
static void a_fact_without_neighbours_says_so(void)
{
    struct ui_state d;
    struct host host = posting_host(&d);
    struct probe_report *p = probe_report_of("Eiffel Tower");
    struct buf text = {0};
    int all = p->probes;

    make_full_ui_state(&d);
    give(&d, EV_PROBES, p);
    p->probes = 0;
    last_question = (struct question){0};
    confirm_commit(&host);
    CHECK(strstr(last_question.text, "Neighbours: this fact brings none"));
    p->spares_asked = 2;
    put_neighbours(&text, &d, p);
    CHECK_STR(text.data, "the base knows none of the 2 asked");
    buf_free(&text);
    p->probes = all;
    ui_free(&d);
}

/* What is under way when the commit is confirmed is said to be, not to be missing. */
static void the_dialog_says_what_is_under_way(void)
{
    struct ui_state d;
    struct host host = posting_host(&d);

    make_ui_state(&d);
    give_model(&d);
    confirm_commit(&host);
    CHECK(strstr(last_question.text, "No preview of this fact") != NULL);
    request_preview(&host);
    for (int begun = 0; begun < 2; begun++) {
        if (begun)
            begin(&d, last_job);
        confirm_commit(&host);
        CHECK(strstr(last_question.text, "preview of this edit is under way: the commit waits"));
        CHECK(!strstr(last_question.text, "No preview"));
    }
    d.params.value[P_RATIO_GE_B] = 0.4;
    confirm_commit(&host); /* that preview is of something else */
    CHECK(strstr(last_question.text, "No preview of this fact") != NULL);
    d.params.value[P_RATIO_GE_B] = 0.3;
    tell(&d, last_job, EV_DONE, NULL);
    give_run(&d, LAYERS);
    give_preview(&d);
    ui_replace(EV_PROBES, (void **)&d.verdict.probes, NULL);
    for (int asked = 0; asked < 2; asked++) {
        if (asked)
            request_verdict(&host);
        confirm_commit(&host);
        CHECK(strstr(last_question.text,
                     asked ? "Neighbours are being asked." : "Neighbours were not asked yet."));
    }
    ui_free(&d);
}

/* What stands beside the weights is told as it is, and no mask of another method. */
static void the_dialog_says_what_the_method_writes(void)
{
    static const char *const said[][2] = {
        {"edit.method=wise", "WISE writes no weight: it keeps a side matrix at L"},
        {"edit.method=ike", "IKE writes no weight: it keeps a text before every prompt."},
        {"edit.method=kn", "KN has no mask: it writes the columns that it chooses in L0–"},
        {"edit.method=rome", "ROME has no mask: it writes columns of L"},
    };
    struct ui_state d;
    struct host host = posting_host(&d);
    struct edit_report *a;
    struct buf text = {0};

    make_full_ui_state(&d);
    d.fact.old = xstrdup("Paris");
    for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++) {
        params_assign(&d.params, said[i][0], FROM_COMMAND_LINE, NULL);
        ui_remask(&d);
        confirm_commit(&host);
        CHECK(strstr(last_question.text, said[i][1]) != NULL);
    }
    params_assign(&d.params, "edit.method=memoir", FROM_COMMAND_LINE, NULL);
    ui_remask(&d);
    a = xcalloc(1, sizeof(*a));
    a->facts = a->held = 1;
    snprintf(a->beside, sizeof(a->beside), "14 columns of a memory at L2; routed: 2 of 2");
    give(&d, EV_PREVIEW, a);
    confirm_commit(&host);
    CHECK(strstr(last_question.text, "It writes no weight; 14 columns of a memory at L2; routed: 2 "
                                     "of 2.\n"));
    put_written(&text, &d, a);
    CHECK_STR(text.data, "no weight; 14 columns of a memory at L2; routed: 2 of 2");
    buf_free(&text);
    *a->beside = '\0';
    put_written(&text, &d, a);
    CHECK_STR(text.data, "no weight: the model says so already");
    buf_free(&text);
    a->layers = 2;
    a->layer[0] = layer_report_keyless(4, 7);
    a->layer[1] = layer_report_keyless(5, 9);
    for (int i = 0; i < 2; i++)
        a->layer[i].delta_norm = 1, a->layer[i].weight_norm = 50;
    put_written(&text, &d, a);
    CHECK_STR(text.data, "16 of 1,280 columns in L4–5, ‖ΔW‖/‖W‖ 2 %, no gain and leak");
    buf_free(&text);
    ui_free(&d);
}

/* What is committed is the preview: the dialog tells of its moments, and that there are more now.
 */
static void an_outgrown_draft_says_so(void)
{
    struct ui_state d;
    struct host host = posting_host(&d);

    make_full_ui_state(&d);
    d.verdict.report->draft = true;
    d.verdict.report->moment_tokens = d.state.moment_tokens = 30720;
    confirm_commit(&host);
    CHECK(strstr(last_question.text, "are a draft of 30,720 tokens; the edit notes it.") &&
          !strstr(last_question.text, "summed now"));
    d.state.moment_tokens = 61440;
    confirm_commit(&host);
    CHECK(strstr(last_question.text, "draft of 30,720 tokens; the edit notes it. 61,440 tokens are "
                                     "summed now: P uses them."));
    ui_free(&d);
}

/* What fails is named. A job that no user has asked for leaves the line to the one before it. */
static void a_failed_job_is_named(void)
{
    struct ui_state d;
    struct host host = posting_host(&d);
    struct event ev = {.kind = EV_FAILED};
    char text[320];
    enum tone tone;

    make_ui_state(&d);
    give_model(&d);
    give_prompt_info(&d);
    give_run(&d, LAYERS);
    give_preview(&d);
    err_set(&ev.err, ERR_USAGE, "the model holds 64");
    for (int own = 0; own < 2; own++) {
        request_verdict(&host);
        CHECK(last_job && d.verdict.probe_job == last_job && !d.verdict.probes_follow);
        d.verdict.probes_follow = own;
        ev.job = last_job;
        ui_event(&d, &ev);
        CHECK(message_of_event(&d, &ev, CMD_PROBE, &tone, text) && tone == TONE_ERROR);
        CHECK_STR(text, "probes Eiffel Tower → Rome: the model holds 64");
        CHECK(message_is_for_log(&d, &ev) == own);
    }
    ui_free(&d);
}

/* Undo does not wait for a preview whose weights it changes, and says what became of it. */
static void undo_goes_before_a_preview(void)
{
    struct ui_state d;
    struct host host = posting_host(&d);
    struct state_info *s = xcalloc(1, sizeof(*s));
    struct event done = {.kind = EV_DONE};
    unsigned preview;
    char text[320];
    enum tone tone;

    make_ui_state(&d);
    give_model(&d);
    *s = d.state;
    s->can_undo = true;
    s->edits = 1;
    give(&d, EV_STATE, s);
    other_fact(&host, "Big Ben");
    request_preview(&host);
    preview = last_job;
    begin(&d, preview);
    confirm_undo(&host, 0);
    CHECK(!cancels); /* nobody has said yes yet */
    last_question.confirmed(&host, &last_question);
    CHECK(cancels == 1 && cancelled[0] == preview && last_job != preview);
    CHECK(strstr(last_said, "undo: the preview is dropped, P makes it again") != NULL);
    stop(&d, preview);
    begin(&d, last_job);
    done.job = last_job;
    ui_event(&d, &done);
    CHECK(message_of_event(&d, &done, CMD_UNDO, &tone, text));
    CHECK(strstr(text, "undone, the preview is dropped; now") != NULL);
    request_toggle(&host, CMD_REDO, 0); /* without a preview there is nothing to say of one */
    done = (struct event){.kind = EV_DONE, .job = last_job};
    ui_event(&d, &done);
    CHECK(message_of_event(&d, &done, CMD_REDO, &tone, text) && !strstr(text, "preview"));
    ui_free(&d);
}

/* What else changes the weights says it too; a session that refuses it keeps its preview. */
static void what_changes_the_weights_drops_a_preview(void)
{
    static const struct {
        enum command_kind kind;
        const char *says;
    } row[] = {{CMD_APPLY, "apply: the preview is dropped, P makes it again"},
               {CMD_DEVICE, "change of device: the preview is dropped, P makes it again"}};
    struct ui_state d;
    struct host host = posting_host(&d);
    struct event done = {.kind = EV_DONE};
    unsigned preview;
    char text[320];
    enum tone tone;

    make_ui_state(&d);
    give_model(&d);
    other_fact(&host, "Big Ben");
    for (int i = 0; i < 2; i++) {
        request_preview(&host);
        preview = last_job;
        begin(&d, preview);
        cancels = 0;
        d.state.readonly = true;
        if (row[i].kind == CMD_APPLY)
            request_replacing(&host, &(struct command){.kind = CMD_APPLY});
        CHECK(!cancels);
        d.state.readonly = false;
        request_replacing(&host, &(struct command){.kind = row[i].kind});
        CHECK(cancels == 1 && cancelled[0] == preview);
        CHECK_STR(last_said, row[i].says);
        stop(&d, preview);
        done.job = last_job;
        ui_event(&d, &done);
        if (message_of_event(&d, &done, row[i].kind, &tone, text))
            CHECK(strstr(text, "applied as one edit, the preview is dropped; now ") != NULL);
    }
    ui_free(&d);
}

/* What is no delta is refused before anything is stopped for it; a delta goes before a preview. */
static void a_file_is_read_before_a_preview_is_dropped(void)
{
    static const struct {
        const char *path, *says;
    } row[] = {{"tests/data/no-such-file", "apply: tests/data/no-such-file: "},
               {"README.md", "apply: README.md: "},
               {"tests/data/sessions/version-0.1.0-run.safetensors",
                "version-0.1.0-run.safetensors: a safetensors file, but not a delta"},
               {"tests/data/sessions/version-0.1.0-delta", NULL}};
    struct ui_state d;
    struct host host = posting_host(&d);
    unsigned preview;

    make_ui_state(&d);
    give_model(&d);
    other_fact(&host, "Big Ben");
    request_preview(&host);
    preview = last_job;
    begin(&d, preview);
    for (int i = 0; i < 4; i++) {
        request_apply(&host, row[i].path, false);
        CHECK(cancels == !row[i].says && (last_job == preview) == (row[i].says != NULL));
        CHECK(strstr(last_said, row[i].says ? row[i].says : "apply: the preview is dropped"));
    }
    ui_free(&d);
}

/* A list's commit drops the preview of another fact, and keeps that of its own. */
static void a_list_keeps_the_preview_of_its_fact(void)
{
    static const char line[] = "Mount Fuji | {} is in | Peru\n";
    struct ui_state d;
    struct host host = posting_host(&d);

    make_ui_state(&d);
    give_model(&d);
    for (int own = 0; own < 2; own++) {
        if (own)
            ui_set_fact_typed(&host, line);
        else
            other_fact(&host, "Big Ben");
        request_preview(&host);
        begin(&d, last_job);
        cancels = 0;
        *last_said = '\0';
        CHECK(facts_take(&host, line, sizeof(line) - 1) == 1 && facts_next(&host));
        CHECK(cancels == !own);
        CHECK(own == !strstr(last_said, "commit: the preview is dropped, P makes it again"));
        ui_queue_remove(&d, 0);
    }
    ui_free(&d);
}

static const struct test tests[] = {
    {"a file is read before a preview is dropped", a_file_is_read_before_a_preview_is_dropped},
    {"a list keeps the preview of its fact", a_list_keeps_the_preview_of_its_fact},
    {"what changes the weights drops a preview", what_changes_the_weights_drops_a_preview},
    {"undo goes before a preview", undo_goes_before_a_preview},
    {"one job runs, and what it interrupts waits", one_job_runs},
    {"the verdict stands beside the jobs", the_verdict_stands_beside_the_jobs},
    {"a failed job is named", a_failed_job_is_named},
    {"row and board", row_and_board},
    {"the board drops the job under the cursor", the_board_drops_the_job_under_the_cursor},
    {"another fact drops what only reads", another_fact_drops_what_only_reads},
    {"another old object drops what depends on it", another_old_object_drops_what_depends_on_it},
    {"only what was asked is said to be dropped", only_what_was_asked_is_said_to_be_dropped},
    {"what is under way is not asked twice", what_is_under_way_is_not_asked_twice},
    {"the time left is of what was asked", time_left_is_of_what_was_asked},
    {"moments are explained once", moments_are_explained_once},
    {"the board tells how long and what waits", the_board_tells_how_long_and_what_waits},
    {"statistics are always seen", statistics_are_always_seen},
    {"a job runs when it is heard of", a_job_runs_when_it_is_heard_of},
    {"the dialog says what is under way", the_dialog_says_what_is_under_way},
    {"the dialog says what the method writes", the_dialog_says_what_the_method_writes},
    {"an outgrown draft says so", an_outgrown_draft_says_so},
    {"a fact without neighbours says so", a_fact_without_neighbours_says_so},
};
TEST_MAIN(tests)
