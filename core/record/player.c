/* Answers commands from a recording: the events of the same command under the same weights. */
#include "core/record/player.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/engine/internal.h"
#include "core/record/event_json.h"
#include "core/record/events_from_file.h"
#include "core/record/recording.h"

enum { ASKED = 64, ANSWERS = 32 };

static const double PATIENCE = 0.5;   /* seconds a recorded command waits for the same one now */
static const double ANSWER_GAP = 0.6; /* longest pause inside an answer */

struct asked { /* posted now and not answered yet, while the recording drives */
    enum command_kind kind;
    char *about;
    unsigned job;
};

struct answering { /* a recorded job that is told once more */
    unsigned recorded, job;
    int next; /* line to look at */
    double due;
};

struct player {
    struct engine *e;
    struct recording *reel;
    struct play_options options;
    atomic_bool hold;
    bool driving;
    int at;         /* the next line */
    double began;   /* the moment its second 0 stands for */
    double waited;  /* since when the line at hand waits for its command; 0: it does not */
    double told;    /* position last told */
    unsigned *live; /* [reel->jobs] job of now that stands for the recorded one; 0: none */
    struct asked asked[ASKED];
    int asked_count;
    struct answering answering[ANSWERS];
    int answer_count;
    struct state_info state; /* as last told */
    int layers, neurons;     /* of the model it told of */
    char damage[NOTICE];     /* as a tape's */
};

static void emit(struct player *p, enum event_kind kind, unsigned job, void *what)
{
    struct event ev = {.kind = kind, .job = job};

    ev.progress = what; /* one pointer, whatever it is */
    bus_emit(p->e->bus, ev);
}

static void fail(struct player *p, unsigned job, enum err_kind kind, const char *text)
{
    struct event ev = {.kind = EV_FAILED, .job = job};

    err_set(&ev.err, kind, "%s", text);
    bus_emit(p->e->bus, ev);
}

static void tell(struct player *p, int what, const struct replay_position *more)
{
    struct replay_position *tape = xcalloc(1, sizeof(*tape));

    if (more)
        *tape = *more;
    tape->what = what;
    tape->at = p->at < p->reel->lines ? p->reel->line[p->at].t : p->reel->length;
    tape->length = p->reel->length;
    tape->fast_forward = tape->at < p->options.from;
    utf8_copy(tape->damage, sizeof(tape->damage), p->damage);
    p->told = tape->at;
    emit(p, EV_REPLAY, 0, tape);
}

/* Tells a fault of the recording itself, and keeps the first for the tape. */
static void tell_damage(struct player *p, unsigned job, const struct err *err)
{
    if (!*p->damage)
        utf8_copy(p->damage, sizeof(p->damage), err->text);
    bus_emit(p->e->bus, (struct event){.kind = EV_FAILED, .job = job, .err = *err});
}

/* Tells the line's event as one of `job`. */
static void tell_line(struct player *p, const struct recording_line *line, unsigned job,
                      bool answer)
{
    json_t *o = recording_json(p->reel, line);
    struct err bad = {0};
    struct event ev;

    if (line->event == EV_STOPPED || line->event == EV_REPLAY || !event_read(o, &ev, &bad)) {
        if (bad.kind) { /* its numbers or its form cannot be: said, and left out */
            err_in(&bad, "%s", p->reel->name);
            tell_damage(p, job, &bad);
        }
        json_decref(o);
        return;
    }
    json_decref(o);
    ev.job = job;
    if (ev.kind == EV_PROMPT)
        ev.prompt->job = job;
    if (!event_valid(&ev, &p->layers, &p->neurons)) {
        event_free(&ev);
        return;
    }
    if (ev.kind == EV_STATE && answer) { /* an answer from another moment does not move time */
        bool preview = ev.state->preview, verified = ev.state->verified;

        *ev.state = p->state;
        ev.state->preview = preview;
        ev.state->verified = verified;
    }
    if (ev.kind == EV_STATE)
        p->state = *ev.state;
    bus_emit(p->e->bus, ev);
}

/* ---- answering ---- */

