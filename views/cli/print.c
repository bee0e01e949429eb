/* How the commands print. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/utf8.h"
#include "views/cli/cli.h"

bool cli_json(const struct cli *c)
{
    return cli_has(c, OPT_JSON);
}

json_t *cli_event(const char *name)
{
    json_t *o = json_pack("{s:i}", "schema", 1);

    if (name)
        json_object_set_new(o, "event", json_string(name));
    return o;
}

void cli_print(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(12));

    if (text)
        puts(text);
    fflush(stdout); /* who reads events reads them as they come */
    free(text);
    json_decref(object);
}

json_t *cli_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *cli_text(const char *text)
{
    struct buf clean = {0};
    json_t *string;

    utf8_clean(&clean, text ? text : "", text ? strlen(text) : 0);
    string = json_string(clean.data ? clean.data : "");
    buf_free(&clean);
    return string;
}

json_t *cli_pair(double before, double after)
{
    json_t *o = json_object();

    json_object_set_new(o, "before", cli_real(before));
    json_object_set_new(o, "after", cli_real(after));
    return o;
}

/* One line for people: control characters, which could move a terminal's cursor, made visible. */
void cli_show(const char *text, char *out, int n)
{
    struct buf clean = {0}, line = {0};

    utf8_clean(&clean, text ? text : "", text ? strlen(text) : 0);
    for (size_t i = 0; i < clean.len; i++) {
        unsigned char b = (unsigned char)clean.data[i];

        if (b == '\n')
            buf_puts(&line, "\\n");
        else if (b < 32 || b == 127)
            buf_printf(&line, "\\x%02x", b);
        else
            buf_add(&line, &b, 1);
    }
    if (line.len >= (size_t)n) { /* cut between characters */
        line.len = (size_t)n - 1;
        while (line.len && ((unsigned char)line.data[line.len] & 0xc0) == 0x80)
            line.len--;
    }
    memcpy(out, line.data ? line.data : "", line.len);
    out[line.len] = '\0';
    buf_free(&clean);
    buf_free(&line);
}

void cli_unbar(struct cli *c)
{
    if (c->bar)
        fputs("\r\033[K", stderr);
    c->bar = false;
}

void cli_say(struct cli *c, const char *fmt, ...)
{
    va_list ap;

    if (cli_has(c, OPT_QUIET))
        return;
    cli_unbar(c);
    fputs("editscope: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}
