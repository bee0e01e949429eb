/* Plain mode (--plain): the screen's program without a screen. It reads a line, does what the line
 * says, and prints messages, questions, progress and results as sentences.
 *
 * Everything but reading and printing is the app (app.c): jobs, messages, views, dialogs, the
 * commands that follow from an event. Messages are printed as they enter the log; results when
 * their event has come (plain_on_event()).
 *
 * From a file or a pipe, the next line is read when the jobs of the last one are over, so a script
 * runs its commands one after the other and its next line answers a question. A person at a
 * terminal may type at any time; what is typed before a question is read out does not answer it. */
#include "views/shell/plain.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/std.h"
#include "core/base/utf8.h"
#include "views/requests.h"
#include "views/shell/plain_internal.h"

static const double STAGE_AFTER = 0.7; /* seconds: a stage that is over sooner is not spoken */
static const double STAGE_EVERY = 10;  /* seconds between two lines about one stage */

static volatile sig_atomic_t interrupted;
static sigset_t while_waiting; /* signal mask inside ppoll() */

static void on_interrupt(int sig)
{
    (void)sig;
    interrupted = 1;
}

void plain_block_signals(void)
{
    sigset_t blocked;

    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    pthread_sigmask(SIG_BLOCK, &blocked, &while_waiting);
    sigdelset(&while_waiting, SIGINT);
}

/* Another model or session: another log, and jobs are numbered from 1 again. */
static void follow_restart(struct plain *p)
{
    if (p->restarts == p->app->restarts)
        return;
    p->restarts = p->app->restarts;
    p->spoken = 0;
    p->has_state = p->asked = false;
    p->posted = 0;
    memset(p->queued, 0, sizeof(p->queued));
    p->queued_count = 0;
    p->stage[0] = '\0';
}

/* Prints the messages that are new in the log. */
static void speak_messages(struct plain *p)
{
    static const char *const before[] = {"", "", "warning: ", "error: "};
    const struct ui_state *d = &p->app->ui;

    if (d->log_count - p->spoken > UI_LOG_LINES)
        p->spoken = d->log_count - UI_LOG_LINES;
    for (; p->spoken < d->log_count; p->spoken++) {
        const struct log_line *line = &d->log[p->spoken % UI_LOG_LINES];

        std_text(before[line->tone]);
        plain_say_text(line->text);
        std_text("\n");
    }
}

/* A job that was announced as queued begins, or one that ran makes way for another. */
static void speak_job_event(const struct plain *p, const struct event *ev)
{
    const struct ui_job *card = ui_job_card(&p->app->ui, ev->job);
    bool queued = false;
    char words[200];

    for (int i = 0; i < UI_JOBS; i++)
        queued |= ev->job && p->queued[i] == ev->job;
    if (!card || card->rank == RANK_IDLE ||
        !(ev->kind == EV_PAUSED || (ev->kind == EV_BEGUN && queued)))
        return;
    ui_job_words(&p->app->ui, card, words, sizeof(words));
    plain_say("%s %s\n", words, ev->kind == EV_PAUSED ? "makes way and goes on later" : "begins");
}