/* A recorded job that was the same question: the last one before now, or else the next. */
static int find_answer(const struct player *p, enum command_kind kind, const char *about)
{
    unsigned flags = command_traits[kind].flags;
    int found = -1;

    for (int i = 0; i < p->reel->lines && !(flags & NOT_RECORDED); i++) {
        const struct recording_line *l = &p->reel->line[i];

        if (l->kind != LINE_POST || l->post != kind || !p->reel->whole[l->job] ||
            strcmp(l->about, about) ||
            ((flags & OF_WEIGHTS) && strcmp(l->state, p->state.state) != 0))
            continue;
        if (i >= p->at && (found >= 0 || (flags & OF_MOMENT)))
            break;
        found = i;
    }
    return found;
}

static void begin_answer(struct player *p, unsigned recorded, unsigned job, int from)
{
    if (p->answer_count == ANSWERS) {
        fail(p, job, ERR_LIMIT, "too much is being answered already");
        return;
    }
    p->answering[p->answer_count++] = (struct answering){recorded, job, from, clock_seconds()};
}

/* What needs no recorded answer, or can have none. */
static void answer_without(struct player *p, const struct command *cmd)
{
    struct neuron_info *n;
    struct state_info *s;

    switch (cmd->kind) {
    case CMD_NEURON: /* nobody asks again for words that are known to be none */
        n = xcalloc(1, sizeof(*n));
        n->layer = cmd->layer;
        n->neuron = cmd->neuron;
        emit(p, EV_NEURON, cmd->job, n);
        break;
    case CMD_DISCARD:
        p->state.preview = false;
        s = xcalloc(1, sizeof(*s));
        *s = p->state;
        emit(p, EV_STATE, cmd->job, s);
        break;
    case CMD_ESTIMATE:
    case CMD_HISTORY:
        break;
    default:
        fail(p, cmd->job, ERR_USAGE,
             (command_traits[cmd->kind].flags & NOT_RECORDED)
                 ? "this is a recorded run: nothing can be written; open a model to edit it"
                 : "this is a recorded run: it holds no answer to that; a model gives one");
        return;
    }
    emit(p, EV_DONE, cmd->job, NULL);
}

static void answer(struct player *p, const struct command *cmd)
{
    char *about = command_key(cmd);
    int at = cmd->kind == CMD_DISCARD ? -1 : find_answer(p, cmd->kind, about);

    if (at >= 0)
        begin_answer(p, p->reel->line[at].job, cmd->job, at + 1);
    else
        answer_without(p, cmd);
    free(about);
}

/* The next line of an answer that is due. False: it is over. */
static bool answer_step(struct player *p, struct answering *a)
{
    const struct recording *reel = p->reel;
    const struct recording_line *line;
    double gap;
    int next;

    if (bus_cancelled(p->e->bus, a->job)) {
        fail(p, a->job, ERR_CANCELLED, "stopped");
        return false;
    }
    while (a->next < reel->lines &&
           (reel->line[a->next].kind != LINE_EVENT || reel->line[a->next].job != a->recorded))
        a->next++;
    if (a->next == reel->lines) { /* it never ended */
        emit(p, EV_DONE, a->job, NULL);
        return false;
    }
    line = &reel->line[a->next++];
    tell_line(p, line, a->job, true);
    if (line->event == EV_DONE || line->event == EV_FAILED)
        return false;
    for (next = a->next; next < reel->lines && (reel->line[next].kind != LINE_EVENT ||
                                                reel->line[next].job != a->recorded);
         next++)
        ;
    gap = next < reel->lines && p->options.speed > 0
              ? (reel->line[next].t - line->t) / p->options.speed
              : 0;
    a->due = clock_seconds() + (gap > ANSWER_GAP ? ANSWER_GAP : gap);
    return true;
}

/* Tells what is due. Returns the moment of the next step, < 0: none. */
static double answer_all(struct player *p)
{
    double next = -1;

    for (int i = 0; i < p->answer_count;) {
        struct answering *a = &p->answering[i];

        if (clock_seconds() >= a->due && !answer_step(p, a)) {
            *a = p->answering[--p->answer_count];
            continue;
        }
        next = next < 0 || a->due < next ? a->due : next;
        i++;
    }
    return next;
}

/* ---- driving ---- */

