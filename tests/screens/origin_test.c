/* Results match what is at hand or they do not: by the fact, its object, the parameters and the
 * weights that their job began with. */
#include "tests/screens/fixture.h"
#include "views/shell/messages.h"

/* A job begins with what is at hand now, or with another fact. */
static void begin(struct ui_state *d, unsigned job, const char *subject)
{
    struct job_begun *b = xcalloc(1, sizeof(*b));
    struct fact fact = d->fact;
    struct event ev = {.kind = EV_BEGUN, .job = job, .begun = b};

    fact.subject = (char *)(uintptr_t)subject;
    b->facts = 1;
    b->subject = xstrdup(subject);
    b->target = xstrdup(d->fact.target);
    b->changed = xstrdup("");
    b->stamp = ui_stamp_with(d, &fact);
    ui_event(d, &ev);
}

static void take_layer(struct ui_state *d, unsigned job, int layer)
{
    struct attribution *a = attribution_new(layer, 1, NEURONS, false);
    struct event ev = {.kind = EV_LAYER, .job = job, .attribution = a};

    a->amplify = d->params.value[P_ATTR_AMPLIFY];
    a->score[job] = 1;
    ui_event(d, &ev);
}

static void take_state(struct ui_state *d, const char *id, int edits)
{
    struct state_info *s = xcalloc(1, sizeof(*s));

    *s = d->state;
    snprintf(s->state, sizeof(s->state), "%s", id);
    s->edits = edits;
    s->preview = false;
    give(d, EV_STATE, s);
}

static void set(struct ui_state *d, const char *assignment)
{
    CHECK(params_assign(&d->params, assignment, FROM_COMMAND_LINE, NULL));
    ui_remask(d);
}

/* Rows of a job that began with the last fact come while another is at hand. */
static void rows_of_another_fact_do_not_count(void)
{
    struct ui_state d;
    char words[UI_WORDS];

    make_ui_state(&d);
    give_model(&d);
    begin(&d, 7, "Eiffel Tower");
    take_layer(&d, 7, 4);
    CHECK(d.scored_layers == 1);
    take_fact(&d, "Big Ben", "Rome");
    take_layer(&d, 7, 5);
    CHECK(d.scored_layers == 0 && d.stale_layers == 2 && d.peak >= 0);
    CHECK_STR(ui_differs_words(&d, d.layer[5].score, words), "of Eiffel Tower → Rome");
    begin(&d, 8, "Big Ben");
    take_layer(&d, 8, 5);
    CHECK(d.scored_layers == 1 && d.stale_layers == 1 && !d.layer[5].differs);
    CHECK(!ui_row_counts(&d, 4) && ui_row_counts(&d, 5));
    take_fact(&d, "Eiffel Tower", "Rome"); /* both its rows are there again */
    CHECK(d.scored_layers == 2 && d.layer[5].strongest == 7);
    ui_free(&d);
}

/* The Lens beside the verdict of a preview is stale with it. */
static void the_lens_of_a_moved_preview_says_so(void)
{
    struct ui_state d;
    struct host host = host_of(&d);
    struct screen screen = {.ui = &d};
    struct view *v;
    char *got;

    make_full_ui_state(&d);
    v = view_open(view_find("edit"), &host);
    screen.view = v;
    got = screen_text(&screen, 36, 120, false);
    CHECK(strstr(got, "Lens: rank by layer, after ─") != NULL);
    free(got);
    set(&d, "beta_ge=0.4");
    got = screen_text(&screen, 36, 120, false);
    CHECK(strstr(got, "Lens: rank by layer, after  ╱ made") != NULL);
    if (!strstr(got, "after  ╱ made"))
        printf("%s", got);
    free(got);
    view_close(v);
    ui_free(&d);
}

/* After a change of the weights each row is stale until it comes again; an undo brings the old
 * ones back. */
