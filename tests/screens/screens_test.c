/* Whole screens, drawn without a terminal from events made up here, against golden files.
 * `SCREENS=write` writes the files anew; review the difference as text. */
#include <math.h>
#include <stdlib.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "tui/layout.h"
#include "tui/theme.h"
#include "views/chrome.h"
#include "views/edit_layout.h"

#include "tests/test.h"

enum { LAYERS = 12, NEURONS = 640, ROWS = 6 };

static char last_said[400];

static unsigned no_post(struct host *host, struct command *cmd)
{
    (void)host;
    for (int i = 0; i < cmd->count; i++)
        fact_free(&cmd->facts[i]);
    free(cmd->facts);
    free(cmd->text);
    return 0;
}
static void no_open(struct host *host, const char *view)
{
    (void)host;
    (void)view;
}
static void no_say(struct host *host, enum tone tone, const char *fmt, ...)
{
    (void)host;
    (void)tone;
    snprintf(last_said, sizeof(last_said), "%s", fmt);
}
static void no_prompt(struct host *host, const char *text)
{
    (void)host;
    (void)text;
}
static void no_ask(struct host *host, const struct question *question)
{
    (void)host;
    (void)question;
}
static void no_knobs(struct host *host)
{
    desk_remask(host->desk);
}

static struct host host_of(struct desk *d)
{
    return (struct host){.desk = d,
                         .post = no_post,
                         .open = no_open,
                         .say = no_say,
                         .ask = no_ask,
                         .prompt = no_prompt,
                         .knobs_moved = no_knobs};
}

static struct word word(const char *text, double p, bool subject)
{
    struct word w = {.p = p, .subject = subject};

    snprintf(w.text, sizeof(w.text), "%s", text);
    return w;
}

static void give(struct desk *d, enum event_kind kind, void *what)
{
    struct event ev = {.kind = kind, .job = 1, .progress = what};

    desk_event(d, &ev);
}

static void give_model(struct desk *d)
{
    struct model_info *m = xcalloc(1, sizeof(*m));
    struct state_info *s = xcalloc(1, sizeof(*s));

    *m = (struct model_info){.name = "Tiny-12L",
                             .arch = "llama",
                             .device = "cpu",
                             .type = "Q4_1",
                             .layers = LAYERS,
                             .neurons = NEURONS,
                             .hidden = 256,
                             .vocab = 49152,
                             .threads = 2};
    *s = (struct state_info){.checksum = "003da5ed7f3a91c2",
                             .state = "0011223344556677",
                             .session = "/tmp/paris.es",
                             .moment_tokens = 153600,
                             .moment_goal = 153600,
                             .edited_layers = {4, 5, 6},
                             .edited_count = 3};
    give(d, EV_MODEL, m);
    give(d, EV_STATE, s);
}

static void give_look(struct desk *d)
{
    static const char *const token[] = {"The", " E", "iffel", " Tower", " is", " in"};
    struct look *l = xcalloc(1, sizeof(*l));

    l->tokens = 6;
    l->lookup = 3;
    l->token = xcalloc(6, sizeof(*l->token));
    for (int i = 0; i < 6; i++)
        l->token[i] = word(token[i], 0, i >= 1 && i <= 3);
    l->nexts = 2;
    l->next = xcalloc(2, sizeof(*l->next));
    l->next[0] = word(" Paris", 0.7, false);
    l->next[1] = word(" \033[31mMont", 0.03, false); /* must not reach a terminal as it is */
    l->p_target = 0.0057;
    l->rank = 12;
    l->old = word(" Paris", 0.7, false);
    l->layers = LAYERS;
    l->rank_old = xcalloc(LAYERS, sizeof(int));
    l->rank_new = xcalloc(LAYERS, sizeof(int));
    for (int i = 0; i < LAYERS; i++) {
        l->rank_old[i] = i < 6 ? 20000 - 3000 * i : i < 10 ? 400 >> (i - 6) : 1;
        l->rank_new[i] = i < 8 ? 30000 - 3500 * i : 900 >> (i - 7);
    }
    give(d, EV_LOOK, l);
}

static void give_layer(struct desk *d, int layer)
{
    struct attribution *a = attribution_new(layer, ROWS, NEURONS, false);
    unsigned state = 1234u + (unsigned)layer * 77u;

    a->amplify = 30;
    a->layers = LAYERS;
    for (int i = 0; i < ROWS * NEURONS; i++) {
        state = state * 1664525u + 1013904223u;
        a->score[i] = (float)(state >> 8) / 16777216.0f * 0.5f - 0.2f;
        if (i % NEURONS % 97 == layer)
            a->score[i] += 0.25f * (float)layer;
        a->activation[i] = a->score[i] * 2;
    }
    give(d, EV_LAYER, a);
}