/* Commands that the screen posts by itself, when it has time: they are answered, not awaited. */
static bool is_aside(enum command_kind kind)
{
    return command_traits[kind].flags & ASIDE;
}

static void ask(struct player *p, struct command *cmd)
{
    if (!p->driving || is_aside(cmd->kind) || p->asked_count == ASKED) {
        answer(p, cmd);
        return;
    }
    p->asked[p->asked_count++] = (struct asked){cmd->kind, command_key(cmd), cmd->job};
}

static void forget_asked(struct player *p, int i)
{
    free(p->asked[i].about);
    p->asked_count--;
    memmove(&p->asked[i], &p->asked[i + 1], (size_t)(p->asked_count - i) * sizeof(p->asked[0]));
}

/* The command of now that is the recorded one: the same question, or at least of its kind. */
static bool meet(struct player *p, const struct recording_line *line)
{
    int found = -1;

    for (int i = p->asked_count - 1; i >= 0; i--)
        if (p->asked[i].kind == line->post && !strcmp(p->asked[i].about, line->about))
            found = i;
    for (int i = 0; found < 0 && i < p->asked_count; i++)
        if (p->asked[i].kind == line->post)
            found = i;
    if (found < 0)
        return false;
    p->live[line->job] = p->asked[found].job;
    forget_asked(p, found);
    return true;
}

static int number_at(const json_t *o, const char *name, size_t i)
{
    const json_t *v = json_object_get(o, name);
    json_int_t n = json_integer_value(json_is_array(v) ? json_array_get(v, i) : v);

    return n < 0 || n > 0x400000 ? 0 : (int)n;
}

static void tell_typed(struct player *p, const struct recording_line *line)
{
    json_t *o = recording_json(p->reel, line);
    const char *paste = json_string_value(json_object_get(o, "paste"));
    struct replay_position tape = {0};

    if (line->kind == LINE_SIZE) {
        tape.y = number_at(o, "size", 0);
        tape.x = number_at(o, "size", 1);
    } else {
        tape.code = number_at(o, "key", 0);
        tape.y = number_at(o, "at", 0);
        tape.x = number_at(o, "at", 1);
        utf8_copy(tape.paste, sizeof(tape.paste), paste ? paste : "");
    }
    json_decref(o);
    tell(p, line->kind == LINE_SIZE ? REPLAY_SIZE : REPLAY_KEY, &tape);
}

/* False: the line's command has not been posted yet; it is waited for a while. */
static bool play_line(struct player *p, const struct recording_line *line)
{
    double now = clock_seconds();

    if (line->kind == LINE_KEY || line->kind == LINE_SIZE) {
        tell_typed(p, line);
    } else if (line->kind == LINE_POST) {
        if (is_aside(line->post) || meet(p, line))
            return true;
        p->waited = p->waited > 0 ? p->waited : now;
        return now - p->waited > PATIENCE;
    } else if (!line->job || p->live[line->job]) {
        tell_line(p, line, p->live[line->job], false);
    } else if (!is_aside(p->reel->kind[line->job])) {
        tell_line(p, line, 0x80000000u | line->job, false); /* seen, though nobody asked */
    }
    return true;
}

/* Taken over before the recorded program had its model: everything after is about it. */
static void tell_model(struct player *p)
{
    bool stated = false;

    for (int i = p->at; i < p->reel->lines && !stated; i++) {
        const struct recording_line *l = &p->reel->line[i];

        stated = l->kind == LINE_EVENT && l->event == EV_STATE;
        if (stated || (l->kind == LINE_EVENT && l->event == EV_MODEL))
            tell_line(p, l, l->job, false);
    }
}

/* The user has taken over, or the recording is at its end: what runs is told to its end. */
static void stop_driving(struct player *p, bool end)
{
    p->driving = false;
    if (!p->layers)
        tell_model(p);
    for (unsigned job = 1; job < p->reel->jobs; job++) {
        bool over = !p->live[job];

        for (int i = 0; i < p->at && !over; i++)
            over = p->reel->line[i].kind == LINE_EVENT && p->reel->line[i].job == job &&
                   (p->reel->line[i].event == EV_DONE || p->reel->line[i].event == EV_FAILED);
        if (!over)
            begin_answer(p, job, p->live[job], p->at);
    }
    while (p->asked_count) {
        const struct asked *a = &p->asked[0];
        int at = find_answer(p, a->kind, a->about);

        if (at >= 0)
            begin_answer(p, p->reel->line[at].job, a->job, at + 1);
        else
            fail(p, a->job, ERR_USAGE, "this is a recorded run: it holds no answer to that");
        forget_asked(p, 0);
    }
    if (end)
        tell(p, REPLAY_END, NULL);
}

