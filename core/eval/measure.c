/* The metrics of a run's measures, and how generated answers are compared
 * (editscope-method(7) 14.2, 14.3). To add a metric, add a row to record_metrics and its rule. */
#include "core/eval/measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"

const char *measure_probe_name(int probe)
{
    static const char *const name[] = {"rel", "gen", "loc", "port"};

    return probe < MEASURE_PROBES ? name[probe] : NULL;
}

const char *measure_protocol_name(int protocol)
{
    static const char *const name[] = {"teacher", "generated", "chat", "routed"};

    return protocol < MEASURE_PROTOCOLS ? name[protocol] : NULL;
}

const char *measure_when_name(int when)
{
    static const char *const name[] = {"base", "immediate", "final"};

    return when < MEASURE_WHENS ? name[when] : NULL;
}

int measure_name_find(const char *(*name_of)(int), const char *name)
{
    for (int i = 0; name_of(i); i++)
        if (!strcmp(name_of(i), name))
            return i;
    return -1;
}

void measure_free(struct measure *m)
{
    free(m->predicted);
    free(m->label);
    free(m->said);
    free(m->wanted);
    *m = (struct measure){0};
}

void measures_free(struct measure *m, int count)
{
    for (int i = 0; i < count; i++)
        measure_free(&m[i]);
    free(m);
}

/* ---- generated answers ---- */

/* Lower case, without ASCII punctuation. */
static void put_plain(struct buf *out, const char *text)
{
    for (const char *p = text, *end = text + strlen(text); p < end;) {
        int32_t c = utf8_next(&p, end);
        char bytes[4];

        if (c < 0 || (c < 128 && strchr("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", c)))
            continue;
        buf_add(out, bytes, (size_t)utf8_put(bytes, utf8proc_tolower(c)));
    }
}

/* Whether the n bytes are an article. */
static bool is_article(const char *word, size_t n)
{
    static const char *const article[] = {"a", "an", "the"};

    for (int i = 0; i < 3; i++)
        if (strlen(article[i]) == n && !memcmp(word, article[i], n))
            return true;
    return false;
}

/* The end of the word that begins at p; p: none does. */
static const char *word_end(const char *p, const char *end)
{
    for (const char *next = p; next < end; p = next)
        if (!utf8_is_word(utf8_next(&next, end)))
            return p;
    return p;
}

/* Appends the text without articles, one blank for each stretch of blanks and articles. */
static void put_words(struct buf *out, const char *text)
{
    const char *end = text + strlen(text);
    bool gap = false;

    for (const char *p = text; p < end;) {
        const char *from = p, *word = word_end(p, end);
        int32_t c = utf8_next(&p, end);

        p = word > from ? word : p;
        if (is_article(from, (size_t)(p - from)) || utf8_is_space(c)) {
            gap = true;
            continue;
        }
        if (gap && out->len)
            buf_puts(out, " ");
        gap = false;
        buf_add(out, from, (size_t)(p - from));
    }
}

char *answer_normalised(const char *text)
{
    struct buf plain = {0}, out = {0};

    put_plain(&plain, text);
    put_words(&out, plain.data ? plain.data : "");
    buf_free(&plain);
    return buf_take(&out);
}

bool answers_equal(const char *said, const char *wanted)
{
    char *a = answer_normalised(said), *b = answer_normalised(wanted);
    bool same = !strcmp(a, b);

    free(a);
    free(b);
    return same;
}

bool answer_contains(const char *said, const char *wanted)
{
    char *a = answer_normalised(said), *b = answer_normalised(wanted);
    char *text = xasprintf(" %s ", a), *part = xasprintf(" %s ", b);
    bool has = *b && strstr(text, part);

    free(text);
    free(part);
    free(a);
    free(b);
    return has;
}

/* ---- rules ---- */

/* EasyEdit's accuracy: the share of tokens that are right. */
static double share_right(const struct measure *m)
{
    int n = m->labels < m->predicteds ? m->labels : m->predicteds, right = 0;

    for (int i = 0; i < n; i++)
        right += m->predicted[i] == m->label[i];
    return n ? (double)right / n : (double)NAN;
}

/* The whole answer is right. */
static double all_right(const struct measure *m)
{
    double share = share_right(m);

    return isnan(share) ? share : share >= 1;
}

static double text_equal(const struct measure *m)
{
    return m->said && m->wanted ? answers_equal(m->said, m->wanted) : (double)NAN;
}

static double text_contained(const struct measure *m)
{
    return m->said && m->wanted ? answer_contains(m->said, m->wanted) : (double)NAN;
}

static double logp_a_token(const struct measure *m)
{
    return m->answers ? m->logp / m->answers : (double)NAN;
}

/* log p a token of the answer that was fed, less that of its rival. */
static double lead(const struct measure *m)
{
    return m->answers && m->rivals ? m->logp / m->answers - m->rival / m->rivals : (double)NAN;
}

/* The answer that was fed is more probable than its rival. ROME's success of the new object on the
 * fact's prompt and rephrase, of the old one on neighbours. */
static double fed_wins(const struct measure *m)
{
    double by = lead(m);

    return isnan(by) ? by : by > 0;
}

static double fed_magnitude(const struct measure *m)
{
    return m->answers && m->rivals ? exp(m->logp / m->answers) - exp(m->rival / m->rivals)
                                   : (double)NAN;
}

static double is_routed(const struct measure *m)
{
    return m->predicteds == 1 ? m->predicted[0] : (double)NAN;
}

/* ---- several right answers ---- */

bool measure_same_question(const struct measure *a, const struct measure *b)
{
    return a->probe == b->probe && a->place == b->place && a->protocol == b->protocol;
}

