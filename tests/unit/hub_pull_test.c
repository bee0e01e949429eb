/* Pulls from a server on this machine: they must bring the model, whatever the server does wrong.
 */
#include "core/hub/hub.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "core/base/clock.h"
#include "core/base/digest.h"
#include "core/base/file.h"

#include "tests/folder.h"
#include "tests/hub_server.h"

enum { LARGE = 3000000 };
static const char config[] = "{\"model_type\": \"llama\"}";
static const char folder_name[] = "models--org--name";
static char root[64]; /* holds everything: cache/ and files outside it */
static char notes[4000];

static void note(void *ctx, const struct err *said)
{
    size_t n = strlen(notes);

    (void)ctx;
    snprintf(notes + n, sizeof(notes) - n, "%s\n", said->text);
}

static char *in_root(const char *path)
{
    return xasprintf("%s/%s", root, path);
}

static char *in_repo(const char *path)
{
    return xasprintf("%s/cache/%s/%s", root, folder_name, path);
}

static void empty_cache(void)
{
    char *cache = in_root("cache");

    folder_remove(cache);
    free(cache);
}

/* The settings of a normal environment, except that waiting takes milliseconds. */
static struct hub here(void)
{
    char *endpoint = xasprintf("http%s://127.0.0.1:%d", hub_server.tls ? "s" : "", hub_server.port);
    char *cache = in_root("cache");
    struct hub h;
    struct err err = {0};

    setenv("HF_ENDPOINT", endpoint, 1);
    setenv("HF_HUB_CACHE", cache, 1);
    setenv("HF_TOKEN", HUB_TOKEN, 1);
    setenv("HF_HUB_DOWNLOAD_TIMEOUT", "1", 1);
    CHECK(hub_open(&h, &err));
    h.time_scale = 0.002;
    free(endpoint);
    free(cache);
    return h;
}

/* Pulls `name` from a server that makes this fault `times` times. */
static bool pull_job(const char *name, enum fault fault, int times, struct job *job,
                     struct hub_pulled *out, struct err *err)
{
    struct hub h = here();
    struct hub_name n;
    bool ok;

    hub_server.fault = fault;
    hub_server.times = times;
    notes[0] = '\0';
    ok = hub_name_parse(&n, name, err) &&
         hub_pull(&h, &n, job, &(struct hub_listener){.note = note}, out, err);
    hub_server.fault = F_NONE;
    hub_close(&h);
    CHECK(hub_server.betrayed == 0);
    CHECK(!strstr(err->text, HUB_TOKEN) && !strstr(err->text, "secret"));
    CHECK(!strchr(err->text, '\033') && !strchr(notes, '\033'));
    CHECK(!strstr(notes, HUB_TOKEN) && !strstr(notes, "secret"));
    return ok;
}

static bool pull(const char *name, enum fault fault, int times, struct err *err)
{
    struct hub_pulled got = {0};
    bool ok = pull_job(name, fault, times, NULL, &got, err);

    hub_pulled_free(&got);
    return ok;
}

static bool exists(const char *path)
{
    char *full = in_repo(path);
    struct stat st;
    bool there = !lstat(full, &st);

    free(full);
    return there;
}

static long long part_of(const char *path)
{
    long long bytes = -1;

    for (int i = 0; i < hub_server.files; i++)
        if (!strcmp(hub_server.file[i].path, path)) {
            char *blob = xasprintf("blobs/%s.editscope.part", hub_server.file[i].etag);
            char *full = in_repo(blob);
            struct stat st;

            bytes = lstat(full, &st) ? -1 : (long long)st.st_size;
            free(blob);
            free(full);
        }
    return bytes;
}

/* Every file of the snapshot is the server's. */
static void same_as_served(int files)
{
    for (int i = 0; i < files; i++) {
        const struct served_file *f = &hub_server.file[i];
        char *path = xasprintf("snapshots/%s/%s", HUB_COMMIT, f->path), *full = in_repo(path);
        size_t n = 0;
        char *bytes = file_read(full, (size_t)1 << 24, &n, NULL);

        CHECK(bytes && n == f->n && !memcmp(bytes, f->bytes, n));
        free(bytes);
        free(path);
        free(full);
    }
}

static void serve_folder(void)
{
    hub_server_file("config.json", config, sizeof(config) - 1, false);
    hub_server_weights("model.safetensors", LARGE);
    hub_server_file("sub/readme", "no part of a model", 18, false);
    CHECK(hub_server_start(NULL));
}