/* Plays what is due. Returns the moment of the next step, < 0: none. */
static double drive(struct player *p)
{
    const struct recording *reel = p->reel;
    double now = clock_seconds(), speed = p->options.speed;

    if (p->driving && atomic_load(&p->hold))
        stop_driving(p, false);
    if (!p->driving)
        return -1;
    if (p->at == reel->lines) {
        stop_driving(p, true);
        return -1;
    }
    if (speed > 0 && reel->line[p->at].t >= p->options.from) {
        double due;

        if (!(p->began > 0))
            p->began = now - reel->line[p->at].t / speed;
        due = p->began + reel->line[p->at].t / speed;
        if (now < due)
            return due - now > 0.1 ? now + 0.1 : due; /* whoever takes over waits no longer */
    }
    if (!play_line(p, &reel->line[p->at]))
        return now + 0.005;
    if (p->waited > 0 && p->began > 0) /* time stood still meanwhile */
        p->began += now - p->waited;
    p->waited = 0;
    p->at++;
    if (p->at < reel->lines && reel->line[p->at].t - p->told >= 1)
        tell(p, REPLAY_AT, NULL);
    return now;
}

static void *player_main(void *arg)
{
    struct player *p = arg;
    struct err damage = {0};
    struct command cmd;
    bool go_on = true;

    recording_index(p->reel);
    if (p->reel->damaged) {
        err_set(&damage, ERR_FORMAT, "%s: line %d is damaged: played as far as there",
                p->reel->name, p->reel->damaged);
        tell_damage(p, 0, &damage);
    }
    p->live = xcalloc(p->reel->jobs, sizeof(*p->live));
    while (go_on) {
        double played = drive(p), answered = answer_all(p), now = clock_seconds(), next;

        next = played < 0 || (answered >= 0 && answered < played) ? answered : played;
        if (next < 0 || next > now)
            bus_wait(p->e->bus, next < 0 ? -1 : next - now);
        while (go_on && bus_take(p->e->bus, &cmd, false, NULL, NULL)) {
            go_on = cmd.kind != CMD_QUIT;
            if (go_on)
                ask(p, &cmd);
            command_free(&cmd);
        }
    }
    while (p->asked_count)
        forget_asked(p, 0);
    free(p->live);
    recording_close(p->reel);
    p->reel = NULL;
    emit(p, EV_STOPPED, 0, NULL);
    return NULL;
}

static struct engine *begin(struct recording *reel, const struct play_options *options,
                            struct err *err)
{
    struct player *p;
    struct engine *e;

    if (!reel)
        return NULL;
    p = xcalloc(1, sizeof(*p));
    e = xcalloc(1, sizeof(*e));
    p->e = e;
    p->reel = reel;
    p->options = *options;
    p->driving = true;
    e->player = p;
    if (engine_start_thread(e, player_main, p, err))
        return e;
    recording_close(reel);
    free(p);
    return NULL;
}

struct engine *engine_play(const char *path, const struct play_options *options,
                           struct params *params, struct fact *fact, struct err *err)
{
    return begin(recording_open(path, params, fact, err), options, err);
}

struct engine *engine_show(const char *path, struct params *params, struct fact *fact,
                           struct err *err)
{
    static const struct play_options at_once = {0};
    struct buf text = {0};
    size_t size;

    *fact = (struct fact){0};
    if (!events_from_file(path, &text, err)) {
        buf_free(&text);
        return NULL;
    }
    size = text.len;
    return begin(recording_of_text(path, buf_take(&text), size, params, fact, err), &at_once, err);
}

void engine_play_hold(struct engine *e)
{
    if (e->player)
        atomic_store(&e->player->hold, true);
}
