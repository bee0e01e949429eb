/* After a failed request: waits and lets it be tried again, or says why that would not help. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/utf8.h"
#include "core/hub/headers.h"
#include "core/hub/pull_internal.h"

enum { MAX_TRIES = 5, MAX_WAIT = 8 /* seconds */ };

bool pull_wait(struct pull *p, double seconds, struct err *err)
{
    double until = clock_seconds() + seconds * p->hub->time_scale;

    for (;;) {
        double left = until - clock_seconds();
        struct timespec pause = {0, left < 0.05 ? (long)(left * 1e9) : 50000000};

        if (job_cancelled(p->job, err))
            return false;
        if (left <= 0)
            return true;
        nanosleep(&pause, NULL);
    }
}

/* The error for a status that is final. The Hub answers 401 for a model that does not exist, too,
 * so that private names cannot be guessed. Returns false. */
static bool explain_refusal(const struct pull *p, const struct http_reply *reply, const char *what,
                            struct err *err)
{
    const char *code = http_header(reply, H_ERROR_CODE), *repo = p->name->repo;
    bool gated = code && !strcmp(code, "GatedRepo");
    const char *message = http_header(reply, H_ERROR_MESSAGE);

    if (p->hub->token && (reply->status == 403 || gated))
        return err_set(err, ERR_MODEL,
                       "%s may not be downloaded with this token (%d); accept its terms at %s/%s "
                       "with the token's account, or use a token that may read it",
                       repo, reply->status, p->hub->endpoint, repo);
    if (reply->status == 401 && p->hub->token)
        return err_set(err, ERR_MODEL,
                       "%s: the Hub does not accept the token (401), or there is no such model; "
                       "log in again or correct HF_TOKEN",
                       repo);
    if (gated)
        return err_set(err, ERR_MODEL,
                       "%s is gated (%d): accept its terms at %s/%s, then set HF_TOKEN or log in "
                       "with `hf auth login`",
                       repo, reply->status, p->hub->endpoint, repo);
    if (reply->status == 401)
        return err_set(err, ERR_MODEL,
                       "%s: no such model, or it is private or gated (401); if so, accept its "
                       "terms at %s/%s and set HF_TOKEN, or log in with `hf auth login`",
                       repo, p->hub->endpoint, repo);
    if (reply->status == 404 && code && !strcmp(code, "RevisionNotFound"))
        return err_set(err, ERR_MODEL,
                       "%s has no revision '%s' (404); name a branch, tag or commit", repo,
                       p->name->revision);
    if (reply->status == 404)
        return err_set(err, ERR_MODEL, "%s: %s%.100s is not on the Hub (404); check the spelling",
                       repo, *what ? "" : "this model or its revision ",
                       *what ? what : p->name->revision);
    return err_set(err, ERR_IO, "%s: the Hub answers %d%s%.118s", repo, reply->status,
                   message && *message ? ": " : "", message);
}

/* Timeout, too many requests, or a server error that may pass. */
static bool is_retryable(int status)
{
    return status == 408 || status == 429 || (status >= 500 && status <= 504 && status != 501);
}

bool retry_wait(struct pull *p, struct retry *retry, enum http_end end,
                const struct http_reply *reply, const char *what, struct err *err)
{
    bool lost = end == HTTP_LOST;
    long asked = -1, wait = 1L << retry->tries;
    char *host = url_host(p->hub->endpoint), why[256];

    if (lost)
        utf8_copy(why, sizeof(why), reply->why);
    else
        snprintf(why, sizeof(why), "the Hub answers %d", reply->status);
    if (end == HTTP_CANCELLED) {
        err_set(err, ERR_CANCELLED, "cancelled");
    } else if (end == HTTP_UNSAFE) {
        err_set(err, ERR_IO, "%s: %s%s%s", p->name->repo, *what ? what : "", *what ? ": " : "",
                reply->why);
    } else if (!lost && !is_retryable(reply->status)) {
        explain_refusal(p, reply, what, err);
    } else if (++retry->tries >= MAX_TRIES) {
        err_set(err, ERR_IO, "%s: %s, %d times; %s", lost ? host : p->name->repo, why, MAX_TRIES,
                *what ? "the downloaded part is kept, the same pull resumes it"
                      : "models in the cache open without a network");
    } else {
        if (reply->status == 429 && !lost)
            asked = header_wait(http_header(reply, H_RATELIMIT), http_header(reply, H_RETRY_AFTER));
        wait = asked >= 0 ? asked + 1 : wait > MAX_WAIT ? MAX_WAIT : wait;
        pull_note(p, "%s%s%s; trying again in %ld s (%d of %d)", what, *what ? ": " : "", why, wait,
                  retry->tries + 1, MAX_TRIES);
        free(host);
        return pull_wait(p, (double)wait, err);
    }
    free(host);
    return false;
}
