/* A recording that answers like an engine.
 *
 * engine_play() starts a thread behind the same struct engine and bus as engine_start(), so views
 * cannot tell the difference. The thread has two phases.
 *
 * Driving. Lines of the recording are played in order, at their times divided by `speed`:
 *
 *     line of the recording     what the player does
 *     key, size                 EV_REPLAY; the receiver handles it like input, and so posts the
 *                               same commands as the recorded program
 *     post  (command, job 7)    waits up to POST_WAIT for the receiver to post that command now,
 *                               with job number 12, say: job_now[7] = 12
 *     event of job 7            emitted as an event of job 12
 *     event of a job that       emitted with a job number that no command has (bit 31), so
 *     nobody posted now         screens still show it
 *
 * A command that the receiver posts waits in `pending` until its line is reached. Commands that the
 * screen posts by itself (UNASKED) are not in step with the recording: they are answered at once.
 *
 * Answering. It begins when the user takes over (engine_play_hold()) or at the end of the
 * recording. Jobs that were running are emitted to their end. From then on a command is answered
 * with the events of a recorded job that asked the same: same kind, same command_key(), complete,
 * and for answers that depend on the weights (OF_WEIGHTS) under the same weights. If there are
 * several, the last one before the present position is taken. Each answer is a struct answering
 * that walks through its job's lines, with pauses of at most ANSWER_GAP. A command without a
 * recorded answer, or one that would write, ends in EV_FAILED with one line of text.
 *
 * Nothing read from the file is trusted: events are checked by their field tables (event_read())
 * and against the size of the recorded model (event_valid()). Damaged lines are left out. */
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

enum { PENDING_MOST = 64, ANSWERS_MOST = 32 };

static const double POST_WAIT = 0.5;  /* seconds to wait for a recorded command to be posted now */
static const double ANSWER_GAP = 0.6; /* seconds: longest pause inside an answer */

struct pending { /* a command that was posted now and whose line has not been reached yet */
    enum command_kind kind;
    char *key;
    unsigned job;
};

struct answering { /* a recorded job that is emitted as the answer to a job of now */
    unsigned recorded, job;
    int next;   /* index of the next line to look at */
    double due; /* clock_seconds() of the next event */
};

struct player {
    struct engine *e;
    struct recording *recording;
    struct play_options options;
    atomic_bool hold; /* set by the UI thread: the user has taken over */
    bool driving;
    int at;            /* index of the next line */
    double began;      /* clock_seconds() of the recording's second 0; 0: not set yet */
    double waited;     /* since when the present line waits for its command; 0: it does not */
    double last_at;    /* seconds: position in the last EV_REPLAY */
    unsigned *job_now; /* [recording->jobs] the job that stands for a recorded one; 0: none */
    struct pending pending[PENDING_MOST];
    int pending_count;
    struct answering answering[ANSWERS_MOST];
    int answer_count;
    struct state_info state; /* as last emitted */
    int layers, neurons;     /* of the recorded model; 0 until EV_MODEL was emitted */
    char damage[NOTICE];     /* the first fault of the recording itself, or "" */
};

static void player_emit(struct player *p, enum event_kind kind, unsigned job, void *what)
{
    struct event ev = {.kind = kind, .job = job};

    ev.progress = what; /* one pointer, whatever it is */
    bus_emit(p->e->bus, ev);
}

static void player_fail(struct player *p, unsigned job, enum err_kind kind, const char *text)
{
    struct event ev = {.kind = EV_FAILED, .job = job};

    err_set(&ev.err, kind, "%s", text);
    bus_emit(p->e->bus, ev);
}

/* EV_REPLAY: the position, and of `more` what was typed. */
static void emit_replay(struct player *p, int what, const struct replay_position *more)
{
    struct replay_position *r = xcalloc(1, sizeof(*r));

    if (more)
        *r = *more;
    r->what = what;
    r->at = p->at < p->recording->lines ? p->recording->line[p->at].t : p->recording->length;
    r->length = p->recording->length;
    r->fast_forward = r->at < p->options.from;
    utf8_copy(r->damage, sizeof(r->damage), p->damage);
    p->last_at = r->at;
    player_emit(p, EV_REPLAY, 0, r);
}

