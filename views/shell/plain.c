/* Reads lines, posts commands, and writes what comes as words. */
#include "views/shell/plain.h"

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/std.h"
#include "core/engine/bus.h"
#include "tui/text.h"
#include "views/requests.h"
#include "views/shell/messages.h"

struct plain {
    struct host host; /* first */
    struct engine *engine;
    struct ui_state ui;
    struct question question;
    bool asking, quit;
    bool stated, listing;   /* the session's state is here; the edits were asked for */
    enum command_kind told; /* the job that was last announced */
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int sig)
{
    (void)sig;
    interrupted = 1;
}

static unsigned plain_post(struct host *host, struct command *cmd)
{
    struct plain *p = (struct plain *)host;
    enum command_kind kind = cmd->kind;
    unsigned job = 0;

    if (ui_has_job_room(&p->ui))
        job = engine_post(p->engine, cmd);
    else
        command_free(cmd);
    ui_add_job(&p->ui, job, kind);
    return job;
}

static void plain_say(struct host *host, enum tone tone, const char *fmt, ...)
{
    static const char *const before[] = {"", "", "warning: ", "error: "};
    struct buf text = {0};
    va_list ap;

    (void)host;
    std_text(before[tone]);
    va_start(ap, fmt);
    show_vformat(&text, fmt, ap);
    va_end(ap);
    std_puts(text.data ? text.data : "");
    buf_free(&text);
}

static void plain_ask(struct host *host, const struct question *question)
{
    struct plain *p = (struct plain *)host;

    p->question = *question;
    p->asking = true;
    std_puts(question->title);
    std_puts(question->text); /* holds line breaks */
    std_puts("answer yes or no");
}

static void plain_moved(struct host *host)
{
    ui_remask(host->ui);
}

static void say_fact(const struct ui_state *d)
{
    char subject[200], prompt[400], target[200];

    std_print("fact: subject %s. prompt %s. new object %s\n",
              text_piece(subject, sizeof(subject), d->fact.subject),
              text_piece(prompt, sizeof(prompt), d->fact.prompt),
              text_piece(target, sizeof(target), d->fact.target));
}

static void say_neurons(const struct ui_state *d)
{
    struct ranked_neuron top[10];
    int n = d->scored_layers ? ui_top_neurons(d, -1, ORDER_SCORE, top, 10) : 0;

    if (!n)
        std_print("no neuron is scored yet: attribute scores them\n");
    for (int i = 0; i < n; i++)
        std_print("%d. layer %d neuron %d, score %.3f, %s, %s the mask\n", i + 1, top[i].layer,
                  top[i].neuron, top[i].score,
                  top[i].class_bits == 3   ? "general and specific"
                  : top[i].class_bits == 1 ? "general"
                  : top[i].class_bits == 2 ? "specific"
                                           : "of no class",
                  top[i].kept ? "in" : "outside");
}

static void say_ratios(const struct ui_state *d)
{
    bool any = false;

    for (int l = 0; l < d->layers; l++) {
        const struct mask *m = d->layer[l].mask;

        if (!m || !ui_edits_layer(d, l))
            continue;
        any = true;
        std_print(
            "layer %d: general entropy %.3f, ratio %.3f, threshold %.3f. specific entropy %.3f, "
            "ratio %.3f, threshold %.3f. %d neurons kept\n",
            l, m->general.H, m->general.rho, m->general.tau, m->specific.H, m->specific.rho,
            m->specific.tau, m->kept);
    }
    if (!any)
        std_print("no ratios yet: attribute computes them\n");
}

static void say_history(const struct history *h)
{
    char subject[200], target[200];

    for (int i = 0; i < h->count; i++)
        for (int k = 0; k < h->entry[i].facts; k++) {
            const struct history_fact *f = &h->entry[i].fact[k];
            struct p_change p = history_p_change(f);

            std_print("edit %d, %s: %s is %s, %s %.3f before and %.3f after\n", h->entry[i].edit,
                      h->entry[i].active ? "active" : "undone",
                      text_piece(subject, sizeof(subject), f->subject),
                      text_piece(target, sizeof(target), f->target), p.name, p.before, p.after);
        }
    if (!h->count)
        std_print("no edits yet\n");
}

static void say_why(const struct ui_state *d)
{
    say_neurons(d);
    say_ratios(d);
}

static void say_state(const struct ui_state *d)
{
    std_print("%s, %d edit%s, checksum %.8s\n", d->state.preview ? "preview" : "no preview",
              d->state.edits, d->state.edits == 1 ? "" : "s", d->state.checksum);
}

static bool query(struct host *host, const char *text)
{
    if (*text)
        request_query(host, text, 0);
    else
        host->message(host, TONE_ERROR, "query: needs a text to ask");
    return *text;
}

/* What a line begins with. What can be typed behind it comes first, then what is done, then what
 * is said. */
static const struct {
    const char *word, *help;
    bool (*typed)(struct host *host, const char *text); /* false: it said what is wrong */
    void (*verb)(struct host *host);
    enum command_kind post;
    void (*say)(const struct ui_state *d);
} words[] = {
    {"fact",
     "fact SUBJECT | PROMPT | OBJECT: another fact, {} stands for the subject. fact: say it",
     .typed = ui_set_fact_typed, .say = say_fact},
    {"attribute", "attribute: score the neurons", .verb = request_attribute},
    {"neurons", "neurons: the strongest", .say = say_neurons},
    {"ratios", "ratios: entropy, ratio, threshold", .say = say_ratios},
    {"why", "why: both", .say = say_why},
    {"preview", "preview: try the edit", .verb = request_preview},
    {"commit", "commit: write it, asks", .verb = confirm_commit},
    {"undo", "undo [N]: take back, asks", .typed = confirm_undo_typed},
    {"redo", "redo", .post = CMD_REDO},
    {"history", "history: the edits", .post = CMD_HISTORY},
    {"query", "query TEXT: ask the model", .typed = query},
    {"set", "set NAME=VALUE: a parameter", .typed = ui_set_param},
    {"state", "state: what is in force", .say = say_state},
};
enum { WORDS = sizeof(words) / sizeof(*words) };

