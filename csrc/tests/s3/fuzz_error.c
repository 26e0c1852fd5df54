/* The error scan: its views lie inside the input, and hold what stands between the tags. */
#include <string.h>

#include "s3/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond) ((cond) ? (void)0 : __builtin_trap())

static void check(struct s3p_str s, const char *p, size_t size, const char *close)
{
    if (s.len == 0)
        return;
    CHECK(s.p >= p && s.len <= size && s.p + s.len <= p + size);
    CHECK(memcmp(s.p + s.len, close, strlen(close)) == 0);
    CHECK(memmem(s.p, s.len, close, strlen(close)) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct s3p_str code, message;
    const char *p = (const char *)data;
    bool is_error = s3p_xml_error(p, size, &code, &message);
    CHECK(is_error || (code.len == 0 && message.len == 0));
    CHECK(!is_error || memmem(p, size, "<Error", 6) != NULL);
    check(code, p, size, "</Code>");
    check(message, p, size, "</Message>");
    return 0;
}