static void rows_of_other_weights_are_stale_one_by_one(void)
{
    struct ui_state d;
    char words[UI_WORDS];

    make_full_ui_state(&d);
    CHECK(d.scored_layers == LAYERS);
    take_state(&d, "after1", 1);
    CHECK(d.scored_layers == 0 && d.stale_layers == LAYERS);
    ui_differs_words(&d, d.layer[4].score, words);
    CHECK(strstr(words, "before the last change") != NULL);
    give_layer(&d, 4);
    CHECK(d.scored_layers == 1 && d.stale_layers == LAYERS - 1);
    CHECK(ui_differs(&d, d.estimate) & STAMP_STATE);
    take_state(&d, "0011223344556677", 0);
    CHECK(d.scored_layers == LAYERS && !ui_differs(&d, d.estimate));
    take_state(&d, "after1", 1);
    CHECK(d.scored_layers == 1);
    ui_free(&d);
}

/* What is stale is all of one origin, the newest: so what a title says is true for each row. Gain
 * and leak of other weights than the scores' do not stand beside them. */
static void stale_rows_have_one_origin(void)
{
    struct ui_state d;
    char token[64];

    make_full_ui_state(&d);
    ui_explained_token(&d, token);
    CHECK(*token);
    take_state(&d, "after1", 1);
    take_fact(&d, "Big Ben", "Rome");
    CHECK(d.stale_layers == LAYERS && ui_layer_report(&d, 4)); /* all of them on the base */
    begin(&d, 8, "Big Ben");
    take_layer(&d, 8, 4);
    CHECK(d.scored_layers == 1 && d.stale_layers == LAYERS - 1);
    CHECK(!ui_layer_report(&d, 4) && ui_layer_report(&d, 5)); /* of the Eiffel Tower, on the base */
    take_fact(&d, "Atomium", "Rome");
    CHECK(d.scored_layers == 0 && d.stale_layers == 1 && d.layer[4].score && !d.layer[5].score);
    ui_explained_token(&d, token); /* the header is of the Eiffel Tower, the row of Big Ben */
    CHECK_STR(token, "");
    ui_free(&d);
}

/* Another object: what the model says of the prompt's subject stays. */
static void another_object_keeps_what_does_not_depend_on_it(void)
{
    struct ui_state d;

    make_full_ui_state(&d);
    take_fact(&d, "Eiffel Tower", "Oslo");
    CHECK(d.scored_layers == LAYERS); /* the predicted object is explained */
    CHECK(ui_differs(&d, d.header) == 0);
    CHECK(ui_differs(&d, d.prompt_info) == STAMP_OBJECT);
    CHECK(ui_differs(&d, d.preview) == STAMP_OBJECT);
    take_fact(&d, "Eiffel Tower", "Rome");
    CHECK(!ui_differs(&d, d.prompt_info) && !ui_differs(&d, d.preview));
    set(&d, "attr.target=new"); /* scores of the new object depend on it */
    CHECK(d.scored_layers == 0);
    ui_free(&d);
}

static void take_old(struct ui_state *d, const char *old)
{
    free(d->fact.old);
    d->fact.old = xstrdup(old);
    ui_match(d);
}

/* Another old object: what depends on it names both, all else stays. */
static void another_old_object_is_named(void)
{
    static const char *const uses[] = {NULL, "edit.method=kn", "attr.target=old"};
    struct ui_state d;
    char words[UI_WORDS];

    for (int i = 0; i < 3; i++) {
        make_ui_state(&d);
        give_model(&d);
        if (uses[i])
            set(&d, uses[i]);
        take_old(&d, "Paris");
        give_prompt_info(&d);
        give_run(&d, LAYERS);
        give_preview(&d);
        CHECK_STR(ui_differs_words(&d, d.preview, words), "");
        take_old(&d, "Berlin");
        CHECK(ui_verdict_moved(&d) == (i > 0));
        CHECK_STR(ui_differs_words(&d, d.preview, words), i ? "of old Paris, now Berlin" : "");
        CHECK_STR(ui_differs_words(&d, d.layer[4].score, words),
                  i == 2 ? "of old Paris, now Berlin" : "");
        CHECK_STR(ui_differs_words(&d, d.prompt_info, words), "of old Paris, now Berlin");
        take_old(&d, NULL);
        CHECK_STR(ui_differs_words(&d, d.prompt_info, words), "of old Paris, now none");
        ui_free(&d);
    }
}