/* Prints what an event has brought. The app has taken the event already, so ui_state has it. */
static void plain_on_event(void *ctx, const struct event *ev, enum command_kind kind)
{
    struct plain *p = ctx;
    const struct ui_state *d = &p->app->ui;

    p->has_state |= ev->kind == EV_STATE || ev->kind == EV_FAILED;
    speak_messages(p);
    speak_job_event(p, ev);
    if (ev->kind == EV_SIDES && d->verdict.probes)
        plain_print_scoreboard(d);
    if (ev->kind == EV_ANSWER && kind == CMD_QUERY && d->answer[0] && !d->answer[0]->partial &&
        d->answer_from[0].job == ev->job) /* not of interventions */
        plain_print_answer(d->answer[0]);
    else if (ev->kind == EV_PROBES && ui_scoreboard(d) && !ui_queue_at(d, ev->job))
        plain_print_scoreboard(d);
    else if (ev->kind == EV_OVERWRITTEN || (ev->kind == EV_SIDES && d->verdict.overwritten))
        plain_print_verdict(d); /* a commit of what was previewed asks nothing again */
    else if (ev->kind == EV_DONE && kind == CMD_LENS && !strcmp(d->at_view, "lens"))
        plain_print_lens(d);
    else if ((ev->kind == EV_DONE || ev->kind == EV_FAILED) && kind == CMD_VARIANTS)
        plain_print_variants(d);
    else if ((ev->kind == EV_DONE || ev->kind == EV_FAILED) && kind == CMD_RUN &&
             ev->job == p->run_job && !strcmp(d->at_view, "run"))
        plain_print_view(p->app); /* until now it said that the file is read */
}

/* Prints the open question once. At a terminal, what was typed before it is thrown away. */
static void speak_question(struct plain *p)
{
    if (!p->app->asking || p->asked)
        return;
    p->asked = true;
    if (p->terminal)
        tcflush(STDIN_FILENO, TCIFLUSH);
    std_puts(p->app->question.title);
    plain_say_text(p->app->question.text); /* holds line breaks */
    std_text("\n");
    std_puts("answer yes or no");
}

/* Announces the jobs that are new, and what each waits for. */
static void speak_jobs(struct plain *p)
{
    const struct ui_state *d = &p->app->ui;
    const struct ui_job *card[UI_JOBS];
    char words[200], ahead[200] = "";
    unsigned newest = p->posted;
    int n = ui_cards(d, card);

    for (int i = 0; i < n; i++) {
        const struct ui_job *j = card[i];
        bool waits = *ahead && j->state != CARD_RUNS && !(command_traits[j->kind].flags & URGENT);

        newest = j->job > newest ? j->job : newest;
        if (j->rank == RANK_IDLE) /* idle: nothing waits for it */
            continue;
        ui_job_words(d, j, words, sizeof(words));
        if (j->job > p->posted && strcmp(words, ahead) != 0) { /* 2 states: once */
            plain_say("%s%s%s\n", words, waits ? ": queued behind " : "", waits ? ahead : "");
            if (waits)
                p->queued[p->queued_count++ % UI_JOBS] = j->job;
        }
        utf8_copy(ahead, sizeof(ahead), words);
    }
    p->posted = newest;
}

/* "preview: target 4 of 13, about 6 seconds left": its stage, and the time left of all of it. */
static void print_progress(const struct ui_state *d, const struct ui_job *card)
{
    const struct progress *g = &card->progress;
    bool more;
    double left = ui_job_left(d, card, &more);

    std_text(ui_job_name(card));
    if (strcmp(ui_job_name(card), g->what) != 0)
        plain_say(": %s", g->what);
    if (g->total > 1000)
        plain_say(" %.0f percent", 100 * g->done / g->total);
    else if (g->total > 0)
        plain_say(" %.0f of %.0f", g->done, g->total);
    if (left >= 100)
        plain_say(", %s %.0f minutes left", more ? "at least" : "about", left / 60);
    else if (left >= 1)
        plain_say(", %s %.0f seconds left", more ? "at least" : "about", left);
    std_text("\n");
}

/* Prints a line when a stage of the job that runs has begun, and one every STAGE_EVERY seconds
 * while it lasts. What nobody waits for is not spoken. */
static void speak_progress(struct plain *p)
{
    struct ui_state *d = &p->app->ui;
    const struct ui_job *card[UI_JOBS];
    bool any = ui_cards(d, card) > 0 && card[0]->rank < RANK_IDLE && *card[0]->progress.what;

    d->clock = clock_seconds();
    if (!any) {
        p->stage[0] = '\0';
    } else if (strcmp(p->stage, card[0]->progress.what) != 0) {
        utf8_copy(p->stage, sizeof(p->stage), card[0]->progress.what);
        p->stage_due = d->clock + STAGE_AFTER;
    } else if (d->clock >= p->stage_due) {
        print_progress(d, card[0]);
        p->stage_due = d->clock + STAGE_EVERY;
    }
}