static void say_help(void)
{
    for (int i = 0; i < WORDS; i++)
        std_puts(words[i].help);
    std_puts("quit\nControl C stops what runs");
}

static void answered(struct plain *p, const char *word)
{
    p->asking = false;
    if (!strcmp(word, "yes") || !strcmp(word, "y"))
        p->question.confirmed(&p->host, &p->question);
    else
        std_print("cancelled; nothing was changed\n");
}

static void do_word(struct plain *p, const char *word, const char *rest)
{
    int i = 0;

    while (i < WORDS && strcmp(words[i].word, word) != 0)
        i++;
    if (!strcmp(word, "help"))
        say_help();
    else if (!strcmp(word, "quit") || !strcmp(word, "q") || !strcmp(word, "q!"))
        p->quit = true;
    else if (i == WORDS)
        std_print("error: no command %s; help lists them\n", word);
    else if (words[i].typed && (*rest || !words[i].say) && !words[i].typed(&p->host, rest))
        return;
    else if (words[i].verb)
        words[i].verb(&p->host);
    else if (words[i].post)
        request_simple(&p->host, words[i].post, 0);
    else if (words[i].say)
        words[i].say(&p->ui);
    p->listing |= i < WORDS && words[i].post == CMD_HISTORY;
}

static void do_line(struct plain *p, const char *text)
{
    char *line = xtrimmed(text, strlen(text)), word[32];
    const char *at = line + (line[0] == ':');
    size_t n = strcspn(at, " ");

    snprintf(word, sizeof(word), "%.*s", (int)n, at);
    if (p->asking)
        answered(p, word);
    else if (*word)
        do_word(p, word, at + n + strspn(at + n, " "));
    free(line);
}

static void hear(struct plain *p, struct event *ev)
{
    enum command_kind kind = ui_job_kind(&p->ui, ev->job);
    enum tone tone;
    char text[320], said[400];

    if (ev->kind == EV_ANSWER && !ev->answer->partial) {
        text_piece(said, sizeof(said), ev->answer->completion);
        std_print("%s says: %s\n", ev->answer->state == STATE_BASE ? "base" : "edited", said);
    }
    ui_event(&p->ui, ev);
    p->stated |= ev->kind == EV_STATE || ev->kind == EV_FAILED;
    if (p->listing && p->ui.history && ev->kind == EV_HISTORY)
        say_history(p->ui.history);
    if (ev->kind == EV_HISTORY || ev->kind == EV_FAILED)
        p->listing = false;
    if (message_of_event(&p->ui, ev, kind, &tone, text))
        plain_say(&p->host, tone, "%s", text);
    p->quit |= p->ui.stopped;
}

/* What runs is announced once; the next line is read when it is over. */
static void wait_for(struct plain *p)
{
    enum command_kind busy = ui_busy(&p->ui);
    bool rest = busy || !p->ui.ready || !p->stated || p->listing;
    struct pollfd fd[2] = {{.fd = engine_fd(p->engine), .events = POLLIN},
                           {.fd = STDIN_FILENO, .events = POLLIN}};
    static char *line;
    static size_t room;

    if (busy != p->told && busy)
        std_print("%s\n", command_traits[busy].busy);
    else if (!rest && isatty(STDIN_FILENO) && p->told)
        std_print("%s\n", p->asking ? "yes or no?" : "ready");
    p->told = busy;
    std_flush();
    poll(fd, rest ? 1 : 2, rest ? 200 : -1);
    if (interrupted) {
        interrupted = 0;
        p->quit |= !busy;
        engine_cancel(p->engine, 0);
    } else if (!rest && fd[1].revents) {
        if (getline(&line, &room, stdin) < 0)
            p->quit = true;
        else
            do_line(p, line);
    }
    if (p->quit) {
        free(line);
        line = NULL;
        room = 0;
    }
}

bool plain_run(struct engine *engine, const struct app_options *options, struct err *err)
{
    struct fact first = {.subject = (char[]){"Eiffel Tower"},
                         .prompt = (char[]){"The {} is located in the city of"},
                         .target = (char[]){"Rome"}};
    struct sigaction act = {.sa_handler = on_interrupt};
    struct plain *p = xcalloc(1, sizeof(*p));
    struct event ev;

    setvbuf(stdin, NULL, _IONBF, 0); /* poll() must see what is not read yet */
    sigaction(SIGINT, &act, NULL);
    p->engine = engine;
    p->host = (struct host){.ui = &p->ui,
                            .post = plain_post,
                            .message = plain_say,
                            .confirm = plain_ask,
                            .params_changed = plain_moved};
    ui_init(&p->ui, &options->params);
    p->ui.fact = fact_copy(options->fact ? options->fact : &first);
    say_fact(&p->ui);
    while (!p->quit) {
        while (engine_next(engine, &ev))
            hear(p, &ev);
        if (!p->quit)
            wait_for(p);
    }
    std_flush();
    ui_free(&p->ui);
    free(p);
    return engine_ended(engine, err) || !err->kind;
}
