#include "tests/t.h"

#include "core/digest.h"
#include "core/text.h"

static const char *hex_of(const uint8_t *p, size_t len)
{
    static char text[65];
    s3p_hex(text, p, len);
    text[2 * len] = 0;
    return text;
}

/* Messages and digests of FIPS 180-4's examples and RFC 1321, A.5. */
static const struct {
    const char *text, *sha256, *md5;
} messages[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     "d41d8cd98f00b204e9800998ecf8427e"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
     "900150983cd24fb0d6963f7d28e17f72"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
     "8215ef0796a20bcaaae116d3876c664a"},
    {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
     "f371bc4a311f2b009eef952dd83ca80e2b60026c8e935592d0f9c308453c813e",
     "57edf4a22be3c955ac49da2e2107b67a"},
};

T_TEST(digest_known_messages)
{
    uint8_t out[32];
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        size_t len = strlen(messages[i].text);
        s3p_sha256(messages[i].text, len, out);
        T_STR(hex_of(out, 32), messages[i].sha256);
        s3p_md5(messages[i].text, len, out);
        T_STR(hex_of(out, 16), messages[i].md5);
    }
}

T_TEST(digest_pieces_and_saved_states)
{
    const char *text = messages[3].text;
    uint8_t out[32];
    for (size_t cut = 0; cut <= 80; cut++) {
        struct s3p_sha256 sha, saved;
        struct s3p_md5 md5;
        s3p_sha256_init(&sha);
        s3p_sha256_add(&sha, text, cut);
        saved = sha;
        s3p_sha256_end(&sha, out);
        s3p_sha256_add(&saved, text + cut, 80 - cut);
        s3p_sha256_end(&saved, out);
        T_STR(hex_of(out, 32), messages[3].sha256);
        s3p_md5_init(&md5);
        s3p_md5_add(&md5, text, cut);
        s3p_md5_add(&md5, text + cut, 80 - cut);
        s3p_md5_end(&md5, out);
        T_STR(hex_of(out, 16), messages[3].md5);
    }
}

static void check_hmac(const void *key, size_t key_len, const char *message, const char *expected)
{
    struct s3p_hmac h;
    uint8_t out[32];
    s3p_hmac_init(&h, key, key_len);
    for (int again = 0; again < 2; again++) { /* the key states must survive their use */
        s3p_hmac(&h, message, strlen(message), out);
        T_STR(hex_of(out, 32), expected);
    }
}

/* RFC 4231, test cases 1, 2, 6, 7, and the two empty inputs. */
T_TEST(digest_hmac_of_rfc_4231)
{
    uint8_t key[131];
    memset(key, 0x0b, 20);
    check_hmac(key, 20, "Hi There",
               "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    check_hmac("Jefe", 4, "what do ya want for nothing?",
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    check_hmac(key, sizeof key, "Test Using Larger Than Block-Size Key - Hash Key First",
               "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    check_hmac(key, sizeof key,
               "This is a test using a larger than block-size key and a larger than block-size "
               "data. The key needs to be hashed before being used by the HMAC algorithm.",
               "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
    check_hmac(NULL, 0, "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}
