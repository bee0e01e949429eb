/* What the user of the screen waits for, on 200x50 through the real terminal code: bytes and time
 * of a whole heatmap, of the same frame again, of one layer changed; the first frame; what an idle
 * program writes; a key's frame while the engine works; the edit after `x P C y`. Medians, and the
 * 99th percentile of the keys.
 *
 *     frame_bench [frames | program | keys | edit]        one part alone; without a word, all
 *
 * Nothing waits without an end: each wait reads the terminal meanwhile, and has a limit. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "tests/folder.h"
#include "tui/heatmap.h"
#include "tui/term.h"

enum { H = 50, W = 200, RUNS = 9, LEVELS = 24, PRESSES = 200, EDITS = 5 };

static char folder[64]; /* sessions of the program */

static double quantile(double *x, int n, double q)
{
    for (int i = 1; i < n; i++)
        for (int k = i; k > 0 && x[k - 1] > x[k]; k--) {
            double swap = x[k];

            x[k] = x[k - 1];
            x[k - 1] = swap;
        }
    return x[(int)(q * (n - 1) + 0.5)];
}

static double median(double *x, int n)
{
    return quantile(x, n, 0.5);
}

/* Half blocks of a field: one smooth hill in `levels` steps, or what scores look like: noise with
 * peaks. */
static void paint_field(struct surface *s, bool smooth, double phase)
{
    unsigned state = 12345;

    for (int y = 0; y < s->h; y++)
        for (int x = 0; x < s->w; x++) {
            int level[2];

            for (int k = 0; k < 2; k++) {
                double v = sin(0.0157 * x + phase) * sin(0.0314 * (2 * y + k));

                state = state * 1664525u + 1013904223u;
                if (!smooth) {
                    v = pow((double)(state >> 8) / 16777216.0, 4);
                    if ((x * 7 + 2 * y + k) % 97 == 0)
                        v = 1;
                }
                v = v < 0 ? 0 : v;
                level[k] = (int)(floor(v * (LEVELS - 0.001)) * 255 / (LEVELS - 1));
            }
            surface_glyph(s, surface_rect(s), y, x, ROLE_TEXT, "▀",
                          colour_slot_ramp(RAMP_GREY, level[0]),
                          colour_slot_ramp(RAMP_GREY, level[1]));
        }
}

static int tally; /* write end: how the child tells its measurements */

/* In the child: the terminal is the pty. Waits between frames so that the parent can count. */
static void draw_frames(int ask, bool smooth)
{
    struct term_options o = {.color = "256"};
    struct surface *s = surface_new(H, W);
    struct theme theme;
    struct palette p;
    struct err err = {0};
    char go;

    if (!term_open(&o, &err)) {
        fprintf(stderr, "%s\n", err.text);
        _exit(1);
    }
    theme_default(&theme);
    palette_build(&p, &theme, term_caps());
    for (int frame = 0; read(ask, &go, 1) == 1 && go != 'q'; frame++) {
        double from;

        if (go == 'f' || go == 'w')
            paint_field(s, smooth, 0.01 * frame);
        if (go == 'w')
            term_redraw();
        if (go == 'r') /* one layer: half of a row of cells */
            for (int x = 0; x < W; x++)
                surface_glyph(s, surface_rect(s), 20, x, ROLE_TEXT, "▀",
                              colour_slot_ramp(RAMP_GREY, x * 255 / W),
                              colour_slot_ramp(RAMP_GREY, frame * 40 % 256));
        from = clock_seconds();
        term_show(s, &p);
        from = clock_seconds() - from;
        if (write(tally, &from, sizeof(from)) != sizeof(from))
            break;
    }
    term_close();
    surface_free(s);
    _exit(0);
}

/* Reads what comes until nothing has come for `quiet` ms, or for ten seconds. Returns the bytes. */
static long drain(int fd, int quiet)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    static char bytes[1 << 16];
    double until = clock_seconds() + 10;
    long n = 0;

    while (clock_seconds() < until && poll(&p, 1, quiet) > 0) {
        ssize_t r = read(fd, bytes, sizeof(bytes));

        if (r <= 0)
            break;
        n += r;
    }
    return n;
}