static void a_pull_brings_a_model_that_is_found_again(void)
{
    struct hub_pulled got = {0};
    struct hub_name name;
    struct err err = {0};
    char link[200] = "", called[64], *path, *text;

    serve_folder();
    CHECK(hub_name_parse(&name, "org/name", &err));
    path = hub_find(&name, &err);
    CHECK(!path && strstr(err.text, "editscope pull org/name"));
    err = (struct err){0};
    CHECK(pull_job("org/name", F_NONE, 0, NULL, &got, &err));
    same_as_served(2);
    CHECK(got.files == 2 && got.file[0].fetched && got.file[1].fetched);
    CHECK_STR(got.commit, HUB_COMMIT);
    CHECK(hub_server.trusted > 0);
    CHECK(!exists("snapshots/" HUB_COMMIT "/sub"));
    path = in_repo("snapshots/" HUB_COMMIT "/model.safetensors");
    CHECK(readlink(path, link, sizeof(link) - 1) > 0);
    CHECK(!strncmp(link, "../../blobs/", 12) && !strcmp(link + 12, hub_server.file[1].etag));
    free(path);
    path = in_repo("refs/main");
    text = file_read(path, 100, NULL, NULL);
    CHECK_STR(text ? text : "", HUB_COMMIT);
    free(text);
    free(path);
    path = hub_find(&name, &err);
    CHECK_STR(path ? path : "", got.path);
    CHECK(hub_name_of_path(got.path, called, sizeof(called)));
    CHECK_STR(called, "org/name");
    free(path);
    hub_pulled_free(&got);
    hub_server.bodies = 0; /* once more: looked at and found whole */
    CHECK(pull_job("org/name@v/1", F_NONE, 0, NULL, &got, &err));
    CHECK(hub_server.bodies == 0 && got.files == 2 && !got.file[0].fetched);
    CHECK(exists("refs/v/1"));
    hub_pulled_free(&got);
    CHECK(pull_job("org/name@" HUB_COMMIT, F_NONE, 0, NULL, &got, &err));
    CHECK(!exists("refs/" HUB_COMMIT));
    hub_pulled_free(&got);
    CHECK(!err.kind);
    hub_server_stop();
    empty_cache();
}

static void one_of_several_gguf_files_is_chosen_by_name(void)
{
    struct hub_pulled got = {0};
    struct err err = {0};

    hub_server_weights("name-Q4_0.gguf", 1000);
    hub_server_weights("name-IQ4_0.gguf", 1001);
    hub_server_weights("mmproj-name-Q4_0.gguf", 1002);
    CHECK(hub_server_start(NULL));
    CHECK(!pull("org/name", F_NONE, 0, &err));
    CHECK(err.kind == ERR_USAGE && strstr(err.text, "name-IQ4_0.gguf") && !strstr(err.text, "mmp"));
    err = (struct err){0};
    CHECK(!pull("org/name:Q8_0", F_NONE, 0, &err));
    CHECK(err.kind == ERR_USAGE && strstr(err.text, "Q8_0"));
    err = (struct err){0};
    CHECK(!exists(""));
    CHECK(pull_job("org/name:q4_0", F_NONE, 0, NULL, &got, &err));
    CHECK(got.files == 1 && strstr(got.path, "/name-Q4_0.gguf") && file_exists(got.path));
    hub_pulled_free(&got);
    hub_server_stop();
    empty_cache();
}

struct trial {
    enum fault fault;
    int times;
    enum err_kind kind; /* ERR_NONE: the pull succeeds */
    const char *says;   /* in the message, or in a note if it succeeds */
};

