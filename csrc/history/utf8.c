#include "history/utf8.h"

size_t s3p_utf8_length(const unsigned char *p, size_t len)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = p[0] < 0x80                   ? 1
               : p[0] >= 0xf0 && p[0] < 0xf8 ? 4
               : p[0] >= 0xe0                ? 3
               : p[0] >= 0xc0                ? 2
                                             : 0;
    if (n == 1)
        return 1;
    if (n == 0 || n > len || p[0] >= 0xf8)
        return 0;
    uint32_t rune = p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        rune = rune << 6 | (p[i] & 0x3fu);
    }
    bool surrogate = rune >= 0xd800 && rune < 0xe000;
    return rune >= least[n] && rune <= 0x10ffff && !surrogate ? n : 0;
}

void s3p_utf8_add(struct s3p_buf *out, struct s3p_str s)
{
    for (size_t i = 0; i < s.len;) {
        const unsigned char *p = (const unsigned char *)s.p + i;
        size_t n = s3p_utf8_length(p, s.len - i);
        if (n > 0) {
            s3p_buf_add(out, p, n);
        } else {
            s3p_buf_char(out, (char)(0xc0 | *p >> 6));
            s3p_buf_char(out, (char)(0x80 | (*p & 0x3f)));
            n = 1;
        }
        i += n;
    }
}