double measure_match(const struct measure *m)
{
    if (m->protocol == PROTOCOL_TEACHER)
        return share_right(m);
    return text_equal(m) + text_contained(m);
}

bool measure_matched(const struct measure *m, int count, int at)
{
    double match = measure_match(&m[at]);
    bool best = match > 0;

    for (int i = 0; best && i < count; i++)
        if (measure_same_question(&m[i], &m[at]))
            best = i < at ? !(measure_match(&m[i]) >= match) : !(measure_match(&m[i]) > match);
    return best;
}

/* The value of the question of measure `at`; NAN: no answer of it has one. */
static double question_value(const struct record_metric *metric, const struct measure *m, int count,
                             int at)
{
    double sum = 0, best = (double)NAN;
    int n = 0;

    for (int i = at; i < count; i++) {
        double value = measure_same_question(&m[i], &m[at]) ? metric->rule(&m[i]) : (double)NAN;

        if (isnan(value))
            continue;
        best = fmax(best, value); /* of a NAN and a number, the number */
        sum += value;
        n++;
    }
    return metric->mean && n ? sum / n : best;
}

double record_metric_value(const struct record_metric *metric, const struct measure *m, int count)
{
    double sum = 0;
    int n = 0;

    for (int i = 0; i < count; i++) {
        bool asked = m[i].probe == metric->probe && m[i].protocol == metric->protocol;
        double value;

        for (int k = 0; asked && k < i; k++) /* an answer of a question that was counted */
            asked = !measure_same_question(&m[k], &m[i]);
        value = asked ? question_value(metric, m, count, i) : (double)NAN;
        if (isnan(value))
            continue;
        sum += value;
        n++;
    }
    return n ? sum / n : (double)NAN;
}

/* ---- the metrics ---- */

#define TEACHER   PROTOCOL_TEACHER
#define GENERATED PROTOCOL_GENERATED
#define CHAT      PROTOCOL_CHAT
#define ROUTED    PROTOCOL_ROUTED

const struct record_metric record_metrics[] = {
    {"Rel", "rel", MEASURE_REL, TEACHER, share_right, .table = 1},
    {"Gen", "gen", MEASURE_GEN, TEACHER, share_right, .table = 1},
    {"Loc", "loc", MEASURE_LOC, TEACHER, share_right, .table = 1},
    {"Port", "port", MEASURE_PORT, TEACHER, share_right, .table = 1},
    {"Port mean", "port_mean", MEASURE_PORT, TEACHER, share_right, .table = 0, .mean = true},
    {"Rel whole", "rel_whole", MEASURE_REL, TEACHER, all_right, .table = 0},
    {"Gen whole", "gen_whole", MEASURE_GEN, TEACHER, all_right, .table = 0},
    {"Loc whole", "loc_whole", MEASURE_LOC, TEACHER, all_right, .table = 0},
    {"log p", "logp", MEASURE_REL, TEACHER, logp_a_token, .table = 1},
    {"Gen log p", "gen_logp", MEASURE_GEN, TEACHER, logp_a_token, .table = 0},
    {"Rel em", "rel_em", MEASURE_REL, GENERATED, text_equal, .table = 2},
    {"Rel contains", "rel_contains", MEASURE_REL, GENERATED, text_contained, .table = 0},
    {"Gen em", "gen_em", MEASURE_GEN, GENERATED, text_equal, .table = 2},
    {"Gen contains", "gen_contains", MEASURE_GEN, GENERATED, text_contained, .table = 0},
    {"Loc em", "loc_em", MEASURE_LOC, GENERATED, text_equal, .table = 2},
    {"Port em", "port_em", MEASURE_PORT, GENERATED, text_equal, .table = 0},
    {"Port contains", "port_contains", MEASURE_PORT, GENERATED, text_contained, .table = 0},
    {"Rel chat em", "rel_chat_em", MEASURE_REL, CHAT, text_equal, .table = 3},
    {"Rel chat contains", "rel_chat_contains", MEASURE_REL, CHAT, text_contained, .table = 3},
    {"Gen chat contains", "gen_chat_contains", MEASURE_GEN, CHAT, text_contained, .table = 0},
    {"Rel routed", "rel_routed", MEASURE_REL, ROUTED, is_routed, .table = 4},
    {"Gen routed", "gen_routed", MEASURE_GEN, ROUTED, is_routed, .table = 4},
    {"Loc routed", "loc_routed", MEASURE_LOC, ROUTED, is_routed, .table = 4},
    {"ES", "es", MEASURE_REL, TEACHER, fed_wins, .table = 5},
    {"PS", "ps", MEASURE_GEN, TEACHER, fed_wins, .table = 5},
    {"NS", "ns", MEASURE_LOC, TEACHER, fed_wins, .table = 5},
    {"EM", "em", MEASURE_REL, TEACHER, fed_magnitude, .table = 0},
    {"PM", "pm", MEASURE_GEN, TEACHER, fed_magnitude, .table = 0},
    {"NM", "nm", MEASURE_LOC, TEACHER, fed_magnitude, .table = 0},
};

bool record_metric_is_of_change(const struct record_metric *m)
{
    return m->probe == MEASURE_LOC &&
           (m->rule == share_right || m->rule == all_right || m->rule == text_equal);
}

const int record_metric_count = (int)(sizeof(record_metrics) / sizeof(record_metrics[0]));
_Static_assert(sizeof(record_metrics) / sizeof(record_metrics[0]) <= RECORD_METRICS_MOST,
               "RECORD_METRICS_MOST is too small");