/* Prints the step of the tour that begins. */
static void speak_tour(struct plain *p)
{
    const struct caption *c = &p->app->caption;

    if (p->app->tour.on)
        app_caption(p->app);
    if (p->app->tour.on && strcmp(p->step, c->title) != 0)
        plain_say("tour, %s: %s Type %s\n", c->title, c->sentence, c->press);
    utf8_copy(p->step, sizeof(p->step), p->app->tour.on ? c->title : "");
}

/* Whether a script's next line must wait: for the session, or for results. */
static bool is_at_work(const struct plain *p)
{
    const struct ui_state *d = &p->app->ui;

    return !d->ready || !p->has_state || ui_busy(d) || ui_waits_for(d, CMD_HISTORY) ||
           ui_waits_for(d, CMD_INSPECT) || ui_waits_for(d, CMD_RUN);
}

/* Reads a line and runs it. */
static void take_line(struct plain *p)
{
    const struct ui_state *d = &p->app->ui;
    unsigned before = d->run_job;
    char *line = NULL;
    size_t room = 0;

    if (getline(&line, &room, stdin) < 0)
        p->app->quit = true;
    else
        plain_run_line(p, line);
    if (d->run_job != before)
        p->run_job = d->run_job;
    free(line);
}

/* A parameter acts at once: there is no frame that it could wait for. */
static void apply_parameters(struct app *app)
{
    if (app->params_changed)
        ui_remask(&app->ui);
    app->params_changed = false;
}

/* Prints what is new, then sleeps until an event or a line comes. Ctrl-C stops what runs. */
static void plain_turn(struct plain *p)
{
    struct app *app = p->app;
    struct pollfd fd[2] = {{.fd = engine_fd(app->engine), .events = POLLIN},
                           {.fd = STDIN_FILENO, .events = POLLIN}};
    const struct timespec soon = {.tv_nsec = 200000000};
    bool busy, reads;

    app_work(app);
    follow_restart(p);
    apply_parameters(app);
    speak_messages(p);
    speak_question(p);
    speak_tour(p);
    speak_progress(p);
    if (app->quit)
        return;
    if (app->shown != p->shown)
        plain_print_view(app);
    p->shown = app->shown;
    busy = is_at_work(p);
    reads = p->terminal || !busy;
    std_flush();
    ppoll(fd, reads ? 2 : 1, busy || app->estimate_at > 0 ? &soon : NULL, &while_waiting);
    if (interrupted) {
        interrupted = 0;
        app_do(app, ACTION_CANCEL);
    } else if (reads && fd[1].revents) {
        take_line(p);
        speak_messages(p);
        speak_jobs(p);
    }
}

bool plain_run(struct engine *engine, const struct app_options *options, struct err *err)
{
    struct sigaction act = {.sa_handler = on_interrupt};
    struct plain p = {.terminal = isatty(STDIN_FILENO)};

    setvbuf(stdin, NULL, _IONBF, 0); /* poll() must see what is not read yet */
    sigaction(SIGINT, &act, NULL);
    p.app = app_start(engine, options);
    p.app->offscreen = true;
    p.app->heard = plain_on_event;
    p.app->ui.without_keys = true;
    p.app->listener = &p;
    if (app_theme(p.app, options->theme, err)) { /* what is exported has its colours */
        app_paint(p.app, 36, 120);
        plain_print_fact(&p.app->ui);
        while (!p.app->quit)
            plain_turn(&p);
        app_print_kept(&p.app->ui);
        std_flush();
        engine_ended(p.app->engine, err);
    }
    app_finish(p.app);
    return !err->kind;
}
