/* SPDX-License-Identifier: Apache-2.0 */
/* Files between agent and handler, and what the corpus of hostile ones says must happen. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handler.h"
#include "os.h"
#include "package.h"
#include "script.h"

static char dir[64];

static int
fresh(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/firn-test-XXXXXX");
    (void)unsetenv("ConfigSequenceNumber");
    return mkdtemp(dir) == NULL;
}

static int
cleared(void **state)
{
    (void)state;
    struct err *e = os_remove_tree(dir);
    int bad = e != NULL;

    err_free(e);
    return bad;
}

static void
put(const char *name, const char *text)
{
    char path[200], *slash;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    slash = strrchr(path, '/');
    *slash = '\0';
    assert_ok(os_make_folder(path));
    *slash = '/';
    assert_ok(os_write(path, text, strlen(text)));
}

static struct handler *
opened(void)
{
    struct handler *h = NULL;

    assert_ok(handler_open(dir, "A.B", &h));
    return h;
}

static int64_t
sequence(void)
{
    auto_ptr(handler) h = opened();
    int64_t n = -1;

    assert_ok(handler_sequence(h, &n));
    return n;
}

static void
which_settings_count(void **state)
{
    (void)state;
    assert_int_equal(sequence(), 0);
    put("config/9.settings", "");
    put("config/10.settings", "");
    put("config/99999999999999999.settings", "");
    put("config/11.settings.bak", "");
    put("config/x12.settings", "");
    put("config/.settings", "");
    assert_int_equal(sequence(), 10);
    assert_int_equal(setenv("ConfigSequenceNumber", "7", 1), 0);
    assert_int_equal(sequence(), 7);
    assert_int_equal(setenv("ConfigSequenceNumber", "-1", 1), 0);
    assert_int_equal(sequence(), 10);
}

static void
the_agents_folders(void **state)
{
    char text[400];
    struct handler *h = NULL;

    (void)state;
    (void)snprintf(text, sizeof(text), "\xef\xbb\xbf[{\"name\":\"A.B\",\"version\":1.0,"
        "\"handlerEnvironment\":{\"statusFolder\":\"%s/s\",\"heartbeatFile\":\"%s/h/b\"}}]",
        dir, dir);
    put("HandlerEnvironment.json", text);
    h = opened();
    assert_ok(handler_heartbeat(h, true, "well"));
    assert_ok(handler_status_write(h, "3", &(struct handler_status){ .operation = "Enable",
        .state = HANDLER_SUCCESS, .message = "m" }));
    handler_free(h);
    (void)snprintf(text, sizeof(text), "%s/s/3.status", dir);
    assert_int_equal(access(text, F_OK), 0);
    (void)snprintf(text, sizeof(text), "%s/h/b", dir);
    assert_int_equal(access(text, F_OK), 0);
    for (size_t i = 0; i < 4; i++) {
        static const char *const bad[] = { "", "{}", "[{}]", "[{\"handlerEnvironment\":1}]" };

        put("HandlerEnvironment.json", bad[i]);
        assert_fails(handler_open(dir, "A.B", &h), E_HandlerEnvironmentInvalid);
    }
}

/* Readers cut at 1 and 10 KiB and stop at 128: what we write is below, and whole. */
static void
long_texts(void **state)
{
    auto_ptr(handler) h = opened();
    auto_free char *big = malloc(200001), *path = NULL, *bytes = NULL;
    enum handler_state is = HANDLER_NO_STATUS;
    size_t len = 0;

    (void)state;
    assert_non_null(big);
    memset(big, '"', 200000);
    memcpy(big + HANDLER_MESSAGE_MAX - 1, "\xc3\xa9", 2); /* a character over the edge */
    big[200000] = '\0';
    assert_ok(handler_status_write(h, "0", &(struct handler_status){ "Enable", HANDLER_ERROR, 5,
        big, "SomeCode", big }));
    assert_ok(handler_status_read(h, "0", &is));
    assert_int_equal(is, HANDLER_ERROR);
    assert_ok(os_join(h->status_folder, "0.status", &path));
    assert_ok(os_read(path, HANDLER_FILE_MAX, &bytes, &len));
    auto_ptr(doc) d = NULL;
    assert_ok(doc_parse("it", bytes, len, &d));
    const struct doc_value *s = doc_get(doc_first(doc_root(d)), "status");
    const char *message = doc_string(doc_get(doc_get(s, "formattedMessage"), "message"), "");
    assert_int_equal(strlen(message), HANDLER_MESSAGE_MAX - 1);
    const char *detail = doc_string(doc_get(doc_get(doc_first(doc_get(s, "substatus")),
                                                "formattedMessage"), "message"), "");
    assert_string_equal(detail, "{\"left_out\":\"too long for a status file\"}");
}