/* Scores of the new object say of which, not that neurons were forced. */
static void scores_of_another_new_object_name_it(void)
{
    struct ui_state d;
    char words[UI_WORDS];

    make_ui_state(&d);
    give_model(&d);
    set(&d, "attr.target=new");
    give_run(&d, LAYERS);
    take_fact(&d, "Eiffel Tower", "Oslo");
    CHECK_STR(ui_differs_words(&d, d.layer[4].score, words), "of Eiffel Tower → Rome");
    ui_free(&d);
}

/* Also the amplification, to which scores are extrapolated. */
static void a_moved_parameter_is_named(void)
{
    struct ui_state d;
    char words[UI_WORDS];

    make_full_ui_state(&d);
    CHECK_STR(ui_differs_words(&d, d.preview, words), "");
    set(&d, "beta_ge=0.4");
    CHECK(d.scored_layers == LAYERS);
    CHECK(ui_differs(&d, d.preview) == STAMP_EDIT && ui_report_differs(&d) == STAMP_EDIT);
    CHECK_STR(ui_differs_words(&d, d.preview, words), "made with β_ge 0.3, now 0.4");
    set(&d, "beta_sp=0.5");
    CHECK_STR(ui_differs_words(&d, d.preview, words), "made with β_ge 0.3, now 0.4 and 1 more");
    set(&d, "beta_sp=0.2");
    set(&d, "beta_ge=0.3");
    CHECK_STR(ui_differs_words(&d, d.preview, words), "");
    set(&d, "amplify=40");
    CHECK(d.scored_layers == LAYERS && d.approximate && ui_differs(&d, d.preview) == STAMP_EDIT);
    set(&d, "amplify=30");
    CHECK(!d.approximate);
    set(&d, "ratio.inv_temp=27.2727"); /* as its knob shows it */
    CHECK_STR(ui_differs_words(&d, d.preview, words), "made with τ 0.033, now 0.037");
    set(&d, "ratio.inv_temp=30");
    d.mask_override[d.mask_override_count++] = (struct mask_override){4, 7, true};
    ui_remask(&d);
    CHECK_STR(ui_differs_words(&d, d.preview, words), "made with other neurons forced");
    ui_free(&d);
}

/* What the model says after a preview of other parameters is marked, as its p(target) is. */
static void next_tokens_of_other_parameters_are_marked(void)
{
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("edit"), &host);
    struct screen screen = {.ui = &d, .view = v};

    make_full_ui_state(&d);
    for (int k = 0; k < 2; k++) {
        char *got = screen_text(&screen, 36, 120, false);

        CHECK(strstr(got, k ? "after " STALE_HATCH "≈" : "after  ") != NULL);
        free(got);
        set(&d, "beta_ge=0.4");
    }
    view_close(v);
    ui_free(&d);
}

/* The status line says of what else a preview is, and which key makes one of what is at hand. */
static void the_status_line_says_of_what_a_preview_is(void)
{
    static const char *const want[] = {
        "nothing written yet, C commits", "the preview is of other parameters, P makes it exact",
        "the preview is of other weights, P makes it exact",
        "the preview is of another fact, P previews this one", "the preview is of other fact"};
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("edit"), &host);
    struct screen screen = {.ui = &d, .view = v};

    make_full_ui_state(&d);
    for (int k = 0; k < 5; k++) {
        char *got;

        if (k == 1) {
            set(&d, "beta_ge=0.4");
        } else if (k == 2) {
            snprintf(d.state.state, sizeof(d.state.state), "99");
            ui_match(&d);
        } else if (k == 3) {
            take_fact(&d, "Big Ben", "Rome");
        }
        screen.view_only = k == 4;
        got = screen_text(&screen, 36, 160, false);
        CHECK(strstr(got, want[k]) != NULL);
        CHECK(k == 0 || !strstr(got, "C commits"));
        CHECK(k < 4 || !strstr(got, "P again"));
        free(got);
    }
    view_close(v);
    ui_free(&d);
}

