/* The Query view: what its keys post, and how two answers are drawn. */
#include "tests/screens/fixture.h"

#include "views/panes/pane_history.h"
#include "views/screens/query_internal.h"

enum { POSTED = 16 };
static struct {
    struct command cmd; /* owns nothing any more */
    char text[64];
} posted[POSTED];
static int posts;

static unsigned keep_post(struct host *host, struct command *cmd)
{
    if (posts < POSTED) {
        posted[posts].cmd = *cmd;
        snprintf(posted[posts].text, sizeof(posted[posts].text), "%s", cmd->text ? cmd->text : "");
    }
    no_post(host, cmd);
    return (unsigned)++posts;
}

static char copied[64];

static bool keep_copy(struct host *host, const char *text)
{
    (void)host;
    snprintf(copied, sizeof(copied), "%s", text);
    return true;
}

struct stage {
    struct ui_state d;
    struct host host;
    struct view *v;
};

static void stage_open(struct stage *t)
{
    make_full_ui_state(&t->d);
    t->host = host_of(&t->d);
    t->host.post = keep_post;
    t->host.copy = keep_copy;
    t->v = view_open(view_find("query"), &t->host);
    t->v->ops->open(t->v);
    posts = 0;
}

static void stage_close(struct stage *t)
{
    view_close(t->v);
    ui_free(&t->d);
}

static bool press(struct stage *t, int32_t code)
{
    struct key key = {.code = code};

    return t->v->ops->key(t->v, &key);
}

static void type(struct stage *t, const char *text)
{
    t->v->ops->action(t->v, ACTION_ASK);
    while (*text)
        press(t, *text++);
}

static void enter_asks_the_base_and_the_state_at_hand(void)
{
    struct stage t;

    stage_open(&t);
    type(&t, "Two");
    CHECK(t.v->ops->field(t.v) && t.v->ops->field(t.v)->lines);
    press(&t, '\n');
    type(&t, ""); /* i again changes nothing until something is typed */
    press(&t, K_ENTER);
    CHECK(posts == 2 && posted[0].cmd.states == STATE_BASE &&
          posted[1].cmd.states == STATE_PREVIEW);
    CHECK_STR(posted[1].text, "Two\n");
    CHECK(!t.v->ops->field(t.v));
    type(&t, "Three");
    press(&t, K_UP);
    press(&t, K_ENTER);
    CHECK_STR(posted[2].text, "Two\n");
    type(&t, "Four");
    press(&t, K_UP);
    press(&t, K_UP); /* within the line above first */
    press(&t, K_DOWN);
    press(&t, K_DOWN); /* and back to what was being typed */
    press(&t, K_ENTER);
    CHECK_STR(posted[4].text, "Four");
    stage_close(&t);
}

static void options_go_with_the_question(void)
{
    struct stage t;
    const struct view_ops *ops = view_find("query");

    stage_open(&t);
    CHECK(ops->command(t.v, "tokens", "64") && ops->command(t.v, "sample", "0.7"));
    CHECK(ops->command(t.v, "tokens", "1e3x") && ops->command(t.v, "tokens", "0"));
    CHECK(ops->command(t.v, "sample", "-1") && ops->command(t.v, "sample", "nan"));
    CHECK(!ops->command(t.v, "theme", "dark"));
    ops->action(t.v, ACTION_MODE);
    t.d.intervention[0] = (struct intervention){.layer = 5, .neuron = 9};
    t.d.intervention_count = 1;
    type(&t, "What?");
    press(&t, K_ENTER);
    CHECK(posts == 2);
    for (int i = 0; i < 2; i++) {
        CHECK(posted[i].cmd.tokens == 64 && posted[i].cmd.chat);
        CHECK(posted[i].cmd.temperature > 0.69 && posted[i].cmd.temperature < 0.71);
        CHECK(posted[i].cmd.intervention_count == i); /* the base is asked as it is */
    }
    stage_close(&t);
}