/* A revision's name may exist only for a complete model, and nothing may be written outside. */
static void every_fault_of_a_server_is_survived_or_reported(void)
{
    static const struct trial trials[] = {
        {F_DROP, 2, ERR_NONE, "trying again in 1 s (2 of 5)"},
        {F_DROP, 99, ERR_IO, "is kept"}, /* each time half of the rest */
        {F_SHORTER, 1, ERR_NONE, "ended early"},
        {F_LONGER, 99, ERR_FORMAT, "another size"},
        {F_SAID_LONGER, 99, ERR_FORMAT, "another size"},
        {F_OTHER_BYTES, 99, ERR_FORMAT, "Hub's hash"},
        {F_STALL, 1, ERR_NONE, "Timeout was reached"},
        {F_EXPIRED, 1, ERR_NONE, "expired"},
        {F_EXPIRED, 99, ERR_IO, "expired"},
        {F_LOOP, 99, ERR_IO, "circle"},
        {F_LOOP_FAR, 99, ERR_IO, "circle"},
        {F_TO_HTTP, 99, ERR_IO, "not https"},
        {F_TO_FILE, 99, ERR_IO, "not https"},
        {F_FAR_TO_FILE, 99, ERR_IO, "not https"},
        {F_ETAG_PATH, 99, ERR_FORMAT, "no hash"},
        {F_ETAG_OTHER, 99, ERR_FORMAT, "offers another"},
        {F_NO_COMMIT, 99, ERR_FORMAT, "commit"},
        {F_429, 1, ERR_NONE, "again in 56 s"},
        {F_429, 99, ERR_IO, "answers 429, 5 times"},
        {F_503, 2, ERR_NONE, "answers 503"},
        {F_GATED, 1, ERR_MODEL, "accept its terms at http"},
        {F_UNKNOWN, 1, ERR_MODEL, "does not accept the token"},
        {F_NOT_FOUND, 1, ERR_MODEL, "not on the Hub"},
        {F_NOT_JSON, 1, ERR_FORMAT, "not JSON"},
        {F_ASK_ELSEWHERE, 1, ERR_IO, "another host"},
        {F_MORE_ELSEWHERE, 1, ERR_FORMAT, "another host"},
        {F_EVIL_LIST, 1, ERR_NONE, ""},
        {F_HUGE, 1, ERR_LIMIT, "make room"},
    };

    serve_folder();
    for (size_t i = 0; i < sizeof(trials) / sizeof(*trials); i++) {
        const struct trial *t = &trials[i];
        struct err err = {0};
        bool ok = pull("org/name", t->fault, t->times, &err), told;

        told = strstr(t->kind ? err.text : notes, t->says) != NULL;
        if (err.kind != t->kind || ok != !t->kind || !told) {
            printf("fault %d x %d: kind %d, '%s'; notes '%s'\n", (int)t->fault, t->times,
                   (int)err.kind, err.text, notes);
            test_failures++;
        }
        CHECK(exists("refs/main") == ok && exists("snapshots") == ok);
        if (ok)
            same_as_served(2);
        CHECK(part_of("model.safetensors") < LARGE);
        empty_cache();
    }
    hub_server_stop();
}

/* Writes the part that an interrupted pull leaves: half of the large file. Returns its path. */
static char *half_there(void)
{
    char *blob = xasprintf("blobs/%s.editscope.part", hub_server.file[1].etag);
    char *path = in_repo(blob);

    CHECK(file_make_parents(path, NULL));
    CHECK(file_write(path, hub_server.file[1].bytes, LARGE / 2, NULL));
    free(blob);
    return path;
}

static void a_pull_resumes_where_it_stopped(void)
{
    static const struct {
        enum fault fault;
        long from; /* where the last request for bytes began */
        const char *says;
    } trials[] = {
        {F_NONE, LARGE / 2, ""},
        {F_NO_RANGES, LARGE / 2, ""},
        {F_WRONG_PART, 0, "another range than was requested"},
    };
    char *path, *blob;
    struct err err = {0};
    int fd;

    serve_folder();
    for (size_t i = 0; i < sizeof(trials) / sizeof(*trials); i++) {
        free(half_there());
        CHECK(pull("org/name", trials[i].fault, 1, &err));
        CHECK(hub_server.from == trials[i].from);
        CHECK(strstr(notes, trials[i].says) != NULL);
        same_as_served(2);
        empty_cache();
    }
    /* bytes that somebody changed, and more than there can be: downloaded again from byte
     * 0, once */
    for (int longer = 0; longer < 2; longer++) {
        hub_server.file[1].bytes[7] ^= 1;
        path = half_there();
        hub_server.file[1].bytes[7] ^= 1;
        if (longer)
            CHECK(!truncate(path, LARGE + 1));
        CHECK(pull("org/name", F_NONE, 0, &err));
        CHECK(hub_server.from == 0 && (longer || strstr(notes, "does not match")));
        same_as_served(2);
        free(path);
        if (!longer)
            empty_cache();
    }
    /* a blob that was damaged is noticed and downloaded again */
    blob = xasprintf("blobs/%s", hub_server.file[1].etag);
    path = in_repo(blob);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    CHECK(fd >= 0 && pwrite(fd, "xxxx", 4, 1000) == 4);
    close(fd);
    CHECK(pull("org/name", F_NONE, 0, &err) && strstr(notes, "damaged"));
    same_as_served(2);
    free(blob);
    free(path);
    CHECK(!err.kind);
    hub_server_stop();
    empty_cache();
}