/* An answer of the edited weights is of their state; that of the base is always of the base. */
static void answers_are_of_a_state(void)
{
    struct ui_state d;

    make_full_ui_state(&d);
    for (int k = 0; k < 2; k++) {
        struct answer *a = xcalloc(1, sizeof(*a));

        a->state = k ? STATE_EDITED : STATE_BASE;
        a->prompt = xstrdup("Big Ben is in");
        a->completion = xstrdup(" London");
        give(&d, EV_ANSWER, a);
    }
    CHECK(!ui_differs(&d, d.answer[0]) && !ui_differs(&d, d.answer[1]));
    take_state(&d, "after1", 1);
    CHECK(d.answer[0]->state == STATE_EDITED && ui_differs(&d, d.answer[0]) == STAMP_STATE);
    CHECK(!ui_differs(&d, d.answer[1]));
    take_state(&d, "0011223344556677", 0);
    CHECK(!ui_differs(&d, d.answer[0]));
    ui_free(&d);
}

/* Edits 1 and 2 lead to these states; "": the edit is undone. */
static void take_edits(struct ui_state *d, const char *after1, const char *after2)
{
    struct history *h = xcalloc(1, sizeof(*h));

    h->count = 2;
    h->entry = xcalloc(2, sizeof(*h->entry));
    for (int i = 0; i < 2; i++) {
        const char *state = i ? after2 : after1;

        h->entry[i] = (struct history_entry){.edit = i + 1, .active = *state != '\0'};
        snprintf(h->entry[i].state, sizeof(h->entry[i].state), "%s", state);
    }
    give(d, EV_HISTORY, h);
    take_state(d,
               *after2   ? after2
               : *after1 ? after1
                         : "0011223344556677",
               (*after1 != '\0') + (*after2 != '\0'));
}

/* An answer "after edit 1" is of that state, whatever edits follow, and is so again after an undo
 * and a redo of edit 1. */
static void answers_after_an_edit_are_of_that_state(void)
{
    struct ui_state d;
    struct answer *a = xcalloc(1, sizeof(*a));
    char words[UI_WORDS];

    make_full_ui_state(&d);
    take_edits(&d, "one", "one+two");
    a->state = STATE_EDITED;
    a->edit = 1;
    a->prompt = xstrdup("Big Ben is in");
    a->completion = xstrdup(" London");
    snprintf(a->state_name, sizeof(a->state_name), "one");
    give(&d, EV_ANSWER, a);
    CHECK(d.answer[0] == a && !ui_differs(&d, a));
    take_edits(&d, "one", "");
    CHECK(!ui_differs(&d, a));
    take_edits(&d, "", "two");
    CHECK(ui_differs(&d, a) == STAMP_STATE);
    CHECK_STR(ui_differs_words(&d, a, words), "on other weights, before the last change");
    take_edits(&d, "one", "one+two");
    CHECK(!ui_differs(&d, a) && !*ui_differs_words(&d, a, words));
    ui_free(&d);
}

/* While a fact is typed its tokens are asked for; the fact at hand keeps its own. */
static void a_typed_fact_has_its_own_tokens(void)
{
    struct prompt_info *typed = xcalloc(1, sizeof(*typed));
    struct event ev = {.kind = EV_PROMPT, .job = 9, .prompt = typed};
    const struct prompt_info *at_hand;
    struct ui_state d;
    struct fact fact;
    unsigned differs;

    make_full_ui_state(&d);
    at_hand = d.prompt_info;
    fact = d.fact;
    fact.subject = (char *)(uintptr_t) "Big Ben";
    CHECK(ui_prompt_of(&d, &fact, &differs) == at_hand && differs == STAMP_FACT);
    begin(&d, 9, "Big Ben");
    ui_event(&d, &ev);
    CHECK(ui_prompt_of(&d, &fact, &differs) == typed && !differs);
    CHECK(d.prompt_info == at_hand && !ui_differs(&d, at_hand));
    CHECK(ui_prompt_of(&d, &d.fact, &differs) == at_hand && !differs);
    ui_free(&d);
}

/* Numbers of the unedited model say so wherever they stand; so does an edit whose target or mask is
 * made of them. */
