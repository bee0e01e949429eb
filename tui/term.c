/* The terminal, by curses. The one file that includes it. A frame goes through four steps:
 *
 *   1. views draw the whole surface, whatever changed           views/
 *   2. palette_paint() turns each cell into text and colours    palette.c
 *   3. term_show() writes all cells into curses' own screen     below
 *   4. doupdate() sends the cells that differ from what the terminal shows
 *
 * So a view cannot leave old text behind. Step 4 makes it affordable: a heatmap of 200 x 50 cells
 * with real scores is 111 kB sent whole, 1.1 kB if one row has changed, 16 bytes if nothing has.
 * Colour pairs are made when first met and kept (alloc_pair), and save_bytes() replaces "▀" of two
 * equal colours by "█" or a blank in the colours of the cell to its left.
 * The update is wrapped in "ESC [ ? 2026 h" and "l": terminals that know it show the frame at once
 * instead of piece by piece. Terminals do not agree on how wide emoji are: apart.h. */
#include "tui/term.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "core/base/base64.h"
#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "tui/apart.h"
#include "tui/crash_handler.h"
#include "tui/term_choice.h"
#include "tui/terminfo_entry.h"
#include "tui/text.h"

enum { CODE_PASTE = 2000, CODE_PASTE_END, CODE_ALT_ENTER, PASTE_MAX = 1 << 20 };

static struct {
    bool open;
    SCREEN *screen;
    FILE *in, *out;
    int fd, saved_stderr;
    struct caps caps;
    struct buf paste;
    struct apart apart;
    char note[240];
    struct termios before;
} term;

void term_block_signals(void)
{
    crash_handler_block();
}

static bool err_no_terminal(struct err *err)
{
    return err_set(err, ERR_USAGE,
                   "the screen needs a terminal: run it in one, or use a command such as "
                   "`editscope query` (`editscope --help` lists them)");
}

/* Keys may come from /dev/tty. Where standard output is a file, it gets no escape sequences. */
static bool open_files(struct err *err)
{
    term.in = stdin;
    term.out = stdout;
    if (!isatty(STDIN_FILENO))
        term.in = fopen("/dev/tty", "r");
    if (!isatty(STDOUT_FILENO)) /* data belongs on stdout: never escapes */
        term.out = NULL;
    if (term.in && term.out) {
        term.fd = fileno(term.out);
        return true;
    }
    if (term.in && term.in != stdin)
        fclose(term.in);
    term.in = NULL;
    return err_no_terminal(err);
}

static bool err_no_cursor(const char *name, struct err *err)
{
    return err_set(err, ERR_USAGE,
                   "TERM=%s cannot place the cursor: use --plain, or a command such as `editscope "
                   "query`, or set TERM to what the terminal is",
                   name ? name : "");
}

/* What the database states about TERM, or about its stand-in if it has no description here. */
static struct term_stated read_stated(int fd)
{
    const char *name = getenv("TERM"), *cup;
    struct term_stated t = {.name = name && *name ? name : "dumb"};
    int status = 0;

    t.read = t.name;
    t.known = setupterm(t.name, fd, &status) == OK;
    if (!t.known) {
        t.read = term_stand_in(t.name);
        if (setupterm(t.read, fd, &status) != OK)
            return t;
    }
    cup = tigetstr("cup");
    t.places_cursor = cup && cup != (char *)-1;
    t.direct = tigetflag("RGB") > 0 || tigetnum("RGB") > 0 || tigetnum("colors") > 256;
    t.colours = tigetnum("colors") > 0 ? tigetnum("colors") : 0;
    return t;
}

/* Opens the screen on the description that has just been read, with other colours. curses takes a
 * description without a file from TERMINFO. NULL where this library does not. */
static SCREEN *open_with_colours(const struct term_stated *t, int colours)
{
    const char *set = getenv("TERMINFO");
    char *before = set ? xstrdup(set) : NULL;
    const struct terminfo_source from = {boolnames, numnames, strnames,
                                         tigetflag, tigetnum, tigetstr};
    struct buf description = {0}, bytes = {0};
    SCREEN *screen;

    terminfo_entry_write(&from, t->read, colours, &bytes);
    buf_puts(&description, "b64:");
    base64_put(&description, bytes.data, bytes.len);
    setenv("TERMINFO", description.data, 1);
    screen = newterm(t->read, term.out, term.in);
    if (before)
        setenv("TERMINFO", before, 1);
    else
        unsetenv("TERMINFO");
    free(before);
    buf_free(&bytes);
    buf_free(&description);
    return screen;
}