static void give_run(struct desk *d, int layers)
{
    struct meta *m = xcalloc(1, sizeof(*m));
    struct event done = {.kind = EV_ATTRIBUTED, .id = 1};

    m->rows = ROWS;
    m->neurons = NEURONS;
    m->layers = LAYERS;
    m->prompt = xcalloc(ROWS, sizeof(*m->prompt));
    m->target = xcalloc(ROWS, sizeof(*m->target));
    m->target[0] = word(" Paris", 0.7, false);
    give(d, EV_META, m);
    for (int l = 0; l < layers; l++)
        give_layer(d, l < 3 ? l + 4 : l < 7 ? l - 3 : l);
    if (layers == LAYERS)
        desk_event(d, &done);
}

static void give_preview(struct desk *d)
{
    struct applied *a = xcalloc(1, sizeof(*a));
    struct state_info *s = xcalloc(1, sizeof(*s));

    a->layers = 3;
    for (int i = 0; i < 3; i++)
        a->layer[i] = (struct weighed_layer){
            .layer = 4 + i, .kept = 210, .gain = 0.29, .leak_ratio = 6.2 + i * 0.7};
    a->p_before = 0.006;
    a->p_after = 0.891;
    *s = d->state;
    s->preview = true;
    give(d, EV_STATE, s);
    give(d, EV_PREVIEW, a);
}

static void give_answers(struct desk *d)
{
    static const char *const said[2] = {" Paris, the capital of France.", " Rome, Italy."};

    for (int k = 0; k < 2; k++) {
        struct answer *a = xcalloc(1, sizeof(*a));

        a->state = k ? STATE_PREVIEW : STATE_BASE;
        a->prompt = xstrdup("The Eiffel Tower is in");
        a->completion = xstrdup(said[k]);
        a->nexts = 2;
        a->next = xcalloc(2, sizeof(*a->next));
        a->next[k] = word(" Paris", k ? 0.05 : 0.7, false);
        a->next[!k] = word(" Rome", k ? 0.891 : 0.006, false);
        a->next[k].id = 1;
        a->next[!k].id = 2;
        give(d, EV_ANSWER, a);
    }
}

static void give_history(struct desk *d)
{
    struct history *h = xcalloc(1, sizeof(*h));

    h->count = 2;
    h->entry = xcalloc(2, sizeof(*h->entry));
    for (int i = 0; i < 2; i++) {
        struct history_entry *e = &h->entry[i];

        *e = (struct history_entry){.edit = i + 1,
                                    .active = !i,
                                    .when = 1760000000,
                                    .p_before = 0.006,
                                    .p_after = i ? 0.4 : 0.89,
                                    .kept = 2510,
                                    .success = !i,
                                    .checksum = "7f3a91c2aa"};
        e->subject = xstrdup(i ? "Mount Fuji" : "Eiffel Tower");
        e->prompt = xstrdup("{} is in");
        e->target = xstrdup(i ? "Peru" : "Rome");
    }
    give(d, EV_HISTORY, h);
}

static void make_desk(struct desk *d)
{
    struct params p;

    params_default(&p);
    desk_init(d, &p);
    d->fact.subject = xstrdup("Eiffel Tower");
    d->fact.prompt = xstrdup("The {} is in");
    d->fact.target = xstrdup("Rome");
}

static void make_full_desk(struct desk *d)
{
    make_desk(d);
    give_model(d);
    give_look(d);
    give_run(d, LAYERS);
    give_preview(d);
    give_answers(d);
    give_history(d);
}

/* Text and roles of a screen of this size. Caller frees. */
static char *picture(const struct screen *screen, int h, int w)
{
    struct surface *s = surface_new(h, w);
    struct buf out = {0};

    screen_draw(screen, s);
    surface_dump(s, &out);
    buf_puts(&out, "--- roles\n");
    surface_roles(s, &out);
    surface_free(s);
    return buf_take(&out);
}

static void compare(const char *name, const struct screen *screen, int h, int w)
{
    char *got = picture(screen, h, w), *want;
    struct err err = {0};
    char path[128];

    snprintf(path, sizeof(path), "tests/screens/%s-%dx%d.screen", name, w, h);
    if (getenv("SCREENS")) {
        CHECK(file_write(path, got, strlen(got), &err));
    } else {
        want = file_read(path, 1 << 20, NULL, &err);
        CHECK_STR(err.text, "");
        if (want && strcmp(got, want) != 0) {
            printf("%s differs; it is now:\n%s", path, got);
            CHECK(false);
        }
        free(want);
    }
    free(got);
}

static void screen_of(const char *name, struct desk *d, int h, int w)
{
    struct host host = host_of(d);
    struct view *v = view_open(view_find(name), &host);
    struct screen screen = {.desk = d, .view = v, .said = "30 layers scored", .tone = TONE_GOOD};

    setenv("TZ", "UTC", 1);
    if (v->ops->open)
        v->ops->open(v);
    compare(name, &screen, h, w);
    view_close(v);
}

static void every_view_is_as_it_was(void)
{
    static const int size[][2] = {{36, 120}, {24, 80}};
    struct desk d;

    make_full_desk(&d);
    for (int i = 0; views[i]; i++)
        for (int k = 0; k < 2; k++)
            screen_of(views[i]->name, &d, size[k][0], size[k][1]);
    desk_free(&d);
}

