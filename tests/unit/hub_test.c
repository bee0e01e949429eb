/* The Hub client's pure functions: names, headers, URLs, and which files make up a model. */
#include "core/hub/hub.h"

#include <stdlib.h>

#include "core/base/digest.h"
#include "core/base/eta.h"
#include "core/base/mem.h"
#include "core/hub/file_list.h"
#include "core/hub/headers.h"
#include "core/hub/http.h"
#include "core/hub/repo_id.h"

#include "tests/test.h"

static void sha1_of_a_blob_is_that_of_git(void)
{
    /* git hash-object of an empty file, and of "hello\n" */
    static const char *const of[][2] = {{"", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"},
                                        {"hello\n", "ce013625030ba8dba906f756967f9e9ca394464a"}};
    char hex[65];

    for (int i = 0; i < 2; i++) {
        struct digest *s = sha1_new_blob((long long)strlen(of[i][0]));

        digest_add(s, of[i][0], strlen(of[i][0]));
        digest_end_hex(s, hex);
        CHECK_STR(hex, of[i][1]);
    }
}

static void names_that_could_be_paths_are_refused(void)
{
    /* as huggingface_hub's validate_repo_id judges them */
    static const char *const good[] = {"foo",   "foo/bar",         "123", "Foo-BAR_foo.bar123",
                                       "a/_b_", "org/Qwen2.5-0.5B"};
    static const char *const bad[] = {"",        "/",       "a/",       "/a",         "a/b/c",
                                      ".repo",   "a/.b",    "foo--bar", "a..b",       "a/..",
                                      "foo.git", "-a",      "a/b-",     "a b",        "a%2fb",
                                      "a/b\n",   "../../x", "a\\b",     "caf\xc3\xa9"};
    static const char *const revisions[] = {"main", "v1.0", "refs/pr/1", "a-b_c+d"};
    static const char *const none[] = {"",   "/a",   "a/",  "a//b", "..",   "a/../b",
                                       ".a", "a/.b", "a b", "a?b",  "a%2e", "a\\b"};
    static const char *const paths[] = {"a", "a/b.json", ".gitattributes", "a b"};
    static const char *const outside[] = {"",
                                          "..",
                                          "../a",
                                          "a/../../b",
                                          "/etc/passwd",
                                          ("a\xc2\x9b"
                                           "b"),
                                          "a/./b",
                                          "a//b",
                                          "a/",
                                          "a\\..\\b",
                                          "a\nb"};
    char longer[120];

    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        CHECK(repo_id_valid(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        CHECK(!repo_id_valid(bad[i]));
    for (size_t i = 0; i < sizeof(revisions) / sizeof(*revisions); i++)
        CHECK(revision_valid(revisions[i]));
    for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
        CHECK(!revision_valid(none[i]));
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
        CHECK(repo_path_valid(paths[i]));
    for (size_t i = 0; i < sizeof(outside) / sizeof(*outside); i++)
        CHECK(!repo_path_valid(outside[i]));
    memset(longer, 'a', 97);
    longer[97] = '\0';
    CHECK(!repo_id_valid(longer));
    longer[96] = '\0';
    CHECK(repo_id_valid(longer));
}

static void a_name_has_parts(void)
{
    struct hub_name n;
    struct err err = {0};
    char called[32] = "as before";

    CHECK(hub_name_parse(&n, "org/name@refs/pr/1:q4_k_m", &err));
    CHECK_STR(n.repo, "org/name");
    CHECK_STR(n.revision, "refs/pr/1");
    CHECK_STR(n.file, "q4_k_m");
    CHECK(hub_name_parse(&n, "gpt2", &err));
    CHECK_STR(n.revision, "main");
    CHECK(!*n.file && !err.kind);
    CHECK(!hub_name_parse(&n, "org/name@", NULL) && !hub_name_parse(&n, "org/name:", NULL));
    CHECK(!hub_name_parse(&n, "org/name:../x.gguf", NULL) && !hub_name_parse(&n, "@main", NULL));
    CHECK(!hub_name_parse(&n, "https://huggingface.co/org/name", &err) && err.kind == ERR_USAGE);
    CHECK(hub_name_like("org/name") && hub_name_like("org/name@v1"));
    CHECK(!hub_name_like("model") && !hub_name_like("models/a.gguf") && !hub_name_like("./a/b"));
    CHECK(!hub_name_of_path("/x/y.gguf", called, sizeof(called)));
    CHECK(!hub_name_of_path("/x/snapshots/y", called, sizeof(called)));
    CHECK_STR(called, "as before");
    CHECK(hub_name_of_path("/c/models--a--b-c/snapshots/0/f.gguf", called, sizeof(called)));
    CHECK_STR(called, "a/b-c");
    CHECK(hub_name_of_path("/c/models--gpt2/snapshots/0", called, 4));
    CHECK_STR(called, "gpt");
}

static void a_weight_type_selects_a_gguf_file(void)
{
    CHECK(gguf_name_matches("a-Q4_K_M.gguf", "q4_k_m") &&
          gguf_name_matches("x/a.Q8_0.GGUF", "Q8_0"));
    CHECK(gguf_name_matches("x/a.gguf", "x/a.gguf") && gguf_name_matches("x/a.gguf", "A.gguf"));
    CHECK(!gguf_name_matches("a-IQ4_NL.gguf", "Q4_NL") &&
          !gguf_name_matches("a-Q4_K_M.gguf", "Q4_K"));
    CHECK(!gguf_name_matches("Q4_0.gguf", "Q4_0.bin") && !gguf_name_matches("a.gguf", ""));
}

static void addresses_are_encoded(void)
{
    struct buf b = {0};

    url_encode(&b, "refs/pr/1 %\xc3\xa9~-._", false);
    CHECK_STR(b.data, "refs%2Fpr%2F1%20%25%C3%A9~-._");
    buf_clear(&b);
    url_encode(&b, "a b/c#?.json", true);
    CHECK_STR(b.data, "a%20b/c%23%3F.json");
    buf_clear(&b);
    repo_folder(&b, "org/name.1");
    CHECK_STR(b.data, "models--org--name.1");
    buf_free(&b);
}

static void headers_are_read_strictly(void)
{
    static const char sha[] = "ce013625030ba8dba906f756967f9e9ca394464a";
    static const char *const no_etags[] = {"",
                                           "\"../../x\"",
                                           "abc",
                                           "W/",
                                           "\"\"",
                                           "CE013625030BA8DBA906F756967F9E9CA394464A",
                                           "ce013625030ba8dba906f756967f9e9ca394464a0",
                                           "ce013625030ba8dba906f756967f9e9ca39446/a"};
    static const char *const no_ranges[] = {"",
                                            "bytes 5-3/9",
                                            "bytes 0-9/9",
                                            "bytes 0-8/*",
                                            "bytes */9",
                                            "bytes -1-8/9",
                                            "bytes 0-8/9x",
                                            "0-8/9",
                                            "bytes 0-99999999999999999999/9"};
    char etag[65], quoted[80], *next;
    long long from, to, total;

    snprintf(quoted, sizeof(quoted), "W/\"%s\"", sha);
    CHECK(header_etag(quoted, etag));
    CHECK_STR(etag, sha);
    CHECK(header_etag(sha, etag) && header_etag(quoted + 2, etag));
    for (size_t i = 0; i < sizeof(no_etags) / sizeof(*no_etags); i++)
        CHECK(!header_etag(no_etags[i], etag));
    CHECK(header_range("bytes 100-199/200", &from, &to, &total));
    CHECK(from == 100 && to == 199 && total == 200);
    for (size_t i = 0; i < sizeof(no_ranges) / sizeof(*no_ranges); i++)
        CHECK(!header_range(no_ranges[i], &from, &to, &total));
    CHECK(header_number(" 12 ") == 12 && header_number("-1") == -1 && header_number("1x") == -1);
    CHECK(header_wait("\"api\";r=0;t=55", "7") == 55);
    CHECK(header_wait("\"api\";r=12;t=55", "7") == 7); /* not the reason */
    CHECK(header_wait(NULL, "Wed, 21 Oct 2015 07:28:00 GMT") == -1);
    CHECK(header_wait("\"api\";r=0;t=99999999", NULL) == 3600);
    next = header_next("<https://x/1>; rel=\"prev\", <https://x/3?a=b,c>; rel=\"next\"");
    CHECK_STR(next ? next : "", "https://x/3?a=b,c");
    free(next);
    CHECK(!header_next("<https://x/1>; rel=\"prev\"") && !header_next("next") && !header_next("<"));
    CHECK(!header_next("<https://x/1>; rel=\"nextdoor\""));
}

static void only_safe_addresses_are_allowed(void)
{
    char *url;

    CHECK(url_allowed("https://huggingface.co", false) && url_allowed("https://h:8443/x?y", true));
    CHECK(!url_allowed("http://huggingface.co", true) && !url_allowed("http://127.0.0.1", false));
    CHECK(url_allowed("http://127.0.0.1:9/x", true) && url_allowed("http://localhost", true));
    CHECK(!url_allowed("http://127.0.0.1.evil.com/", true) &&
          !url_allowed("http://localhost.evil", true));
    CHECK(!url_allowed("file:///etc/passwd", true) && !url_allowed("ftp://x/", true));
    CHECK(!url_allowed("https://user:pw@x/", true) && !url_allowed("https://user@x/", true));
    CHECK(!url_allowed("", true) && !url_allowed("//x", true) && !url_allowed("https://", true));
    CHECK(url_same_origin("https://h/a", "https://H:443/b?c"));
    CHECK(!url_same_origin("https://h/", "http://h/") &&
          !url_same_origin("https://h/", "https://i/"));
    CHECK(!url_same_origin("https://h/", "https://h:444/"));
    CHECK(!url_same_origin("https://h/", "https://h.evil.com/"));
    CHECK(!url_same_origin("https://h/", "https://h@evil.com/") && !url_same_origin("", ""));
    url = url_resolve("https://h/a/b?c", "/d?e");
    CHECK_STR(url ? url : "", "https://h/d?e");
    free(url);
    url = url_resolve("https://h/a", "//i/d");
    CHECK_STR(url ? url : "", "https://i/d");
    free(url);
}

static const char one[] =
    "[{\"type\":\"directory\",\"path\":\"original\"},"
    "{\"type\":\"file\",\"path\":\"config.json\",\"size\":7,"
    "\"oid\":\"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391\"},"
    "{\"type\":\"file\",\"path\":\"pytorch_model.bin\",\"size\":7,"
    "\"oid\":\"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391\"},"
    "{\"type\":\"file\",\"path\":\"a-1.safetensors\",\"size\":130,"
    "\"oid\":\"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391\",\"lfs\":{\"size\":70,"
    "\"oid\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}},"
    "{\"type\":\"file\",\"path\":\"model.safetensors.index.json\",\"size\":7,"
    "\"oid\":\"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391\"}]";

static int wanted(const struct file_list *p)
{
    int n = 0;

    for (int i = 0; i < p->files; i++)
        n += p->file[i].wanted;
    return n;
}

static void the_files_of_a_model_are_chosen(void)
{
    static const char *const bad[] = {
        "",
        "{",
        "{}",
        "[{\"type\":\"file\",\"path\":\"a\"}]",
        ("[{\"type\":\"file\",\"path\":\"a\",\"size\":-1,"
         "\"oid\":\"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391\"}]"),
        "[{\"type\":\"file\",\"path\":\"a\",\"size\":1,\"oid\":\"../x\"}]"};
    static const char *const indexes[] = {
        "{}", "{\"weight_map\":{}}", "{\"weight_map\":{\"a\":\"../a-1.safetensors\"}}",
        "{\"weight_map\":{\"a\":1}}", "{\"weight_map\":{\"a\":\"pytorch_model.bin\"}}"};
    static const char index[] = "{\"weight_map\":{\"a\":\"a-1.safetensors\"}}";
    static const char evil[] = "[{\"type\":\"file\",\"path\":\"../../evil.gguf\",\"size\":4,"
                               "\"oid\":\"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391\"}]";
    struct hub_name name = {.repo = "org/name"};
    struct file_list p = {0};
    struct err err = {0};
    char commit[41];

    CHECK(file_list_add(&p, one, strlen(one), &err) && p.files == 4);
    CHECK(file_list_choose(&p, &name, &err) && p.index && !p.gguf && wanted(&p) == 2);
    for (size_t i = 0; i < sizeof(indexes) / sizeof(*indexes); i++)
        CHECK(!file_list_shards(&p, indexes[i], strlen(indexes[i]), NULL) && wanted(&p) == 2);
    CHECK(file_list_shards(&p, index, strlen(index), &err) && wanted(&p) == 3);
    CHECK(p.file[2].bytes == 70 && strlen(p.file[2].etag) == 64);
    CHECK(!err.kind);
    file_list_free(&p);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        CHECK(!file_list_add(&p, bad[i], strlen(bad[i]), NULL));
        file_list_free(&p);
    }
    CHECK(file_list_add(&p, evil, strlen(evil), &err) && !p.files); /* as if it were not there */
    CHECK(!file_list_choose(&p, &name, &err) && err.kind == ERR_MODEL);
    CHECK(!file_list_commit("{\"sha\":\"../../x\"}", 17, commit, NULL));
    CHECK(!file_list_commit("{\"sha\":\"e69d\"}", 14, commit, NULL));
}

static void the_remaining_time_is_estimated(void)
{
    struct eta r = {0};

    CHECK(eta_left(&r, 10) < 0);
    for (int i = 0; i <= 200; i++) /* 20 s at 50 a second, then 20 s at 100 */
        eta_note(&r, 0.1 * i, 5 * i);
    CHECK_NEAR(eta_speed(&r), 50, 1e-6);
    for (int i = 1; i <= 200; i++)
        eta_note(&r, 20 + 0.1 * i, 1000 + 10 * i);
    CHECK_NEAR(eta_speed(&r), 100, 1e-6);
    CHECK_NEAR(eta_left(&r, 4000), 10, 1e-6);
    eta_note(&r, 41, 0); /* from the beginning */
    CHECK(eta_left(&r, 4000) < 0);
}

static const struct test tests[] = {
    {"SHA-1 of a blob is that of git", sha1_of_a_blob_is_that_of_git},
    {"names that could be paths are refused", names_that_could_be_paths_are_refused},
    {"a name has parts", a_name_has_parts},
    {"a weight type selects a GGUF file", a_weight_type_selects_a_gguf_file},
    {"addresses are encoded", addresses_are_encoded},
    {"headers are read strictly", headers_are_read_strictly},
    {"only safe addresses are allowed", only_safe_addresses_are_allowed},
    {"the files of a model are chosen", the_files_of_a_model_are_chosen},
    {"the remaining time is estimated", the_remaining_time_is_estimated},
};

TEST_MAIN(tests)
