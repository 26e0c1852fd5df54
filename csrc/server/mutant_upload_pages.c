/* The faults of pages of uploads and of parts: their order, and what they say of an entry. */
#include <string.h>

#include "server/mutant_state.h"

static struct s3p_str field(struct s3p_str entry, const char *tag)
{
    const char *at = memmem(entry.p, entry.len, tag, strlen(tag));
    if (at == NULL)
        return (struct s3p_str){"", 0};
    at += strlen(tag);
    const char *end = memchr(at, '<', (size_t)(entry.p + entry.len - at));
    return (struct s3p_str){at, end != NULL ? (size_t)(end - at) : 0};
}

/* The last two uploads of one key change places. */
S3P_SRV_PAGE(uploads_swapped)
{
    for (unsigned i = page->n; i-- > 1;) {
        struct s3p_str older = page->entry[i - 1], newer = page->entry[i];
        struct s3p_str x = field(older, "<Key>"), y = field(newer, "<Key>");
        if (field(older, "<UploadId>").len == 0 || x.len == 0 || x.len != y.len ||
            memcmp(x.p, y.p, x.len) != 0)
            continue;
        if (!s3p_srv_mutant_fires(m, a, req, k))
            return false;
        page->entry[i - 1] = newer;
        page->entry[i] = older;
        return true;
    }
    return false;
}

/* The size of the last part is as long, and 0. */
S3P_SRV_PAGE(sizes_zero)
{
    if (page->n == 0 || field(page->entry[0], "<PartNumber>").len == 0 ||
        !s3p_srv_mutant_fires(m, a, req, k))
        return false;
    struct s3p_str size = field(page->entry[page->n - 1], "<Size>");
    memset((char *)(uintptr_t)size.p, '0', size.len); /* in the answer's own text */
    return true;
}

const struct s3p_srv_mutant_row s3p_srv_mutants_of_upload_pages[] = {
    {
        .name = "mpu-list-order",
        .breaks = "uploads of one key are not listed by their beginning",
        .section = "5",
        .needs = "uploads",
        .page = uploads_swapped,
    },
    {
        .name = "parts-size-zero",
        .breaks = "a listing says that a part has no bytes",
        .section = "5",
        .needs = "uploads",
        .page = sizes_zero,
    },
    {.name = NULL},
};