/* A link replaces a folder or a file of the cache and leads to where nothing may be written. */
static void nothing_is_written_through_a_link(void)
{
    static const char *const places[] = {"cache/models--org--name", "cache/models--org--name/blobs",
                                         "cache/models--org--name/snapshots",
                                         "cache/models--org--name/refs"};
    char *outside = in_root("outside"), *victim = in_root("outside/victim"), *path, *real;
    struct err err = {0};
    struct stat st;

    serve_folder();
    CHECK(!mkdir(outside, 0777));
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        err = (struct err){0};
        path = in_root(places[i]);
        CHECK(file_make_parents(path, &err) && !symlink(outside, path));
        CHECK(!pull("org/name", F_NONE, 0, &err));
        CHECK(err.kind == ERR_IO && strstr(err.text, "symbolic link"));
        CHECK(!rmdir(outside) && !mkdir(outside, 0777)); /* it is still empty */
        empty_cache();
        free(path);
    }
    CHECK(file_write(victim, "precious", 8, NULL));
    for (int hard = 0; hard < 2; hard++) {
        char *blob = xasprintf("blobs/%s.editscope.part", hub_server.file[1].etag);

        err = (struct err){0};
        path = in_repo(blob);
        CHECK(file_make_parents(path, &err));
        CHECK(hard ? !link(victim, path) : !symlink(victim, path));
        CHECK(!pull("org/name", F_NONE, 0, &err) && err.kind == ERR_IO);
        CHECK(!stat(victim, &st) && st.st_size == 8);
        empty_cache();
        free(blob);
        free(path);
    }
    CHECK(!unlink(victim));
    /* the cache itself may lie on another disk */
    err = (struct err){0};
    path = in_root("cache");
    CHECK(!symlink(outside, path));
    CHECK(pull("org/name", F_NONE, 0, &err));
    same_as_served(2);
    CHECK(!unlink(path));
    real = xasprintf("rm -r '%s'", outside);
    CHECK(!system(real));
    free(real);
    free(path);
    free(victim);
    free(outside);
    hub_server_stop();
}

static int child_pull(enum fault fault, rlim_t most)
{
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (!pid) {
        struct rlimit limit = {most, most};
        struct err err = {0};
        bool ok;

        signal(SIGXFSZ, SIG_IGN);
        if (most)
            setrlimit(RLIMIT_FSIZE, &limit);
        ok = pull("org/name", fault, 1, &err);
        _exit(ok ? 0 : 10 + (int)err.kind);
    }
    return (int)pid;
}

static void two_programs_download_a_file_once(void)
{
    int first, second, status[2] = {1, 1};

    serve_folder();
    hub_server.bodies = 0;
    first = child_pull(F_NONE, 0);
    second = child_pull(F_NONE, 0);
    waitpid(first, &status[0], 0);
    waitpid(second, &status[1], 0);
    CHECK(status[0] == 0 && status[1] == 0);
    CHECK(hub_server.bodies == 1);
    same_as_served(2);
    empty_cache();
    first = child_pull(F_NONE, LARGE / 3); /* a full disk */
    waitpid(first, &status[0], 0);
    CHECK(WIFEXITED(status[0]) && WEXITSTATUS(status[0]) == 10 + ERR_IO);
    CHECK(part_of("model.safetensors") == LARGE / 3 && !exists("refs"));
    hub_server_stop();
    empty_cache();
}

static void *cancel_soon(void *arg)
{
    usleep(150000);
    atomic_store(&((struct job *)arg)->cancel, true);
    return NULL;
}

static void cancelling_is_quick_and_keeps_the_part(void)
{
    struct job job = {.cancel = false};
    struct hub_pulled got = {0};
    struct err err = {0};
    pthread_t thread;
    double began;

    serve_folder();
    CHECK(!pthread_create(&thread, NULL, cancel_soon, &job));
    began = clock_seconds();
    CHECK(!pull_job("org/name", F_STALL, 1, &job, &got, &err));
    CHECK(clock_seconds() - began < 0.15 + 0.2);
    pthread_join(thread, NULL);
    CHECK(err.kind == ERR_CANCELLED && part_of("model.safetensors") == LARGE / 2);
    err = (struct err){0};
    CHECK(pull("org/name", F_NONE, 0, &err));
    CHECK(hub_server.from == LARGE / 2);
    hub_server_stop();
    empty_cache();
}