/* Emits a fault of the recording itself, and keeps the first one for every EV_REPLAY. */
static void report_damage(struct player *p, unsigned job, const struct err *err)
{
    if (!*p->damage)
        utf8_copy(p->damage, sizeof(p->damage), err->text);
    bus_emit(p->e->bus, (struct event){.kind = EV_FAILED, .job = job, .err = *err});
}

/* Emits the line's event as one of `job`. With `answer` it answers a command of now: then a state
 * in it must not move the session to another moment. */
static void emit_line(struct player *p, const struct recording_line *line, unsigned job,
                      bool answer)
{
    json_t *o = recording_json(p->recording, line);
    struct err bad = {0};
    struct event ev;

    if (line->event == EV_STOPPED || line->event == EV_REPLAY || !event_read(o, &ev, &bad)) {
        if (bad.kind) { /* invalid: report it and leave the line out */
            err_in(&bad, "%s", p->recording->name);
            report_damage(p, job, &bad);
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
    if (ev.kind == EV_STATE && answer) { /* keep the present state, apart from these two */
        struct state_info then = *ev.state;

        p->state.preview = then.preview;
        p->state.verified = then.verified;
        *ev.state = p->state;
        if (then.preview) /* its weights have their own checksum, until it is discarded */
            memcpy(ev.state->checksum, then.checksum, sizeof(then.checksum));
    } else if (ev.kind == EV_STATE) {
        p->state = *ev.state;
    }
    bus_emit(p->e->bus, ev);
}

/* ---- answering ---- */

/* Index of the post line of a recorded job that asked the same: the last one before the present
 * position, or else the first one after it. -1: none. */
static int find_answer(const struct player *p, enum command_kind kind, const char *key)
{
    unsigned flags = command_traits[kind].flags;
    int found = -1;

    for (int i = 0; i < p->recording->lines && !(flags & NOT_RECORDED); i++) {
        const struct recording_line *l = &p->recording->line[i];

        if (l->kind != LINE_POST || l->post != kind || !p->recording->whole[l->job] ||
            strcmp(l->key, key) || ((flags & OF_WEIGHTS) && strcmp(l->state, p->state.state) != 0))
            continue;
        if (i >= p->at && (found >= 0 || (flags & OF_PRESENT)))
            break;
        found = i;
    }
    return found;
}

static void begin_answer(struct player *p, unsigned recorded, unsigned job, int from)
{
    if (p->answer_count == ANSWERS_MOST) {
        player_fail(p, job, ERR_LIMIT, "too many commands are being answered; wait for one to end");
        return;
    }
    p->answering[p->answer_count++] = (struct answering){recorded, job, from, clock_seconds()};
}

/* "a recording cannot preview; open a model": the name of the command, where that is a verb. */
static void player_refuse(struct player *p, unsigned job, enum command_kind kind)
{
    const char *does = kind == CMD_LENS    ? "compute the lens"
                       : kind == CMD_RUN   ? "read the file of a run"
                       : kind == CMD_DRIFT ? "measure drift"
                                           : command_traits[kind].name;
    char text[120];

    snprintf(text, sizeof(text), "%s cannot %s; open a model", p->options.is, does);
    player_fail(p, job, ERR_USAGE, text);
}

struct player_job {
    struct player *p;
    unsigned job;
    bool of_shown; /* the run that was read is the file that is shown, under whichever name */
};

static void emit_of_player(void *ctx, enum event_kind kind, void *payload)
{
    struct player_job *of = ctx;

    if (kind == EV_RUN)
        of->of_shown = !strcmp(((struct run_info *)payload)->path, of->p->state.session);
    player_emit(of->p, kind, of->job, payload);
}

/* State and edits of the file that is shown, where another process has changed them: so the header
 * is of the same moment as the run. */
static void player_follow(struct player *p, unsigned job)
{
    struct state_info now, *s;
    struct history *h = engine_session_follow(p->state.session, &p->state, &now, NULL);

    if (!h)
        return;
    p->state.edits = now.edits;
    memcpy(p->state.state, now.state, sizeof(now.state));
    memcpy(p->state.checksum, now.checksum, sizeof(now.checksum));
    s = xcalloc(1, sizeof(*s));
    *s = p->state;
    player_emit(p, EV_STATE, job, s);
    player_emit(p, EV_HISTORY, job, h);
}

/* CMD_RUN: from the file itself, unless that is a recording's wish. */
static bool player_reads(struct player *p, const struct command *cmd)
{
    struct player_job of = {p, cmd->job, false};
    struct err err = {0};

    if (!p->options.reads)
        player_refuse(p, cmd->job, cmd->kind);
    else if (!cmd->text || !run_read(cmd->text, cmd->from, cmd->edit, emit_of_player, &of, &err))
        player_fail(p, cmd->job, err.kind, err.text);
    else {
        if (of.of_shown)
            player_follow(p, cmd->job);
        return true;
    }
    return false;
}

/* Answers a command for which the recording has no answer. */
static void answer_without(struct player *p, const struct command *cmd)
{
    struct neuron_info *n;
    struct state_info *s;

    switch (cmd->kind) {
    case CMD_NEURON: /* an empty answer: the screen does not ask again */
        n = xcalloc(1, sizeof(*n));
        n->layer = cmd->layer;
        n->neuron = cmd->neuron;
        player_emit(p, EV_NEURON, cmd->job, n);
        break;
    case CMD_DISCARD:
        p->state.preview = false;
        s = xcalloc(1, sizeof(*s));
        *s = p->state;
        player_emit(p, EV_STATE, cmd->job, s);
        break;
    case CMD_RUN:
        if (!player_reads(p, cmd))
            return;
        break;
    case CMD_ESTIMATE:
    case CMD_HISTORY:
    case CMD_RECALL:
    case CMD_INSPECT: /* the screen says that nothing is known of this prompt */
        break;
    default:
        player_refuse(p, cmd->job, cmd->kind);
        return;
    }
    player_emit(p, EV_DONE, cmd->job, NULL);
}

static void answer_command(struct player *p, const struct command *cmd)
{
    char *key = command_key(cmd);
    int at = cmd->kind == CMD_DISCARD ? -1 : find_answer(p, cmd->kind, key);

    if (at >= 0)
        begin_answer(p, p->recording->line[at].job, cmd->job, at + 1);
    else
        answer_without(p, cmd);
    free(key);
}

/* Emits the next event of an answer. False: the answer is complete. */
static bool answer_step(struct player *p, struct answering *a)
{
    const struct recording *recording = p->recording;
    const struct recording_line *line;
    double gap;
    int next;

    if (bus_cancelled(p->e->bus, a->job)) {
        player_fail(p, a->job, ERR_CANCELLED, "stopped");
        return false;
    }
    while (a->next < recording->lines && (recording->line[a->next].kind != LINE_EVENT ||
                                          recording->line[a->next].job != a->recorded))
        a->next++;
    if (a->next == recording->lines) { /* the recording ends before the job does */
        player_emit(p, EV_DONE, a->job, NULL);
        return false;
    }
    line = &recording->line[a->next++];
    emit_line(p, line, a->job, true);
    if (line->event == EV_DONE || line->event == EV_FAILED)
        return false;
    for (next = a->next; next < recording->lines && (recording->line[next].kind != LINE_EVENT ||
                                                     recording->line[next].job != a->recorded);
         next++)
        ;
    gap = next < recording->lines && p->options.speed > 0
              ? (recording->line[next].t - line->t) / p->options.speed
              : 0;
    a->due = clock_seconds() + (gap > ANSWER_GAP ? ANSWER_GAP : gap);
    return true;
}

/* Emits what is due of all answers. Returns the clock_seconds() of the next event; < 0: none. */
static double player_answer(struct player *p)
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

/* Commands that the screen posts by itself when it has time. */
static bool is_unasked(enum command_kind kind)
{
    return command_traits[kind].flags & UNASKED;
}

/* Whether the recorded program posted this, too. Recordings of 0.1.0 have the whole map in one
 * command, and no idle one. */
static bool was_posted(const struct player *p, enum command_kind kind, const char *key)
{
    for (int i = 0; i < p->recording->lines; i++)
        if (p->recording->line[i].kind == LINE_POST && p->recording->line[i].post == kind &&
            !strcmp(p->recording->line[i].key, key))
            return true;
    return false;
}

static void take_command(struct player *p, struct command *cmd)
{
    if (cmd->idle) {
        char *key = command_key(cmd);
        bool posted = was_posted(p, cmd->kind, key);

        free(key);
        if (!posted) {
            player_emit(p, EV_DONE, cmd->job, NULL);
            return;
        }
    }
    if (!p->driving || is_unasked(cmd->kind) || p->pending_count == PENDING_MOST) {
        answer_command(p, cmd);
        return;
    }
    p->pending[p->pending_count++] = (struct pending){cmd->kind, command_key(cmd), cmd->job};
}

static void pending_remove(struct player *p, int i)
{
    free(p->pending[i].key);
    p->pending_count--;
    memmove(&p->pending[i], &p->pending[i + 1],
            (size_t)(p->pending_count - i) * sizeof(p->pending[0]));
}

/* Finds the pending command that corresponds to a recorded one: with the same key, or at least of
 * the same kind. False: none is pending. */
static bool match_command(struct player *p, const struct recording_line *line)
{
    int found = -1;

    for (int i = p->pending_count - 1; i >= 0; i--)
        if (p->pending[i].kind == line->post && !strcmp(p->pending[i].key, line->key))
            found = i;
    for (int i = 0; found < 0 && i < p->pending_count; i++)
        if (p->pending[i].kind == line->post)
            found = i;
    if (found < 0)
        return false;
    p->job_now[line->job] = p->pending[found].job;
    pending_remove(p, found);
    return true;
}

static int number_at(const json_t *o, const char *name, size_t i)
{
    const json_t *v = json_object_get(o, name);
    json_int_t n = json_integer_value(json_is_array(v) ? json_array_get(v, i) : v);

    return n < 0 || n > 0x400000 ? 0 : (int)n;
}

static void emit_typed(struct player *p, const struct recording_line *line)
{
    json_t *o = recording_json(p->recording, line);
    const char *paste = json_string_value(json_object_get(o, "paste"));
    struct replay_position typed = {0};

    if (line->kind == LINE_SIZE) {
        typed.y = number_at(o, "size", 0);
        typed.x = number_at(o, "size", 1);
    } else {
        typed.code = number_at(o, "key", 0);
        typed.y = number_at(o, "at", 0);
        typed.x = number_at(o, "at", 1);
        utf8_copy(typed.paste, sizeof(typed.paste), paste ? paste : "");
    }
    json_decref(o);
    emit_replay(p, line->kind == LINE_SIZE ? REPLAY_SIZE : REPLAY_KEY, &typed);
}

/* Plays one line. False: it is a command that has not been posted now; try again later. */
static bool play_line(struct player *p, const struct recording_line *line)
{
    double now = clock_seconds();

    if (line->kind == LINE_KEY || line->kind == LINE_SIZE) {
        emit_typed(p, line);
    } else if (line->kind == LINE_POST) {
        if (is_unasked(line->post) || match_command(p, line))
            return true;
        p->waited = p->waited > 0 ? p->waited : now;
        return now - p->waited > POST_WAIT;
    } else if (!line->job || p->job_now[line->job]) {
        emit_line(p, line, p->job_now[line->job], false);
    } else if (!is_unasked(p->recording->kind[line->job])) {
        emit_line(p, line, 0x80000000u | line->job, false); /* shown, though nobody posted it */
    }
    return true;
}

/* When the user takes over before the recorded program had loaded its model: emits model and state,
 * which everything after needs. */
static void emit_model_lines(struct player *p)
{
    bool stated = false;

    for (int i = p->at; i < p->recording->lines && !stated; i++) {
        const struct recording_line *l = &p->recording->line[i];

        stated = l->kind == LINE_EVENT && l->event == EV_STATE;
        if (stated || (l->kind == LINE_EVENT && l->event == EV_MODEL))
            emit_line(p, l, l->job, false);
    }
}

/* From driving to answering: running jobs go on as answers, pending commands are answered. */
static void stop_driving(struct player *p, bool end)
{
    p->driving = false;
    if (!p->layers)
        emit_model_lines(p);
    for (unsigned job = 1; job < p->recording->jobs; job++) {
        bool over = !p->job_now[job];

        for (int i = 0; i < p->at && !over; i++)
            over = p->recording->line[i].kind == LINE_EVENT && p->recording->line[i].job == job &&
                   (p->recording->line[i].event == EV_DONE ||
                    p->recording->line[i].event == EV_FAILED);
        if (!over)
            begin_answer(p, job, p->job_now[job], p->at);
    }
    while (p->pending_count) {
        const struct pending *a = &p->pending[0];
        int at = find_answer(p, a->kind, a->key);

        if (at >= 0)
            begin_answer(p, p->recording->line[at].job, a->job, at + 1);
        else
            answer_without(p, &(struct command){.kind = a->kind, .job = a->job});
        pending_remove(p, 0);
    }
    if (end)
        emit_replay(p, REPLAY_END, NULL);
}

/* Plays what is due. Returns the clock_seconds() of the next step; < 0: not driving. */
static double player_drive(struct player *p)
{
    const struct recording *recording = p->recording;
    double now = clock_seconds(), speed = p->options.speed;

    if (p->driving && atomic_load(&p->hold))
        stop_driving(p, false);
    if (!p->driving)
        return -1;
    if (p->at == recording->lines) {
        stop_driving(p, true);
        return -1;
    }
    if (speed > 0 && recording->line[p->at].t >= p->options.from) {
        double due;

        if (!(p->began > 0))
            p->began = now - recording->line[p->at].t / speed;
        due = p->began + recording->line[p->at].t / speed;
        if (now < due)
            return due - now > 0.1 ? now + 0.1 : due; /* so that engine_play_hold() takes effect */
    }
    if (!play_line(p, &recording->line[p->at]))
        return now + 0.005;
    if (p->waited > 0 && p->began > 0) /* the wait does not count as playing time */
        p->began += now - p->waited;
    p->waited = 0;
    p->at++;
    if (p->at < recording->lines && recording->line[p->at].t - p->last_at >= 1)
        emit_replay(p, REPLAY_AT, NULL);
    return now;
}

static void *player_main(void *arg)
{
    struct player *p = arg;
    struct err damage = {0};
    struct command cmd;
    bool go_on = true;

    recording_index(p->recording);
    if (p->recording->damaged) {
        err_set(&damage, ERR_FORMAT, "%s: line %d is damaged; the recording is played up to there",
                p->recording->name, p->recording->damaged);
        report_damage(p, 0, &damage);
    }
    p->job_now = xcalloc(p->recording->jobs, sizeof(*p->job_now));
    while (go_on) {
        double played = player_drive(p), answered = player_answer(p), now = clock_seconds(), next;

        next = played < 0 || (answered >= 0 && answered < played) ? answered : played;
        if (next < 0 || next > now)
            bus_wait(p->e->bus, next < 0 ? -1 : next - now);
        while (go_on && bus_take(p->e->bus, &cmd, false, NULL, NULL)) {
            go_on = cmd.kind != CMD_QUIT;
            if (go_on)
                take_command(p, &cmd);
            command_free(&cmd);
        }
    }
    while (p->pending_count)
        pending_remove(p, 0);
    free(p->job_now);
    recording_close(p->recording);
    p->recording = NULL;
    player_emit(p, EV_STOPPED, 0, NULL);
    return NULL;
}

static struct engine *player_start(struct recording *recording, const struct play_options *options,
                                   struct err *err)
{
    struct player *p;
    struct engine *e;

    if (!recording)
        return NULL;
    p = xcalloc(1, sizeof(*p));
    e = xcalloc(1, sizeof(*e));
    p->e = e;
    p->recording = recording;
    p->options = *options;
    p->options.is = options->is ? options->is : "a recording";
    p->driving = true;
    e->player = p;
    if (engine_start_thread(e, player_main, p, err))
        return e;
    recording_close(recording);
    free(p);
    return NULL;
}

struct engine *engine_play(const char *path, const struct play_options *options,
                           struct params *params, struct fact *fact, struct err *err)
{
    return player_start(recording_open(path, params, fact, err), options, err);
}

struct engine *engine_show(const char *path, struct params *params, struct fact *fact,
                           struct err *err)
{
    static const struct play_options at_once = {.is = "a view without its model", .reads = true};
    struct buf text = {0};
    size_t size;

    *fact = (struct fact){0};
    if (!events_from_file(path, &text, err)) {
        buf_free(&text);
        return NULL;
    }
    size = text.len;
    return player_start(recording_of_text(path, buf_take(&text), size, params, fact, err), &at_once,
                        err);
}

void engine_play_hold(struct engine *e)
{
    if (e->player)
        atomic_store(&e->player->hold, true);
}
