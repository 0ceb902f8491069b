/* SPDX-License-Identifier: Apache-2.0 */
/* The bodies against the bytes of firn-vault(5), and named hostile ones. */
#include "check.h"

#include <fcntl.h>

#include "keys_fixture.h"

static void
text_is_utf8(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        bool ok;
    } cases[] = {
        { "", 0, true }, { "abc", 3, true }, { "\xc3\xa4", 2, true },
        { "\xe2\x82\xac", 3, true }, { "\xf0\x9f\x98\x80", 4, true },
        { "\xf4\x8f\xbf\xbf", 4, true }, { "\xef\xbf\xbf", 3, true },
        { "a\0b", 3, false }, { "\xc3", 1, false }, { "\xe2\x82", 2, false },
        { "\x80", 1, false }, { "\xc0\x80", 2, false }, { "\xc1\xbf", 2, false },
        { "\xe0\x9f\xbf", 3, false }, { "\xed\xa0\x80", 3, false },
        { "\xf0\x8f\xbf\xbf", 4, false }, { "\xf4\x90\x80\x80", 4, false },
        { "\xf8\x88\x80\x80\x80", 5, false }, { "\xff", 1, false }, { "\xc3\x28", 2, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(format_is_text(cases[i].text, cases[i].len), cases[i].ok);
}

/* The bytes of the page, by hand. */
static void
bodies_are_as_the_page_says(void **state)
{
    struct header_body h = { .created_ns = 0x0102030405060708, .block_len = 65536,
        .trust_group = true, .id_epoch = 9, .label = "hi" };
    struct slot_body s = { .how = SLOT_PASSPHRASE, .holds = 3, .created_ns = 1, .passes = 6,
        .kib = 32768, .label = "me" };
    uint8_t header[HEADER_BODY_MAX], slot[SLOT_BODY_MAX];
    static const uint8_t middle[] = { 8, 7, 6, 5, 4, 3, 2, 1, 1, 16, 20, 6, 1, 0, 0, 0, 9, 0,
        0, 0 };
    static const uint8_t start[] = { 1, 3, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0x80,
        0, 0 };

    (void)state;
    memset(h.vault.b, 0xaa, 16);
    memset(h.root_pub, 0xbb, 32);
    memset(h.data_pub, 0xcc, 32);
    memset(h.signature, 0xdd, 64);
    assert_int_equal(header_encode(&h, header), 16 + 8 + 8 + 4 + 64 + 4 + 64);
    assert_memory_equal(header, h.vault.b, 16);
    assert_memory_equal(header + 16, middle, sizeof middle);
    assert_memory_equal(header + 36, h.root_pub, 32);
    assert_memory_equal(header + 68, h.data_pub, 32);
    assert_memory_equal(header + 100, "\2\0hi", 4);
    assert_memory_equal(header + 104, h.signature, 64);

    memset(s.id.b, 0x11, 16);
    memset(s.salt, 0x22, 16);
    memset(s.nonce, 0x33, SLOT_NONCE);
    memset(s.sealed, 0x44, SLOT_SEALED);
    size_t len = slot_encode(&s, slot);
    assert_int_equal(len, 16 + 4 + 8 + 8 + 16 + 4 + 24 + 80);
    assert_int_equal(slot_bound_len(len), 56);
    assert_memory_equal(slot, s.id.b, 16);
    assert_memory_equal(slot + 16, start, sizeof start);
    assert_memory_equal(slot + 36, s.salt, 16);
    assert_memory_equal(slot + 52, "\2\0me", 4);
    assert_memory_equal(slot + 56, s.nonce, 24);
    assert_memory_equal(slot + 80, s.sealed, 80);
}

/* Cut anywhere, or with a byte more, no body is taken. */
static void
bodies_have_one_length(void **state)
{
    static const char *const machines[] = { "web1", "web2" };
    struct fixture *f = *state;
    uint8_t buf[4096] = { 0 };
    struct vault_key id = only_slot(f);
    struct slot_body slot = slot_of(f, &id);
    auto_object o = object_of(f, HEADER_NAME, KIND_HEADER);
    auto_ptr(cert) c = NULL;
    auto_cert_object issued = { 0 };
    struct header_body h;
    struct slot_body s;

    memcpy(buf, o.body.data, o.body.len);
    for (size_t n = 0; n <= o.body.len + 1; n++)
        assert_int_equal(header_decode((struct view){ buf, n }, &h), n == o.body.len);

    size_t len = slot_encode(&slot, buf);
    buf[len] = 0;
    for (size_t n = 0; n <= len + 1; n++)
        assert_int_equal(slot_decode((struct view){ buf, n }, &s), n == len);

    assert_ok(cert_new(ROLE_WRITER, f->keys->root_pub, 5, machines, 2, &c));
    assert_ok(cert_issue(c, &f->keys->vault, f->keys->root_seed->data, &issued));
    memcpy(buf, issued.body, issued.body_len);
    buf[issued.body_len] = 0;
    for (size_t n = 0; n <= issued.body_len + 1; n++) {
        auto_ptr(cert) got = NULL;

        assert_ok(cert_decode((struct view){ buf, n }, &got));
        assert_int_equal(got != NULL, n == issued.body_len);
    }
}

static bool
body_taken(uint8_t kind, struct view body)
{
    struct header_body h;
    struct slot_body s;
    struct revoked_body r;
    struct key_file_body k;
    struct writer_file_body w;
    auto_ptr(cert) c = NULL;

    switch (kind) {
    case 0:
        return header_decode(body, &h);
    case 1:
        return slot_decode(body, &s);
    case 2:
        assert_ok(cert_decode(body, &c));
        return c != NULL;
    case 3:
        return revoked_decode(body, &r);
    case 4:
        return key_file_decode(body, &k);
    default:
        return writer_file_decode(body, &w);
    }
}

/* tests/corpus/keys, whose README says why each is what it is. */
static void
named_bodies_are_judged(void **state)
{
    static const struct {
        const char *name;
        bool taken;
    } cases[] = {
        { "cert", true },
        { "cert_collector", true },
        { "cert_count_lies", false },
        { "cert_cut", false },
        { "cert_empty_name", false },
        { "cert_no_machine", false },
        { "cert_owner", true },
        { "cert_owner_of_one_machine", false },
        { "header", true },
        { "header_block_2pow18", false },
        { "header_empty_label", true },
        { "header_label_128", true },
        { "header_label_129", false },
        { "header_label_nul", false },
        { "header_label_surrogate", false },
        { "header_time_negative", false },
        { "header_trust_2", false },
        { "key_file", true },
        { "key_file_long", false },
        { "revoked", true },
        { "revoked_all", true },
        { "revoked_none_but_number", false },
        { "slot", true },
        { "slot_dear", false },
        { "slot_holds_nothing", false },
        { "slot_key_file", true },
        { "slot_key_file_with_passes", false },
        { "writer_file", true },
        { "writer_file_length_lies", false },
        { "writer_file_no_cert", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t data[1024];
        char path[128];

        snprintf(path, sizeof path, "tests/corpus/keys/%s", cases[i].name);
        auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t len = fd >= 0 ? read(fd, data, sizeof data) : -1;
        assert_true(len > 0);
        bool taken = body_taken(data[0], (struct view){ data + 1, (size_t)len - 1 });
        if (taken != cases[i].taken)
            print_error("%s\n", cases[i].name);
        assert_int_equal(taken, cases[i].taken);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_utf8),
        cmocka_unit_test(bodies_are_as_the_page_says),
        keys_test(bodies_have_one_length),
        cmocka_unit_test(named_bodies_are_judged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