static void
done_and_forgotten(void **state)
{
    auto_ptr(handler) h = opened();
    enum handler_state is;
    int64_t n = 0;

    (void)state;
    assert_ok(handler_done(h, &n));
    assert_int_equal(n, -1);
    assert_ok(handler_set_done(h, 12));
    assert_ok(handler_done(h, &n));
    assert_int_equal(n, 12);
    put("status/12.status", "[{\"status\":{\"status\":\"success\"}}]");
    put("status/kept", "");
    assert_ok(handler_status_read(h, "12", &is));
    assert_int_equal(is, HANDLER_SUCCESS);
    assert_ok(handler_forget(h));
    assert_ok(handler_done(h, &n));
    assert_int_equal(n, -1);
    assert_ok(handler_status_read(h, "12", &is));
    assert_int_equal(is, HANDLER_NO_STATUS);
    put("mrseq", "no number");
    assert_ok(handler_done(h, &n));
    assert_int_equal(n, -1);
}

/* A link where a file of ours should be was put there by somebody else. */
static void
links_are_not_followed(void **state)
{
    auto_ptr(handler) h = opened();
    struct handler_settings settings;
    char target[100], path[100];

    (void)state;
    put("secret", "");
    put("config/x", "");
    (void)snprintf(target, sizeof(target), "%s/secret", dir);
    (void)snprintf(path, sizeof(path), "%s/config/0.settings", dir);
    assert_int_equal(symlink(target, path), 0);
    assert_fails(handler_settings(h, 0, &settings), E_FileUnreadable);
}

/* Nor is a folder of the version's own: what is written there must stay in it. */
static void
a_folder_that_is_a_link(void **state)
{
    struct handler *h = NULL;
    char path[100];

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/%s", dir, os_layout.status_folder);
    assert_int_equal(symlink("/tmp", path), 0);
    assert_fails(handler_open(dir, "A.B", &h), E_PackageLinkRefused);
    assert_fails(handler_open_own(dir, "A.B", &h), E_PackageLinkRefused);
    put("HandlerEnvironment.json", "[{\"handlerEnvironment\": {\"statusFolder\": \"/tmp\"}}]");
    assert_ok(handler_open(dir, "A.B", &h)); /* the agent may say so */
    handler_free(h);
}

/* What os_write leaves when it is killed is told from other names. */
static void
unfinished_names(void **state)
{
    static const struct {
        const char *name;
        size_t len; /* 0: it is none */
    } is[] = { { "mrseq.26454.new", 5 }, { "heartbeat.log.1.new", 13 }, { "a.1.2.new", 3 },
        { "mrseq", 0 }, { "mrseq.new", 0 }, { "mrseq..new", 0 }, { "mrseq.1x.new", 0 },
        { "mrseq.1.new.", 0 }, { ".1.new", 0 }, { "1.new", 0 }, { ".new", 0 }, { "new", 0 },
        { "", 0 } };

    (void)state;
    for (size_t i = 0; i < sizeof(is) / sizeof(is[0]); i++) {
        size_t len = 0;

        assert_int_equal(os_is_unfinished(is[i].name, &len), is[i].len != 0);
        assert_int_equal(len, is[i].len);
    }
}

static struct err *
read_one(char kind, const char *s, size_t len)
{
    struct package *p = NULL;
    struct scripts *c = NULL;
    struct doc *d = NULL;
    struct handler_settings settings;
    enum handler_state status;
    struct err *e = kind == 'm' ? package_parse("/f", s, len, &p) :
                    kind == 's' ? handler_settings_parse("s", s, len, &settings) :
                    kind == 't' ? handler_status_parse("t", s, len, &status) :
                    kind == 'c' ? script_parse("c", s, len, &c) :
                                  doc_parse("j", s, len, &d);

    package_free(p);
    scripts_free(c);
    doc_free(d);
    return e;
}

/* The table of the corpus says "refused" or something else, and is right. */
static void
the_corpus_is_told_right(void **state)
{
    FILE *f = fopen("tests/corpus/README.md", "r");
    char line[300], name[100], what[200], path[200];
    bool ours = false;
    unsigned n = 0;

    (void)state;
    assert_non_null(f);
    while (fgets(line, sizeof(line), f) != NULL) {
        auto_free char *bytes = NULL;
        size_t len;

        if (line[0] == '#')
            ours = strcmp(line, "## extension\n") == 0;
        if (!ours || sscanf(line, "| %99s | %199[^|]", name, what) != 2 ||
            strcmp(name, "file") == 0)
            continue;
        (void)snprintf(path, sizeof(path), "tests/corpus/extension/%s", name);
        assert_ok(os_read(path, DOC_BYTES_MAX, &bytes, &len));
        assert_non_null(bytes);
        struct err *e = read_one(bytes[0], bytes + 1, len - 1);
        bool foreign = err_code(e) == E_PackageForeign; /* on another machine than x86_64 */
        print_message("# %s: %s\n", name, e == NULL ? "taken" : err_id(e));
        assert_true(foreign || (e != NULL) == (strncmp(what, "refused", 7) == 0));
        err_free(e);
        n++;
    }
    assert_int_equal(fclose(f), 0);
    assert_true(n >= 45);
}

int
main(void)
{
#define FOLDER_TEST(f) cmocka_unit_test_setup_teardown(f, fresh, cleared)
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(which_settings_count),
        FOLDER_TEST(the_agents_folders),
        FOLDER_TEST(long_texts),
        FOLDER_TEST(done_and_forgotten),
        FOLDER_TEST(links_are_not_followed),
        FOLDER_TEST(a_folder_that_is_a_link),
        cmocka_unit_test(unfinished_names),
        cmocka_unit_test(the_corpus_is_told_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
