/* SPDX-License-Identifier: Apache-2.0 */
/* Equal procedures give equal plans, whatever their layout: one procedure is laid out in many
 * ways by chance (bullets, numbers, paragraphs, bold, code, fences, line ends, encodings,
 * invisible characters), and all must compile to the same steps and conditions. */
#include "check.h"

#include "pattern.h"
#include "plan_text.h"

enum piece { WORDS, COMMAND, NAME, STEP };

/* A procedure as its author means it: sentences, of pieces. */
struct part {
    enum piece kind;
    const char *text;
};
#define END { WORDS, NULL }
#define PARTS 6

struct line {
    struct part part[PARTS];
};

static const struct line procedure[] = {
    { { { STEP, "1" }, { WORDS, "The demo runtime comes first." }, END } },
    { { { WORDS, "Go to C:\\Packages\\Demo\\<LatestVersion> folder and run" },
        { NAME, "demo_redist_x64" },
        { WORDS, "file or download it from [here](https://example.org/demo)." },
        END } },
    { { { WORDS, "Retry the backup operation." }, END } },
    { { { WORDS, "If the installation fails, then ensure" },
        { NAME, "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\Msiserver" },
        { WORDS, "registry key value is set to" },
        { NAME, "3" },
        { WORDS, "and not 4." },
        END } },
    { { { WORDS, "Register the installer again by running the commands below:" }, END } },
    { { { COMMAND, "MSIEXEC /UNREGISTER" }, END } },
    { { { COMMAND, "MSIEXEC /REGSERVER" }, END } },
    { { { WORDS, "Reboot the VM and retry the backup." }, END } },
    { { { STEP, "2" }, { WORDS, "If Step 1 fails, do the following." }, END } },
    { { { WORDS, "Restart the Volume Shadow Copy service." }, END } },
    { { { WORDS, "Run the command below and then trigger a backup." }, END } },
    { { { COMMAND, "REG ADD \"HKLM\\SOFTWARE\\Demo\" /v Mode /t REG_SZ /d safe /f" }, END } },
};

static const char plan[] =
    "1 [always] windows.installer.run path=C:\\Packages\\Demo\\<latest>\\demo_redist_x64\n"
    "- 2 [instead:1] person.download address=https://example.org/demo\n"
    "3 [always] operation.retry\n"
    "4 [failed:1] windows.service.start_type service=msiserver want=3\n"
    "5 [failed:1] windows.installer.register\n"
    "6 [failed:1] machine.restart\n"
    "7 [failed:1] operation.retry\n"
    "8 [unsolved:7] windows.service.state service=VSS want=restarted\n"
    "9 [unsolved:7] windows.registry.set key=HKLM\\SOFTWARE\\Demo name=Mode type=sz data=safe\n"
    "10 [unsolved:7] operation.retry\n";

struct layout {
    unsigned list;    /* bullet *, -, number, all ones, paragraph, one paragraph */
    unsigned step;    /* bold, plain, heading */
    unsigned command; /* span, fence, bold, plain, indented span */
    unsigned name;    /* bold, code, plain, italic */
    bool crlf, cp1252, bom, tabs, blank_lines, breaks, nbsp;
};

static void
put_line_end(struct text *t, const struct layout *l)
{
    text_str(t, l->crlf ? "\r\n" : "\n");
}

static void
put_marked(struct text *t, const char *s, const char *mark)
{
    text_str(t, mark);
    text_str(t, s);
    text_str(t, mark);
}

static void
put_name(struct text *t, const char *s, const struct layout *l)
{
    static const char *const marks[] = { "**", "`", "", "*" };

    /* a path in plain words may end with a digit: 3 alone needs no mark */
    put_marked(t, s, marks[l->name]);
}

/* A command on a line of its own. */
static void
put_command(struct text *t, const char *s, const struct layout *l, bool more)
{
    static const char *const marks[] = { "`", "", "**", "", "`" };

    if (l->command == 1) {
        text_str(t, "```");
        put_line_end(t, l);
        text_str(t, s);
        put_line_end(t, l);
        text_str(t, "```");
    } else {
        if (l->command == 4)
            text_str(t, l->tabs ? "\t" : "  ");
        put_marked(t, s, marks[l->command]);
        if (l->breaks && l->command != 3)
            text_str(t, " <br>");
    }
    put_line_end(t, l);
    if (!more || l->command == 3)
        put_line_end(t, l);
}

