/* Plain mode (--plain): reads a line, posts a command, prints what comes back as sentences. It
 * uses the same ui_state, requests and messages as the screen; only the host differs. The next
 * line is read when the job of the last one is over, so a script in a pipe runs its commands one
 * after the other. */
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
    bool has_state;              /* the first state of the session has come */
    bool listing;                /* print the history when it comes */
    enum command_kind announced; /* the job whose words were printed last */
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int sig)
{
    (void)sig;
    interrupted = 1;
}

/* host->post: the job, or 0 if too many wait. */
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

/* Prints the question; the next line is its answer. */
static void plain_ask(struct host *host, const struct question *question)
{
    struct plain *p = (struct plain *)host;

    p->question = *question;
    p->asking = true;
    std_puts(question->title);
    std_puts(question->text); /* holds line breaks */
    std_puts("answer yes or no");
}

/* Parameters changed: masks follow at once, there are no frames to wait for. */
static void plain_moved(struct host *host)
{
    ui_remask(host->ui);
}

static void print_fact(const struct ui_state *d)
{
    char subject[200], prompt[400], target[200];

    std_print("fact: subject %s. prompt %s. new object %s\n",
              text_piece(subject, sizeof(subject), d->fact.subject),
              text_piece(prompt, sizeof(prompt), d->fact.prompt),
              text_piece(target, sizeof(target), d->fact.target));
}

/* The ten strongest neurons of the edited layers, one per line. */
static void print_neurons(const struct ui_state *d)
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

/* Entropy, ratio and threshold of both kinds, one edited layer per line. */
static void print_ratios(const struct ui_state *d)
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
            m->specific.tau, m->selected);
    }
    if (!any)
        std_print("no ratios yet: attribute computes them\n");
}

/* Every fact of every edit, with p before and after. */
static void print_history(const struct history *h)
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

static void print_why(const struct ui_state *d)
{
    print_neurons(d);
    print_ratios(d);
}

static void print_state(const struct ui_state *d)
{
    std_print("%s, %d edit%s, checksum %.8s\n", d->state.preview ? "preview" : "no preview",
              d->state.edits, d->state.edits == 1 ? "" : "s", d->state.checksum);
}

static bool query_typed(struct host *host, const char *text)
{
    if (*text)
        request_query(host, text, 0);
    else
        host->message(host, TONE_ERROR, "query: needs a text to ask");
    return *text;
}

/* The commands of plain mode by their first word. Of the functions that a row has, `typed` is used
 * if the line goes on after the word (or nothing can be printed), then `request`, `post`, `print`.
 */
static const struct {
    const char *word, *help;
    bool (*typed)(struct host *host, const char *text); /* false: it has reported an error */
    void (*request)(struct host *host);
    enum command_kind post;
    void (*print)(const struct ui_state *d);
} plain_words[] = {
    {"fact",
     "fact SUBJECT | PROMPT | OBJECT: another fact, {} stands for the subject. fact: print it",
     .typed = ui_set_fact_typed, .print = print_fact},
    {"attribute", "attribute: score the neurons", .request = request_attribute},
    {"neurons", "neurons: the ten strongest", .print = print_neurons},
    {"ratios", "ratios: entropy, ratio, threshold", .print = print_ratios},
    {"why", "why: neurons and ratios", .print = print_why},
    {"preview", "preview: try the edit without writing it", .request = request_preview},
    {"commit", "commit: write the edit to the session, asks first", .request = confirm_commit},
    {"undo", "undo [N]: undo the last edit or edit N, asks first", .typed = confirm_undo_typed},
    {"redo", "redo: redo what was undone", .post = CMD_REDO},
    {"history", "history: the edits", .post = CMD_HISTORY},
    {"query", "query TEXT: ask the model", .typed = query_typed},
    {"set", "set NAME=VALUE: set a parameter", .typed = ui_set_param},
    {"state", "state: edits and checksum of the session", .print = print_state},
};
enum { WORDS = sizeof(plain_words) / sizeof(*plain_words) };

static void print_help(void)
{
    for (int i = 0; i < WORDS; i++)
        std_puts(plain_words[i].help);
    std_puts("quit\nControl C stops what runs");
}

