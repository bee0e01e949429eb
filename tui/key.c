/* Names of keys, from name to code and back. */
#include "tui/key.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/closest_name.h"
#include "core/base/utf8.h"

static const struct {
    const char *name;
    int32_t code;
} names[] = {
    {"up", K_UP},       {"down", K_DOWN},      {"left", K_LEFT},
    {"right", K_RIGHT}, {"pgup", K_PAGE_UP},   {"pgdn", K_PAGE_DOWN},
    {"home", K_HOME},   {"end", K_END},        {"A-enter", K_ALT_ENTER},
    {"del", K_DELETE},  {"S-tab", K_BACK_TAB}, {"enter", K_ENTER},
    {"esc", K_ESCAPE},  {"tab", K_TAB},        {"bs", K_ERASE},
    {"space", ' '},
};

enum { NAMES = sizeof(names) / sizeof(*names) };

int32_t key_parse(const char *name)
{
    const char *p = name, *end = name + strlen(name);
    int32_t code;

    for (int i = 0; i < NAMES; i++)
        if (!strcmp(names[i].name, name))
            return names[i].code;
    if (name[0] == 'C' && name[1] == '-' && name[2] > ' ' && !name[3] &&
        (isalpha((unsigned char)name[2]) || strchr("@[\\]^_", name[2])))
        return key_ctrl(name[2]);
    if (name[0] == 'F' && name[1] >= '1' && name[1] <= '9' && strlen(name) <= 3) {
        char *rest;
        long n = strtol(name + 1, &rest, 10);

        return *rest || n > 12 ? -1 : K_F0 + (int32_t)n;
    }
    if (!strcmp(name, "hash")) /* a config file's # begins a comment */
        return '#';
    if (p == end)
        return -1;
    code = utf8_next(&p, end);
    return p == end && code >= 0x20 ? code : -1;
}

const char *key_nearest(const char *name, char out[32])
{
    struct closest_name near = {name, "", INT_MAX};

    for (int i = 0; i < NAMES; i++)
        closest_name_try(&near, names[i].name);
    if (name[0] && name[1] == '-' && name[2]) /* "Ctrl-p", "c-p" */
        snprintf(out, 32, "C-%c", name[2]);
    else if (!strncasecmp(name, "ctrl-", 5) && name[5])
        snprintf(out, 32, "C-%c", name[5]);
    else
        snprintf(out, 32, "%s", near.name);
    return out;
}

const char *key_names(void)
{
    return "up down left right pgup pgdn home end del tab S-tab enter esc bs space hash";
}

const char *key_show(char out[16], int32_t code)
{
    int n;

    for (int i = 0; i < NAMES; i++)
        if (names[i].code == code) {
            snprintf(out, 16, "%s", names[i].name);
            return out;
        }
    if (code > K_F0 && code < K_F0 + 64) {
        snprintf(out, 16, "F%d", (int)(code - K_F0));
    } else if (code < 0x20) {
        snprintf(out, 16, "C-%c", (char)(code + (code && code <= 26 ? 0x60 : 0x40)));
    } else {
        n = utf8_put(out, code < 0x110000 ? code : '?');
        out[n] = '\0';
    }
    return out;
}