static void
put_lead(struct text *t, const struct layout *l, unsigned number)
{
    switch (l->list) {
    case 0:
        text_str(t, l->tabs ? "*\t" : "* ");
        break;
    case 1:
        text_str(t, "- ");
        break;
    case 2:
        text_fmt(t, "%u. ", number);
        break;
    case 3:
        text_str(t, "1. ");
        break;
    default:
        break;
    }
}

static void
put_sentence(struct text *t, const struct line *line, const struct layout *l)
{
    for (const struct part *p = line->part; p->text != NULL; p++) {
        if (p != line->part)
            text_str(t, l->nbsp ? "\xc2\xa0" : " ");
        if (p->kind == NAME)
            put_name(t, p->text, l);
        else
            text_str(t, p->text);
    }
}

static void
put_step(struct text *t, const struct line *line, const struct layout *l)
{
    static const char *const form[] = { "**Step %s**: ", "Step %s: ", "### Step %s" };

    text_fmt(t, form[l->step], line->part[0].text);
    if (l->step == 2) {
        put_line_end(t, l);
        put_line_end(t, l);
    }
    text_str(t, line->part[1].text);
    put_line_end(t, l);
    put_line_end(t, l);
}

static char *
lay_out(const struct layout *l, size_t *ret_len)
{
    struct text t = { 0 };
    unsigned number = 0;
    size_t n = sizeof procedure / sizeof procedure[0];

    if (l->bom)
        text_str(&t, "\xef\xbb\xbf");
    text_str(&t, l->crlf ? "<properties\r\n pageTitle=\"backup\"\r\n/>\r\n\r\n# T\r\n\r\n"
                         : PLAN_HEAD);
    if (l->cp1252) { /* one byte that is no UTF-8, in a word of no weight */
        text_str(&t, "It\x92s plain.");
        put_line_end(&t, l);
        put_line_end(&t, l);
    }
    for (size_t i = 0; i < n; i++) {
        const struct line *line = &procedure[i];
        bool command_next = i + 1 < n && procedure[i + 1].part[0].kind == COMMAND;

        if (line->part[0].kind == STEP) {
            if (l->list == 5)
                put_line_end(&t, l);
            put_step(&t, line, l);
            number = 0;
            continue;
        }
        if (line->part[0].kind == COMMAND) {
            put_command(&t, line->part[0].text, l, command_next);
            continue;
        }
        put_lead(&t, l, ++number);
        put_sentence(&t, line, l);
        if (l->list == 5 && !command_next) {
            text_str(&t, " ");
            continue;
        }
        put_line_end(&t, l);
        if (command_next || l->list == 4 || l->blank_lines)
            put_line_end(&t, l);
    }
    assert_false(t.no_memory);
    *ret_len = t.len;
    return t.s;
}

static struct layout
any_layout(struct rng *r)
{
    struct layout l = {
        .list = (unsigned)rng_below(r, 6),
        .step = (unsigned)rng_below(r, 3),
        .command = (unsigned)rng_below(r, 5),
        .name = (unsigned)rng_below(r, 4),
        .crlf = rng_below(r, 2) != 0,
        .cp1252 = rng_below(r, 4) == 0,
        .bom = rng_below(r, 4) == 0,
        .tabs = rng_below(r, 2) != 0,
        .blank_lines = rng_below(r, 2) != 0,
        .breaks = rng_below(r, 2) != 0,
        .nbsp = rng_below(r, 4) == 0,
    };

    if (l.cp1252) /* what is not ASCII would be read as other characters */
        l.bom = l.nbsp = false;
    return l;
}

static void
any_layout_gives_the_same_plan(void **state)
{
    struct rng r = { 20240817 };
    unsigned rounds = getenv("FIRN_SOAK") != NULL ? 200000 : 3000, wrong = 0;

    (void)state;
    for (unsigned i = 0; i < rounds && wrong < 3; i++) {
        struct layout l = any_layout(&r);
        size_t len;
        auto_free char *bytes = lay_out(&l, &len);
        auto_ptr(plan) p = plan_of(bytes, len);
        auto_free char *text = plan_text(p, false);

        if (strcmp(text, plan) == 0)
            continue;
        print_error("# round %u gives\n%s# from\n%s\n", i, text, bytes);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_layout_gives_the_same_plan),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
