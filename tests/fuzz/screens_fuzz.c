/* A recording's events, line by line: every view draws what it can be told, at any size.
 *
 * Bytes at random are hardly ever an event, so here is a mutator that knows lines and numbers. */
#include <stdint.h>
#include <string.h>

#pragma GCC diagnostic ignored "-Wunused-function" /* the stage has more than is used here */
#include "core/record/event_json.h"
#include "tests/screens/fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

static unsigned chance(unsigned *seed, unsigned n)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % n;
}

/* Puts `with` in the place of data[at..at+n). Returns the new size, the old one if it is too much.
 */
static size_t splice(char *data, size_t size, size_t most, size_t at, size_t n, const char *with,
                     size_t length)
{
    if (size - n + length > most)
        return size;
    memmove(data + at + length, data + at + n, size - at - n);
    memcpy(data + at, with, length);
    return size - n + length;
}

static size_t other_number(char *data, size_t size, size_t most, unsigned *seed)
{
    static const char *const value[] = {"0",  "1",    "-1",  "2",    "3",       "5",       "11",
                                        "12", "64",   "999", "1e30", "-0.5",    "\"nan\"", "true",
                                        "{}", "null", "[]",  "0.3",  "1000000", "-7",      "false"};
    const char *with = value[chance(seed, sizeof(value) / sizeof(*value))];
    size_t at = chance(seed, (unsigned)size), n = 0;

    while (at < size && !(strchr(":[,", data[at]) && at + 1 < size && data[at + 1] <= '9' &&
                          (data[at + 1] >= '0' || data[at + 1] == '-')))
        at++;
    if (at >= size)
        return size;
    for (at++; at + n < size && !strchr(",]}\n", data[at + n]);)
        n++;
    return splice(data, size, most, at, n, with, strlen(with));
}

/* Leaves out a line, or says it once more at the end. */
static size_t other_lines(char *data, size_t size, size_t most, unsigned *seed, bool again)
{
    size_t at = chance(seed, (unsigned)size), n = 0;
    char *line;

    while (at > 0 && data[at - 1] != '\n')
        at--;
    while (at + n < size && data[at + n] != '\n')
        n++;
    n += at + n < size;
    if (!again)
        return splice(data, size, most, at, n, "", 0);
    line = xmalloc(n + 1);
    memcpy(line, data + at, n);
    size = splice(data, size, most, size, 0, line, n);
    free(line);
    return size;
}

/* Leaves out one member, more or less. */
static size_t fewer_members(char *data, size_t size, size_t most, unsigned *seed)
{
    size_t at = chance(seed, (unsigned)size), n = 1;

    while (at < size && !(data[at] == ',' && at + 1 < size && data[at + 1] == '"'))
        at++;
    while (at + n < size && !strchr(",}\n", data[at + n]))
        n++;
    return at < size ? splice(data, size, most, at, n, "", 0) : size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    for (unsigned times = 1 + chance(&seed, 4); times && size; times--) {
        unsigned way = chance(&seed, 8);

        size = way == 0   ? other_lines((char *)data, size, most, &seed, false)
               : way == 1 ? other_lines((char *)data, size, most, &seed, true)
               : way == 2 ? fewer_members((char *)data, size, most, &seed)
                          : other_number((char *)data, size, most, &seed);
    }
    return size;
}

static void feed_events(struct ui_state *d, const char *text, size_t size, int *layers,
                        int *neurons)
{
    json_t *line = json_loadb(text, size, 0, NULL);
    struct event ev;

    if (line && event_read(line, &ev, NULL)) {
        if (ev.kind != EV_REPLAY && ev.kind != EV_STOPPED && event_valid(&ev, layers, neurons))
            ui_event(d, &ev);
        else
            event_free(&ev);
    }
    json_decref(line);
}

static void draw(struct ui_state *d, struct view *const *view, struct surface *s)
{
    for (int i = 0; views[i]; i++) {
        struct screen screen = {.ui = d, .view = view[i], .message = "", .tone = TONE_PLAIN};

        screen_draw(&screen, s);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int sizes[][2] = {{24, 80}, {7, 33}};
    const char *at = (const char *)data, *end = at + size;
    struct view *view[32] = {NULL};
    int layers = 0, neurons = 0;
    struct ui_state d;
    struct host host = host_of(&d);

    make_ui_state(&d);
    for (int i = 0; views[i]; i++) {
        view[i] = view_open(views[i], &host);
        if (views[i]->open)
            views[i]->open(view[i]);
    }
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t n = stop ? (size_t)(stop - at) : (size_t)(end - at);

        feed_events(&d, at, n, &layers, &neurons);
        at += n + 1;
    }
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        struct surface *s = surface_new(sizes[i][0], sizes[i][1]);

        draw(&d, view, s);
        surface_free(s);
    }
    for (int i = 0; views[i]; i++)
        view_close(view[i]);
    ui_free(&d);
    return 0;
}