/* How many colours curses gives. */
static enum tier tier_found(void)
{
    return has_colors() ? term_tier_of(COLORS) : TIER_MONO;
}

/* What is worth saying: TERM is unknown, or --color was not obeyed. */
static void note_terminal(const struct term_stated *t, enum tier wanted, const char *color)
{
    if (!t->known)
        snprintf(term.note, sizeof(term.note), "TERM=%.40s is not known here: using %s, %s",
                 t->name, t->read, tier_words(term.caps.tier));
    else if (color && wanted > term.caps.tier)
        snprintf(term.note, sizeof(term.note),
                 "--color %.8s: the curses library of this machine gives %s only", color,
                 tier_words(term.caps.tier));
}

static bool open_screen(const struct term_options *o, struct err *err)
{
    struct term_stated t = read_stated(term.fd);
    struct term_choice choice = term_choose_colours(&t, o->color);
    TERMINAL *stated = cur_term;

    if (!t.places_cursor)
        return err_no_cursor(t.name, err);
    if (choice.colours && (choice.colours != t.colours || t.direct))
        term.screen = open_with_colours(&t, choice.colours);
    if (!term.screen)
        term.screen = newterm(t.read, term.out, term.in);
    if (!term.screen)
        return err_set(err, ERR_USAGE, "TERM=%s: no terminal description; set TERM=xterm", t.name);
    if (cur_term != stated)
        del_curterm(stated);
    if (has_colors()) {
        start_color();
        use_default_colors();
    }
    term.caps.tier = tier_found() < choice.tier ? tier_found() : choice.tier;
    note_terminal(&t, choice.tier, o->color);
    return true;
}

static void define_keys(void)
{
    static const struct {
        const char *sequence;
        int code;
    } more[] = {
        {"\033[A", KEY_UP},        {"\033[B", KEY_DOWN},          {"\033[C", KEY_RIGHT},
        {"\033[D", KEY_LEFT},      {"\033[H", KEY_HOME},          {"\033[F", KEY_END},
        {"\033[1~", KEY_HOME},     {"\033[4~", KEY_END},          {"\033OA", KEY_UP},
        {"\033OB", KEY_DOWN},      {"\033OC", KEY_RIGHT},         {"\033OD", KEY_LEFT},
        {"\033[200~", CODE_PASTE}, {"\033[201~", CODE_PASTE_END}, {"\033\r", CODE_ALT_ENTER},
    };

    for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++)
        define_key(more[i].sequence, more[i].code);
}

/* For what a crash writes: a capability without its padding "$<5>", or an escape sequence. */
static void add_restore(const char *capability)
{
    const char *s = capability[0] == '\033' ? capability : tigetstr(capability);

    if (!s || s == (const char *)-1)
        return;
    while (*s) {
        const char *end = s[0] == '$' && s[1] == '<' ? strchr(s, '>') : NULL;

        if (end)
            s = end + 1;
        else
            crash_handler_restore(s++, 1);
    }
}

static void term_write(const char *bytes)
{
    size_t n = strlen(bytes);

    while (n) {
        ssize_t w = write(term.fd, bytes, n);

        if (w < 0 && errno != EINTR && errno != EAGAIN)
            return;
        if (w > 0) {
            bytes += w;
            n -= (size_t)w;
        }
    }
}

/* The capability that ends the picture: the normal screen again, or "clear" without one. */
static const char *picture_end(void)
{
    return exit_ca_mode ? "rmcup" : "clear";
}

static void leave_screen(void)
{
    if (*picture_end() == 'c' && erase() == OK)
        refresh();
    endwin();
}

static void prepare_crash_handler(const struct term_options *o)
{
    add_restore("\033[?2026l\033[?2004l\033[?1006l\033[?1002l\033[?1000l");
    add_restore("sgr0");
    add_restore("op");
    add_restore("cnorm");
    add_restore("rmkx");
    add_restore(picture_end());
    crash_handler_start(&(struct crash_options){.fd = term.fd,
                                                .message_fd = term.saved_stderr,
                                                .before = &term.before,
                                                .report = o->report,
                                                .version = o->version});
}