/* Asks for a frame; its bytes, and its time in ms. The terminal is read until the child says that
 * the frame is written: a child that is late would otherwise wait for room, and this for it. */
static long frame(int pty, int ask, int told_fd, char kind, double *ms)
{
    struct pollfd p[2] = {{.fd = told_fd, .events = POLLIN}, {.fd = pty, .events = POLLIN}};
    double seconds = 0, until = clock_seconds() + 10;
    long n = 0;

    if (write(ask, &kind, 1) != 1)
        return -1;
    while (!p[0].revents) {
        if (clock_seconds() > until || poll(p, 2, 1000) < 0)
            return -1;
        if (p[1].revents)
            n += drain(pty, 0);
    }
    if (read(told_fd, &seconds, sizeof(seconds)) != sizeof(seconds))
        return -1;
    *ms = seconds * 1e3;
    return n + drain(pty, 20);
}

static void stop_program(pid_t child, int pty)
{
    int gone = 0;

    kill(child, SIGTERM);
    for (int i = 0; i < 50 && !gone; i++) {
        drain(pty, 20);
        gone = waitpid(child, NULL, WNOHANG) == child;
    }
    if (!gone) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    close(pty);
}

static bool bench_frames(const char *name, bool smooth)
{
    struct winsize size = {.ws_row = H, .ws_col = W};
    double bytes[3][RUNS], ms[3][RUNS];
    static const char kinds[] = "wdr";
    int ask[2], back[2], pty;
    pid_t child;

    if (pipe(ask) || pipe(back))
        return false;
    child = forkpty(&pty, NULL, NULL, &size);
    if (child < 0)
        return false;
    if (!child) {
        setenv("TERM", "xterm-256color", 1);
        tally = back[1];
        draw_frames(ask[0], smooth);
    }
    close(ask[0]);
    close(back[1]); /* a child that ends is seen */
    drain(pty, 300);
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < RUNS; i++) {
            bytes[k][i] = (double)frame(pty, ask[1], back[0], kinds[k], &ms[k][i]);
            if (bytes[k][i] < 0) {
                printf("%s: a frame was not written in 10 s\n", name);
                stop_program(child, pty);
                return false;
            }
        }
    if (write(ask[1], "q", 1) == 1)
        drain(pty, 200);
    stop_program(child, pty);
    printf("%-28s whole %7.1f kB %5.2f ms   again %4.0f B %5.2f ms   one row %6.1f kB %5.2f ms\n",
           name, median(bytes[0], RUNS) / 1e3, median(ms[0], RUNS), median(bytes[1], RUNS),
           median(ms[1], RUNS), median(bytes[2], RUNS) / 1e3, median(ms[2], RUNS));
    close(ask[1]);
    close(back[0]);
    return !smooth || (median(bytes[0], RUNS) <= 60e3 && median(bytes[1], RUNS) <= 64);
}

/* utime + stime of a process in clock ticks, all its threads. */
static long ticks(pid_t pid)
{
    char path[64], text[1024], *at;
    long user = 0, system = 0;
    size_t n;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    f = fopen(path, "r");
    if (!f)
        return -1;
    n = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[n] = '\0';
    at = strrchr(text, ')');
    for (int field = 2; at && field < 13; field++)
        at = strchr(at + 1, ' ');
    if (at)
        user = strtol(at, &at, 10), system = strtol(at, NULL, 10);
    return user + system;
}

/* `how`: "--read-only" or "--threads=N" on the default model, or "--demo". */
static pid_t start_program(const char *how, int *pty, double *from)
{
    struct winsize size = {.ws_row = H, .ws_col = W};
    const char *program = getenv("EDITSCOPE");
    pid_t child;

    *from = clock_seconds();
    child = forkpty(pty, NULL, NULL, &size);
    if (!child) {
        setenv("TERM", "xterm-256color", 1);
        execl(program ? program : "build/editscope", "editscope", how, (char *)NULL);
        _exit(127);
    }
    return child;
}