/* A self-signed certificate. */
static SSL_CTX *tls_of_its_own(const char *file)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    X509 *x = X509_new();
    X509_EXTENSION *names;
    FILE *f = fopen(file, "w");

    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)"hub", -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
    X509_add_ext(x, names, -1);
    X509_EXTENSION_free(names);
    CHECK(X509_sign(x, key, EVP_sha256()) > 0 && f && PEM_write_X509(f, x));
    if (f)
        fclose(f);
    SSL_CTX_use_certificate(tls, x);
    SSL_CTX_use_PrivateKey(tls, key);
    X509_free(x);
    EVP_PKEY_free(key);
    return tls;
}

static void a_certificate_must_be_trusted(void)
{
    char *file = in_root("certificate.pem");
    SSL_CTX *tls = tls_of_its_own(file);
    struct err err = {0};

    hub_server_file("config.json", config, sizeof(config) - 1, false);
    hub_server_weights("model.safetensors", 1000);
    CHECK(hub_server_start(tls));
    hub_server.asked = 0;
    CHECK(!pull("org/name", F_NONE, 0, &err));
    CHECK(err.kind == ERR_IO && strstr(err.text, "certificate"));
    CHECK(hub_server.asked == 0); /* nothing was sent to it, above all not the token */
    setenv("SSL_CERT_FILE", file, 1);
    err = (struct err){0};
    CHECK(pull("org/name", F_NONE, 0, &err));
    if (err.kind)
        printf("%s\n", err.text);
    same_as_served(2);
    err = (struct err){0};
    empty_cache();
    CHECK(!pull("org/name", F_TO_HTTP, 1, &err)); /* no redirect from https to http */
    CHECK(strstr(err.text, "not https"));
    unsetenv("SSL_CERT_FILE");
    hub_server_stop();
    SSL_CTX_free(tls);
    unlink(file);
    free(file);
    empty_cache();
}

static void offline_no_request_is_made(void)
{
    struct err err = {0};

    serve_folder();
    hub_server.asked = 0;
    setenv("HF_HUB_OFFLINE", "1", 1);
    CHECK(!pull("org/name", F_NONE, 0, &err));
    CHECK(strstr(err.text, "HF_HUB_OFFLINE") && hub_server.asked == 0);
    unsetenv("HF_HUB_OFFLINE");
    setenv("HF_HUB_DISABLE_SYMLINKS", "1", 1);
    err = (struct err){0};
    CHECK(pull("org/name", F_NONE, 0, &err));
    same_as_served(2);
    hub_server.bodies = 0;
    CHECK(pull("org/name", F_NONE, 0, &err) && hub_server.bodies == 0);
    unsetenv("HF_HUB_DISABLE_SYMLINKS");
    setenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "yes", 1);
    hub_server.trusted = 0;
    CHECK(pull("org/name", F_NONE, 0, &err) && hub_server.trusted == 0);
    err = (struct err){0};
    CHECK(!pull("org/name", F_GATED, 1, &err) && strstr(err.text, "is gated"));
    err = (struct err){0};
    CHECK(!pull("org/name", F_UNKNOWN, 1, &err) && strstr(err.text, "set HF_TOKEN"));
    unsetenv("HF_HUB_DISABLE_IMPLICIT_TOKEN");
    hub_server_stop();
    empty_cache();
}

int main(void)
{
    static const struct test tests[] = {
        {"a pull brings a model that is found again", a_pull_brings_a_model_that_is_found_again},
        {"one of several GGUF files is chosen by name",
         one_of_several_gguf_files_is_chosen_by_name},
        {"every fault of a server is survived or reported",
         every_fault_of_a_server_is_survived_or_reported},
        {"a pull resumes where it stopped", a_pull_resumes_where_it_stopped},
        {"nothing is written through a link", nothing_is_written_through_a_link},
        {"two programs download a file once", two_programs_download_a_file_once},
        {"cancelling is quick and keeps the part", cancelling_is_quick_and_keeps_the_part},
        {"a certificate must be trusted", a_certificate_must_be_trusted},
        {"offline no request is made", offline_no_request_is_made},
    };
    int failed;

    if (!folder_make(root, sizeof(root)))
        return 1;
    signal(SIGPIPE, SIG_IGN);
    failed = test_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
    if (rmdir(root)) { /* whatever is left was written outside the cache */
        printf("%s is not empty\n", root);
        failed = 1;
    }
    return failed;
}