/* Warnings of libraries would land in the middle of the screen: they go into a log instead. */
static void divert_stderr(const char *log)
{
    int fd = open(log ? log : "/dev/null", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    if (fd < 0)
        fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    fflush(stderr);
    term.saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    if (fd >= 0) {
        dup2(fd, STDERR_FILENO);
        close(fd);
    }
}

bool term_check(struct err *err)
{
    struct term_stated t;

    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return err_no_terminal(err);
    t = read_stated(STDOUT_FILENO);
    if (cur_term)
        del_curterm(cur_term);
    return t.places_cursor || err_no_cursor(t.name, err);
}

void term_report(struct term_report *out)
{
    struct term_stated t = read_stated(STDOUT_FILENO);

    if (cur_term)
        del_curterm(cur_term);
    term_describe(&t, out);
}

bool term_open(const struct term_options *options, struct err *err)
{
    char why[96];

    memset(&term, 0, sizeof(term));
    term.caps.ascii = !term_choose_locale(why);
    if (!open_files(err))
        return false;
    tcgetattr(fileno(term.out), &term.before);
    if (!open_screen(options, err))
        return false;
    term.open = true;
    term.caps.ascii |= options->ascii;
    term.caps.no_braille = term_lacks_braille(getenv("TERM"));
    raw();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    if (!getenv("ESCDELAY"))
        set_escdelay(25);
    define_keys();
    if (options->mouse) {
        mouseinterval(0);
        mousemask(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
    }
    divert_stderr(options->log);
    prepare_crash_handler(options);
    term_write("\033[?2004h");
    return true;
}

void term_close(void)
{
    if (!term.open)
        return;
    term.open = false;
    term_write("\033[?2004l");
    mousemask(0, NULL);
    leave_screen();
    delscreen(term.screen);
    tcsetattr(term.fd, TCSADRAIN, &term.before);
    crash_handler_end();
    fflush(stderr);
    if (term.saved_stderr >= 0) {
        dup2(term.saved_stderr, STDERR_FILENO);
        close(term.saved_stderr);
    }
    if (term.in && term.in != stdin)
        fclose(term.in);
    buf_free(&term.paste);
    apart_free(&term.apart);
}

struct caps term_caps(void)
{
    return term.caps;
}

const char *term_note(void)
{
    return term.note;
}

void term_size(int *h, int *w)
{
    getmaxyx(stdscr, *h, *w);
}

static int pair_of(int32_t fg, int32_t bg)
{
    int pair;

    if ((fg < 0 && bg < 0) || term.caps.tier == TIER_MONO)
        return 0;
    pair = alloc_pair(fg, bg);
    return pair < 0 ? 0 : pair;
}

static void save_bytes(struct paint *paint, const struct paint *last)
{
    int32_t colour = paint->fg;

    if (colour < 0 || colour != paint->bg ||
        (strcmp(paint->text, "▀") != 0 && strcmp(paint->text, "▄") != 0))
        return;
    if (last->bg != colour && last->fg == colour && last->attrs == paint->attrs) {
        snprintf(paint->text, sizeof(paint->text), "█");
        paint->bg = last->bg;
        return;
    }
    snprintf(paint->text, sizeof(paint->text), " ");
    if (last->bg == colour && last->attrs == paint->attrs)
        paint->fg = last->fg;
}

static void show_cell(int y, int x, int cols, const struct paint *paint)
{
    static const attr_t attribute[5] = {A_BOLD, A_DIM, A_ITALIC, A_UNDERLINE, A_REVERSE};
    int pair = pair_of(paint->fg, paint->bg);
    wchar_t wide[TEXT_CELL_CODES], second[2] = {0};
    int sure = text_terminal_cell(paint->text, wide, second);
    attr_t attrs = 0;
    cchar_t c;

    for (int i = 0; i < 5; i++)
        if (paint->attrs & 1u << i)
            attrs |= attribute[i];
    if (setcchar(&c, wide, attrs, 0, &pair) == OK)
        mvadd_wch(y, x, &c);
    if (sure < cols && setcchar(&c, second, attrs, 0, &pair) == OK)
        mvadd_wch(y, x + 1, &c);
}

/* The row is written whole by the next doupdate(). */
static void redraw_row(int y)
{
    wredrawln(stdscr, y, 1);
}

void term_show(const struct surface *s, const struct palette *p)
{
    bool cursor = s->cursor_y >= 0;

    erase();
    for (int y = 0; y < s->h; y++) {
        struct paint last = {.fg = -1, .bg = -1};

        for (int x = 0; x < s->w; x++) {
            const struct cell *c = &s->cells[y * s->w + x];
            struct paint paint;

            if (!c->width)
                continue;
            palette_paint(p, c, &paint);
            save_bytes(&paint, &last);
            if (apart_cell(&term.apart, &paint, term.caps.tier, y, x, s->w))
                snprintf(paint.text, sizeof(paint.text), " ");
            show_cell(y, x, c->width, &paint);
            last = paint;
        }
    }
    term_write("\033[?2026h");
    curs_set(cursor);
    if (cursor)
        move(s->cursor_y, s->cursor_x);
    apart_prepare(&term.apart, redraw_row);
    wnoutrefresh(stdscr);
    doupdate();
    apart_write(&term.apart, term_write);
    term_write("\033[?2026l");
}

void term_redraw(void)
{
    if (term.open)
        clearok(curscr, TRUE);
}

/* At most PASTE_MAX bytes, and no longer than a second without input. */
static void read_paste(struct key *key)
{
    wint_t c;
    int kind;

    buf_clear(&term.paste);
    timeout(1000); /* a paste that never ends must not hold the program */
    while ((kind = get_wch(&c)) != ERR && !(kind == KEY_CODE_YES && c == CODE_PASTE_END)) {
        char bytes[4];

        if (kind == OK && term.paste.len < PASTE_MAX)
            buf_add(&term.paste, bytes, (size_t)utf8_put(bytes, c == '\r' ? '\n' : (int32_t)c));
    }
    timeout(0);
    key->code = K_PASTE;
    key->paste = term.paste.data ? term.paste.data : "";
}

static bool read_mouse(struct key *key)
{
    MEVENT m;

    if (getmouse(&m) != OK)
        return false;
    key->y = m.y;
    key->x = m.x;
    if (m.bstate & BUTTON4_PRESSED)
        key->code = K_WHEEL_UP;
    else if (m.bstate & BUTTON5_PRESSED)
        key->code = K_WHEEL_DOWN;
    else if (m.bstate & BUTTON1_PRESSED)
        key->code = K_CLICK;
    else
        return false;
    return true;
}

static bool special_key(struct key *key, int code)
{
    static const struct {
        int curses;
        int32_t code;
    } table[] = {
        {KEY_UP, K_UP},         {KEY_DOWN, K_DOWN},
        {KEY_LEFT, K_LEFT},     {KEY_RIGHT, K_RIGHT},
        {KEY_PPAGE, K_PAGE_UP}, {KEY_NPAGE, K_PAGE_DOWN},
        {KEY_HOME, K_HOME},     {KEY_END, K_END},
        {KEY_DC, K_DELETE},     {KEY_BTAB, K_BACK_TAB},
        {KEY_RESIZE, K_RESIZE}, {KEY_BACKSPACE, K_ERASE},
        {KEY_ENTER, K_ENTER},   {CODE_ALT_ENTER, K_ALT_ENTER},
    };

    if (code == CODE_PASTE) {
        read_paste(key);
        return true;
    }
    if (code == KEY_MOUSE)
        return read_mouse(key);
    if (code > KEY_F0 && code <= KEY_F(12)) {
        key->code = K_F0 + (code - KEY_F0);
        return true;
    }
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        if (table[i].curses == code) {
            key->code = table[i].code;
            return true;
        }
    return false;
}

bool term_key(struct key *key)
{
    wint_t c;
    int kind;

    *key = (struct key){0};
    while ((kind = get_wch(&c)) != ERR) {
        if (kind == KEY_CODE_YES) {
            if (special_key(key, (int)c))
                return true;
            continue;
        }
        key->code = c == '\b' ? K_ERASE : (int32_t)c;
        return true;
    }
    return false;
}

void term_wait(int fd, int timeout_ms)
{
    struct pollfd p[2] = {{.fd = fileno(term.in), .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    struct timespec t = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
    sigset_t mask;

    crash_handler_open_mask(&mask);
    if (ppoll(p, fd < 0 ? 1 : 2, timeout_ms < 0 ? NULL : &t, &mask) > 0 &&
        p[0].revents & (POLLHUP | POLLERR | POLLNVAL))
        crash_handler_terminal_lost();
    if (crash_handler_stop())
        term_suspend();
}

int term_signal(void)
{
    return crash_handler_signal();
}

void term_suspend(void)
{
    if (!term.open)
        return;
    term_write("\033[?2004l");
    leave_screen();
    crash_handler_hold(true);
    kill(0, SIGTSTP); /* the group: a shell waits for whoever started us, too */
    crash_handler_hold(false);
    term_write("\033[?2004h");
    clearok(curscr, TRUE);
    refresh();
}

bool term_copy(const char *text)
{
    struct buf b = {0};

    if (!term.open || strlen(text) > 8192)
        return false;
    buf_puts(&b, "\033]52;c;");
    base64_put(&b, text, strlen(text));
    buf_puts(&b, "\a");
    term_write(b.data);
    buf_free(&b);
    return true;
}