static void numbers_of_the_base_say_so(void)
{
    static const char *const view[] = {"edit", "ratios", "neurons", "verdict"};
    struct ui_state d;
    struct host host = host_of(&d);
    struct screen screen = {.ui = &d};
    enum tone tone;
    char line[320];

    make_full_ui_state(&d);
    for (int base = 0; base < 2; base++) {
        struct event ev = {.kind = EV_PREVIEW};

        set(&d, base ? "mask.weights=base" : "mask.weights=current");
        set(&d, base ? "z.weights=base" : "z.weights=current");
        d.verdict.params = d.params;
        for (size_t i = 0; i < 4; i++) {
            char *text;

            screen.view = view_open(view_find(view[i]), &host);
            text = screen_text(&screen, 36, 120, false);
            CHECK(base == (strstr(text, " · of BASE") || strstr(text, "target and mask of BASE")));
            free(text);
            view_close((struct view *)(uintptr_t)screen.view);
        }
        CHECK(message_of_event(&d, &ev, CMD_PREVIEW, &tone, line));
        CHECK(base == (strstr(line, " · target and mask of BASE") != NULL));
    }
    set(&d, "edit.method=kn"); /* neither a target nor a mask */
    CHECK_STR(edit_of_base(&d.params), "");
    set(&d, "edit.method=memit");
    CHECK_STR(edit_of_base(&d.params), " · target of BASE");
    ui_free(&d);
}

/* What is kept is bounded, whatever is asked. */
static void little_is_kept(void)
{
    struct ui_state d;
    char name[32];

    make_full_ui_state(&d);
    for (int i = 0; i < 30; i++) {
        snprintf(name, sizeof(name), "Tower %d", i);
        take_fact(&d, name, "Rome");
        give_prompt_info(&d);
        give_layer(&d, 4);
        CHECK(d.scored_layers == 1 && !ui_differs(&d, d.prompt_info));
    }
    take_fact(&d, "Tower 28", "Rome");
    CHECK(d.scored_layers == 1 && !ui_differs(&d, d.prompt_info));
    take_fact(&d, "Tower 3", "Rome");
    CHECK(d.scored_layers == 0 && ui_differs(&d, d.prompt_info));
    ui_free(&d);
}

/* The beginning of a job that still runs is not forgotten, however many others began since. */
static void a_running_job_keeps_its_beginning(void)
{
    struct ui_state d;

    make_ui_state(&d);
    give_model(&d);
    begin(&d, 7, "Eiffel Tower");
    take_fact(&d, "Big Ben", "Rome");
    for (unsigned i = 100; i < 300; i++) {
        struct event over = {.kind = EV_DONE, .job = i};

        begin(&d, i, "Big Ben");
        ui_event(&d, &over);
    }
    take_layer(&d, 7, 4);
    CHECK(d.scored_layers == 0 && d.layer[4].differs == STAMP_FACT);
    ui_free(&d);
}

static const struct test tests[] = {
    {"the lens of a moved preview says so", the_lens_of_a_moved_preview_says_so},
    {"rows of another fact do not count", rows_of_another_fact_do_not_count},
    {"rows of other weights are stale one by one", rows_of_other_weights_are_stale_one_by_one},
    {"stale rows have one origin", stale_rows_have_one_origin},
    {"another object keeps what does not depend on it",
     another_object_keeps_what_does_not_depend_on_it},
    {"another old object is named", another_old_object_is_named},
    {"scores of another new object name it", scores_of_another_new_object_name_it},
    {"a moved parameter is named", a_moved_parameter_is_named},
    {"the status line says of what a preview is", the_status_line_says_of_what_a_preview_is},
    {"next tokens of other parameters are marked", next_tokens_of_other_parameters_are_marked},
    {"answers are of a state", answers_are_of_a_state},
    {"answers after an edit are of that state", answers_after_an_edit_are_of_that_state},
    {"a typed fact has its own tokens", a_typed_fact_has_its_own_tokens},
    {"numbers of the base say so", numbers_of_the_base_say_so},
    {"little is kept", little_is_kept},
    {"a running job keeps its beginning", a_running_job_keeps_its_beginning},
};
TEST_MAIN(tests)