static void states_of_the_past_are_stepped_through(void)
{
    struct stage t;
    const struct view_ops *ops = view_find("query");

    stage_open(&t);
    t.d.history->entry[0].active = t.d.history->entry[1].active = true;
    type(&t, "Where?");
    press(&t, K_ENTER);
    CHECK(t.d.query.state == QUERY_NOW);
    ops->action(t.v, ACTION_LAYER_BACK);
    CHECK(t.d.query.state == 2 && posts == 4 && posted[3].cmd.edit == 2);
    CHECK_STR(last_said, "beside the base: After edit 2");
    ops->action(t.v, ACTION_LAYER_BACK);
    ops->action(t.v, ACTION_LAYER_BACK);
    CHECK(t.d.query.state == QUERY_BASE);
    CHECK_STR(last_said, "BASE alone"); /* the base is not beside itself */
    ops->action(t.v, ACTION_LAYER_BACK);
    CHECK(t.d.query.state == QUERY_BASE);
    CHECK(ops->command(t.v, "state", "edit:1") && t.d.query.state == 1);
    CHECK(ops->command(t.v, "state", "edit:9") && t.d.query.state == 1);
    CHECK(ops->command(t.v, "state", "edited") && t.d.query.state == QUERY_NOW);
    stage_close(&t);
}

static void texts_part_at_a_word(void)
{
    size_t at;

    CHECK(query_first_difference(" Paris, France", " Parma, Italy", &at) && at == 1);
    CHECK(query_first_difference("in the north", "in the south", &at) && at == 7);
    CHECK(query_first_difference("a", "a b", &at) && at == 0);
    CHECK(!query_first_difference("the same", "the same", &at));
}

static void pictures(void)
{
    struct stage t;
    struct screen screen;
    struct answer *a = xcalloc(1, sizeof(*a));

    stage_open(&t);
    screen = (struct screen){.ui = &t.d, .view = t.v};
    t.v->ops->action(t.v, ACTION_FLIP);
    compare_golden("query-difference", &screen, 36, 120);
    compare_golden("query-difference", &screen, 24, 80);
    t.v->ops->action(t.v, ACTION_COPY);
    CHECK_STR(copied, " Rome, Italy.");
    t.v->ops->action(t.v, ACTION_FLIP);
    t.v->ops->action(t.v, ACTION_FLIP);
    t.v->ops->action(t.v, ACTION_FLIP);
    a->state = STATE_PREVIEW; /* an answer on its way, of several lines, with bytes that act */
    a->partial = true;
    a->prompt = xstrdup("The Eiffel Tower is in");
    a->completion = xstrdup(" Rome.\n\nIt was \033[31mbuilt there, as everybody who has seen it "
                            "from the hill above the river will tell, long before");
    give(&t.d, EV_ANSWER, a);
    compare_golden("query-answering", &screen, 24, 64);
    stage_close(&t);
}

/* An answer to this question: whole with two tokens, or on its way with none. */
static void give_answer(struct ui_state *d, unsigned state, bool partial)
{
    struct answer *a = xcalloc(1, sizeof(*a));

    *a = (struct answer){.state = state, .partial = partial, .prompt = xstrdup("Where?")};
    a->completion = xstrdup(" There");
    a->nexts = partial ? 0 : 2;
    a->next = xcalloc(2, sizeof(*a->next));
    for (int i = 0; i < a->nexts; i++) {
        a->next[i] = shown_token_of(i == (state == STATE_BASE) ? "\n" : "\n ", 0.5, false);
        a->next[i].id = i == (state == STATE_BASE);
    }
    give(d, EV_ANSWER, a);
}

/* Whether the Query view shows this text. */
static bool shows(const struct stage *t, const char *text)
{
    struct screen screen = {.ui = &t->d, .view = t->v};
    char *got = screen_text(&screen, 24, 80, false);
    bool is = strstr(got, text) != NULL;

    free(got);
    return is;
}

/* Ranks are compared once the base has answered; until then no token is new. Both tables do so. */
static void ranks_wait_for_the_base(void)
{
    struct stage t;

    stage_open(&t);
    type(&t, "Where?");
    press(&t, K_ENTER);
    for (int k = 0; k < 4; k++) {
        if (k % 2)
            t.v->ops->action(t.v, ACTION_FLIP);
        if (k % 2 == 0) {
            give_answer(&t.d, STATE_BASE, k == 0);
            give_answer(&t.d, STATE_PREVIEW, false);
        }
        CHECK(!shows(&t, " new"));
        CHECK(shows(&t, "↑1") == (k >= 2) && shows(&t, "↓1") == (k >= 2));
        CHECK(shows(&t, "\\n· ") && shows(&t, "\\n  "));
        if (k % 2)
            for (int i = 0; i < 3; i++) /* back to both */
                t.v->ops->action(t.v, ACTION_FLIP);
    }
    stage_close(&t);
}