/* ms from exec to the byte after which the alternate screen holds a frame. */
static bool first_paint(const char *how, double *ms)
{
    char bytes[8192];
    double from;
    size_t n = 0;
    bool seen = false;
    int pty;
    pid_t child = start_program(how, &pty, &from);

    while (child > 0 && n < sizeof(bytes) - 1 && clock_seconds() - from < 10) {
        struct pollfd p = {.fd = pty, .events = POLLIN};
        ssize_t r = poll(&p, 1, 1000) > 0 ? read(pty, bytes + n, sizeof(bytes) - 1 - n) : 0;

        if (r <= 0)
            break;
        n += (size_t)r;
        seen = memmem(bytes, n, "\033[?2026h", 8) != NULL;
        if (seen)
            break;
    }
    *ms = (clock_seconds() - from) * 1e3;
    if (child > 0)
        stop_program(child, pty);
    return seen;
}

/* Scores every neuron of the first fact, then the whole heatmap again: its bytes. */
static long real_map(int pty)
{
    double from = clock_seconds();

    if (write(pty, "x", 1) != 1)
        return 0;
    while (clock_seconds() - from < 120 && drain(pty, 5000) > 0)
        ;
    if (write(pty, "2", 1) != 1)
        return 0;
    drain(pty, 1000);
    return write(pty, "\f", 1) == 1 ? drain(pty, 500) : 0;
}

/* Bytes written and CPU ticks used in two seconds, once nothing has come for three: on a model
 * once its moments are summed, in a recorded run once a user has taken over and all is told. */
static bool idle(const char *how, long *bytes, long *used, long *map)
{
    double from;
    int pty;
    pid_t child = start_program(how, &pty, &from);
    long before;

    if (!strcmp(how, "--demo")) {
        drain(pty, 500);
        if (write(pty, "2", 1) != 1) /* any key takes over */
            return false;
    }
    while (child > 0 && clock_seconds() - from < 60 && drain(pty, 3000) > 0)
        ;
    before = ticks(child);
    *bytes = drain(pty, 2000);
    *used = ticks(child) - before;
    *map = strcmp(how, "--demo") ? real_map(pty) : 0;
    stop_program(child, pty);
    return before >= 0;
}

/* Reads until `text` is written whole, at most `seconds`; `least` bytes must have come with it. */
static bool comes(int pty, const char *text, long least, double seconds)
{
    double until = clock_seconds() + seconds;
    static char bytes[1 << 16];
    size_t kept = 0, n = strlen(text);
    long all = 0;

    while (clock_seconds() < until) {
        struct pollfd p = {.fd = pty, .events = POLLIN};
        ssize_t r = poll(&p, 1, 100) > 0 ? read(pty, bytes + kept, sizeof(bytes) - kept) : 0;

        if (r <= 0)
            continue;
        all += r;
        kept += (size_t)r;
        if (all >= least && memmem(bytes, kept, text, n))
            return true;
        if (kept >= n) { /* the beginning of the text may have come */
            memmove(bytes, bytes + kept - (n - 1), n - 1);
            kept = n - 1;
        }
    }
    return false;
}

/* From a key to the end of the frame that it asked for, while neurons are scored: History, then the
 * Edit view with its map, whose frame is larger than those that tell how far the job is. */