static void a_start_and_a_partial_map_are_as_they_were(void)
{
    struct desk d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("edit"), &host);
    struct screen screen = {.desk = &d, .view = v};

    make_desk(&d);
    v->ops->open(v);
    compare("start", &screen, 24, 80);
    give_model(&d);
    give_look(&d);
    give_run(&d, 5);
    desk_posted(&d, 9, CMD_ATTRIBUTE);
    compare("partial", &screen, 24, 80);
    view_close(v);
    desk_free(&d);
}

static void a_question_has_cancel_selected(void)
{
    struct desk d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("edit"), &host);
    struct question q = {.title = "Commit this edit?",
                         .text = "Eiffel Tower: Rome\nIt is journalled first.",
                         .yes = "Commit"};
    struct screen screen = {.desk = &d, .view = v, .question = &q};

    make_full_desk(&d);
    compare("dialog", &screen, 24, 80);
    view_close(v);
    desk_free(&d);
}

static void every_size_can_be_drawn(void)
{
    struct desk d;
    struct host host = host_of(&d);

    make_full_desk(&d);
    for (int i = 0; views[i]; i++) {
        struct view *v = view_open(views[i], &host);
        struct screen screen = {.desk = &d, .view = v, .said = "said"};

        if (v->ops->open)
            v->ops->open(v);
        for (int h = 1; h < 70; h += h < 26 ? 1 : 9)
            for (int w = 1; w < 240; w += w < 60 ? 7 : 23)
                free(picture(&screen, h, w));
        view_close(v);
    }
    desk_free(&d);
}

static void every_action_can_be_done_anywhere(void)
{
    struct desk full, empty;

    make_full_desk(&full);
    make_desk(&empty);
    for (int k = 0; k < 2; k++) {
        struct desk *d = k ? &full : &empty;
        struct host host = host_of(d);

        host.run = NULL;
        for (int i = 0; views[i]; i++) {
            struct view *v = view_open(views[i], &host);
            struct screen screen = {.desk = d, .view = v};

            if (v->ops->open)
                v->ops->open(v);
            for (int a = 1; a < ACTION_COUNT; a++)
                if (v->ops->action && !(v->ops == &view_help && a == ACTION_ENTER))
                    v->ops->action(v, (enum action)a);
            free(picture(&screen, 30, 100));
            view_close(v);
        }
    }
    desk_free(&full);
    desk_free(&empty);
}

static bool apart(struct rect a, struct rect b)
{
    return rect_empty(a) || rect_empty(b) || a.y + a.h <= b.y || b.y + b.h <= a.y ||
           a.x + a.w <= b.x || b.x + b.w <= a.x;
}

static void panes_are_apart_and_inside_at_every_size(void)
{
    int wrong = 0;

    for (int h = 1; h <= 200; h++)
        for (int w = 1; w <= 500; w += 3) {
            struct rect area = {1, 0, h, w};
            struct edit_layout l = edit_layout(area, 30);

            for (int i = 1; i < PANE_COUNT; i++) {
                struct rect r = l.pane[i];

                wrong +=
                    !rect_empty(r) && (r.y < 1 || r.x < 0 || r.y + r.h > h + 1 || r.x + r.w > w);
                for (int j = 1; j < i; j++)
                    wrong += !apart(r, l.pane[j]);
            }
        }
    CHECK(wrong == 0);
}

static void model_text_cannot_act(void)
{
    struct theme theme;
    struct palette p;
    struct surface *s = surface_new(36, 120);
    struct buf out = {0};
    struct desk d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("edit"), &host);
    struct screen screen = {.desk = &d, .view = v};

    make_full_desk(&d);
    theme_default(&theme);
    palette_build(&p, &theme, (struct caps){TIER_256, false, false});
    screen_draw(&screen, s);
    surface_ansi(s, &p, &out);
    CHECK(strstr(out.data, "\033[31mMont") == NULL);
    CHECK(strstr(out.data, "\\x1b[31m") != NULL);
    buf_free(&out);
    surface_free(s);
    view_close(v);
    desk_free(&d);
}

static void keys_name_one_action_each(void)
{
    char key[16];

    for (int a = 1; a < ACTION_COUNT; a++) {
        const struct action_info *info = &action_infos[a];

        CHECK(*info->keys && *info->help && *info->name);
        CHECK(action_of_key(key_parse(action_key((enum action)a, key))) == (enum action)a);
        CHECK(action_of_name(info->name) == (enum action)a);
    }
}

static const struct test tests[] = {
    {"every view is as it was", every_view_is_as_it_was},
    {"a start and a partial map are as they were", a_start_and_a_partial_map_are_as_they_were},
    {"a question has cancel selected", a_question_has_cancel_selected},
    {"every size can be drawn", every_size_can_be_drawn},
    {"every action can be done anywhere", every_action_can_be_done_anywhere},
    {"panes are apart and inside at every size", panes_are_apart_and_inside_at_every_size},
    {"model text cannot act", model_text_cannot_act},
    {"keys name one action each", keys_name_one_action_each},
};
TEST_MAIN(tests)