static void an_answer_says_where_it_is(void)
{
    struct stage t;
    struct answer *a = xcalloc(1, sizeof(*a));

    stage_open(&t);
    type(&t, "Where?");
    press(&t, K_ENTER);
    CHECK(shows(&t, "not asked yet") && !shows(&t, "waits its turn"));
    ui_add_job(&t.d, 7, (struct ui_job){.kind = CMD_QUERY});
    CHECK(shows(&t, "waits its turn") && !shows(&t, "not asked yet"));
    a->state = STATE_BASE;
    a->prompt = xstrdup("Where?");
    a->completion = xstrdup("");
    give(&t.d, EV_ANSWER, a);
    CHECK(shows(&t, "nothing: the model ended its turn"));
    stage_close(&t);
}

/* Recorded tokens that come all at once have no speed. */
static void a_speed_is_measured_or_not_there(void)
{
    struct stage t;
    struct query *q;
    struct answer *a = xcalloc(1, sizeof(*a));

    stage_open(&t);
    q = t.v->state;
    type(&t, "Where?");
    press(&t, K_ENTER);
    a->state = STATE_BASE;
    a->prompt = xstrdup("Where?");
    a->completion = xstrdup(" There.");
    a->count = 12;
    give(&t.d, EV_ANSWER, a);
    q->paces = 1;
    q->pace[0] = (struct query_pace){.state = STATE_BASE, .tokens = 12, .over = true, .first = 5};
    q->pace[0].last = 5.000004;
    CHECK(shows(&t, "12 tokens") && !shows(&t, "/s"));
    q->pace[0].last = 6;
    CHECK(shows(&t, "12 tokens, 11/s"));
    stage_close(&t);
}

/* An edit that chooses prompts says whether it took this one, and by how much. */
static void an_answer_says_whether_it_was_routed(void)
{
    struct stage t;
    struct screen screen;
    struct answer_route *r;

    stage_open(&t);
    give_answers(&t.d);
    CHECK(!shows(&t, "routed"));
    r = &t.d.answer[1]->route;
    *r = (struct answer_route){.entries = 3,
                               .entry = 2,
                               .layer = 25,
                               .routed = true,
                               .below = true,
                               .value = 0.125,
                               .limit = 1,
                               .kind = "key",
                               .measure = "distance"};
    CHECK(shows(&t, "routed to key 2 of 3 at L25: "));
    r->routed = r->below = false;
    snprintf(r->kind, sizeof(r->kind), "side matrix");
    CHECK(shows(&t, "not routed: the nearest is side "));
    t.d.answer[0]->route = *r; /* of the other state; the base's is the same at any time */
    r->entries = 0;
    screen = (struct screen){.ui = &t.d, .view = t.v};
    CHECK(!is_stale_text(&screen, 24, 80, "not routed: the"));
    snprintf(t.d.now.stamp.state, sizeof(t.d.now.stamp.state), "other");
    CHECK(is_stale_text(&screen, 24, 80, "not routed: the"));
    stage_close(&t);
}

/* A state may differ from another one in what stands beside its weights alone. */
static void what_stands_beside_the_weights_is_compared(void)
{
    struct surface *s = surface_new(8, 80);
    struct buf out = {0};
    struct ui_state d;

    make_full_ui_state(&d);
    give_history_results(&d);
    d.diff->layers = 0;
    d.diff->besides = 2;
    d.diff->beside[0] = (struct diff_beside){"keys", 25, {1, 3}};
    d.diff->beside[1] = (struct diff_beside){"texts before prompts", -1, {1, 1}};
    pane_diff(&d, s, surface_rect(s));
    surface_dump(s, &out);
    CHECK(strstr(out.data, "the weights are bit for bit the same"));
    CHECK(strstr(out.data, "keys at L25: 1 → 3"));
    CHECK(strstr(out.data, "texts before prompts: 1 in both"));
    buf_free(&out);
    surface_free(s);
    ui_free(&d);
}

static const struct test tests[] = {
    {"an answer says whether it was routed", an_answer_says_whether_it_was_routed},
    {"what stands beside the weights is compared", what_stands_beside_the_weights_is_compared},
    {"Enter asks the base and the state at hand", enter_asks_the_base_and_the_state_at_hand},
    {"options go with the question", options_go_with_the_question},
    {"states of the past are stepped through", states_of_the_past_are_stepped_through},
    {"texts part at a word", texts_part_at_a_word},
    {"ranks wait for the base", ranks_wait_for_the_base},
    {"an answer says where it is", an_answer_says_where_it_is},
    {"a speed is measured or not there", a_speed_is_measured_or_not_there},
    {"pictures", pictures},
};
TEST_MAIN(tests)
