/* Asks the terminal for its background colour (OSC 11) and reads COLORFGBG. */
#include "tui/background.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "tui/colour.h"

bool background_from_environment(const char *colorfgbg, bool *light)
{
    const char *last = colorfgbg ? strrchr(colorfgbg, ';') : NULL;
    char *end;
    long n;

    if (!last)
        return false;
    n = strtol(last + 1, &end, 10);
    if (end == last + 1 || *end || n < 0 || n > 15)
        return false;
    *light = n == 7 || n > 8; /* 8 is dark grey */
    return true;
}

/* Parses "rgb:ffff/f6f6/e3e3" behind the "rgb:". A channel has one to four hexadecimal digits; n
 * digits of it are a fraction of 16^n - 1, so "f", "ff" and "ffff" all mean 255. */
static bool parse_rgb(const char *p, const char *end, uint32_t *rgb)
{
    *rgb = 0;
    for (int i = 0; i < 3; i++) {
        unsigned long value = 0, most = 0;

        for (; p < end && *p && strchr("0123456789abcdefABCDEF", *p) && most < 0xffff; p++) {
            value = value << 4 | (unsigned long)(*p <= '9' ? *p - '0' : (*p | 32) - 'a' + 10);
            most = most << 4 | 15;
        }
        if (!most || (i < 2 && (p == end || *p++ != '/')))
            return false;
        *rgb = *rgb << 8 | (uint32_t)(value * 255 / most);
    }
    return true;
}

bool background_parse_answer(const char *bytes, size_t n, bool *light)
{
    static const char head[] = "\033]11;rgb:";
    const char *at = memmem(bytes, n, head, sizeof(head) - 1);
    uint32_t rgb;

    if (!at || !parse_rgb(at + sizeof(head) - 1, bytes + n, &rgb))
        return false;
    *light = colour_lightness(rgb) > 50;
    return true;
}

/* The answer comes as input, so canonical mode and echo are switched off for the moment. Two
 * questions go out together: OSC 11, and DA1 ("ESC [ c"), whose answer "ESC [ ? ... c" every
 * terminal sends. Terminals answer in order: when DA1's answer is here, no OSC 11 answer will
 * follow. */
bool background_query(int fd, int timeout_ms, bool *light)
{
    static const char question[] = "\033]11;?\033\\\033[c";
    struct termios before, quiet;
    double until = clock_seconds() + timeout_ms / 1000.0;
    char got[256];
    size_t n = 0;
    bool found = false;

    if (tcgetattr(fd, &before))
        return false;
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    tcsetattr(fd, TCSANOW, &quiet);
    if (write(fd, question, sizeof(question) - 1) == (ssize_t)sizeof(question) - 1)
        while (n < sizeof(got)) {
            struct pollfd p = {.fd = fd, .events = POLLIN};
            int left = (int)((until - clock_seconds()) * 1000);
            ssize_t r;

            if (left <= 0 || poll(&p, 1, left) <= 0)
                break;
            r = read(fd, got + n, sizeof(got) - n);
            if (r <= 0)
                break;
            n += (size_t)r;
            found = found || background_parse_answer(got, n, light);
            if (memmem(got, n, "\033[?", 3) && got[n - 1] == 'c') /* the later answer is here */
                break;
        }
    tcsetattr(fd, TCSANOW, &before);
    return found;
}