/* The line after a question: yes or y confirms, anything else cancels. */
static void plain_answer(struct plain *p, const char *word)
{
    p->asking = false;
    if (!strcmp(word, "yes") || !strcmp(word, "y"))
        p->question.confirmed(&p->host, &p->question);
    else
        std_print("cancelled; nothing was changed\n");
}

/* Runs a line by its first word; `rest` is what follows. */
static void plain_run_word(struct plain *p, const char *word, const char *rest)
{
    int i = 0;

    while (i < WORDS && strcmp(plain_words[i].word, word) != 0)
        i++;
    if (!strcmp(word, "help"))
        print_help();
    else if (!strcmp(word, "quit") || !strcmp(word, "q") || !strcmp(word, "q!"))
        p->quit = true;
    else if (i == WORDS)
        std_print("error: no command %s; help lists them\n", word);
    else if (plain_words[i].typed && (*rest || !plain_words[i].print) &&
             !plain_words[i].typed(&p->host, rest))
        return;
    else if (plain_words[i].request)
        plain_words[i].request(&p->host);
    else if (plain_words[i].post)
        request_simple(&p->host, plain_words[i].post, 0);
    else if (plain_words[i].print)
        plain_words[i].print(&p->ui);
    p->listing |= i < WORDS && plain_words[i].post == CMD_HISTORY;
}

/* A line of input; a leading colon is allowed, as on the screen. */
static void plain_run_line(struct plain *p, const char *text)
{
    char *line = xtrimmed(text, strlen(text)), word[32];
    const char *at = line + (line[0] == ':');
    size_t n = strcspn(at, " ");

    snprintf(word, sizeof(word), "%.*s", (int)n, at);
    if (p->asking)
        plain_answer(p, word);
    else if (*word)
        plain_run_word(p, word, at + n + strspn(at + n, " "));
    free(line);
}

/* Prints what an event means. Answers are printed whole, not token by token. */
static void plain_on_event(struct plain *p, struct event *ev)
{
    enum command_kind kind = ui_job_kind(&p->ui, ev->job);
    enum tone tone;
    char text[320], answer[400];

    if (ev->kind == EV_ANSWER && !ev->answer->partial) {
        text_piece(answer, sizeof(answer), ev->answer->completion);
        std_print("%s says: %s\n", ev->answer->state == STATE_BASE ? "base" : "edited", answer);
    }
    ui_event(&p->ui, ev);
    p->has_state |= ev->kind == EV_STATE || ev->kind == EV_FAILED;
    if (p->listing && p->ui.history && ev->kind == EV_HISTORY)
        print_history(p->ui.history);
    if (ev->kind == EV_HISTORY || ev->kind == EV_FAILED)
        p->listing = false;
    if (message_of_event(&p->ui, ev, kind, &tone, text))
        plain_say(&p->host, tone, "%s", text);
    p->quit |= p->ui.stopped;
}

/* Announces a new job once, then waits for events; for a line of input too, unless a job runs.
 * Ctrl-C cancels the job, or quits if none runs. */
static void plain_wait(struct plain *p)
{
    enum command_kind busy = ui_busy(&p->ui);
    bool rest = busy || !p->ui.ready || !p->has_state || p->listing;
    struct pollfd fd[2] = {{.fd = engine_fd(p->engine), .events = POLLIN},
                           {.fd = STDIN_FILENO, .events = POLLIN}};
    static char *line;
    static size_t room;

    if (busy != p->announced && busy)
        std_print("%s\n", command_traits[busy].busy);
    else if (!rest && isatty(STDIN_FILENO) && p->announced)
        std_print("%s\n", p->asking ? "yes or no?" : "ready");
    p->announced = busy;
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
            plain_run_line(p, line);
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
    print_fact(&p->ui);
    while (!p->quit) {
        while (engine_next(engine, &ev))
            plain_on_event(p, &ev);
        if (!p->quit)
            plain_wait(p);
    }
    std_flush();
    ui_free(&p->ui);
    free(p);
    return engine_ended(engine, err) || !err->kind;
}