static bool bench_keys(void)
{
    double ms[PRESSES], from, began;
    long used;
    int n = 0, pty;
    pid_t child = start_program("--read-only", &pty, &from);
    bool ok = child > 0 && comes(pty, "BASE", 0, 30);

    drain(pty, 500);
    ok = ok && write(pty, "x", 1) == 1;
    drain(pty, 200);
    began = clock_seconds();
    used = ticks(child);
    while (ok && n < PRESSES) {
        ok = write(pty, "8", 1) == 1;
        drain(pty, 40);
        from = clock_seconds();
        ok = ok && write(pty, "1", 1) == 1 && comes(pty, "\033[?2026l", 3000, 5);
        ms[n++] = (clock_seconds() - from) * 1e3;
    }
    used = ticks(child) - used;
    began = clock_seconds() - began;
    if (child > 0)
        stop_program(child, pty);
    if (!ok) {
        printf("a key: no frame came\n");
        return false;
    }
    from = quantile(ms, n, 0.99); /* sorts */
    printf("a key to its frame, neurons being scored (%.0f %% of a core): median %.1f ms, "
           "99th percentile %.1f ms, longest %.1f ms of %d\n",
           (double)used / (double)sysconf(_SC_CLK_TCK) / began * 100, median(ms, n), from,
           ms[n - 1], n);
    if (from > 16)
        printf("a key's frame takes over 16 ms in the 99th percentile\n");
    return from <= 16;
}

/* Seconds from `x` to the edit that is confirmed at once, in a session of its own; -1: none. */
static double edit_seconds(void)
{
    static const char *const keys[] = {"x", "P", "C"};
    double from;
    int pty;
    pid_t child = start_program("--no-mouse", &pty, &from);
    bool ok = child > 0 && comes(pty, "BASE", 0, 30);

    drain(pty, 500);
    from = clock_seconds();
    for (int i = 0; i < 3; i++)
        ok = ok && write(pty, keys[i], 1) == 1;
    ok = ok && comes(pty, "Commit this edit?", 0, 10) && write(pty, "y", 1) == 1 &&
         comes(pty, "EDITED +1", 0, 300);
    from = clock_seconds() - from;
    if (child > 0)
        stop_program(child, pty);
    return ok ? from : -1;
}

static bool bench_edit(void)
{
    double s[EDITS];

    for (int n = 0; n < EDITS; n++) {
        s[n] = edit_seconds();
        if (s[n] < 0) {
            printf("x P C y: no edit came\n");
            return false;
        }
    }
    quantile(s, EDITS, 0.5); /* sorts */
    printf("x P C y to the edit: %.1f s, %.1f to %.1f (median of %d)\n", s[EDITS / 2], s[0],
           s[EDITS - 1], EDITS);
    return true;
}

static bool bench_program(const char *how)
{
    double ms[RUNS];
    long bytes = 0, used = 0, map = 0;
    int n = 0;

    while (n < RUNS && first_paint(how, &ms[n]))
        n++;
    if (!n) {
        printf("%s: the program ($EDITSCOPE or build/editscope) did not start\n", how);
        return true;
    }
    printf("%-12s first paint %.0f ms (exec to the first frame, median of %d)", how, median(ms, n),
           n);
    if (idle(how, &bytes, &used, &map))
        printf("   idle for 2 s: %ld bytes, %ld CPU ticks", bytes, used);
    if (map)
        printf("   a real map again: %.1f kB", (double)map / 1e3);
    putchar('\n');
    return median(ms, n) < 100 && !bytes;
}

static bool bench_surface(void)
{
    bool ok = bench_frames("smooth field, 24 levels", true);

    bench_frames("like scores, 24 levels", false);
    if (!ok)
        printf("the smooth field is over 60 kB, or the same frame again over 64 bytes\n");
    return ok;
}

static bool bench_start(void)
{
    bool ok = bench_program("--read-only");

    ok = bench_program("--demo") && ok;
    if (!ok)
        printf("a first paint is over 100 ms, or an idle program writes\n");
    return ok;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        bool (*run)(void);
    } parts[] = {{"frames", bench_surface},
                 {"program", bench_start},
                 {"keys", bench_keys},
                 {"edit", bench_edit}};
    bool ok = true;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!folder_make(folder, sizeof(folder)))
        return 1;
    setenv("XDG_STATE_HOME", folder, 1);
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        if (argc < 2 || !strcmp(argv[1], parts[i].name))
            ok = parts[i].run() && ok;
    folder_remove(folder);
    return !ok;
}
