/* What a frame costs: bytes and time of a whole heatmap on 200x50 through the real terminal code,
 * of the same frame again, of one layer changed; what an idle program costs; how soon the first
 * frame stands. Medians. */
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
#include "tui/heatmap.h"
#include "tui/term.h"

enum { H = 50, W = 200, RUNS = 9, LEVELS = 24 };

static double median(double *x, int n)
{
    for (int i = 1; i < n; i++)
        for (int k = i; k > 0 && x[k - 1] > x[k]; k--) {
            double swap = x[k];

            x[k] = x[k - 1];
            x[k - 1] = swap;
        }
    return x[n / 2];
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

/* Reads what comes until nothing has come for `quiet` ms. Returns the bytes. */
static long drain(int fd, int quiet)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    static char bytes[1 << 16];
    long n = 0;

    while (poll(&p, 1, quiet) > 0) {
        ssize_t r = read(fd, bytes, sizeof(bytes));

        if (r <= 0)
            break;
        n += r;
    }
    return n;
}

/* Asks for a frame; its bytes, and its time in ms. The pty is emptied while it is written. */
static long frame(int pty, int ask, int told_fd, char kind, double *ms)
{
    double seconds = 0;
    long n = 0;

    if (write(ask, &kind, 1) != 1)
        return -1;
    n = drain(pty, 60);
    if (read(told_fd, &seconds, sizeof(seconds)) != sizeof(seconds))
        return -1;
    *ms = seconds * 1e3;
    return n;
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
    drain(pty, 300);
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < RUNS; i++) {
            bytes[k][i] = (double)frame(pty, ask[1], back[0], kinds[k], &ms[k][i]);
            if (bytes[k][i] < 0)
                return false;
        }
    if (write(ask[1], "q", 1) == 1)
        drain(pty, 200);
    waitpid(child, NULL, 0);
    printf("%-28s whole %7.1f kB %5.2f ms   again %4.0f B %5.2f ms   one row %6.1f kB %5.2f ms\n",
           name, median(bytes[0], RUNS) / 1e3, median(ms[0], RUNS), median(bytes[1], RUNS),
           median(ms[1], RUNS), median(bytes[2], RUNS) / 1e3, median(ms[2], RUNS));
    close(pty);
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

/* `how`: "--read-only" on the default model, or "--demo". */
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
        ssize_t r = read(pty, bytes + n, sizeof(bytes) - 1 - n);

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

int main(void)
{
    bool ok = bench_frames("smooth field, 24 levels", true), program;

    bench_frames("like scores, 24 levels", false);
    if (!ok)
        printf("the smooth field is over 60 kB, or the same frame again over 64 bytes\n");
    program = bench_program("--read-only");
    program = bench_program("--demo") && program;
    if (!program)
        printf("a first paint is over 100 ms, or an idle program writes\n");
    return !ok || !program;
}
